import assert from 'node:assert/strict';
import {test} from 'node:test';

import {load, pendingChange} from './scripts.js';

const {zlpending} = load(['zlpending']);
const OWN_STATES = ['code', 'half', 'unsent', 'undelivered', 'no_tries', 'expired'];
const OTHER_STATES = ['started', 'elsewhere'];

function queued(problem = '') {
    return pendingChange({'mail': {'state': 'queued', 'at': null, 'problem': problem}});
}

test('a change is own unless another session or administrator requested it', () => {
    for (const state of OWN_STATES) {
        assert.equal(zlpending.isOwn(pendingChange({state})), true, state);
    }
    for (const state of OTHER_STATES) {
        assert.equal(zlpending.isOwn(pendingChange({state})), false, state);
    }
    assert.equal(zlpending.isOwn(null), false);
});

test('the state is that of the server until the change expires', () => {
    assert.equal(zlpending.state(pendingChange({'state': 'half'}), 1), 'half');
    assert.equal(zlpending.state(pendingChange({'state': 'half'}), 0), 'expired');
});

test('the state of a change of another session does not become expired', () => {
    for (const state of OTHER_STATES) {
        assert.equal(zlpending.state(pendingChange({state}), 0), state);
    }
});

test('a mail that was not sent in time has expired, one that was sent has not', () => {
    assert.equal(zlpending.mailState(queued(), 1), 'queued');
    assert.equal(zlpending.mailState(queued(), 0), 'expired');
    assert.equal(zlpending.mailState(pendingChange(), 0), 'sent');
});

test('a queued mail with a problem is late', () => {
    assert.equal(zlpending.mailState(queued('The mail server did not respond.'), 1), 'late');
});

test('a code can be entered until the change expires', () => {
    assert.equal(zlpending.acceptsCode(pendingChange(), 1), true);
    assert.equal(zlpending.acceptsCode(pendingChange(), 0), false);
});

test('no code can be entered without tries, without a change, or for a change of another session', () => {
    assert.equal(zlpending.acceptsCode(null, 1), false);
    for (const state of ['no_tries', ...OTHER_STATES]) {
        assert.equal(zlpending.acceptsCode(pendingChange({state}), 1), false, state);
    }
});

test('a change of another session is over when it expires, an own one is not', () => {
    for (const state of OTHER_STATES) {
        assert.equal(zlpending.isOver(pendingChange({state}), 1), false, state);
        assert.equal(zlpending.isOver(pendingChange({state}), 0), true, state);
    }
    assert.equal(zlpending.isOver(pendingChange(), 0), false);
    assert.equal(zlpending.isOver(null, 0), false);
});

test('the mail counts as queued while its code can be entered', () => {
    assert.equal(zlpending.isMailQueued(queued(), 1), true);
    assert.equal(zlpending.isMailQueued(queued('The mail server did not respond.'), 1), true);
    assert.equal(zlpending.isMailQueued(queued(), 0), false);
    assert.equal(zlpending.isMailQueued(pendingChange(), 1), false);
    assert.equal(zlpending.isMailQueued(null, 1), false);
});

test('an address in other case, with spaces around it or in ASCII is the same address', () => {
    const change = pendingChange({'email': 'Änne@bücher.example', 'ascii': 'Änne@xn--bcher-kva.example'});
    for (const typed of [' änne@BÜCHER.example ', 'änne@xn--bcher-kva.example']) {
        assert.equal(zlpending.isOtherAddress(change, typed), false, typed);
    }
});

test('a different address is detected, and an empty field is none', () => {
    assert.equal(zlpending.isOtherAddress(pendingChange(), 'newer@example.com'), true);
    for (const ascii of [null, 'new@xn--bcher-kva.example']) {
        assert.equal(zlpending.isOtherAddress(pendingChange({ascii}), '  '), false);
    }
});
