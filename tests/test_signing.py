"""accounts/signing.py: keys of the settings, their ids, and what each of them signs."""

import hmac

import pytest
from flask import Flask

from accounts import signing
from accounts.signing import Key, KeyRing
from tests.environments import Environment

FIRST, SECOND, THIRD = "the first key of the tests", "the second key of the tests", "the third key of the tests"


def rings(env: Environment, **settings: str) -> tuple[KeyRing, KeyRing]:
    """Return the keys of cookies and codes, and those of the history."""
    with env.build(**settings).app_context():
        return signing.keys(), signing.audit_keys()


def ids(*secrets: str) -> list[str]:
    """Return the ids of keys."""
    return [Key(secret).id for secret in secrets]


def test_a_signature_is_the_hmac_under_a_key_that_is_derived_for_its_purpose() -> None:
    """As in the first version: codes in hand and histories stay valid."""
    derived = hmac.digest(FIRST.encode(), b"audit", "sha256")
    assert Key(FIRST).sign("audit", "ann", 1) == hmac.digest(derived, b"3:ann1:1", "sha256").hex()


def test_the_id_of_a_key_says_nothing_about_the_key_of_a_purpose() -> None:
    key = Key(FIRST)
    assert key.id == hmac.digest(FIRST.encode(), b"key id", "sha256").hex()[:8]
    assert len(set(ids(FIRST, SECOND, THIRD))) == 3
    assert FIRST not in repr(key)
    for purpose in ("audit", "code"):
        assert not hmac.digest(FIRST.encode(), purpose.encode(), "sha256").hex().startswith(key.id)


def test_a_key_is_derived_once_for_each_purpose(monkeypatch: pytest.MonkeyPatch) -> None:
    key = Key("a key that no other test uses")
    key.sign("audit", "1")
    derived: list[object] = []
    monkeypatch.setattr(signing.hmac, "digest", lambda *parts: derived.append(parts) or b"")
    for _ in range(3):
        key.sign("audit", "2")
    assert [parts[1] for parts in derived] == [b"1:2"] * 3  # type: ignore[index]


def test_the_present_key_signs_and_former_keys_verify(sqlite_env: Environment) -> None:
    keys, audit_keys = rings(sqlite_env, SECRET_KEY=FIRST, SECRET_KEY_FALLBACKS=f"{SECOND}, {THIRD},{FIRST}")
    for ring in (keys, audit_keys):
        assert ring.current == Key(FIRST)
        assert list(ring.by_id) == ids(FIRST, SECOND, THIRD)
        assert ring.named(Key(THIRD).id) == (Key(THIRD),)
        assert ring.named("00000000") == ()
        assert ring.named("") == ()
        assert ring.named(None) == (Key(FIRST), Key(SECOND), Key(THIRD))


def test_the_history_has_keys_of_its_own_and_is_verified_with_the_others_as_well(sqlite_env: Environment) -> None:
    keys, audit_keys = rings(
        sqlite_env, SECRET_KEY=FIRST, SECRET_KEY_FALLBACKS=SECOND, AUDIT_KEY=THIRD, AUDIT_KEY_FALLBACKS="fourth,fifth"
    )
    assert list(keys.by_id) == ids(FIRST, SECOND)
    assert (audit_keys.current, list(audit_keys.by_id)) == (
        Key(THIRD),
        ids(THIRD, "fourth", "fifth", FIRST, SECOND),
    )


@pytest.mark.usefixtures("in_sqlite_app")
def test_two_applications_in_one_process_have_their_own_keys(sqlite_env: Environment) -> None:
    def current(app: Flask) -> Key:
        with app.app_context():
            return signing.keys().current

    assert current(sqlite_env.build(SECRET_KEY=FIRST)) != current(sqlite_env.build(SECRET_KEY=SECOND))
