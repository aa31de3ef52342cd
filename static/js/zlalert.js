/* Notices: Bootstrap's toasts in a live region. They show text, never HTML. */
(function () {
    'use strict';

    const SUCCESS_SECONDS = 12;  // Longer while the notice has the pointer or the focus. Other kinds stay until closed.

    /* Show a notice, which replaces the previous one. */
    function show(message, kind) {
        const region = document.getElementById('notices');
        const notice = document.getElementById('notice').content.firstElementChild.cloneNode(true);
        notice.classList.add('toast-' + kind);
        notice.querySelector('.toast-body').textContent = message;
        notice.addEventListener('hidden.bs.toast', function () { notice.remove(); });
        region.replaceChildren(notice);
        new bootstrap.Toast(notice, {'autohide': kind === 'success', 'delay': SUCCESS_SECONDS * 1000}).show();
        scrollFromBehind(region.getBoundingClientRect());
    }

    /* Scroll so that a notice does not cover the focused element or the card of a pending change (WCAG 2.4.11). */
    function scrollFromBehind(notice) {
        const boxes = [document.activeElement, document.getElementById('pending')].filter(function (element) {
            return element && element !== document.body;
        }).map(function (element) {
            return element.getBoundingClientRect();
        });
        const behind = boxes.filter(function (box) {
            return box.bottom > notice.top && box.top < notice.bottom &&
                box.right > notice.left && box.left < notice.right;
        });
        if (behind.length) {
            const bottom = Math.max(...behind.map(function (box) { return box.bottom; }));
            window.scrollBy(0, Math.min(bottom - notice.top, boxes[0].top));  // Keep the focused element in the window.
        }
    }

    function alertInfo(message) {
        show(message, 'info');
    }

    function alertSuccess(message) {
        show(message, 'success');
    }

    function alertError(message) {
        show(message, 'error');
    }

    function alertNetworkError() {
        alertError(document.getElementById('notices').dataset.networkError);
    }

    window.zlalert = {
        'alertInfo': alertInfo,
        'alertSuccess': alertSuccess,
        'alertSuccessToast': alertSuccess,
        'alertError': alertError,
        'alertNetworkError': alertNetworkError
    };
}());
