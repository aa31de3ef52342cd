/* The change of an email address: its requests, and what is shown after each response and every second.

   This file does not access elements: `page` (resetemail.js) and the card do. */
(function () {
    'use strict';

    /* Return the change of a page; `page` has the form, the URLs, the texts and the functions that update elements. */
    function create(page) {
        const resend = zlcountdown.create();  // Until a new code can be requested.
        const expiry = zlcountdown.create();  // Until the pending change expires.
        let pending = null;  // The pending change as the server described it last.
        let version = 0;     // Increases with every show(), so that a late response does not replace a newer one.

        /* ---- requests ---- */

        /* Request a code; `sure` is 'y' if the user has confirmed an address that looks like a typo. */
        function requestCode(sure) {
            page.clearErrors();
            zlajax.post({
                'url': page.urls['code'],
                'data': {'email': page.email(), 'sure': sure},
                'form': page.form,
                'success': function (data) {
                    if (data['code'] === 200) {
                        page.removeSuccess();
                        if (data['data']['email']) {
                            show(data['data']);
                        } else {
                            refresh();  // The code was sent, but the server could not read the change afterwards.
                        }
                        page.focusCode();
                        zlalert.alertSuccess(data['message']);
                    } else if (!zlauth.handleRefusal(data, function () { requestCode(sure); })) {
                        showRefusal(data, true);
                    }
                }
            });
        }

        /* Send the code, or both codes, to change the address. */
        function changeAddress() {
            page.clearErrors();
            zlajax.post({
                'url': page.urls['change'],
                'data': page.fields(),
                'form': page.form,
                'success': function (data) {
                    if (data['code'] === 200) {
                        show(null);
                        page.showSuccess(data['data']['email']);
                    } else if (data['data']['error'] === 'code_missing') {  // One of two codes was correct.
                        page.focusField(data['data']['fields']);
                        zlalert.alertSuccess(data['message']);
                        refresh();
                    } else if (!zlauth.handleRefusal(data, changeAddress)) {
                        showRefusal(data, data['data']['error'] === 'too_many_attempts');
                        refresh();
                    }
                },
                'fail': function () {
                    zlalert.alertNetworkError();
                    refresh();  // The server may have made the change, although its response was lost.
                }
            });
        }

        function cancel() {
            zlajax.post({
                'url': page.urls['cancel'],
                'form': page.form,
                'success': function (data) {
                    if (data['code'] === 200) {
                        show(null);
                        page.resetAfterCancel();
                        zlalert.alertSuccess(data['message']);
                    } else if (!zlauth.handleRefusal(data, cancel)) {
                        zlalert.alertInfo(data['message']);
                    }
                }
            });
        }

        /* Load the pending change. If this fails, the next poll repeats it. */
        function refresh() {
            const versionBefore = version;
            zlajax.get({
                'url': page.urls['change'],
                'success': function (data) {
                    if (data['code'] === 200 && version === versionBefore) {
                        page.setCurrentAddress(data['data']['email']);
                        show(data['data']['pending']);
                    }
                },
                'fail': function () {}
            });
        }

        /* Load the pending change again while the mail with the code is queued. */
        function poll() {
            if (zlpending.isMailQueued(pending, expiry.secondsLeft())) {
                refresh();
            }
        }

        /* ---- what is shown ---- */

        /* Show a pending change, or with null that there is none. Input is kept. */
        function show(change) {
            version += 1;
            pending = change;
            if (change) {
                expiry.start(change['expires_in']);
                if (change['resend_in']) {
                    resend.start(change['resend_in']);
                }
                zlcard.show(change);
                page.showCodes(change['missing'], change['proved']);
                page.setBlocked(change['blocked_until']);
            } else {
                zlcard.remove();
                page.showCodes(['new', 'old'], []);
            }
            tick();
        }

        /* Update everything that depends on the time; called every second. */
        function tick() {
            const secondsLeft = expiry.secondsLeft();
            const resendSeconds = resend.secondsLeft();
            if (zlpending.isOver(pending, secondsLeft)) {
                show(null);
                return;
            }
            page.showResend(resendSeconds, zlpending.isOwn(pending));
            if (pending) {
                zlcard.update(pending, secondsLeft, resendSeconds);
            }
            if (zlpending.acceptsCode(pending, secondsLeft) && expiry.reportLastMinute()) {
                page.announceLastMinute();
            }
            compareAddress();
        }

        /* Warn before a try is lost: a code verifies only the address to which it was sent. */
        function compareAddress() {
            const isOther = zlpending.acceptsCode(pending, expiry.secondsLeft()) &&
                zlpending.isOtherAddress(pending, page.email());
            page.showOtherAddress(isOther ? pending['email'] : null);
        }

        /* Show why a request was refused: at the fields, and in a notice with the waiting time. */
        function showRefusal(data, isAboutCodes) {
            const details = data['data'];
            const sentences = [data['message']];  // The message of a 429 already says how long to wait.
            if (details['hint']) {
                sentences.push(details['hint']);
            }
            if (data['code'] === 503) {
                sentences.push(page.texts['wait'].replace('{time}', zltime.formatDuration(details['retry_after'])));
            }
            if (details['retry_after'] && isAboutCodes) {
                resend.start(details['retry_after']);
                tick();
            }
            if (details['error'] === 'check_email') {
                page.showTypo(details['suggestion']);
            }
            page.showErrors(details['fields'] || {});
            zlalert.alertInfo(sentences.join(page.texts['between']));
        }

        return {
            'requestCode': requestCode,
            'changeAddress': changeAddress,
            'cancel': cancel,
            'refresh': refresh,
            'poll': poll,
            'show': show,
            'tick': tick,
            'compareAddress': compareAddress
        };
    }

    window.zlchange = {'create': create};
}());
