/* What is wrong, at the field that it is wrong with. */
(function () {
    'use strict';

    /* Show the sentences of `fields` ({name: [sentence]}) in a form, and go to the first field that has one. */
    function refuse(form, fields) {
        clear(form);
        const wrong = $(form).find(':input').filter(function () { return this.name in fields; });
        wrong.addClass('is-invalid').attr('aria-invalid', 'true').each(function () {
            const place = $(form).find('[data-errors-of="' + this.name + '"]');
            fields[this.name].forEach(function (sentence) {
                $('<p>').text(sentence).appendTo(place);
            });
        });
        wrong.first().trigger('focus').trigger('select');
        document.title = document.body.dataset.titleRefused;  // It is what a screen reader tells of a page.
    }

    /* Take every sentence away. */
    function clear(form) {
        $(form).find('[aria-invalid]').removeClass('is-invalid').removeAttr('aria-invalid');
        $(form).find('[data-errors-of]').empty();
        document.title = document.body.dataset.title;
    }

    window.zlform = {'refuse': refuse, 'clear': clear};
}());
