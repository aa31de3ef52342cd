/* Times in the time zone of the browser and the language of the page; the browser formats them. */
(function () {
    'use strict';

    const language = document.documentElement.lang;

    /* Write every <time> within an element in the time zone of the browser; today's date is omitted. */
    function localise(element) {
        $(element).find('time[datetime]').addBack('time[datetime]').each(function () {
            const time = new Date(this.dateTime);
            if (!isNaN(time)) {
                this.textContent = formatTime(time);
                this.title = time.toLocaleString(language);
            }
        });
    }

    function formatTime(time) {
        const format = {'hour': '2-digit', 'minute': '2-digit', 'hourCycle': 'h23'};
        if (time.toDateString() !== new Date().toDateString()) {
            Object.assign(format, {'year': 'numeric', 'month': 'short', 'day': 'numeric'});
        }
        return new Intl.DateTimeFormat(language, format).format(time);
    }

    /* Format seconds like a clock: 75 -> "1:15", 3675 -> "1:01:15". */
    function formatClock(seconds) {
        const parts = [Math.floor(seconds / 60) % 60, seconds % 60];
        if (seconds >= 3600) {
            parts.unshift(Math.floor(seconds / 3600));
        }
        return parts.map(function (part, index) {
            return index ? String(part).padStart(2, '0') : String(part);
        }).join(':');
    }

    /* Format seconds in words, rounded up: 5 -> "5 seconds", 200 -> "4 minutes". */
    function formatDuration(seconds) {
        const units = [['second', 1, 90], ['minute', 60, 5400], ['hour', 3600, Infinity]];
        const unit = units.find(function (each) { return seconds <= each[2]; });
        const format = {'style': 'unit', 'unit': unit[0], 'unitDisplay': 'long'};
        return new Intl.NumberFormat(language, format).format(Math.ceil(seconds / unit[1]));
    }

    /* Store the time zone in a cookie; the server uses it in mails. A __Host- cookie must be Secure. */
    function setTimeZoneCookie() {
        const name = document.body.dataset.timeZoneCookie;
        const cookie = name + '=' + new Intl.DateTimeFormat().resolvedOptions().timeZone;
        if (!document.cookie.split('; ').includes(cookie)) {
            document.cookie = cookie + '; Path=/; SameSite=Lax' + (name.startsWith('__Host-') ? '; Secure' : '');
        }
    }

    window.zltime = {'localise': localise, 'formatClock': formatClock, 'formatDuration': formatDuration};
    setTimeZoneCookie();  // Before a form can be submitted. The script is deferred, so the body exists.
    $(function () { localise(document.body); });
}());
