/* Plain scripts for the browser: each hangs one name of its own on window, and nothing else is global. */
import globals from 'globals';

const OWN = ['zlajax', 'zlalert', 'zlform', 'zlauth', 'zlpassword', 'zlpending', 'zltime'];

export default [
    {
        'files': ['static/**/*.js'],
        'languageOptions': {
            'sourceType': 'script',
            'globals': {
                ...globals.browser,
                '$': 'readonly',
                'bootstrap': 'readonly',
                ...Object.fromEntries(OWN.map(function (name) { return [name, 'readonly']; }))
            }
        },
        'linterOptions': {'reportUnusedDisableDirectives': 'error'},
        'rules': {
            'no-undef': 'error',
            'no-unused-vars': 'error',
            'no-redeclare': 'error',
            'no-implicit-globals': 'error',
            'no-dupe-keys': 'error',
            'no-unreachable': 'error',
            'no-eval': 'error',
            'no-implied-eval': 'error',
            'no-var': 'error',
            'prefer-const': 'error',
            'eqeqeq': 'error',
            'strict': ['error', 'function'],
            'curly': 'error',
            'max-len': ['error', {'code': 120}],
            // Text goes in as text: markup in it would be run.
            'no-restricted-properties': ['error',
                {'property': 'innerHTML'}, {'property': 'outerHTML'}, {'property': 'insertAdjacentHTML'}]
        }
    }
];
