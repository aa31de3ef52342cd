import assert from 'node:assert/strict';
import {beforeEach, test} from 'node:test';

import {fakeClock, load, pendingChange} from './scripts.js';

const NEW = 'new@example.com';
const URLS = {'code': '/code', 'change': '/change', 'cancel': '/cancel'};

let clock;
let requests;   // The requests that have no response yet.
let calls;      // The calls of display functions, as [function, ...arguments].
let refusals;   // The functions that repeat the requests which require authentication.
let typed;      // The content of the field of the address.
let change;

/* Return an object whose functions record their calls. */
function recorder(...names) {
    return Object.fromEntries(names.map((name) => [name, (...values) => { calls.push([name, ...values]); }]));
}

beforeEach(() => {
    clock = fakeClock();
    [requests, calls, refusals, typed] = [[], [], [], NEW];
    const page = {
        ...recorder(
            'clearErrors', 'showErrors', 'showTypo', 'showCodes', 'showResend', 'showOtherAddress',
            'announceLastMinute', 'setCurrentAddress', 'setBlocked', 'showSuccess', 'removeSuccess',
            'focusCode', 'focusField', 'resetAfterCancel'
        ),
        'form': {},
        'urls': URLS,
        'texts': {'wait': 'Try again in {time}.', 'between': ' | '},
        'email': () => typed,
        'fields': () => `email=${typed}&captcha=123456`
    };
    change = load(['zlcountdown', 'zlpending', 'zlchange'], {
        'Date': clock,
        'zlajax': {
            'get': (options) => requests.push({'method': 'GET', ...options}),
            'post': (options) => requests.push({'method': 'POST', ...options})
        },
        'zlalert': recorder('alertInfo', 'alertSuccess', 'alertNetworkError'),
        'zlauth': {
            'handleRefusal': (data, retry) => {
                const isHandled = data['code'] === 401;
                if (isHandled) {
                    refusals.push(retry);
                }
                return isHandled;
            }
        },
        'zlcard': {
            'show': (shown) => calls.push(['card.show', shown]),
            'remove': () => calls.push(['card.remove']),
            'update': (...values) => calls.push(['card.update', ...values])
        },
        'zltime': {'formatDuration': (seconds) => `${seconds} seconds`}
    }).zlchange.create(page);
});

/* Return the arguments of the last call of a function, or undefined. */
function last(name) {
    return calls.findLast((call) => call[0] === name)?.slice(1);
}

function count(name) {
    return calls.filter((call) => call[0] === name).length;
}

/* Respond to the oldest request. */
function respond(code, data = {}, message = 'A message.') {
    requests.shift().success({code, message, data});
}

function failRequest() {
    requests.shift().fail();
}

function advance(seconds) {
    clock.advance(seconds);
    calls = [];
    change.tick();
}

/* ---- requesting a code ---- */

test('a code is requested for the typed address, and the form is locked until the response', () => {
    change.requestCode('');
    const [{method, url, data, form}] = requests;
    assert.deepEqual({method, url, data}, {'method': 'POST', 'url': '/code', 'data': {'email': NEW, 'sure': ''}});
    assert.ok(form);
    assert.equal(count('clearErrors'), 1);
});

test('a code that was sent shows its change, and the field of the code has the focus', () => {
    const pending = pendingChange();
    change.requestCode('');
    respond(200, pending, 'The code is on its way.');
    assert.deepEqual(last('card.show'), [pending]);
    assert.deepEqual(last('showCodes'), [['new'], []]);
    assert.deepEqual(last('alertSuccess'), ['The code is on its way.']);
    assert.equal(count('focusCode'), 1);
    assert.equal(count('removeSuccess'), 1);
});

test('a response without the change loads it with another request', () => {
    change.requestCode('');
    respond(200, {});
    assert.equal(count('card.show'), 0);
    assert.deepEqual([requests[0].method, requests[0].url], ['GET', '/change']);
    respond(200, {'email': 'old@example.com', 'pending': pendingChange()});
    assert.equal(count('card.show'), 1);
});

test('an address that looks like a typo is queried, with the suggestion', () => {
    change.requestCode('');
    respond(400, {'error': 'check_email', 'suggestion': 'ann@gmail.com', 'fields': {'email': ['Is it right?']}});
    assert.deepEqual(last('showTypo'), ['ann@gmail.com']);
    assert.deepEqual(last('showErrors'), [{'email': ['Is it right?']}]);
});

