/* Refusals that require a sign-in, or the password, which is entered in a dialog so that the page keeps its input. */
(function () {
    'use strict';

    let retryRequest = null;   // Repeats the refused request once the password is confirmed.
    let focusedBefore = null;  // The element that gets the focus back when the dialog closes.
    let isConfirmed = false;

    /* Handle a refusal that requires authentication, or return false. `retry` repeats the request. */
    function handleRefusal(data, retry) {
        if (data['data']['error'] === 'sign_in_required') {
            const loginUrl = document.querySelector('[data-login-url]').dataset.loginUrl;
            window.location.assign(loginUrl + '?next=' + encodeURIComponent(window.location.pathname));
            return true;
        }
        if (data['data']['error'] === 'reauth_required') {
            retryRequest = retry;
            focusedBefore = document.activeElement;
            isConfirmed = false;
            bootstrap.Modal.getOrCreateInstance('#reauth').show();
            return true;
        }
        return false;
    }

    function confirmPassword(event) {
        const form = event.target;
        event.preventDefault();
        zlform.clearErrors(form);
        zlajax.post({
            'url': form.action,
            'data': {'password': form.elements['password'].value},
            'form': form,
            'success': function (data) {
                if (data['code'] === 200) {
                    isConfirmed = true;
                    bootstrap.Modal.getInstance('#reauth').hide();
                } else if (!handleRefusal(data, retryRequest)) {
                    form.elements['password'].value = '';
                    zlform.showErrors(form, {'password': [data['message']]});
                }
            }
        });
    }

    $(function () {
        const form = $('#reauth form');
        form.on('submit', confirmPassword);
        $('#reauth').on('shown.bs.modal', function () {
            form.find('[name="password"]').trigger('focus');
        }).on('hidden.bs.modal', function () {
            form[0].elements['password'].value = '';
            zlpassword.hideAll(form);
            zlform.clearErrors(form);
            focusedBefore.focus();
            if (isConfirmed) {
                retryRequest();
            }
        });
    });

    window.zlauth = {'handleRefusal': handleRefusal};
}());
