/* The page on which administrators change their password. */
$(function () {
    'use strict';

    const form = $('#resetpwd');
    const fields = form.find(':password');

    function changePassword() {
        zlform.clearErrors(form);
        zlajax.post({
            'url': form.attr('action'),
            'data': fields.serialize(),
            'form': form,
            'success': function (data) {
                if (data['code'] === 200) {
                    fields.val('');
                    zlalert.alertSuccess(data['message']);
                } else if (!zlauth.handleRefusal(data, changePassword)) {
                    zlform.showErrors(form, data['data']['fields'] || {});
                    zlalert.alertInfo(data['message']);
                }
            }
        });
    }

    form.on('submit', function (event) {
        event.preventDefault();
        changePassword();
    });
});
