/* Loads scripts of static/js like a page, with fakes for the browser; and the fakes that several tests use. */
import {readFileSync} from 'node:fs';
import {fileURLToPath} from 'node:url';
import {compileFunction} from 'node:vm';

/* Run scripts in this order, with `globals` and the properties that earlier ones set on window. Return the window. */
export function load(names, globals = {}) {
    const window = {...globals};
    for (const name of names) {
        const url = new URL(`../../static/js/${name}.js`, import.meta.url);
        const run = compileFunction(readFileSync(url, 'utf8'), [...Object.keys(window), 'window'], {
            'filename': fileURLToPath(url)
        });
        run(...Object.values(window), window);
    }
    return window;
}

/* Return a replacement for Date, whose time `advance` changes by a number of seconds. */
export function fakeClock() {
    let now = 1_700_000_000_000;
    return {
        'now': () => now,
        'advance': (seconds) => { now += seconds * 1000; }
    };
}

/* Return a pending change as the server sends it (README, "The JSON envelope"). */
export function pendingChange(values = {}) {
    return {
        'state': 'code',
        'email': 'new@example.com',
        'ascii': null,
        'asked_at': '2024-05-06T07:08:09+00:00',
        'expires_at': '2024-05-06T07:18:09+00:00',
        'expires_in': 600,
        'ready_at': '2024-05-06T07:08:09+00:00',
        'resend_at': '2024-05-06T07:09:09+00:00',
        'resend_in': 60,
        'tries': 5,
        'tries_left': 5,
        'blocked_until': null,
        'started_by': '',
        'missing': ['new'],
        'proved': [],
        'mail': {'state': 'sent', 'at': '2024-05-06T07:08:10+00:00', 'problem': ''},
        ...values
    };
}
