/* Shows what is typed into a password field for as long as the button beside it is pressed. */
(function () {
    'use strict';

    function set(button, isShown) {
        document.getElementById(button.getAttribute('aria-controls')).type = isShown ? 'text' : 'password';
        button.setAttribute('aria-pressed', String(isShown));
    }

    /* Hide the passwords of a form, so that no browser keeps them as what was typed into a plain field. */
    function hide(form) {
        $(form).find('[data-show-password]').each(function () { set(this, false); });
    }

    $(function () {
        $('[data-show-password]').prop('hidden', false).on('click', function () {
            set(this, this.getAttribute('aria-pressed') === 'false');
        });
        $('form').on('submit', function () { hide(this); });
    });

    window.zlpassword = {'hide': hide};
}());
