import assert from 'node:assert/strict';
import {beforeEach, test} from 'node:test';

import {fakeClock, load} from './scripts.js';

let clock;
let requests;   // What the browser was asked for: {publicKey, mediation, signal}, and resolve and reject.
let page;       // The effects on the page, in order.
let issued;     // How many options the server has issued.
let responses;  // What the server answers to a request for options.
let zlpasskey;

const OPTIONS = {'challenge': 'AAH-_w', 'rpId': 'cms.example.com', 'userVerification': 'required'};

beforeEach(() => {
    [clock, requests, page, issued] = [fakeClock(), [], [], 1];
    responses = () => ({'code': 200, 'message': '', 'data': {'passkey': {...OPTIONS, 'number': ++issued}}});
    const ask = (options) => new Promise((resolve, reject) => {
        const refuse = () => reject(new Error('AbortError'));
        requests.push({...options, resolve, reject});
        if (options.signal) {
            options.signal.aborted ? refuse() : options.signal.addEventListener('abort', refuse);
        }
    });
    zlpasskey = load(['zlpasskey'], {
        'Date': clock,
        'PublicKeyCredential': {'isConditionalMediationAvailable': () => Promise.resolve(true)},
        'navigator': {'credentials': {'get': ask, 'create': ask}},
        'location': {'hostname': 'cms.example.com'},
        'document': {'getElementById': () => ({'dataset': {'networkError': 'No network.'}})},
        'zlajax': {'get': (options) => {
            const answer = responses();
            answer ? options.success(answer) : options.fail();
        }}
    }).zlpasskey;
});

function bytes(...values) {
    return Uint8Array.from(values).buffer;
}

function credential(values = {}) {
    const signed = {'clientDataJSON': bytes(1), 'authenticatorData': bytes(2), 'signature': bytes(251, 255)};
    const response = {...signed, ...values};
    return {'id': '-_8', 'rawId': bytes(251, 255), 'type': 'public-key', response};
}

function offer() {
    return zlpasskey.offer({
        'options': {...OPTIONS, 'number': 1},
        'fetch': () => zlpasskey.fetchOptions('/options'),
        'submit': (response) => page.push(JSON.parse(response)),
        'clear': () => page.push('clear'),
        'fail': (text) => page.push({'failed': text})
    });
}

/* Wait until all promises that can be resolved are. */
function settle() {
    return new Promise((resolve) => { setImmediate(resolve); });
}

test('a challenge is signed, and the response is submitted in base64url', async () => {
    offer().use();
    await settle();
    assert.deepEqual([...requests[0].publicKey.challenge], [0, 1, 254, 255]);
    assert.deepEqual(requests[0].publicKey.allowCredentials, []);
    requests[0].resolve(credential({'userHandle': bytes(3)}));
    await settle();
    assert.deepEqual(page, ['clear', {
        'id': '-_8', 'rawId': '-_8', 'type': 'public-key', 'clientExtensionResults': {},
        'response': {'clientDataJSON': 'AQ', 'authenticatorData': 'Ag', 'signature': '-_8', 'userHandle': 'Aw'}
    }]);
});

test('the passkeys of the account are decoded, with their transports', async () => {
    const known = {'type': 'public-key', 'id': '-_8', 'transports': ['usb']};
    zlpasskey.offer({'options': {...OPTIONS, 'allowCredentials': [known]}, 'clear': () => {}}).use();
    await settle();
    const [allowed] = requests[0].publicKey.allowCredentials;
    assert.deepEqual([[...allowed.id], allowed.transports], [[251, 255], ['usb']]);
});

test('a passkey is created with decoded options, and its response has the transports', async () => {
    const user = {'id': 'Ag', 'name': 'ann'};
    const created = zlpasskey.create({'challenge': 'AQ', user, 'excludeCredentials': null});
    assert.deepEqual([[...requests[0].publicKey.user.id], requests[0].publicKey.user.name], [[2], 'ann']);
    const response = {'clientDataJSON': bytes(1), 'attestationObject': bytes(2), 'getTransports': () => ['internal']};
    requests[0].resolve({...credential(), response});
    assert.deepEqual(JSON.parse(await created).response, {
        'clientDataJSON': 'AQ', 'attestationObject': 'Ag', 'transports': ['internal']
    });
});