test('a confirmed address stays confirmed when the request is repeated after the password', () => {
    change.requestCode('y');
    respond(401, {'error': 'reauth_required'});
    assert.equal(count('alertInfo'), 0);
    refusals[0]();
    assert.equal(requests[0].data['sure'], 'y');
});

test('a refusal with a waiting time starts the countdown of the button', () => {
    change.requestCode('');
    respond(429, {'error': 'too_many_requests', 'retry_after': 90}, 'Please wait for 90 seconds.');
    assert.deepEqual(last('showResend'), [90, false]);
    assert.deepEqual(last('alertInfo'), ['Please wait for 90 seconds.']);
    advance(89);
    assert.deepEqual(last('showResend'), [1, false]);
    advance(1);
    assert.deepEqual(last('showResend'), [0, false]);
});

test('a refusal with a hint shows both', () => {
    change.requestCode('');
    respond(400, {'error': 'invalid', 'hint': 'A hint.'}, 'A message.');
    assert.deepEqual(last('alertInfo'), ['A message. | A hint.']);
    assert.deepEqual(last('showErrors'), [{}]);
});

test('a response 503 says in words how long to wait', () => {
    change.requestCode('');
    respond(503, {'error': 'unavailable', 'retry_after': 5}, 'Not available.');
    assert.deepEqual(last('alertInfo'), ['Not available. | Try again in 5 seconds.']);
});

/* ---- entering the code ---- */

test('a correct code shows success with the new address and removes the pending change', () => {
    change.show(pendingChange());
    change.changeAddress();
    assert.deepEqual([requests[0].method, requests[0].url], ['POST', '/change']);
    assert.equal(requests[0].data, `email=${NEW}&captcha=123456`);
    assert.equal(count('clearErrors'), 1);
    respond(200, {'email': NEW});
    assert.deepEqual(last('showSuccess'), [NEW]);
    assert.equal(count('card.remove'), 1);
    assert.equal(requests.length, 0);
});

test('the first of two codes is not an error, and the field of the other one has the focus', () => {
    change.changeAddress();
    respond(400, {'error': 'code_missing', 'fields': {'old_captcha': ['Enter it.']}}, 'One code is right.');
    assert.deepEqual(last('focusField'), [{'old_captcha': ['Enter it.']}]);
    assert.deepEqual(last('alertSuccess'), ['One code is right.']);
    assert.equal(count('showErrors'), 0);
    assert.equal(requests[0].method, 'GET');
});

test('an incorrect code is reported at its field, and the tries left are loaded again', () => {
    change.changeAddress();
    respond(400, {'error': 'code_wrong', 'fields': {'captcha': ['It is wrong.']}});
    assert.deepEqual(last('showErrors'), [{'captcha': ['It is wrong.']}]);
    assert.equal(requests[0].method, 'GET');
});

test('only spent tries delay the next code, other waiting times do not', () => {
    change.changeAddress();
    respond(429, {'error': 'too_many_attempts', 'retry_after': 90});
    assert.deepEqual(last('showResend'), [90, false]);
    requests = [];
    clock.advance(90);
    change.changeAddress();
    respond(503, {'error': 'unavailable', 'retry_after': 5});
    change.tick();
    assert.deepEqual(last('showResend'), [0, false]);
});

test('the code is sent again after the password was confirmed', () => {
    change.changeAddress();
    respond(401, {'error': 'reauth_required'});
    assert.equal(requests.length, 0);
    refusals[0]();
    assert.deepEqual([requests[0].method, requests[0].url], ['POST', '/change']);
});

test('when the response is lost, the page loads the current state', () => {
    change.show(pendingChange());
    change.changeAddress();
    failRequest();
    assert.equal(count('alertNetworkError'), 1);
    respond(200, {'email': NEW, 'pending': null});
    assert.deepEqual(last('setCurrentAddress'), [NEW]);
    assert.equal(count('card.remove'), 1);
});

/* ---- cancelling ---- */

test('a cancelled change is removed, and the form is reset', () => {
    change.show(pendingChange());
    change.cancel();
    assert.deepEqual([requests[0].method, requests[0].url], ['POST', '/cancel']);
    respond(200, {}, 'The change is cancelled.');
    assert.equal(count('card.remove'), 1);
    assert.equal(count('resetAfterCancel'), 1);
    assert.deepEqual(last('alertSuccess'), ['The change is cancelled.']);
});

