/* The card of a pending change: what the server told of it last, and what the clock makes of that. */
(function () {
    'use strict';

    const MOMENTS = ['asked_at', 'expires_at', 'ready_at', 'resend_at'];
    const OF_OTHERS = ['started', 'elsewhere'];  // Its code, if it has one, is of no use here.

    let pending = null;  // The change, with the seconds it has left as a moment of this clock in 'ends'.

    /* Show a pending change, or that there is none. */
    function show(change) {
        pending = change;
        if (!change) {
            $('#pending').remove();
            return;
        }
        change['ends'] = Date.now() + change['expires_in'] * 1000;
        if (!$('#pending').length) {
            $(document.getElementById('pending-empty').content.firstElementChild.cloneNode(true))
                .attr('id', 'pending').appendTo('#pending-place');
        }
        fill();
    }

    function fill() {
        const card = $('#pending');
        ['email', 'ascii', 'tries', 'tries_left', 'started_by'].forEach(function (name) {
            put(name, pending[name]);
        });
        put('problem', pending['mail']['problem']);
        MOMENTS.forEach(function (name) {
            card.find('[data-fill="' + name + '"]').attr('datetime', pending[name]);
        });
        card.find('[data-fill="mail_at"]').attr('datetime', pending['mail']['at']);
        card.find('[data-script]').prop('hidden', false);
        card.find('[data-ascii]').prop('hidden', !pending['ascii']);
        zltime.localise(card);
    }

    function put(name, value) {
        $('#pending [data-fill="' + name + '"]').text(value === null || value === undefined ? '' : value);
    }

    /* Show what the time makes of it; `resendIn` is in how many seconds a new code is to be had. */
    function tick(resendIn) {
        const card = $('#pending');
        if (!pending) {
            return;
        }
        const its = {'when': state(), 'mail': mail(), 'resend': resendIn ? 'wait' : 'now'};
        Object.keys(its).forEach(function (kind) {
            card.find('[data-' + kind + ']').each(function () {
                this.hidden = !this.dataset[kind].split(' ').includes(its[kind]);
            });
        });
        if (pending['blocked_until']) {
            card.find('[data-edit]').prop('hidden', true);
        }
        put('resend', zltime.formatClock(resendIn));
        put('time_left', zltime.formatClock(secondsLeft()));
    }

    /* Return the state that the server told, or that it is over by now; '' where nothing is pending. */
    function state() {
        if (!pending) {
            return '';
        }
        return isOwn() && secondsLeft() === 0 ? 'expired' : pending['state'];
    }

    function mail() {
        const its = pending['mail'];
        if (its['state'] !== 'queued') {
            return its['state'];
        }
        if (secondsLeft() === 0) {
            return 'expired';
        }
        return its['problem'] ? 'late' : 'queued';
    }

    function secondsLeft() {
        return Math.max(0, Math.ceil((pending['ends'] - Date.now()) / 1000));
    }

    /* Say whether it was asked for in this session. */
    function isOwn() {
        return pending !== null && !OF_OTHERS.includes(pending['state']);
    }

    /* Return in how many seconds the code dies that was mailed, or 0 where none can be entered. */
    function codeSeconds() {
        return isOwn() && pending['state'] !== 'no_tries' ? secondsLeft() : 0;
    }

    /* Say whether somebody else's change is over, and with it all that there was to say of it. */
    function isGone() {
        return pending !== null && !isOwn() && secondsLeft() === 0;
    }

    /* Say whether the mail with the code is still on its way. */
    function isUnderWay() {
        return codeSeconds() > 0 && pending['mail']['state'] === 'queued';
    }

    window.zlpending = {
        'show': show,
        'tick': tick,
        'state': state,
        'isOwn': isOwn,
        'isGone': isGone,
        'isUnderWay': isUnderWay,
        'codeSeconds': codeSeconds
    };
}());
