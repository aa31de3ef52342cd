/* The elements and events of the page on which administrators change their email address. zlchange has the logic. */
$(function () {
    'use strict';

    const POLL_SECONDS = 3;
    const form = $('#resetemail');
    const texts = form[0].dataset;
    const email = form.find('[name="email"]');
    const codes = form.find('[name="captcha"], [name="old_captcha"]');  // The second is for the current address.
    const captchaButton = $('#captcha-btn');
    const cancelForm = $('#cancel-form');

    const page = {
        'form': form,
        'texts': texts,
        'urls': {
            'code': captchaButton.attr('formaction'),
            'change': form.attr('action'),
            'cancel': cancelForm.attr('action')
        },
        'email': function () { return email.val() || ''; },  // The page has no field while the change is blocked.
        'fields': function () { return email.add(codes).serialize(); },
        'clearErrors': clearErrors,
        'showErrors': function (fields) { zlform.showErrors(form, fields); },
        'showTypo': showTypo,
        'showCodes': showCodes,
        'showResend': showResend,
        'showOtherAddress': showOtherAddress,
        'announceLastMinute': function () { $('#announcements').text(texts.oneMinute); },
        'setCurrentAddress': setCurrentAddress,
        'setBlocked': setBlocked,
        'showSuccess': showSuccess,
        'removeSuccess': function () { $('#changed').remove(); },
        'focusCode': function () { codes.filter(':visible').first().trigger('focus').trigger('select'); },
        'focusField': function (fields) { codes.filter(function () { return this.name in fields; }).trigger('focus'); },
        'resetAfterCancel': resetAfterCancel
    };
    const change = zlchange.create(page);

    /* ---- elements ---- */

    function clearErrors() {
        zlform.clearErrors(form);
        $('#typo').prop('hidden', true);
    }

    /* Ask whether the address is correct, with a button for the suggested one. */
    function showTypo(suggestion) {
        const typo = $('#typo').prop('hidden', false);
        typo.find('[data-suggestion]').prop('hidden', !suggestion).val(suggestion)
            .text(fillIn(texts.use, 'email', suggestion));
    }

    /* Show the fields of the codes that are missing, and a tick for those that were correct. */
    function showCodes(missing, proved) {
        form.find('[data-code]').each(function () {
            this.hidden = !missing.includes(this.dataset.code);
            if (this.hidden) {
                $(this).find('input').val('');
            }
        });
        form.find('[data-proved]').each(function () {
            this.hidden = !proved.includes(this.dataset.proved);
        });
    }

    /* Show on the button how many seconds are left until a new code can be requested. */
    function showResend(seconds, isOwn) {
        const label = isOwn ? texts.getAgain : texts.get;
        setText(captchaButton, seconds ? fillIn(texts.getLater, 'time', zltime.formatClock(seconds)) : label);
        if (form.attr('aria-busy') !== 'true') {
            captchaButton.prop('disabled', seconds > 0);
        }
    }

    /* Show to which address the code was sent; with null, show nothing. */
    function showOtherAddress(address) {
        setText($('#other-address'), address === null ? '' : fillIn(texts.otherAddress, 'email', address));
    }

    function setCurrentAddress(address) {
        $('#current-email').text(address);
        $('[data-username]').val(address);
    }

    /* Hide the fields until a time, because the tries of the day are spent; with null, show them. */
    function setBlocked(until) {
        const notice = $('#no-tries').prop('hidden', !until);
        const fields = form.find('[data-open]');
        if (until) {
            notice.find('time').attr('datetime', until);
            zltime.localise(notice);
            if (fields.has(document.activeElement).length) {
                notice.trigger('focus');
            }
        }
        fields.prop('hidden', Boolean(until));
    }

    /* Show the new address in a panel that stays and gets the focus. */
    function showSuccess(address) {
        const panel = $(document.getElementById('changed-empty').content.firstElementChild.cloneNode(true));
        setCurrentAddress(address);
        email.val('');
        codes.val('');
        panel.find('[data-new-email]').text(address);
        $('#notices').empty();  // Older notices no longer apply.
        $('#changed-place').empty().append(panel);
        panel.find('h2').trigger('focus');
    }

    function resetAfterCancel() {
        clearErrors();
        codes.val('');
        (email.is(':visible') ? email : $('#current-email')).trigger('focus');
    }

    /* Replace {name} in a text. With a function, because String.replace interprets "$&" in an address. */
    function fillIn(text, name, value) {
        return text.replace('{' + name + '}', function () { return value; });
    }

    /* Set a text only if it differs, because a live region announces every text that is set. */
    function setText(element, text) {
        if (element.text() !== text) {
            element.text(text);
        }
    }

    /* ---- events ---- */

    captchaButton.on('click', function (event) {
        event.preventDefault();
        change.requestCode('');
    });

    form.on('click', '[name="sure"]', function (event) {
        event.preventDefault();
        change.requestCode('y');
    });

    form.on('click', '[data-suggestion]', function () {
        email.val(this.value);
        change.requestCode('');
    });

    /* The Enter key submits the code; in the field of the address, before a code was typed, it requests one. */
    form.on('submit', function (event) {
        const isFirstStep = document.activeElement === email[0] && !codes.val().trim();
        event.preventDefault();
        if (isFirstStep && !captchaButton.prop('disabled')) {
            change.requestCode('');
        } else {
            change.changeAddress();
        }
    });

    cancelForm.on('submit', function (event) {
        event.preventDefault();
        change.cancel();
    });

    form.on('click', '[data-edit]', function () {
        email.trigger('focus').trigger('select');
    });

    email.on('input', change.compareAddress);

    change.show(JSON.parse(texts.pending));
    window.setInterval(change.tick, 1000);
    window.setInterval(function () {
        if (!document.hidden) {
            change.poll();
        }
    }, POLL_SECONDS * 1000);
    $(window).on('pageshow', function (event) {
        if (event.originalEvent.persisted) {
            change.refresh();
        }
    });
});