test('a refused cancellation keeps the change, and is repeated after the password', () => {
    change.show(pendingChange());
    change.cancel();
    respond(503, {'error': 'unavailable', 'retry_after': 5}, 'Not available.');
    assert.deepEqual(last('alertInfo'), ['Not available.']);
    change.cancel();
    respond(401, {'error': 'reauth_required'});
    refusals[0]();
    assert.equal(requests[0].url, '/cancel');
    assert.equal(count('card.remove'), 0);
});

/* ---- reading the state from the server ---- */

test('a response is not shown if a newer change was shown meanwhile', () => {
    change.refresh();
    change.show(pendingChange({'email': 'newer@example.com'}));
    respond(200, {'email': 'old@example.com', 'pending': null});
    assert.equal(count('card.remove'), 0);
    assert.equal(count('setCurrentAddress'), 0);
});

test('a refresh that fails or is refused changes nothing', () => {
    change.show(pendingChange());
    calls = [];
    change.refresh();
    failRequest();
    change.refresh();
    respond(503, {'error': 'unavailable', 'retry_after': 5});
    assert.deepEqual(calls, []);
});

test('the page polls while the mail is queued, and not afterwards', () => {
    change.show(pendingChange({'mail': {'state': 'queued', 'at': null, 'problem': ''}}));
    change.poll();
    assert.equal(requests.length, 1);
    respond(200, {'email': 'old@example.com', 'pending': pendingChange()});
    change.poll();
    assert.equal(requests.length, 0);
});

test('the page does not poll for a mail that expired, nor without a change', () => {
    change.poll();
    change.show(pendingChange({'mail': {'state': 'queued', 'at': null, 'problem': ''}}));
    clock.advance(600);
    change.poll();
    assert.deepEqual(requests, []);
});

/* ---- displaying the state ---- */

test('without a change both codes are asked for and none is ticked', () => {
    change.show(null);
    assert.deepEqual(last('showCodes'), [['new', 'old'], []]);
    assert.deepEqual(last('showResend'), [0, false]);
    assert.equal(count('card.update'), 0);
});

test('a change whose tries of the day are spent blocks the form', () => {
    change.show(pendingChange({'blocked_until': '2024-05-07T07:08:09+00:00'}));
    assert.deepEqual(last('setBlocked'), ['2024-05-07T07:08:09+00:00']);
});

test('button and card count down together', () => {
    const pending = pendingChange();
    change.show(pending);
    assert.deepEqual(last('showResend'), [60, true]);
    assert.deepEqual(last('card.update'), [pending, 600, 60]);
    advance(59);
    assert.deepEqual(last('showResend'), [1, true]);
    assert.deepEqual(last('card.update'), [pending, 541, 1]);
});

test('a longer wait after a refusal is not shortened by a change without one', () => {
    change.requestCode('');
    respond(429, {'error': 'too_many_requests', 'retry_after': 90});
    change.show(pendingChange({'resend_in': 0}));
    assert.deepEqual(last('showResend'), [90, true]);
});

test('the last minute of a code is announced once', () => {
    change.show(pendingChange());
    advance(539);
    assert.equal(count('announceLastMinute'), 0);
    advance(1);
    assert.equal(count('announceLastMinute'), 1);
    advance(1);
    assert.equal(count('announceLastMinute'), 0);
});

test('the last minute of a code that cannot be entered is not announced', () => {
    for (const state of ['no_tries', 'started', 'elsewhere']) {
        change.show(pendingChange({state}));
        advance(550);
        assert.equal(count('announceLastMinute'), 0, state);
    }
});

test('a change of this session is still shown after it expired', () => {
    change.show(pendingChange());
    advance(600);
    assert.equal(count('card.remove'), 0);
    assert.equal(last('card.update')[1], 0);
});

test('a change of another session is removed when it expires', () => {
    change.show(pendingChange({'state': 'started', 'resend_in': 0}));
    advance(599);
    assert.equal(count('card.remove'), 0);
    advance(1);
    assert.equal(count('card.remove'), 1);
    assert.deepEqual(last('showResend'), [0, false]);
    assert.equal(count('card.update'), 0);
});

test('a warning appears while another address than that of the code is typed', () => {
    change.show(pendingChange());
    assert.deepEqual(last('showOtherAddress'), [null]);
    typed = 'newer@example.com';
    change.compareAddress();
    assert.deepEqual(last('showOtherAddress'), [NEW]);
    advance(600);
    assert.deepEqual(last('showOtherAddress'), [null]);
});

test('without a change there is no warning about the address', () => {
    typed = 'newer@example.com';
    change.compareAddress();
    assert.deepEqual(last('showOtherAddress'), [null]);
});
