/* The button that uses a passkey, on the pages of sign-in, its second step, and the confirmation of identity. */
$(function () {
    'use strict';

    const REFRESH_SECONDS = 30;
    const place = $('[data-passkey-options]');
    const texts = place.length ? place[0].dataset : {};
    const options = place.length ? JSON.parse(texts.passkeyOptions) : null;
    const errors = place.find('[role="alert"]');
    const form = place.closest('form')[0];

    function submit(response) {
        const remember = document.getElementById('remember');
        form.elements['passkey'].value = response;
        if (remember && form.elements['remember']) {  // The box belongs to the form of the password.
            form.elements['remember'].value = remember.checked ? remember.value : '';
        }
        form.submit();
    }

    if (!zlpasskey.isPossible(options)) {
        return;
    }
    const offer = zlpasskey.offer({
        'options': options,
        'fetch': function () { return zlpasskey.fetchOptions(texts.passkeyUrl); },
        'submit': submit,
        'clear': function () { errors.empty(); },
        'fail': function (text) { errors.empty().append($('<p>').text(text || texts.passkeyFailed)); }
    });
    place.prop('hidden', false).find('button').on('click', offer.use);
    $('[data-without-passkey]').prop('hidden', true);
    if ('passkeyAutofill' in texts) {
        zlpasskey.canListen().then(function (isAvailable) {
            if (isAvailable) {
                offer.listen();
            }
        });
        window.setInterval(function () {
            if (!document.hidden) {
                offer.refresh();
            }
        }, REFRESH_SECONDS * 1000);
        $(document).on('visibilitychange', offer.refresh);
    }
});
