/* Bootstrap's dark colours for who prefers them: it asks for an attribute where a media query would do. */
(function () {
    'use strict';

    const dark = window.matchMedia('(prefers-color-scheme: dark)');

    function choose() {
        document.documentElement.dataset.bsTheme = dark.matches ? 'dark' : 'light';
    }

    dark.addEventListener('change', choose);
    choose();
}());
