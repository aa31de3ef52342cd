"""models.py: keys of addresses, times, foreign keys, and migrations."""

import unicodedata
from datetime import UTC, datetime, timedelta, timezone

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text
from sqlalchemy.exc import IntegrityError

from accounts import people
from models import Address, CMSUser, LoginSession, db, email_key
from tests.environments import Environment

SAME = [
    ("ann@example.com", "ANN@EXAMPLE.COM"),
    ("ann@example.com", "Ann@Example.Com"),
    ("ann@faß.example", "ann@xn--fa-hia.example"),
    ("ann@FAß.example", "ann@XN--FA-HIA.example"),
    ("ann@bücher.example", "ann@xn--bcher-kva.example"),
    ("ann@BÜCHER.example", "ann@bücher.example"),
    ("ann@例え.example", "ann@xn--r8jz45g.example"),
    ("ann@" + unicodedata.normalize("NFD", "bücher.example"), "ann@" + unicodedata.normalize("NFC", "bücher.example")),
    ("ann@ｅｘａｍｐｌｅ.com", "ann@example.com"),
    ("ann@example。com", "ann@example.com"),
]
DIFFERENT = [
    ("ann@example.com", "ann@example.org"),
    ("ann@example.com", "a.nn@example.com"),
    ("ann@example.com", "ann+x@example.com"),
    ("ann@faß.example", "ann@fass.example"),
    ("ann@bücher.example", "ann@bucher.example"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_all_spellings_of_an_address_have_the_same_key(one: str, other: str) -> None:
    assert email_key(one) == email_key(other)
    assert email_key(one).isascii()


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_different_addresses_have_different_keys(one: str, other: str) -> None:
    assert email_key(one) != email_key(other)


@pytest.mark.parametrize("address", [each for pair in SAME + DIFFERENT for each in pair])
def test_the_key_of_a_key_is_the_same_key(address: str) -> None:
    assert email_key(email_key(address)) == email_key(address)


@pytest.mark.parametrize(("one", "other"), SAME)
def test_the_database_rejects_an_address_that_exists(env: Environment, one: str, other: str) -> None:
    env.administrator(one, username="one")
    with env.app.app_context():
        db.session.add(people.new_account(Address.of(other), "other", "hash", superuser=False))
        with pytest.raises(IntegrityError):
            db.session.flush()


def test_a_time_is_loaded_in_utc(env: Environment) -> None:
    with env.app.app_context():
        stored = datetime(2026, 3, 29, 3, 30, 15, 123456, tzinfo=timezone(timedelta(hours=8)))
        env.administrator("ann@example.com")
        db.session.execute(db.update(CMSUser).values(created_at=stored))
        db.session.commit()
        found = db.session.scalar(db.select(CMSUser.created_at))
        assert found == stored
        assert found is not None
        assert found.tzinfo is UTC


def test_deleting_an_account_deletes_its_sessions(env: Environment) -> None:
    """SQLite enforces foreign keys only if each connection enables them."""
    ann = env.person()
    with env.app.app_context():
        db.session.execute(text("DELETE FROM audit"))
        db.session.execute(db.delete(CMSUser))
        db.session.commit()
        assert db.session.scalar(db.select(db.func.count()).select_from(LoginSession)) == 0
    assert ann.get_as_script().error == "sign_in_required"


def test_the_migrations_agree_with_the_models(env: Environment) -> None:
    with env.app.app_context():
        context = MigrationContext.configure(db.session.connection(), opts={"compare_type": True})
        found = [change for change in compare_metadata(context, db.metadata) if "alembic_version" not in str(change)]
        assert found == []
        assert "cms_user" in inspect(db.engine).get_table_names()
