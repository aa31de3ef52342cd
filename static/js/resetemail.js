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

    let pending = null;   // The pending change as the server told it last; its seconds as moments of this clock.
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
                    if (data['data']['email']) {
                        show(data['data']);
                    } else {
                        refresh();  // It was done, and could not be read afterwards.
                    }
                    codes.filter(':visible').first().trigger('focus').trigger('select');
                    zlalert.alertSuccess(data['message']);
                } else if (!zldoor.stopped(data, function () { getCode(sure); })) {
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
                    zlalert.alertSuccess(data['message']);
                } else if (data['data']['error'] === 'code_missing') {
                    nextCode(data['data']['fields']);
                    zlalert.alertSuccess(data['message']);
                    refresh();
                } else if (!zldoor.stopped(data, changeEmail)) {
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
                    email.trigger('focus');
                    zlalert.alertSuccess(data['message']);
                } else if (!zldoor.stopped(data, cancel)) {
                    zlalert.alertInfo(data['message']);
                }
            }
        });
    }

    /* ---- what the server says ---- */

    function changed(address) {
        setCurrent(address);
        email.val('');
        codes.val('');
        show(null);
        $('#current-email').trigger('focus');
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
            sentences.push(texts.wait.replace('{time}', zltime.span(details['retry_after'])));
        }
        if (details['retry_after'] && isAboutCodes) {
            resendAt = Date.now() + details['retry_after'] * 1000;
            tick();
        }
        if (details['error'] === 'check_email') {
            doubt(details['suggestion']);
        }
        zlform.refuse(form, details['fields'] || {});
        zlalert.alertInfo(sentences.join(texts.between));
    }

    /* Offer the answers to the question whether the address is right. */
    function doubt(suggestion) {
        const box = $('#doubt').prop('hidden', false);
        box.find('[data-suggestion]').prop('hidden', !suggestion).val(suggestion)
            .text(texts.use.replace('{email}', suggestion));
    }

    function clear() {
        zlform.clear(form);
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
        if (pending && stateOf(pending) === 'live' && pending['mail']['state'] === 'queued' && !document.hidden) {
            refresh();
        }
    }

    /* ---- the card ---- */

    /* Show a pending change, or that there is none; what was typed stays. */
    function show(change) {
        told += 1;
        pending = change;
        if (!change) {
            $('#pending').remove();
            showCodes(['new', 'old']);
            tick();
            return;
        }
        change['ends'] = Date.now() + change['expires_in'] * 1000;
        resendAt = Math.max(Date.now() + change['resend_in'] * 1000, change['resend_in'] ? 0 : resendAt);
        minuteSaid = change['expires_in'] <= 60;
        if (!$('#pending').length) {
            $(document.getElementById('pending-empty').content.firstElementChild.cloneNode(true))
                .attr('id', 'pending').appendTo('#pending-place');
        }
        fill(change);
        tick();
    }

    function fill(change) {
        const card = $('#pending');
        ['email', 'ascii', 'tries', 'tries_left'].forEach(function (name) {
            put(name, change[name]);
        });
        put('problem', change['mail']['problem']);
        card.find('[data-script]').prop('hidden', false);
        card.find('[data-ascii]').prop('hidden', !change['ascii']);
        card.find('[data-fill="asked_at"]').attr('datetime', change['asked_at']);
        card.find('[data-fill="expires_at"]').attr('datetime', change['expires_at']);
        card.find('[data-fill="mail_at"]').attr('datetime', change['mail']['at']);
        zltime.localise(card);
        showCodes(change['missing']);
    }

    /* Of two codes, the one that was right already is not asked for again. */
    function showCodes(missing) {
        form.find('[data-code]').each(function () {
            this.hidden = !missing.includes(this.dataset.code);
            if (this.hidden) {
                $(this).find('input').val('');
            }
        });
    }

    function put(name, value) {
        $('#pending [data-fill="' + name + '"]').text(value === null || value === undefined ? '' : value);
    }

    function stateOf(change) {
        if (!change['of_this_session']) {
            return 'other';
        }
        return change['ends'] > Date.now() ? 'live' : 'expired';
    }

    function mailOf(change) {
        const mail = change['mail'];
        if (mail['state'] !== 'queued') {
            return mail['state'];
        }
        if (change['ends'] <= Date.now()) {
            return 'expired';
        }
        return mail['problem'] ? 'late' : 'queued';
    }

    /* ---- the clock ---- */

    function tick() {
        const resendIn = Math.max(0, Math.ceil((resendAt - Date.now()) / 1000));
        tickButton(resendIn);
        if (pending) {
            tickCard(resendIn);
        }
        compareAddress();
    }

    function tickButton(resendIn) {
        const label = pending ? texts.getAgain : texts.get;
        setText(captchaButton, resendIn ? texts.getLater.replace('{time}', zltime.clock(resendIn)) : label);
        if (form.attr('aria-busy') !== 'true') {
            captchaButton.prop('disabled', resendIn > 0);
        }
    }

    function tickCard(resendIn) {
        const card = $('#pending');
        const state = stateOf(pending);
        const mail = mailOf(pending);
        const left = Math.max(0, Math.ceil((pending['ends'] - Date.now()) / 1000));
        card.find('[data-when]').each(function () {
            this.hidden = !this.dataset.when.split(' ').includes(state);
        });
        card.find('[data-mail]').each(function () {
            this.hidden = this.dataset.mail !== mail;
        });
        card.find('[data-resend="wait"]').prop('hidden', resendIn === 0);
        card.find('[data-resend="now"]').prop('hidden', resendIn > 0);
        put('resend', zltime.clock(resendIn));
        put('time_left', zltime.clock(left));
        if (state === 'live' && left <= 60 && !minuteSaid) {
            minuteSaid = true;
            $('#announcements').text(texts.oneMinute);
        }
    }

    /* A code proves the address that it was mailed to: say so before a try is lost. */
    function compareAddress() {
        const typed = email.val().trim().toLowerCase();
        const isOther = pending && stateOf(pending) === 'live' && typed &&
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
