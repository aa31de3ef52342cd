/* Toggle buttons that show the content of a password field. */
(function () {
    'use strict';

    function setVisible(button, isVisible) {
        document.getElementById(button.getAttribute('aria-controls')).type = isVisible ? 'text' : 'password';
        button.setAttribute('aria-pressed', String(isVisible));
    }

    /* Hide the passwords of a form: a browser may store the content of a text field for its suggestions. */
    function hideAll(form) {
        $(form).find('[data-show-password]').each(function () { setVisible(this, false); });
    }

    $(function () {
        $('[data-show-password]').prop('hidden', false).on('click', function () {
            setVisible(this, this.getAttribute('aria-pressed') === 'false');
        });
        $('form').on('submit', function () { hideAll(this); });
    });

    window.zlpassword = {'hideAll': hideAll};
}());
