/* The development mailbox: the list is updated every few seconds, and each code has a button that copies it. */
$(function () {
    'use strict';

    const UPDATE_SECONDS = 2;
    const LABEL_SECONDS = 4;
    const list = document.getElementById('messages');

    /* Load the page again, and show its messages. */
    function updateList() {
        if (document.hidden) {
            return;
        }
        $.ajax({'url': list.dataset.url, 'dataType': 'text', 'headers': {'Accept': 'text/html'}}).done(function (page) {
            const found = new DOMParser().parseFromString(page, 'text/html').getElementById('messages');
            if (found) {
                replaceMessages(Array.from(found.querySelectorAll('article')));
            }
        });
    }

    /* Add new messages at the top, and remove old ones. The others are not replaced, so that they keep the focus. */
    function replaceMessages(articles) {
        const ids = articles.map(function (article) { return article.id; });
        $(list).children('article').filter(function () { return !ids.includes(this.id); }).remove();
        articles.reverse().forEach(function (article) {
            if (!document.getElementById(article.id)) {
                const message = document.importNode(article, true);
                prepareMessages(message);
                list.prepend(message);
            }
        });
        $(list).children('[data-empty]').prop('hidden', articles.length > 0);
    }

    /* Show the copy buttons and the local times within an element. */
    function prepareMessages(element) {
        $(element).find('[data-copy]').prop('hidden', false);
        zltime.localise(element);
    }

    function copyCode(button) {
        const code = $(button).closest('article').find('[data-code]')[0];
        const showSuccess = function () { showResult(button, list.dataset.copied); };
        const copySelection = function () {
            window.getSelection().selectAllChildren(code);
            if (document.execCommand('copy')) {
                showSuccess();
            } else {
                showResult(button, list.dataset.copyFailed);
            }
        };
        if (navigator.clipboard) {
            navigator.clipboard.writeText(code.textContent).then(showSuccess, copySelection);
        } else {
            copySelection();  // Browsers provide `navigator.clipboard` over HTTPS and on localhost only.
        }
    }

    /* Show a text on a button for a few seconds and announce it to screen readers. */
    function showResult(button, text) {
        const label = button.dataset.label || button.textContent;
        button.dataset.label = label;
        button.textContent = text;
        $('#announcements').text(text);
        window.setTimeout(function () {
            button.textContent = label;
            $('#announcements').text('');
        }, LABEL_SECONDS * 1000);
    }

    $(list).on('click', '[data-copy]', function () { copyCode(this); });
    prepareMessages(list);
    window.setInterval(updateList, UPDATE_SECONDS * 1000);
});
