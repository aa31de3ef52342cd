/* The page on which an administrator changes their e-mail address. */
$(function () {
    'use strict';

    const POLL_SECONDS = 3;
    const form = $('#resetemail');
    const texts = form[0].dataset;
    const email = form.find('[name="email"]');
    const codes = form.find('[name="captcha"], [name="old_captcha"]');  // The second only where two are needed.
    const captchaButton = $('#captcha-btn');
    const url = form.attr('action');

    let pending = null;   // The pending change as the server told it last.
    let resendAt = 0;     // Before that no new code is to be had.
    let told = 0;         // Counts what the server told, so that an older answer does not overtake a newer one.
    let minuteSaid = false;

    /* ---- what the reader does ---- */

    /* Ask for a code; `sure` is 'y' after the question whether the address is right. */
    function getCode(sure) {
        clear();
        zlajax.post({
            'url': captchaButton.attr('formaction'),
            'data': {'email': email.val(), 'sure': sure},
            'form': form,
            'success': function (data) {
                if (data['code'] === 200) {
                    $('#changed').remove();
                    if (data['data']['email']) {
                        show(data['data']);
                    } else {
                        refresh();  // It was done, and could not be read afterwards.
                    }
                    codes.filter(':visible').first().trigger('focus').trigger('select');
                    zlalert.alertSuccess(data['message']);
                } else if (!zlauth.handleRefusal(data, function () { getCode(sure); })) {
                    refused(data, true);
                }
            }
        });
    }

    function changeEmail() {
        clear();
        zlajax.post({
            'url': url,
            'data': form.find('[name="email"], [name="captcha"], [name="old_captcha"]').serialize(),
            'form': form,
            'success': function (data) {
                if (data['code'] === 200) {
                    changed(data['data']['email']);
                } else if (data['data']['error'] === 'code_missing') {
                    nextCode(data['data']['fields']);
                    zlalert.alertSuccess(data['message']);
                    refresh();
                } else if (!zlauth.handleRefusal(data, changeEmail)) {
                    refused(data, data['data']['error'] === 'too_many_attempts');
                    refresh();
                }
            },
            'fail': function () {
                zlalert.alertNetworkError();
                refresh();  // The answer was lost, perhaps not the request.
            }
        });
    }

    function cancel() {
        zlajax.post({
            'url': $('#cancel-form').attr('action'),
            'form': form,
            'success': function (data) {
                if (data['code'] === 200) {
                    show(null);
                    clear();
                    codes.val('');
                    (email.is(':visible') ? email : $('#current-email')).trigger('focus');
                    zlalert.alertSuccess(data['message']);
                } else if (!zlauth.handleRefusal(data, cancel)) {
                    zlalert.alertInfo(data['message']);
                }
            }
        });
    }

    /* ---- what the server says ---- */

    /* Say it in a panel that stays, and go there. */
    function changed(address) {
        const panel = $(document.getElementById('changed-empty').content.firstElementChild.cloneNode(true));
        setCurrent(address);
        email.val('');
        codes.val('');
        show(null);
        panel.find('[data-new-email]').text(address);
        $('#notices').empty();  // They are about what is over now.
        $('#changed-place').empty().append(panel);
        panel.find('h2').trigger('focus');
    }

    function setCurrent(address) {
        $('#current-email').text(address);
        $('[data-username]').val(address);
    }

    /* One of two codes was right, which is no mistake: go to the field of the other. */
    function nextCode(fields) {
        codes.filter(function () { return this.name in fields; }).trigger('focus');
    }

    /* Say why not: at the field, and in a notice, with the time to wait. */
    function refused(data, isAboutCodes) {
        const details = data['data'];
        const sentences = [data['message']];  // After 429 it says how long to wait.
        if (details['hint']) {
            sentences.push(details['hint']);
        }
        if (data['code'] === 503) {
            sentences.push(texts.wait.replace('{time}', zltime.formatDuration(details['retry_after'])));
        }
        if (details['retry_after'] && isAboutCodes) {
            resendAt = Date.now() + details['retry_after'] * 1000;
            tick();
        }
        if (details['error'] === 'check_email') {
            doubt(details['suggestion']);
        }
        zlform.showErrors(form, details['fields'] || {});
        zlalert.alertInfo(sentences.join(texts.between));
    }

    /* Offer the answers to the question whether the address is right. */
    function doubt(suggestion) {
        const box = $('#doubt').prop('hidden', false);
        box.find('[data-suggestion]').prop('hidden', !suggestion).val(suggestion)
            .text(texts.use.replace('{email}', suggestion));
    }

    function clear() {
        zlform.clearErrors(form);
        $('#doubt').prop('hidden', true);
    }

    /* Ask what is pending; a question that gets no answer is asked again by the next poll. */
    function refresh() {
        const question = told;
        zlajax.get({
            'url': url,
            'success': function (data) {
                if (data['code'] === 200 && question === told) {
                    setCurrent(data['data']['email']);
                    show(data['data']['pending']);
                }
            },
            'fail': $.noop
        });
    }

    function poll() {
        if (zlpending.isUnderWay() && !document.hidden) {
            refresh();
        }
    }

    /* ---- the page ---- */

    /* Show a pending change, or that there is none; what was typed stays. */
    function show(change) {
        told += 1;
        pending = change;
        zlpending.show(change);
        showCodes(change ? change['missing'] : ['new', 'old'], change ? change['proved'] : []);
        if (change) {
            resendAt = Math.max(Date.now() + change['resend_in'] * 1000, change['resend_in'] ? 0 : resendAt);
            minuteSaid = change['expires_in'] <= 60;
            close(change['blocked_until']);
        }
        tick();
    }

    /* Of two codes, the one that was right already is ticked, and not asked for again. */
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

    /* Close the form until a moment, because the tries of the day are spent; without one it is open. */
    function close(until) {
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

    /* ---- the clock ---- */

    function tick() {
        const resendIn = Math.max(0, Math.ceil((resendAt - Date.now()) / 1000));
        const left = zlpending.codeSeconds();
        if (zlpending.isGone()) {
            show(null);
            return;
        }
        tickButton(resendIn);
        zlpending.tick(resendIn);
        if (left && left <= 60 && !minuteSaid) {
            minuteSaid = true;
            $('#announcements').text(texts.oneMinute);
        }
        compareAddress();
    }

    function tickButton(resendIn) {
        const label = zlpending.isOwn() ? texts.getAgain : texts.get;
        setText(captchaButton, resendIn ? texts.getLater.replace('{time}', zltime.formatClock(resendIn)) : label);
        if (form.attr('aria-busy') !== 'true') {
            captchaButton.prop('disabled', resendIn > 0);
        }
    }

    /* A code proves the address that it was mailed to: say so before a try is lost. */
    function compareAddress() {
        const typed = (email.val() || '').trim().toLowerCase();
        const isOther = zlpending.codeSeconds() && typed &&
            ![pending['email'], pending['ascii'] || ''].some(function (each) { return each.toLowerCase() === typed; });
        setText($('#other-address'), isOther ? texts.otherAddress.replace('{email}', pending['email']) : '');
    }

    /* Write a text only when it is another one: a live region would say it again. */
    function setText(element, text) {
        if (element.text() !== text) {
            element.text(text);
        }
    }

    /* ---- the buttons ---- */

    captchaButton.on('click', function (event) {
        event.preventDefault();
        getCode('');
    });

    form.on('click', '[name="sure"]', function (event) {
        event.preventDefault();
        getCode('y');
    });

    form.on('click', '[data-suggestion]', function () {
        email.val(this.value);
        getCode('');
    });

    /* Enter means "use the code"; in the address, with no code yet, it means "get one". */
    form.on('submit', function (event) {
        const isFirstStep = document.activeElement === email[0] && !codes.val().trim();
        event.preventDefault();
        if (isFirstStep && !captchaButton.prop('disabled')) {
            getCode('');
        } else {
            changeEmail();
        }
    });

    $('#cancel-form').on('submit', function (event) {
        event.preventDefault();
        cancel();
    });

    form.on('click', '[data-edit]', function () {
        email.trigger('focus').trigger('select');
    });

    email.on('input', compareAddress);

    show(JSON.parse(texts.pending));
    window.setInterval(tick, 1000);
    window.setInterval(poll, POLL_SECONDS * 1000);
    $(window).on('pageshow', function (event) {
        if (event.originalEvent.persisted) {
            refresh();
        }
    });
});
