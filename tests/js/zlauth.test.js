import assert from 'node:assert/strict';
import {beforeEach, test} from 'node:test';

import {load} from './scripts.js';

let page;      // The effects on the page, in order.
let events;    // The listeners, by event.
let form;
let response;  // The response of the server to the password.
let zlauth;

beforeEach(() => {
    [page, events, response] = [[], {}, {'code': 200, 'message': '', 'data': {}}];
    form = {'action': '/reauth', 'elements': {'password': {'value': 'what was typed'}}};
    const dialog = {
        '0': form,
        'find': () => ({'trigger': (name) => page.push(`${name} on the password`)}),
        'on': (name, listener) => {
            events[name] = listener;
            return dialog;
        }
    };
    const modal = {'show': () => page.push('show'), 'hide': () => { page.push('hide'); events['hidden.bs.modal'](); }};
    zlauth = load(['zlauth'], {
        '$': (target) => typeof target === 'function' ? target() : dialog,
        'bootstrap': {'Modal': {'getOrCreateInstance': () => modal, 'getInstance': () => modal}},
        'document': {
            'activeElement': {'focus': () => page.push('focus back')},
            'querySelector': () => ({'dataset': {'loginUrl': '/login'}})
        },
        'zlajax': {'post': (options) => options.success(response)},
        'zlform': {'clearErrors': () => {}, 'showErrors': (_, fields) => page.push(fields)},
        'zlpassword': {'hideAll': () => page.push('password hidden')},
        'location': {'pathname': '/page/?', 'assign': (url) => page.push(url)}
    }).zlauth;
});

function refuse(error) {
    return zlauth.handleRefusal({'code': 401, 'message': '', 'data': {error}}, () => page.push('retry'));
}

function typePassword() {
    events['submit']({'target': form, 'preventDefault': () => page.push('default prevented')});
}

test('other refusals are not handled', () => {
    assert.equal(refuse('code_wrong'), false);
    assert.deepEqual(page, []);
});

test('an ended session leads to the sign-in page, which returns to this page', () => {
    assert.equal(refuse('sign_in_required'), true);
    assert.deepEqual(page, ['/login?next=%2Fpage%2F%3F']);
});

test('a correct password repeats the request after the dialog is closed', () => {
    assert.equal(refuse('reauth_required'), true);
    typePassword();
    assert.deepEqual(page, ['show', 'default prevented', 'hide', 'password hidden', 'focus back', 'retry']);
    assert.equal(form.elements['password'].value, '');
});

test('a dialog that is closed without a password repeats nothing', () => {
    refuse('reauth_required');
    events['hidden.bs.modal']();
    assert.deepEqual(page, ['show', 'password hidden', 'focus back']);
    assert.equal(form.elements['password'].value, '');
});

test('an incorrect password is reported in the dialog, which stays open', () => {
    response = {'code': 403, 'message': 'The password is incorrect.', 'data': {'error': 'password_wrong'}};
    refuse('reauth_required');
    typePassword();
    assert.deepEqual(page, ['show', 'default prevented', {'password': ['The password is incorrect.']}]);
    assert.equal(form.elements['password'].value, '');
});

test('a session that ends while the dialog is open leads to the sign-in page', () => {
    response = {'code': 401, 'message': '', 'data': {'error': 'sign_in_required'}};
    refuse('reauth_required');
    typePassword();
    assert.equal(page.at(-1), '/login?next=%2Fpage%2F%3F');
});

test('a correct password does not repeat a later request', () => {
    refuse('reauth_required');
    typePassword();
    page = [];
    refuse('reauth_required');
    events['hidden.bs.modal']();
    assert.equal(page.includes('retry'), false);
});
