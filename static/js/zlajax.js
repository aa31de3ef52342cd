/* AJAX requests with jQuery. Every request carries the CSRF token; every answer is an envelope {code, message, data}.

   zlajax.post({
       'url': ..., 'data': {...},
       'form': ...,                  // its buttons are disabled until the answer, and it is not sent twice
       'success': function (data) {  // gets every envelope, whatever its code
           if (data['code'] == 200) {...} else { zlalert.alertInfo(data['message']); }
       },
       'fail': function () {...}     // no envelope came; the default shows a notice about the network
   }); */
(function () {
    'use strict';

    const TIMEOUT_SECONDS = 15;

    function get(options) {
        send('GET', options);
    }

    function post(options) {
        send('POST', options);
    }

    function send(method, options) {
        const unlock = options['form'] ? lockForm(options['form']) : $.noop;
        if (unlock === null) {
            return;
        }
        $.ajax({
            'url': options['url'],
            'method': method,
            'data': options['data'],
            'dataType': 'text',
            'timeout': TIMEOUT_SECONDS * 1000,
            'headers': {
                'Accept': 'application/json',
                'X-CSRFToken': $('meta[name="csrf-token"]').attr('content')
            },
            'complete': function (answer) {
                const envelope = parseEnvelope(answer.responseText);
                unlock();
                if (envelope) {
                    options['success'](envelope);
                } else {
                    (options['fail'] || zlalert.alertNetworkError)();
                }
            }
        });
    }

    /* Return the envelope in a text, or null if the text is not one. */
    function parseEnvelope(text) {
        try {
            const found = JSON.parse(text);
            return found && typeof found['code'] === 'number' && found['data'] ? found : null;
        } catch {
            return null;
        }
    }

    /* Disable the buttons of a form. Return a function that enables them again, or null if the form is being sent. */
    function lockForm(form) {
        const focused = document.activeElement;
        const buttons = $(form).find(':submit:enabled');
        if ($(form).attr('aria-busy') === 'true') {
            return null;
        }
        $(form).attr('aria-busy', 'true');
        buttons.prop('disabled', true);
        return function () {
            $(form).removeAttr('aria-busy');
            buttons.prop('disabled', false);
            if (document.activeElement === document.body) {  // A disabled button loses the focus.
                focused.focus();
            }
        };
    }

    window.zlajax = {'get': get, 'post': post};
}());
