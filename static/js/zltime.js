/* Times in the reader's time zone and language. The words come from the browser. */
(function () {
    'use strict';

    const language = document.documentElement.lang;

    /* Write every <time> within an element in the reader's time zone; the date is left out if it is today. */
    function localise(element) {
        $(element).find('time[datetime]').addBack('time[datetime]').each(function () {
            const moment = new Date(this.dateTime);
            if (!isNaN(moment)) {
                this.textContent = formatMoment(moment);
                this.title = moment.toLocaleString(language);
            }
        });
    }

    function formatMoment(moment) {
        const format = {'hour': '2-digit', 'minute': '2-digit', 'hourCycle': 'h23'};
        if (moment.toDateString() !== new Date().toDateString()) {
            Object.assign(format, {'year': 'numeric', 'month': 'short', 'day': 'numeric'});
        }
        return new Intl.DateTimeFormat(language, format).format(moment);
    }

    /* Format seconds as a clock does: 75 -> "1:15", 3675 -> "1:01:15". */
    function formatClock(seconds) {
        const parts = [Math.floor(seconds / 60) % 60, seconds % 60];
        if (seconds >= 3600) {
            parts.unshift(Math.floor(seconds / 3600));
        }
        return parts.map(function (part, index) {
            return index ? String(part).padStart(2, '0') : String(part);
        }).join(':');
    }

    /* Format seconds in words: 5 -> "5 seconds", 200 -> "4 minutes". Rounded up, so that nobody returns too early. */
    function formatDuration(seconds) {
        const units = [['second', 1, 90], ['minute', 60, 5400], ['hour', 3600, Infinity]];
        const unit = units.find(function (each) { return seconds <= each[2]; });
        const format = {'style': 'unit', 'unit': unit[0], 'unitDisplay': 'long'};
        return new Intl.NumberFormat(language, format).format(Math.ceil(seconds / unit[1]));
    }

    /* Put the time zone into a cookie; the server writes mails in it. A __Host- cookie must be Secure. */
    function setTimeZoneCookie() {
        const name = document.body.dataset.timeZoneCookie;
        const cookie = name + '=' + new Intl.DateTimeFormat().resolvedOptions().timeZone;
        if (!document.cookie.split('; ').includes(cookie)) {
            document.cookie = cookie + '; Path=/; SameSite=Lax' + (name.startsWith('__Host-') ? '; Secure' : '');
        }
    }

    window.zltime = {'localise': localise, 'formatClock': formatClock, 'formatDuration': formatDuration};
    setTimeZoneCookie();  // Before any form can be sent. The script is deferred, so the body exists.
    $(function () { localise(document.body); });
}());
