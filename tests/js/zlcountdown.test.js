import assert from 'node:assert/strict';
import {beforeEach, test} from 'node:test';

import {fakeClock, load} from './scripts.js';

let clock;
let countdown;

beforeEach(() => {
    clock = fakeClock();
    countdown = load(['zlcountdown'], {'Date': clock}).zlcountdown.create();
});

test('a countdown that was not started is at zero', () => {
    assert.equal(countdown.secondsLeft(), 0);
});

test('a countdown decreases with the clock and stops at zero', () => {
    countdown.start(60);
    assert.equal(countdown.secondsLeft(), 60);
    clock.advance(59);
    assert.equal(countdown.secondsLeft(), 1);
    clock.advance(1);
    assert.equal(countdown.secondsLeft(), 0);
    clock.advance(3600);
    assert.equal(countdown.secondsLeft(), 0);
});

test('seconds are rounded up, so that zero is never shown too early', () => {
    countdown.start(2);
    clock.advance(1.001);
    assert.equal(countdown.secondsLeft(), 1);
});

test('a countdown that is started again has the new number of seconds', () => {
    countdown.start(60);
    clock.advance(30);
    countdown.start(5);
    assert.equal(countdown.secondsLeft(), 5);
});

test('countdowns are independent', () => {
    const {zlcountdown} = load(['zlcountdown'], {'Date': clock});
    const [one, other] = [zlcountdown.create(), zlcountdown.create()];
    one.start(60);
    assert.equal(other.secondsLeft(), 0);
});

test('the last minute is reported once', () => {
    countdown.start(90);
    assert.equal(countdown.reportLastMinute(), false);
    clock.advance(29);
    assert.equal(countdown.reportLastMinute(), false);
    clock.advance(1);
    assert.equal(countdown.reportLastMinute(), true);
    clock.advance(1);
    assert.equal(countdown.reportLastMinute(), false);
});

test('the last minute is reported again after another start', () => {
    countdown.start(90);
    clock.advance(30);
    countdown.reportLastMinute();
    countdown.start(90);
    clock.advance(30);
    assert.equal(countdown.reportLastMinute(), true);
});

test('a countdown of a minute or less reports no last minute', () => {
    countdown.start(60);
    assert.equal(countdown.reportLastMinute(), false);
    clock.advance(30);
    assert.equal(countdown.reportLastMinute(), false);
});

test('a countdown that was not started reports no last minute', () => {
    assert.equal(countdown.reportLastMinute(), false);
});
