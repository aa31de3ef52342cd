/* The form that adds a passkey: the browser creates it, and its response is submitted with the form. */
$(function () {
    'use strict';

    const form = $('#new-passkey');
    const problem = form.find('[data-problem]');

    function requestOptions() {
        zlform.clearErrors(form);
        problem.empty();
        zlajax.post({
            'url': form.data('options-url'),
            'data': {'name': form[0].elements['name'].value},
            'form': form,
            'success': function (data) {
                if (data['code'] === 200) {
                    createPasskey(data['data']['options']);
                } else if (!zlauth.handleRefusal(data, requestOptions)) {
                    showRefusal(data);
                }
            }
        });
    }

    function createPasskey(options) {
        zlpasskey.create(options).then(function (response) {
            form[0].elements['passkey'].value = response;
            form[0].submit();  // Not as a script: the next page shows recovery codes.
        }).catch(function (error) {
            showProblem(error.name === 'InvalidStateError' ? form.data('known') : form.data('failed'));
        });
    }

    function showRefusal(data) {
        if (data['data']['fields']) {
            zlform.showErrors(form, data['data']['fields']);
        } else {
            showProblem(data['message']);
        }
    }

    function showProblem(text) {
        problem.append($('<p>').text(text));
    }

    if (form.length && zlpasskey.isSupported()) {
        form.prop('hidden', false).on('submit', function (event) {
            event.preventDefault();
            requestOptions();
        });
        $('[data-without-passkey]').prop('hidden', true);
    }
});
