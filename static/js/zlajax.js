/* AJAX requests with jQuery. Every request has the CSRF token; every response is an envelope {code, message, data}.

   zlajax.post({
       'url': ..., 'data': {...},
       'form': ...,                  // its buttons are disabled until the response, and it is not sent twice
       'success': function (data) {  // receives every envelope, whatever its code
           if (data['code'] == 200) {...} else { zlalert.alertInfo(data['message']); }
       },
       'fail': function () {...}     // the response was not an envelope; by default a network error is shown
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
            'complete': function (response) {
                const envelope = parseEnvelope(response.responseText);
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

    /* Disable the buttons of a form. Return a function that enables them again, or null if a request is in progress. */
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
