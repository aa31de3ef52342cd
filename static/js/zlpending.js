/* The state of a pending change, from the last response of the server and the time that has passed since.

   `change` is the pending change as JSON, or null; `secondsLeft` is the time until it expires. */
(function () {
    'use strict';

    const OTHER_SESSIONS = ['started', 'elsewhere'];  // No code of such a change can be entered in this session.

    /* Return whether the change was requested in this session. */
    function isOwn(change) {
        return change !== null && !OTHER_SESSIONS.includes(change['state']);
    }

    function state(change, secondsLeft) {
        return isOwn(change) && secondsLeft === 0 ? 'expired' : change['state'];
    }

    /* Return the state of the mail with the code; "late" means queued after a failed try. */
    function mailState(change, secondsLeft) {
        const mail = change['mail'];
        if (mail['state'] !== 'queued') {
            return mail['state'];
        }
        if (secondsLeft === 0) {
            return 'expired';
        }
        return mail['problem'] ? 'late' : 'queued';
    }

    /* Return whether a code can be entered. */
    function acceptsCode(change, secondsLeft) {
        return isOwn(change) && change['state'] !== 'no_tries' && secondsLeft > 0;
    }

    /* Return whether a change of another session has expired; it is then not shown any more. */
    function isOver(change, secondsLeft) {
        return change !== null && !isOwn(change) && secondsLeft === 0;
    }

    /* Return whether the mail with a code that can be entered is still queued. */
    function isMailQueued(change, secondsLeft) {
        return acceptsCode(change, secondsLeft) && change['mail']['state'] === 'queued';
    }

    /* Return whether the typed address differs from that of the change. */
    function isOtherAddress(change, typed) {
        const address = typed.trim().toLowerCase();
        return address !== '' && ![change['email'], change['ascii'] || ''].some(function (each) {
            return each.toLowerCase() === address;
        });
    }

    window.zlpending = {
        'isOwn': isOwn,
        'state': state,
        'mailState': mailState,
        'acceptsCode': acceptsCode,
        'isOver': isOver,
        'isMailQueued': isMailQueued,
        'isOtherAddress': isOtherAddress
    };
}());
