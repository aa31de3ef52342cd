import assert from 'node:assert/strict';
import {beforeEach, test} from 'node:test';

import {load} from './scripts.js';

let page;      // The effects on the page, in order.
let events;    // The listeners, by selector and event.
let form;
let response;  // The response of the server to the proof.
let means;     // The response of the server to the question how the administrator can be proved.
let offered;   // What was passed to zlpasskey.offer.
let hidden;    // Whether the parts of the dialog are hidden, by selector.
let zlauth;

/* Return a fake of what jQuery finds in the dialog for a selector. */
function find(selector) {
    const found = {
        'trigger': (name) => page.push(`${name} on ${selector}`),
        'prop': (name, value) => {
            if (name === 'hidden') {
                hidden[selector] = value;
            }
            return found;
        },
        'on': (name, listener) => { events[selector] = listener; return found; },
        'empty': () => found,
        'append': (text) => page.push(text),
        'data': () => 'No passkey was used.'
    };
    return found;
}

beforeEach(() => {
    [page, events, hidden, offered] = [[], {}, {}, null];
    response = {'code': 200, 'message': '', 'data': {}};
    const methods = ['passkey', 'password+app'];
    means = {'code': 200, 'message': '', 'data': {methods, 'passkey': {'rpId': 'here'}}};
    form = {'action': '/reauth', 'elements': {'password': {'value': 'what was typed'}}};
    const dialog = {
        '0': form,
        'find': find,
        'on': (name, listener) => {
            events[name] = listener;
            return dialog;
        }
    };
    const modal = {'show': () => page.push('show'), 'hide': () => { page.push('hide'); events['hidden.bs.modal'](); }};
    zlauth = load(['zlauth'], {
        '$': (target) => {
            if (target === '<p>') {
                return {'text': (text) => text};
            }
            if (typeof target === 'function') {
                return target();
            }
            return ['#reauth', '#reauth form'].includes(target) ? dialog : {'prop': () => {}};
        },
        'bootstrap': {'Modal': {'getOrCreateInstance': () => modal, 'getInstance': () => modal}},
        'document': {
            'activeElement': {'focus': () => page.push('focus back')},
            'querySelector': () => ({'dataset': {'loginUrl': '/login'}})
        },
        'zlajax': {
            'get': (options) => options.success(means),
            'post': (options) => { page.push(options.data); options.success(response); }
        },
        'zlalert': {'alertInfo': (message) => page.push(message)},
        'zlform': {'clearErrors': () => {}, 'showErrors': (_, fields) => page.push(fields)},
        'zlpassword': {'hideAll': () => page.push('password hidden')},
        'zlpasskey': {
            'isPossible': (options) => Boolean(options),
            'offer': (settings) => { offered = settings; return {'use': () => page.push('passkey requested')}; }
        },
        'location': {'pathname': '/page/?', 'assign': (url) => page.push(url)}
    }).zlauth;
});

function refuse(error, methods) {
    const data = methods ? {error, methods} : {error};
    return zlauth.handleRefusal({'code': 401, 'message': '', data}, () => page.push('retry'));
}

function extendDialog() {
    form.elements['code'] = {'value': '123456'};
    form.elements['recovery_code'] = {'value': ''};
}

function part(name) {
    return `[data-part="${name}"]`;
}

function submit() {
    events['submit']({'target': form, 'preventDefault': () => page.push('default prevented')});
}

const TYPED = {'password': 'what was typed'};
const PASSWORD_FOCUSED = 'focus on [name="password"]';

test('other refusals are not handled', () => {
    assert.equal(refuse('code_wrong'), false);
    assert.deepEqual(page, []);
});

test('an ended session leads to the sign-in page, which returns to this page', () => {
    assert.equal(refuse('sign_in_required'), true);
    assert.deepEqual(page, ['/login?next=%2Fpage%2F%3F']);
});

test('a correct password repeats the request after the dialog is closed', () => {
    assert.equal(refuse('reauth_required', ['password']), true);
    events['shown.bs.modal']();
    submit();
    assert.deepEqual(page, [
        'show', PASSWORD_FOCUSED, 'default prevented', TYPED, 'hide', 'password hidden', 'focus back', 'retry'
    ]);
    assert.equal(form.elements['password'].value, '');
});

test('a refusal of an older server, without methods, asks for the password', () => {
    refuse('reauth_required');
    assert.deepEqual(page, ['show']);
});

test('a dialog that is closed without a password repeats nothing', () => {
    refuse('reauth_required', ['password']);
    events['hidden.bs.modal']();
    assert.deepEqual(page, ['show', 'password hidden', 'focus back']);
    assert.equal(form.elements['password'].value, '');
});

