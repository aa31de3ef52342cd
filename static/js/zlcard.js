/* The card of a pending change (templates/cms/_pending.html). */
(function () {
    'use strict';

    /* Show a pending change, in a new card if the page has none. */
    function show(change) {
        const card = findCard() || addCard();
        const mail = change['mail'];
        ['email', 'ascii', 'tries', 'tries_left', 'started_by'].forEach(function (name) {
            setText(card, name, change[name]);
        });
        setText(card, 'problem', mail['problem']);
        ['asked_at', 'expires_at', 'ready_at', 'resend_at'].forEach(function (name) {
            setTime(card, name, change[name]);
        });
        setTime(card, 'mail_at', mail['at']);
        setHidden(card, '[data-script]', false);
        setHidden(card, '[data-ascii]', !change['ascii']);
        zltime.localise(card);
    }

    function remove() {
        const card = findCard();
        if (card) {
            card.remove();
        }
    }

    /* Show what depends on the time: the seconds until the change expires, and until a new code can be requested. */
    function update(change, secondsLeft, resendSeconds) {
        const card = findCard();
        showOnly(card, 'when', zlpending.state(change, secondsLeft));
        showOnly(card, 'mail', zlpending.mailState(change, secondsLeft));
        showOnly(card, 'resend', resendSeconds ? 'wait' : 'now');
        if (change['blocked_until']) {
            setHidden(card, '[data-edit]', true);
        }
        setText(card, 'resend', zltime.formatClock(resendSeconds));
        setText(card, 'time_left', zltime.formatClock(secondsLeft));
    }

    function findCard() {
        return document.getElementById('pending');
    }

    function addCard() {
        const card = document.getElementById('pending-empty').content.firstElementChild.cloneNode(true);
        card.id = 'pending';
        document.getElementById('pending-place').append(card);
        return card;
    }

    /* Show those elements with an attribute data-<name> that list this state, and hide the others. */
    function showOnly(card, name, state) {
        card.querySelectorAll('[data-' + name + ']').forEach(function (element) {
            element.hidden = !element.dataset[name].split(' ').includes(state);
        });
    }

    function setHidden(card, selector, isHidden) {
        card.querySelectorAll(selector).forEach(function (element) { element.hidden = isHidden; });
    }

    function setText(card, name, value) {
        findPlaces(card, name).forEach(function (element) { element.textContent = value ?? ''; });
    }

    /* Set the time of a <time> element; zltime writes its text. Without a time, remove the attribute. */
    function setTime(card, name, time) {
        findPlaces(card, name).forEach(function (element) {
            if (time) {
                element.setAttribute('datetime', time);
            } else {
                element.removeAttribute('datetime');
            }
        });
    }

    function findPlaces(card, name) {
        return card.querySelectorAll('[data-fill="' + name + '"]');
    }

    window.zlcard = {'show': show, 'remove': remove, 'update': update};
}());
