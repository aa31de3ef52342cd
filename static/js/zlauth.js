/* Refusals that require a sign-in, or a proof, which is given in a dialog so that the page keeps its input. */
(function () {
    'use strict';

    let retryRequest = null;   // Repeats the refused request once the administrator is proved.
    let focusedBefore = null;  // The element that gets the focus back when the dialog closes.
    let isConfirmed = false;
    let offer = null;          // The use of a passkey in the open dialog (zlpasskey.offer).

    /* Handle a refusal that requires authentication, or return false. `retry` repeats the request. */
    function handleRefusal(data, retry) {
        if (data['data']['error'] === 'sign_in_required') {
            const loginUrl = document.querySelector('[data-login-url]').dataset.loginUrl;
            leaveTo(loginUrl);
            return true;
        }
        if (data['data']['error'] === 'reauth_required') {
            retryRequest = retry;
            focusedBefore = document.activeElement;
            isConfirmed = false;
            openDialog(data['data']['methods'] || ['password']);
            return true;
        }
        return false;
    }

    /* Open a page that returns to this one. */
    function leaveTo(url) {
        window.location.assign(url + '?next=' + encodeURIComponent(window.location.pathname));
    }

    function openDialog(methods) {
        const form = $('#reauth form');
        const isExtended = Boolean(form[0].elements['code']);
        if (methods.includes('password') && !isExtended) {
            bootstrap.Modal.getOrCreateInstance('#reauth').show();
        } else if (!isExtended) {  // Another tab has added a second factor since this page was opened.
            leaveTo(form[0].action);
        } else {
            askForMeans(form, function (means) {
                arrange(form, means);
                bootstrap.Modal.getOrCreateInstance('#reauth').show();
            });
        }
    }

    /* Ask the server how the administrator can be proved, with new options for passkeys. */
    function askForMeans(form, use) {
        zlajax.get({
            'url': form[0].action,
            'success': function (data) {
                if (data['code'] === 200) {
                    use(data['data']);
                } else if (!handleRefusal(data, retryRequest)) {
                    zlalert.alertInfo(data['message']);
                }
            }
        });
    }

    /* Show a passkey first, if one can be used, and otherwise the password with a code. */
    function arrange(form, means) {
        const hasPasskey = zlpasskey.isPossible(means['passkey']);
        const hasPassword = means['methods'].some(function (method) { return method.startsWith('password'); });
        const hasApp = means['methods'].includes('password+app');
        setVisible(form, 'passkey', hasPasskey);
        setVisible(form, 'none', !hasPasskey && !hasPassword);
        setVisible(form, 'app', hasApp);
        setVisible(form, 'recovery_code', means['methods'].includes('password+recovery_code'));
        form.find('[data-part="recovery_code"]').prop('open', !hasApp);
        form.find('[data-use-password]').prop('hidden', !hasPassword);
        showPassword(form, !hasPasskey && hasPassword);
        offer = hasPasskey ? offerPasskey(form, means['passkey']) : null;
    }

    function offerPasskey(form, options) {
        const errors = form.find('[data-failed]');
        return zlpasskey.offer({
            'options': options,
            'fetch': function () { return zlpasskey.fetchOptions(form[0].action); },
            'clear': function () { errors.empty(); },
            'fail': function (text) { errors.empty().append($('<p>').text(text || errors.data('failed'))); },
            'submit': function (response) {
                confirm(form[0], {'passkey': response}, function (data) {
                    errors.empty().append($('<p>').text(data['message']));
                });
            }
        });
    }

    function setVisible(form, part, isVisible) {
        form.find('[data-part="' + part + '"]').prop('hidden', !isVisible);
    }

    function showPassword(form, isVisible) {
        setVisible(form, 'password', isVisible);
        form.find(':submit').prop('hidden', !isVisible);
    }

    function submitForm(event) {
        const form = event.target;
        event.preventDefault();
        zlform.clearErrors(form);
        confirm(form, readFields(form), function (data) {
            const fields = data['data']['fields'] || {'password': [data['message']]};
            if (!('code' in fields || 'recovery_code' in fields)) {
                form.elements['password'].value = '';
            }
            zlform.showErrors(form, fields);
        });
    }

    /* Return what was entered: the password, and the code or the recovery code. */
    function readFields(form) {
        const fields = {};
        ['password', 'code', 'recovery_code'].forEach(function (name) {
            if (form.elements[name]) {
                fields[name] = form.elements[name].value;
            }
        });
        return fields;
    }

    /* Send a proof; `refuse` shows why it was refused. */
    function confirm(form, fields, refuse) {
        zlajax.post({
            'url': form.action,
            'data': fields,
            'form': form,
            'success': function (data) {
                if (data['code'] === 200) {
                    isConfirmed = true;
                    bootstrap.Modal.getInstance('#reauth').hide();
                } else if (!handleRefusal(data, retryRequest)) {
                    refuse(data);
                }
            }
        });
    }

    function emptyFields(form) {
        Object.keys(readFields(form)).forEach(function (name) { form.elements[name].value = ''; });
    }

    $(function () {
        const form = $('#reauth form');
        form.on('submit', submitForm);
        form.find('[data-use-passkey]').on('click', function () { offer.use(); });
        form.find('[data-use-password]').on('click', function () {
            $(this).prop('hidden', true);
            showPassword(form, true);
            form.find('[name="password"]').trigger('focus');
        });
        $('#reauth').on('shown.bs.modal', function () {
            form.find(offer ? '[data-use-passkey]' : '[name="password"]').trigger('focus');
        }).on('hidden.bs.modal', function () {
            emptyFields(form[0]);
            zlpassword.hideAll(form);
            zlform.clearErrors(form);
            form.find('[data-failed]').empty();
            focusedBefore.focus();
            if (isConfirmed) {
                retryRequest();
            }
        });
    });

    window.zlauth = {'handleRefusal': handleRefusal};
}());
