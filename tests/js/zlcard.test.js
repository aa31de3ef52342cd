import assert from 'node:assert/strict';
import {beforeEach, test} from 'node:test';

import {load, pendingChange} from './scripts.js';

/* A fake element with data- attributes, and the parts of the DOM that the card uses. */
class FakeElement {
    constructor(dataset = {}, children = []) {
        Object.assign(this, {'id': '', 'hidden': false, 'textContent': '', 'attributes': {}, dataset, children});
    }

    setAttribute(name, value) { this.attributes[name] = String(value); }

    removeAttribute(name) { delete this.attributes[name]; }

    querySelectorAll(selector) {
        const [, name, value] = selector.match(/^\[data-(\w+)(?:="(\w+)")?\]$/);
        return this.children.filter(({dataset}) => value === undefined ? name in dataset : dataset[name] === value);
    }

    cloneNode() {
        const copy = new FakeElement(this.dataset, this.children.map((each) => each.cloneNode()));
        copy.hidden = this.hidden;
        return copy;
    }
}

const PARTS = [
    ...['email', 'ascii', 'tries', 'tries_left', 'started_by', 'problem'].map((fill) => ({fill})),
    ...['asked_at', 'expires_at', 'ready_at', 'resend_at', 'mail_at', 'time_left', 'resend'].map((fill) => ({fill})),
    ...['code', 'half', 'half_done', 'no_tries', 'expired', 'started', 'code half'].map((when) => ({when})),
    ...['queued', 'late', 'sent', 'expired'].map((mail) => ({mail})),
    ...['at', 'wait', 'now'].map((resend) => ({resend})),
    {'ascii': ''}, {'script': ''}, {'edit': '', 'script': '', 'when': 'code half'}
];

let elements;   // The elements of the page by id.
let localised;  // The times of the card at each call of zltime.localise().
let zlcard;

beforeEach(() => {
    const empty = new FakeElement({}, PARTS.map((each) => new FakeElement(each)));
    elements = {
        'pending-empty': {'content': {'firstElementChild': empty}},
        'pending-place': {'append': (card) => {
            elements[card.id] = card;
            card.remove = () => { delete elements[card.id]; };
        }}
    };
    localised = [];
    const localise = (card) => localised.push(times(card));
    zlcard = load(['zlpending', 'zlcard'], {
        'document': {'getElementById': (id) => elements[id] ?? null},
        'zltime': {'localise': localise, 'formatClock': (seconds) => `${seconds} s`}
    }).zlcard;
});

function times(card) {
    return card.children.map(({attributes}) => attributes['datetime']);
}

function place(name) {
    return elements['pending'].querySelectorAll(`[data-fill="${name}"]`)[0];
}

/* Return the values of data-<name> on the elements that are visible. */
function visible(name) {
    const found = elements['pending'].querySelectorAll(`[data-${name}]`);
    return found.filter((element) => !element.hidden).map((element) => element.dataset[name]);
}

test('the first change creates a card, the next one updates the same card', () => {
    zlcard.show(pendingChange());
    const card = elements['pending'];
    zlcard.show(pendingChange({'email': 'newer@example.com', 'tries_left': 4}));
    assert.equal(elements['pending'], card);
    assert.equal(place('email').textContent, 'newer@example.com');
    assert.equal(place('tries_left').textContent, 4);
});

test('a card can be removed, and removing none is no error', () => {
    zlcard.remove();
    zlcard.show(pendingChange());
    zlcard.remove();
    assert.equal(elements['pending'], undefined);
});

test('null is shown as an empty text', () => {
    zlcard.show(pendingChange({'ascii': null}));
    assert.equal(place('ascii').textContent, '');
});

test('the problem of a mail is shown until the mail was sent', () => {
    zlcard.show(pendingChange({'mail': {'state': 'queued', 'at': null, 'problem': 'It did not respond.'}}));
    assert.equal(place('problem').textContent, 'It did not respond.');
    zlcard.show(pendingChange());
    assert.equal(place('problem').textContent, '');
});

test('every time is set before the texts of the times are written', () => {
    const change = pendingChange();
    zlcard.show(change);
    for (const name of ['asked_at', 'expires_at', 'ready_at', 'resend_at']) {
        assert.equal(place(name).attributes['datetime'], change[name], name);
    }
    assert.equal(place('mail_at').attributes['datetime'], change['mail']['at']);
    assert.deepEqual(localised, [times(elements['pending'])]);
});

test('a time that is no longer known is removed', () => {
    zlcard.show(pendingChange());
    zlcard.show(pendingChange({'mail': {'state': 'queued', 'at': null, 'problem': ''}}));
    assert.equal('datetime' in place('mail_at').attributes, false);
});

test('the elements that require scripts are visible', () => {
    elements['pending-empty'].content.firstElementChild.children.forEach((each) => { each.hidden = true; });
    zlcard.show(pendingChange());
    assert.deepEqual(visible('script'), ['', '']);
});

test('the ASCII form is shown only if there is one', () => {
    zlcard.show(pendingChange());
    assert.deepEqual(visible('ascii'), []);
    zlcard.show(pendingChange({'ascii': 'new@xn--bcher-kva.example'}));
    assert.deepEqual(visible('ascii'), ['']);
});

test('only elements that list the state as a whole word are visible', () => {
    zlcard.show(pendingChange({'state': 'half'}));
    zlcard.update(pendingChange({'state': 'half'}), 10, 0);
    assert.deepEqual(visible('when'), ['half', 'code half', 'code half']);
    assert.deepEqual(visible('mail'), ['sent']);
});

test('the card shows that the code has expired after the last second', () => {
    zlcard.show(pendingChange());
    zlcard.update(pendingChange(), 0, 0);
    assert.deepEqual(visible('when'), ['expired']);
});

test('the card counts down to the next code and then offers it', () => {
    zlcard.show(pendingChange());
    zlcard.update(pendingChange(), 600, 60);
    assert.deepEqual(visible('resend'), ['wait']);
    assert.equal(place('resend').textContent, '60 s');
    assert.equal(place('time_left').textContent, '600 s');
    zlcard.update(pendingChange(), 540, 0);
    assert.deepEqual(visible('resend'), ['now']);
    assert.equal(place('time_left').textContent, '540 s');
});

test('while changes are blocked the card offers no other address', () => {
    const blocked = pendingChange({'blocked_until': '2024-05-07T07:08:09+00:00'});
    zlcard.show(pendingChange());
    zlcard.update(pendingChange(), 10, 0);
    assert.deepEqual(visible('edit'), ['']);
    zlcard.show(blocked);
    zlcard.update(blocked, 10, 0);
    assert.deepEqual(visible('edit'), []);
});
