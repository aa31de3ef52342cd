import assert from 'node:assert/strict';
import {test} from 'node:test';

import {load} from './scripts.js';

/* Load the script for a page; return what it sets on window, and the page with its cookies. */
function loadPage({language = 'en', cookieName = 'time_zone', cookies = ''} = {}) {
    const document = {
        'documentElement': {'lang': language},
        'body': {'dataset': {'timeZoneCookie': cookieName}},
        'cookie': cookies
    };
    return {document, ...load(['zltime'], {document, '$': () => {}})};
}

const ZONE = new Intl.DateTimeFormat().resolvedOptions().timeZone;

test('seconds are written as on a clock', () => {
    const {zltime} = loadPage();
    const expected = [
        [0, '0:00'], [9, '0:09'], [60, '1:00'], [75, '1:15'], [3599, '59:59'],
        [3600, '1:00:00'], [3675, '1:01:15']
    ];
    for (const [seconds, text] of expected) {
        assert.equal(zltime.formatClock(seconds), text);
    }
});

test('a duration is written in words and rounded up', () => {
    const {zltime} = loadPage();
    const expected = [
        [1, '1 second'], [90, '90 seconds'], [91, '2 minutes'],
        [5400, '90 minutes'], [5401, '2 hours'], [86400, '24 hours']
    ];
    for (const [seconds, text] of expected) {
        assert.equal(zltime.formatDuration(seconds), text);
    }
});

test('a duration is written in the language of the page', () => {
    assert.match(loadPage({'language': 'zh'}).zltime.formatDuration(120), /^2\s?分钟$/);
});

test('the time zone is stored in a cookie', () => {
    assert.equal(loadPage().document.cookie, `time_zone=${ZONE}; Path=/; SameSite=Lax`);
});

test('a cookie with the host prefix is Secure', () => {
    const {document} = loadPage({'cookieName': '__Host-time_zone'});
    assert.equal(document.cookie, `__Host-time_zone=${ZONE}; Path=/; SameSite=Lax; Secure`);
});

test('a cookie with the current time zone is not written again', () => {
    const cookies = `a=b; time_zone=${ZONE}`;
    assert.equal(loadPage({cookies}).document.cookie, cookies);
});
