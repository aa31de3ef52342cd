/* The door: signing in again, or only the password once more, without losing what was typed. */
(function () {
    'use strict';

    let repeat = null;  // The interrupted request, while the dialog asks for the password.
    let back = null;    // Where the focus was.
    let passed = false;

    /* Say whether a refusal was about who is there, and take care of it: `again` repeats the request afterwards. */
    function stopped(data, again) {
        if (data['data']['error'] === 'sign_in_required') {
            const loginUrl = document.querySelector('[data-login-url]').dataset.loginUrl;
            window.location.assign(loginUrl + '?next=' + encodeURIComponent(window.location.pathname));
            return true;
        }
        if (data['data']['error'] === 'reauth_required') {
            repeat = again;
            back = document.activeElement;
            passed = false;
            bootstrap.Modal.getOrCreateInstance('#reauth').show();
            return true;
        }
        return false;
    }

    function prove(event) {
        const form = event.target;
        event.preventDefault();
        zlform.clear(form);
        zlajax.post({
            'url': form.action,
            'data': {'password': form.elements['password'].value},
            'form': form,
            'success': function (data) {
                if (data['code'] === 200) {
                    passed = true;
                    bootstrap.Modal.getInstance('#reauth').hide();
                } else if (!stopped(data, repeat)) {
                    form.elements['password'].value = '';
                    zlform.refuse(form, {'password': [data['message']]});
                }
            }
        });
    }

    $(function () {
        const form = $('#reauth form');
        form.on('submit', prove);
        $('#reauth').on('shown.bs.modal', function () {
            form.find('[name="password"]').trigger('focus');
        }).on('hidden.bs.modal', function () {
            form[0].elements['password'].value = '';
            zlpassword.hide(form);
            zlform.clear(form);
            back.focus();
            if (passed) {
                repeat();
            }
        });
    });

    window.zldoor = {'stopped': stopped};
}());
