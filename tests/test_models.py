"""models.py: when two addresses are one, and what a row and a moment keep."""

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
def test_two_spellings_of_one_address_have_one_key(one: str, other: str) -> None:
    assert email_key(one) == email_key(other)
    assert email_key(one).isascii()


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_two_addresses_have_two_keys(one: str, other: str) -> None:
    assert email_key(one) != email_key(other)


@pytest.mark.parametrize("address", [each for pair in SAME + DIFFERENT for each in pair])
def test_the_key_of_a_key_is_itself(address: str) -> None:
    assert email_key(email_key(address)) == email_key(address)


@pytest.mark.parametrize(("one", "other"), SAME)
def test_the_database_rejects_an_address_that_exists(env: Environment, one: str, other: str) -> None:
    env.administrator(one, username="one")
    with env.app.app_context():
        db.session.add(people.new_account(Address.of(other), "other", "hash", superuser=False))
        with pytest.raises(IntegrityError):
            db.session.flush()


def test_a_moment_comes_back_aware_and_in_utc(env: Environment) -> None:
    with env.app.app_context():
        moment = datetime(2026, 3, 29, 3, 30, 15, 123456, tzinfo=timezone(timedelta(hours=8)))
        env.administrator("ann@example.com")
        db.session.execute(db.update(CMSUser).values(created_at=moment))
        db.session.commit()
        found = db.session.scalar(db.select(CMSUser.created_at))
        assert found == moment
        assert found is not None
        assert found.tzinfo is UTC


def test_deleting_an_account_deletes_its_sessions(env: Environment) -> None:
    """SQLite keeps no foreign key unless it is told to, on every connection."""
    ann = env.person()
    with env.app.app_context():
        db.session.execute(text("DELETE FROM audit"))
        db.session.execute(db.delete(CMSUser))
        db.session.commit()
        assert db.session.scalar(db.select(db.func.count()).select_from(LoginSession)) == 0
    assert ann.get_as_script().error == "sign_in_required"


def test_the_migrations_make_what_the_models_say(env: Environment) -> None:
    with env.app.app_context():
        context = MigrationContext.configure(db.session.connection(), opts={"compare_type": True})
        found = [change for change in compare_metadata(context, db.metadata) if "alembic_version" not in str(change)]
        assert found == []
        assert "cms_user" in inspect(db.engine).get_table_names()
