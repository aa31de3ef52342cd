/* The page of new recovery codes: copy, download or print them. */
$(function () {
    'use strict';

    const list = $('#recovery-codes');
    const codes = list.find('code').map(function () { return $(this).text(); }).get();
    const text = [list.data('heading'), ''].concat(codes, '').join('\n');

    /* The clipboard is missing on pages without HTTPS, and may be forbidden. */
    function copy(texts) {
        const copied = navigator.clipboard ? navigator.clipboard.writeText(text) : Promise.reject(new Error());
        return copied.then(function () {
            zlalert.alertInfo(texts.done);
        }).catch(function () {
            zlalert.alertError(texts.failed);
        });
    }

    $('[data-download]').attr('href', URL.createObjectURL(new Blob([text], {'type': 'text/plain;charset=utf-8'})));
    $('[data-copy]').on('click', function () { copy(this.dataset); });
    $('[data-print]').on('click', function () { window.print(); });
    $('.recovery-actions').prop('hidden', false);
});