test('an incorrect password is reported in the dialog, which stays open', () => {
    response = {'code': 403, 'message': 'The password is incorrect.', 'data': {'error': 'password_wrong'}};
    refuse('reauth_required', ['password']);
    submit();
    assert.deepEqual(page, ['show', 'default prevented', TYPED, {'password': ['The password is incorrect.']}]);
    assert.equal(form.elements['password'].value, '');
});

test('a session that ends while the dialog is open leads to the sign-in page', () => {
    response = {'code': 401, 'message': '', 'data': {'error': 'sign_in_required'}};
    refuse('reauth_required', ['password']);
    submit();
    assert.equal(page.at(-1), '/login?next=%2Fpage%2F%3F');
});

test('a correct password does not repeat a later request', () => {
    refuse('reauth_required', ['password']);
    submit();
    page = [];
    refuse('reauth_required', ['password']);
    events['hidden.bs.modal']();
    assert.equal(page.includes('retry'), false);
});

test('a page that was opened before a second factor was added leads to the page that asks for it', () => {
    refuse('reauth_required', ['passkey']);
    assert.deepEqual(page, ['/reauth?next=%2Fpage%2F%3F']);
});

test('a passkey is offered first, and its response repeats the request', () => {
    extendDialog();
    refuse('reauth_required', ['passkey', 'password+app']);
    events['shown.bs.modal']();
    assert.deepEqual([hidden[part('passkey')], hidden[part('password')], hidden[':submit']], [false, true, true]);
    events['[data-use-passkey]']();
    offered.submit('response');
    assert.deepEqual(page, [
        'show', 'focus on [data-use-passkey]', 'passkey requested', {'passkey': 'response'}, 'hide', 'password hidden',
        'focus back', 'retry'
    ]);
});

test('a refused passkey is reported in the dialog, which stays open', () => {
    extendDialog();
    response = {'code': 400, 'message': 'This passkey was not accepted.', 'data': {'error': 'passkey_refused'}};
    refuse('reauth_required', ['passkey', 'password+app']);
    offered.submit('response');
    assert.deepEqual(page, ['show', {'passkey': 'response'}, 'This passkey was not accepted.']);
    offered.fail('');
    assert.equal(page.at(-1), 'No passkey was used.');
});

test('the password with a code can be chosen instead of the passkey', () => {
    extendDialog();
    refuse('reauth_required', ['passkey', 'password+app']);
    events['[data-use-password]'].call({});
    assert.deepEqual(['password', 'app', 'recovery_code'].map((each) => hidden[part(each)]), [false, false, true]);
    submit();
    assert.deepEqual(page.slice(0, 4), [
        'show', PASSWORD_FOCUSED, 'default prevented', {...TYPED, 'code': '123456', 'recovery_code': ''}
    ]);
    assert.equal(page.at(-1), 'retry');
    assert.equal(form.elements['code'].value, '');
});

test('where no passkey can be used, the password is asked for at once', () => {
    extendDialog();
    means.data = {'methods': ['passkey', 'password+recovery_code'], 'passkey': null};
    refuse('reauth_required', means.data['methods']);
    events['shown.bs.modal']();
    assert.deepEqual([hidden[part('passkey')], hidden[part('password')], hidden[':submit']], [true, false, false]);
    assert.equal(hidden[part('recovery_code')], false);
    assert.deepEqual(page, ['show', PASSWORD_FOCUSED]);
});

test('where nothing can be used, the dialog says so', () => {
    extendDialog();
    means.data = {'methods': ['passkey'], 'passkey': null};
    refuse('reauth_required', ['passkey']);
    assert.deepEqual([hidden[part('none')], hidden[part('password')], hidden[':submit']], [false, true, true]);
});

test('a wrong code keeps the password', () => {
    extendDialog();
    const fields = {'code': ['The code is incorrect or has already been used.']};
    response = {'code': 400, 'message': fields.code[0], 'data': {'error': 'second_factor_wrong', fields}};
    refuse('reauth_required', ['passkey', 'password+app']);
    submit();
    assert.deepEqual(page.at(-1), fields);
    assert.equal(form.elements['password'].value, 'what was typed');
});

test('a session that ended before the dialog opens leads to the sign-in page', () => {
    extendDialog();
    means = {'code': 401, 'message': '', 'data': {'error': 'sign_in_required'}};
    refuse('reauth_required', ['passkey']);
    assert.deepEqual(page, ['/login?next=%2Fpage%2F%3F']);
});
