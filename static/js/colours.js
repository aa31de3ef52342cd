/* Use Bootstrap's dark colours where the system prefers them. Bootstrap reads an attribute, not the media query. */
(function () {
    'use strict';

    const dark = window.matchMedia('(prefers-color-scheme: dark)');

    function applyColours() {
        document.documentElement.dataset.bsTheme = dark.matches ? 'dark' : 'light';
    }

    dark.addEventListener('change', applyColours);
    applyColours();
}());
