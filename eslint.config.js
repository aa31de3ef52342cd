/* static/js: classic scripts; each sets at most one global, a property of window. tests/js: modules for Node.js. */
import globals from 'globals';

const OWN = [
    'zlajax', 'zlalert', 'zlauth', 'zlcard', 'zlchange', 'zlcountdown', 'zlform', 'zlpasskey', 'zlpassword', 'zlpending', 'zltime'
];
const RULES = {
    'no-undef': 'error',
    'no-unused-vars': 'error',
    'no-redeclare': 'error',
    'no-dupe-keys': 'error',
    'no-unreachable': 'error',
    'no-eval': 'error',
    'no-implied-eval': 'error',
    'no-var': 'error',
    'prefer-const': 'error',
    'eqeqeq': 'error',
    'curly': 'error',
    'max-len': ['error', {'code': 120}]
};

export default [
    {'linterOptions': {'reportUnusedDisableDirectives': 'error'}},
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
        'rules': {
            ...RULES,
            'no-implicit-globals': 'error',
            'strict': ['error', 'function'],
            // Text must be set as text: as HTML it could contain scripts.
            'no-restricted-properties': ['error',
                {'property': 'innerHTML'}, {'property': 'outerHTML'}, {'property': 'insertAdjacentHTML'}],
            'no-restricted-syntax': ['error', {
                'selector': 'Literal[value=/^(https?:)?\\u002F/]',
                'message': 'Scripts contain no URLs: read them from the page (action, formaction or a data- attribute).'
            }]
        }
    },
    {
        'files': ['tests/js/**/*.js'],
        'languageOptions': {'sourceType': 'module', 'globals': globals.nodeBuiltin},
        'rules': RULES
    }
];
