/* Error messages at the fields of a form. */
(function () {
    'use strict';

    /* Show the messages of `fields` ({name: [message]}) in a form, and focus the first field with a message. */
    function showErrors(form, fields) {
        clearErrors(form);
        const invalid = $(form).find(':input').filter(function () { return this.name in fields; });
        invalid.addClass('is-invalid').attr('aria-invalid', 'true').each(function () {
            const place = $(form).find('[data-errors-of="' + this.name + '"]');
            fields[this.name].forEach(function (message) {
                $('<p>').text(message).appendTo(place);
            });
        });
        invalid.first().trigger('focus').trigger('select');
        document.title = document.body.dataset.titleRefused;  // Screen readers announce the title.
    }

    function clearErrors(form) {
        $(form).find('[aria-invalid]').removeClass('is-invalid').removeAttr('aria-invalid');
        $(form).find('[data-errors-of]').empty();
        document.title = document.body.dataset.title;
    }

    window.zlform = {'showErrors': showErrors, 'clearErrors': clearErrors};
}());