test('a cancelled request is reported, and can be repeated', async () => {
    const button = offer();
    button.use();
    await settle();
    requests[0].reject(new Error('NotAllowedError'));
    await settle();
    assert.deepEqual(page, ['clear', {'failed': undefined}]);
    button.use();
    await settle();
    assert.equal(requests.length, 2);
});

test('a second click while the browser asks is ignored', async () => {
    const button = offer();
    button.use();
    button.use();
    await settle();
    assert.equal(requests.length, 1);
});

test('options that are older than a minute are replaced before the user is asked', async () => {
    const button = offer();
    clock.advance(59);
    button.use();
    await settle();
    assert.equal(requests[0].publicKey.number, 1);
    requests[0].reject(new Error('NotAllowedError'));
    await settle();
    clock.advance(1);
    button.use();
    await settle();
    assert.equal(requests[1].publicKey.number, 2);
});

test('options that were used are replaced: a challenge is valid once', async () => {
    const button = offer();
    button.use();
    await settle();
    requests[0].resolve(credential());
    await settle();
    button.use();
    await settle();
    assert.equal(requests[1].publicKey.number, 2);
});

test('what the server says instead of new options is shown', async () => {
    const button = offer();
    clock.advance(60);
    responses = () => ({'code': 410, 'message': 'Your sign-in has expired.', 'data': {'error': 'sign_in_expired'}});
    await button.use();
    responses = () => null;
    await button.use();
    assert.deepEqual(page, ['clear', {'failed': 'Your sign-in has expired.'}, 'clear', {'failed': 'No network.'}]);
    assert.equal(requests.length, 0);
});

test('a passkey that is chosen in a field is submitted', async () => {
    offer().listen();
    await settle();
    assert.equal(requests[0].mediation, 'conditional');
    requests[0].resolve(credential());
    await settle();
    assert.equal(page[1].id, '-_8');
});

test('a browser that refuses to offer passkeys in a field shows nothing', async () => {
    offer().listen();
    await settle();
    requests[0].reject(new Error('NotAllowedError'));
    await settle();
    assert.deepEqual(page, []);
});

test('the button ends the offer in the field before it asks, and renews it after a failure', async () => {
    const button = offer();
    button.listen();
    await settle();
    button.use();
    await settle();
    assert.equal(requests[0].signal.aborted, true);
    assert.deepEqual(requests.map((each) => each.mediation), ['conditional', undefined]);
    requests[1].reject(new Error('NotAllowedError'));
    await settle();
    assert.deepEqual(requests.map((each) => each.mediation), ['conditional', undefined, 'conditional']);
});

test('a passkey that was chosen in the field when the button was pressed is submitted once', async () => {
    const button = offer();
    button.listen();
    await settle();
    requests[0].resolve(credential());
    button.use();
    await settle();
    requests[1].resolve(credential());
    await settle();
    assert.equal(page.filter((each) => each.id).length, 1);
});

test('the offer in a field is renewed before its challenge expires', async () => {
    const field = offer();
    field.listen();
    await settle();
    clock.advance(239);
    field.refresh();
    await settle();
    assert.equal(requests.length, 1);
    clock.advance(1);
    field.refresh();
    await settle();
    assert.equal(requests[0].signal.aborted, true);
    assert.equal(requests[1].publicKey.number, 2);
});

test('nothing is renewed while the button is used', async () => {
    const button = offer();
    button.listen();
    await settle();
    button.use();
    await settle();
    clock.advance(240);
    button.refresh();
    await settle();
    assert.equal(requests.length, 2);
});

test('passkeys are possible at the host of the options only, in browsers that have them', async () => {
    assert.equal(zlpasskey.isPossible(OPTIONS), true);
    assert.equal(zlpasskey.isPossible({...OPTIONS, 'rpId': 'example.com'}), false);
    assert.equal(zlpasskey.isPossible(null), false);
    assert.equal(await zlpasskey.canListen(), true);
    const old = load(['zlpasskey'], {'navigator': {}, 'location': {'hostname': 'cms.example.com'}}).zlpasskey;
    assert.equal(old.isPossible(OPTIONS), false);
    const older = load(['zlpasskey'], {'PublicKeyCredential': {}, 'navigator': {'credentials': {}}}).zlpasskey;
    assert.equal(older.isSupported(), true);
    assert.equal(await older.canListen(), false);
});
