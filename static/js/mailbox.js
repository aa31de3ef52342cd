/* The mailbox of a developer: it renews itself, and each code can be copied. */
$(function () {
    'use strict';

    const RENEW_SECONDS = 2;
    const list = document.getElementById('messages');

    /* Put new mails on top and take old ones away; what stays is not touched, so that no focus is lost. */
    function renew() {
        if (document.hidden) {
            return;
        }
        $.ajax({'url': list.dataset.url, 'dataType': 'text', 'headers': {'Accept': 'text/html'}}).done(function (page) {
            const found = new DOMParser().parseFromString(page, 'text/html').getElementById('messages');
            if (found) {
                merge(Array.from(found.querySelectorAll('article')));
            }
        });
    }

    function merge(articles) {
        const ids = articles.map(function (article) { return article.id; });
        $(list).children('article').filter(function () { return !ids.includes(this.id); }).remove();
        articles.reverse().forEach(function (article) {
            if (!document.getElementById(article.id)) {
                list.prepend(prepared(document.importNode(article, true)));
            }
        });
        $(list).children('[data-empty]').prop('hidden', articles.length > 0);
    }

    function prepared(part) {
        $(part).find('[data-copy]').prop('hidden', false);
        zltime.localise(part);
        return part;
    }

    function copy(button) {
        const code = $(button).closest('article').find('[data-code]')[0];
        const copied = function () { say(button, list.dataset.copied); };
        const byHand = function () {
            window.getSelection().selectAllChildren(code);
            if (document.execCommand('copy')) {
                copied();
            } else {
                say(button, list.dataset.copyFailed);
            }
        };
        if (navigator.clipboard) {
            navigator.clipboard.writeText(code.textContent).then(copied, byHand);
        } else {
            byHand();  // Only a page over HTTPS or of this machine has a clipboard.
        }
    }

    function say(button, text) {
        const label = button.dataset.label || button.textContent;
        button.dataset.label = label;
        button.textContent = text;
        $('#announcements').text(text);
        window.setTimeout(function () {
            button.textContent = label;
            $('#announcements').text('');
        }, 4000);
    }

    $(list).on('click', '[data-copy]', function () { copy(this); });
    prepared(list);
    window.setInterval(renew, RENEW_SECONDS * 1000);
});
