/* The reader's time zone; moments in it, and spans as a clock or in words; the words are the browser's. */
(function () {
    'use strict';

    const language = document.documentElement.lang;

    /* Write every <time> within an element in the reader's time; the day is told if it is not today. */
    function localise(element) {
        $(element).find('time[datetime]').addBack('time[datetime]').each(function () {
            const moment = new Date(this.dateTime);
            if (!isNaN(moment)) {
                this.textContent = local(moment);
                this.title = moment.toLocaleString(language);
            }
        });
    }

    function local(moment) {
        const format = {'hour': '2-digit', 'minute': '2-digit', 'hourCycle': 'h23'};
        if (moment.toDateString() !== new Date().toDateString()) {
            Object.assign(format, {'year': 'numeric', 'month': 'short', 'day': 'numeric'});
        }
        return new Intl.DateTimeFormat(language, format).format(moment);
    }

    /* 75 -> "1:15", 3675 -> "1:01:15" */
    function clock(seconds) {
        const parts = [Math.floor(seconds / 60) % 60, seconds % 60];
        if (seconds >= 3600) {
            parts.unshift(Math.floor(seconds / 3600));
        }
        return parts.map(function (part, place) {
            return place ? String(part).padStart(2, '0') : String(part);
        }).join(':');
    }

    /* 5 -> "5 seconds", 200 -> "4 minutes": rounded up, so that who waits as long as they were told gets through. */
    function span(seconds) {
        const units = [['second', 1, 90], ['minute', 60, 5400], ['hour', 3600, Infinity]];
        const unit = units.find(function (each) { return seconds <= each[2]; });
        const format = {'style': 'unit', 'unit': unit[0], 'unitDisplay': 'long'};
        return new Intl.NumberFormat(language, format).format(Math.ceil(seconds / unit[1]));
    }

    /* Tell the server the reader's time zone, for the times in mails. A cookie named __Host- must be Secure. */
    function tellZone() {
        const name = document.body.dataset.timeZoneCookie;
        const told = name + '=' + new Intl.DateTimeFormat().resolvedOptions().timeZone;
        if (!document.cookie.split('; ').includes(told)) {
            document.cookie = told + '; Path=/; SameSite=Lax' + (name.startsWith('__Host-') ? '; Secure' : '');
        }
    }

    window.zltime = {'localise': localise, 'clock': clock, 'span': span};
    tellZone();  // At once, before any form can be sent: the script is deferred, so that the page is there.
    $(function () { localise(document.body); });
}());
