/* Passkeys (WebAuthn): the browser creates one, or signs a challenge with one. Options and responses are JSON.

   The methods of browsers that convert them are not used: those of before 2025 lack them, and so do the passkeys that
   some password managers return. */
(function () {
    'use strict';

    const USE_SECONDS = 60;  // Options that are older are replaced before the user is asked for a passkey.
    const LISTEN_SECONDS = 240;  // The same while passkeys are offered in a field; a challenge expires after 300.
    const BINARY = ['clientDataJSON', 'attestationObject', 'authenticatorData', 'signature', 'userHandle'];

    /* Return whether passkeys can be used with these options: old browsers have none, and other hosts have others. */
    function isPossible(options) {
        return Boolean(options && isSupported() && options['rpId'] === window.location.hostname);
    }

    function isSupported() {
        return Boolean(window.PublicKeyCredential && navigator.credentials);
    }

    /* Return a promise of the response to request options, as text. */
    function sign(options, more) {
        const publicKey = {
            ...options,
            'challenge': decode(options['challenge']),
            'allowCredentials': decodeIds(options['allowCredentials'])
        };
        return navigator.credentials.get({...more, 'publicKey': publicKey}).then(serialize);
    }

    /* Return a promise of the response to creation options, as text. */
    function create(options) {
        const publicKey = {
            ...options,
            'challenge': decode(options['challenge']),
            'user': {...options['user'], 'id': decode(options['user']['id'])},
            'excludeCredentials': decodeIds(options['excludeCredentials'])
        };
        return navigator.credentials.create({'publicKey': publicKey}).then(serialize);
    }

    /* Return the use of a passkey on a page, which has `options`, and the functions

       fetch()           returns a promise of new options, which is rejected with {told} if the server has refused it,
       submit(response)  sends the response of the browser,
       clear(), fail(text)  remove and show what went wrong; without a text it is that no passkey was used. */
    function offer(page) {
        let options = page.options;
        let since = Date.now();  // When the options were issued.
        let listener = null;     // While passkeys are offered in a field: {controller, ended}.
        let isBusy = false;

        /* Ask the user for a passkey. */
        function use() {
            const wasListening = Boolean(listener);
            if (isBusy) {
                return Promise.resolve();
            }
            isBusy = true;
            page.clear();
            return stop().then(function () {
                return renew(USE_SECONDS);
            }).then(sign).then(submit).catch(function (problem) {
                page.fail(problem && problem['told']);
                if (wasListening) {
                    listen();
                }
            }).then(function () {
                isBusy = false;
            });
        }

        /* Have the browser offer passkeys in the list of a field with autocomplete="webauthn". */
        function listen() {
            const own = {'controller': new AbortController()};
            listener = own;
            own.ended = renew(LISTEN_SECONDS).then(function () {
                return sign(options, {'mediation': 'conditional', 'signal': own.controller.signal});
            }).then(function (response) {
                if (listener === own) {
                    listener = null;
                    page.clear();
                    submit(response);
                }
            }).catch(function () {  // Aborted, or refused by the browser: the user has asked for nothing.
                if (listener === own) {
                    listener = null;
                }
            });
        }

        /* Return a promise that resolves when passkeys are not offered any more; a browser handles one request only. */
        function stop() {
            const stopped = listener;
            listener = null;
            if (!stopped) {
                return Promise.resolve();
            }
            stopped.controller.abort();
            return stopped.ended;
        }

        /* Replace the options before they expire, while passkeys are offered. */
        function refresh() {
            if (listener && !isBusy && isOlderThan(LISTEN_SECONDS)) {
                stop().then(listen);
            }
        }

        function submit(response) {
            since = -Infinity;  // A challenge is valid once.
            page.submit(response);
        }

        function renew(seconds) {
            if (!isOlderThan(seconds)) {
                return Promise.resolve(options);
            }
            return page.fetch().then(function (found) {
                options = found;
                since = Date.now();
                return found;
            });
        }

        function isOlderThan(seconds) {
            return Date.now() - since >= seconds * 1000;
        }

        return {'use': use, 'listen': listen, 'refresh': refresh};
    }

    /* Return a promise of whether passkeys can be offered in the list of a field. */
    function canListen() {
        const isAvailable = window.PublicKeyCredential.isConditionalMediationAvailable;
        return isAvailable ? isAvailable.call(window.PublicKeyCredential) : Promise.resolve(false);
    }

    /* Return a promise of new request options; see `offer`. */
    function fetchOptions(url) {
        return new Promise(function (resolve, reject) {
            zlajax.get({
                'url': url,
                'success': function (data) {
                    if (data['code'] === 200 && data['data']['passkey']) {
                        resolve(data['data']['passkey']);
                    } else {
                        reject({'told': data['message']});
                    }
                },
                'fail': function () {
                    reject({'told': document.getElementById('notices').dataset.networkError});
                }
            });
        });
    }

    function serialize(credential) {
        const response = {};
        BINARY.forEach(function (name) {
            if (credential.response[name]) {
                response[name] = encode(credential.response[name]);
            }
        });
        if (credential.response.getTransports) {
            response['transports'] = credential.response.getTransports();
        }
        return JSON.stringify({
            'id': credential.id,
            'rawId': encode(credential.rawId),
            'type': credential.type,
            'response': response,
            'clientExtensionResults': {}
        });
    }

    function decodeIds(credentials) {
        return (credentials || []).map(function (each) { return {...each, 'id': decode(each['id'])}; });
    }

    /* Return the bytes of a text in base64url. */
    function decode(text) {
        const binary = atob(text.replace(/[-_]/g, function (sign) { return '+/'['-_'.indexOf(sign)]; }));
        return Uint8Array.from(binary, function (character) { return character.charCodeAt(0); });
    }

    function encode(buffer) {
        const binary = String.fromCharCode(...new Uint8Array(buffer));
        return btoa(binary).replace(/[+/]/g, function (sign) { return '-_'['+/'.indexOf(sign)]; }).replaceAll('=', '');
    }

    window.zlpasskey = {
        'isSupported': isSupported,
        'isPossible': isPossible,
        'canListen': canListen,
        'fetchOptions': fetchOptions,
        'offer': offer,
        'create': create
    };
}());
