/* Countdowns in whole seconds. */
(function () {
    'use strict';

    const LAST_MINUTE_SECONDS = 60;

    /* Return a countdown; it is at 0 until it is started. */
    function create() {
        let end = 0;  // In milliseconds since the epoch.
        let isLastMinuteReported = true;

        /* Start, or start again, with a number of seconds. */
        function start(seconds) {
            end = Date.now() + seconds * 1000;
            isLastMinuteReported = seconds <= LAST_MINUTE_SECONDS;
        }

        /* Return the seconds that are left, rounded up. */
        function secondsLeft() {
            return Math.max(0, Math.ceil((end - Date.now()) / 1000));
        }

        /* Return true once per start, when a countdown of more than a minute reaches its last minute. */
        function reportLastMinute() {
            const isDue = !isLastMinuteReported && secondsLeft() <= LAST_MINUTE_SECONDS;
            isLastMinuteReported = isLastMinuteReported || isDue;
            return isDue;
        }

        return {'start': start, 'secondsLeft': secondsLeft, 'reportLastMinute': reportLastMinute};
    }

    window.zlcountdown = {'create': create};
}());
