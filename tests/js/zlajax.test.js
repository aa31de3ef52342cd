import assert from 'node:assert/strict';
import {beforeEach, test} from 'node:test';

import {load} from './scripts.js';

let sent;      // The options of the requests that were passed to jQuery.
let received;  // The arguments of the callbacks of the page.
let document;
let zlajax;

/* A fake jQuery: a form has attributes and buttons, and the page a CSRF token. */
function fakeJQuery(target) {
    return target === 'meta[name="csrf-token"]' ? {'attr': () => 'a token'} : {
        'find': () => ({'prop': (name, value) => target.buttons.forEach((button) => { button[name] = value; })}),
        'attr': (name, value) => value === undefined ? target[name] : (target[name] = value),
        'removeAttr': (name) => { delete target[name]; }
    };
}

beforeEach(() => {
    [sent, received] = [[], []];
    const body = {'focus': () => {}};
    document = {body, 'activeElement': body};
    zlajax = load(['zlajax'], {
        '$': Object.assign(fakeJQuery, {'ajax': (options) => sent.push(options), 'noop': () => {}}),
        document,
        'zlalert': {'alertNetworkError': () => received.push('network error')}
    }).zlajax;
});

function post(options = {}) {
    zlajax.post({'url': '/somewhere', 'success': (data) => received.push(data), ...options});
}

function respond(text) {
    sent.at(-1).complete({'responseText': text});
}

test('a request carries the CSRF token and asks for JSON', () => {
    post({'data': {'a': 'b'}});
    assert.equal(sent[0].headers['X-CSRFToken'], 'a token');
    assert.equal(sent[0].headers['Accept'], 'application/json');
    assert.deepEqual([sent[0].method, sent[0].url, sent[0].data], ['POST', '/somewhere', {'a': 'b'}]);
    zlajax.get({'url': '/elsewhere', 'success': () => {}});
    assert.equal(sent[1].method, 'GET');
});

test('every envelope goes to success, whatever its code', () => {
    for (const code of [200, 400, 401, 429, 503]) {
        post();
        respond(JSON.stringify({code, 'message': '', 'data': {}}));
        assert.equal(received.at(-1).code, code);
    }
});

test('a response that is not an envelope goes to fail', () => {
    for (const text of [undefined, '', '<html>', 'null', '1', '{}', '{"code": "200", "data": {}}', '{"code": 200}']) {
        post({'fail': () => received.push('fail')});
        respond(text);
        assert.equal(received.at(-1), 'fail', text);
        received = [];
    }
});

test('without fail a network error is shown', () => {
    post();
    respond('');
    assert.deepEqual(received, ['network error']);
});

test('a form is not sent twice, and its buttons are disabled until the response', () => {
    const form = {'buttons': [{}, {}]};
    post({form});
    post({form});
    assert.equal(sent.length, 1);
    assert.deepEqual(form.buttons, [{'disabled': true}, {'disabled': true}]);
    respond('');
    assert.deepEqual(form, {'buttons': [{'disabled': false}, {'disabled': false}]});
    post({form});
    assert.equal(sent.length, 2);
});

test('a disabled button gets its focus back, unless the focus has moved', () => {
    const button = {'focus': () => received.push('focus')};
    document.activeElement = button;
    post({'form': {'buttons': [button]}, 'fail': () => {}});
    document.activeElement = document.body;
    respond('');
    assert.deepEqual(received, ['focus']);
    document.activeElement = button;
    post({'form': {'buttons': [button]}, 'fail': () => {}});
    document.activeElement = {};
    respond('');
    assert.deepEqual(received, ['focus']);
});
