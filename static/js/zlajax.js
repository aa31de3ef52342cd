/* jQuery's AJAX for this site: it sends the CSRF token and reads the envelope {code, message, data}.

   zlajax.post({
       'url': ..., 'data': {...},
       'form': ...,                  // its buttons are disabled meanwhile, and it is not sent twice
       'success': function (data) {  // every envelope, whatever its code
           if (data['code'] == 200) {...} else { zlalert.alertInfo(data['message']); }
       },
       'fail': function () {...}     // no envelope came: the network, a proxy. Without it the reader is told so.
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
        const release = options['form'] ? hold(options['form']) : $.noop;
        if (release === null) {
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
                const envelope = read(answer.responseText);
                release();
                if (envelope) {
                    options['success'](envelope);
                } else {
                    (options['fail'] || zlalert.alertNetworkError)();
                }
            }
        });
    }

    /* Return the envelope in an answer, or null if it is anything else. */
    function read(text) {
        try {
            const found = JSON.parse(text);
            return found && typeof found['code'] === 'number' && found['data'] ? found : null;
        } catch {
            return null;
        }
    }

    /* Disable the buttons of a form; return what enables them again, or null if it is being sent already. */
    function hold(form) {
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
