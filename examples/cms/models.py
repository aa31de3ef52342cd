"""The tables: authors, articles, and the webhooks that were received."""

from datetime import UTC, datetime

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    """The base class of all tables."""


db = SQLAlchemy(model_class=Base)


def now() -> datetime:
    """Return the current time in UTC, as SQLite stores it."""
    return datetime.now(UTC).replace(tzinfo=None)


class Author(db.Model):  # type: ignore[name-defined,misc]  # Flask-SQLAlchemy creates `Model` at run time.
    """Somebody who writes: a copy of an account of the account centre, which webhooks keep up to date."""

    account_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)  # Never the address: it changes.
    name: Mapped[str] = mapped_column(String(200))
    email: Mapped[str] = mapped_column(String(320))
    is_active: Mapped[bool] = mapped_column(default=True)
    event_number: Mapped[int] = mapped_column(default=0)  # Of the last event that was stored.
    articles: Mapped[list["Article"]] = relationship(back_populates="author")


class Article(db.Model):  # type: ignore[name-defined,misc]
    """An article."""

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(String(200))
    text: Mapped[str] = mapped_column(Text)
    author_id: Mapped[int] = mapped_column(ForeignKey("author.account_id"))
    written_at: Mapped[datetime] = mapped_column(default=now)
    author: Mapped[Author] = relationship(back_populates="articles")


class ReceivedEvent(db.Model):  # type: ignore[name-defined,misc]
    """A webhook that was stored: it may be sent again."""

    webhook_id: Mapped[str] = mapped_column(String(100), primary_key=True)
    received_at: Mapped[datetime] = mapped_column(default=now, index=True)


def find_or_add_author(account_id: int, *, name: str, email: str) -> Author:
    """Return the author of an account; if there is none, add it to the transaction."""
    author = db.session.get(Author, account_id)
    if author is None:
        author = Author(account_id=account_id, name=name, email=email)
        try:
            with db.session.begin_nested():
                db.session.add(author)
        except IntegrityError:  # Another request was first.
            author = db.session.get_one(Author, account_id)
    return author
