import assert from 'node:assert/strict';
import {beforeEach, test} from 'node:test';

import {load} from './scripts.js';

let clipboard;  // The last text that was copied, or null.
let isAllowed;  // Whether the browser permits the page to copy.
let files;      // The files that can be downloaded, by their URLs.
let notices;
let printed;    // How often the page was printed.
let elements;   // What the script did to the elements, by selector: {href, hidden, click}.

const CODES = ['aaaaa-11111', 'bbbbb-22222'];
const TEXT = 'Recovery codes: cms.example.com, ann@example.com\n\naaaaa-11111\nbbbbb-22222\n';
const COPY = {'dataset': {'done': 'Copied', 'failed': 'Copy them by hand.'}};

class FakeBlob {
    constructor(parts, options) {
        this.text = parts.join('');
        this.type = options.type;
    }
}

beforeEach(() => {
    [clipboard, isAllowed, files, notices, printed, elements] = [null, true, {}, [], 0, {}];
});

/* Open the page of new recovery codes; without `navigator.clipboard` as on a page without HTTPS. */
function openPage({hasClipboard = true} = {}) {
    const own = (selector) => elements[selector] ??= {'selector': selector};
    const wrap = (selector) => ({
        'data': (name) => ({'heading': TEXT.split('\n')[0]}[name]),
        'find': () => ({'map': (read) => ({'get': () => CODES.map((code) => read.call(code))})}),
        'attr': (name, value) => { own(selector)[name] = value; },
        'prop': (name, value) => { own(selector)[name] = value; },
        'on': (event, act) => { own(selector)[event] = act; }
    });
    const page = (what) => {
        if (typeof what === 'function') {
            return what();
        }
        return CODES.includes(String(what)) ? {'text': () => String(what)} : wrap(what);
    };
    const writeText = async (text) => {
        if (!isAllowed) {
            throw new Error('NotAllowedError');
        }
        clipboard = text;
    };
    load(['recovery'], {
        '$': page,
        'Blob': FakeBlob,
        'URL': {'createObjectURL': (file) => {
            files['blob:1'] = file;
            return 'blob:1';
        }},
        'navigator': hasClipboard ? {'clipboard': {writeText}} : {},
        'print': () => { printed += 1; },
        'zlalert': {
            'alertInfo': (text) => notices.push(['info', text]),
            'alertError': (text) => notices.push(['error', text])
        }
    });
}

/* Click a button, and wait until its promises are resolved. */
async function click(selector, button = {}) {
    elements[selector].click.call(button);
    await new Promise((resolve) => { setImmediate(resolve); });
}

test('the buttons are shown once a script can serve them', () => {
    openPage();
    assert.equal(elements['.recovery-actions'].hidden, false);
});

test('copied are the heading, which names site and account, and one code per line', async () => {
    openPage();
    await click('[data-copy]', COPY);
    assert.equal(clipboard, TEXT);
    assert.deepEqual(notices, [['info', 'Copied']]);
});

test('the downloaded file has the same text', () => {
    openPage();
    const file = files[elements['[data-download]'].href];
    assert.equal(file.text, TEXT);
    assert.equal(file.type, 'text/plain;charset=utf-8');
});

test('a browser that forbids to copy is reported, with what to do instead', async () => {
    openPage();
    isAllowed = false;
    await click('[data-copy]', COPY);
    assert.equal(clipboard, null);
    assert.deepEqual(notices, [['error', 'Copy them by hand.']]);
});

test('a page without HTTPS has no clipboard, and says so only when it is asked to copy', async () => {
    openPage({'hasClipboard': false});
    assert.deepEqual(notices, []);
    await click('[data-copy]', COPY);
    assert.deepEqual(notices, [['error', 'Copy them by hand.']]);
});

test('the page is printed once per click', async () => {
    openPage();
    assert.equal(printed, 0);
    await click('[data-print]');
    assert.equal(printed, 1);
});
