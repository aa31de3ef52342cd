"""The tables, and the rules that concern a single row."""

import enum
import sqlite3
import unicodedata
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Literal, NamedTuple, TypeVar, cast

import idna
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    event,
    literal_column,
    select,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, registry
from sqlalchemy.types import TypeDecorator

EMAIL_LENGTH = 254  # RFC 5321, 4.5.3.1.3: a path of 256 with its angle brackets.


class Moment(TypeDecorator[datetime]):
    """A point in time, aware and in UTC; SQLite itself returns it without a time zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Convert the value to UTC."""
        return value if value is None or value.tzinfo is UTC else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Add the time zone that SQLite does not store."""
        return value if value is None else value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _key(length: int) -> String:
    """Return the type of a key that is sorted and searched by its prefix, byte by byte on both databases."""
    return String(length).with_variant(String(length, collation="C"), "postgresql")


class Base(DeclarativeBase):
    """The base of all tables. Constraints have names, so that a migration can drop them on both databases."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    registry = registry(type_annotation_map={datetime: Moment}, metadata=metadata)


Stored = TypeVar("Stored", bound=Base)
db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False})


def email_key(email: str) -> str:
    """Return the form in which an address is compared: in lower case, the domain in its A-form.

    Two addresses are the same if and only if their keys are; the column that holds it is unique (RFC 5891 for the
    domain; the local part is compared without case because no mail server in use tells them apart).
    """
    local, _, domain = email.rpartition("@")
    return f"{local.casefold()}@{domain.lower() if domain.isascii() else idna.encode(domain, uts46=True).decode()}"


def name_key(name: str) -> str:
    """Return the form in which a username is compared."""
    return unicodedata.normalize("NFKC", name).casefold()


class Address(NamedTuple):
    """An e-mail address in the spelling of its owner, with the key under which it is compared."""

    email: str
    key: str

    @classmethod
    def of(cls, email: str) -> "Address":
        """Return an address with its key. Computed once, where a request or command provides the address."""
        return cls(email, email_key(email))


Role = Literal["editor", "superuser"]
Permission = Literal["administrators"]
PERMISSIONS: Mapping[Role, frozenset[Permission]] = {
    "editor": frozenset(),
    "superuser": frozenset({"administrators"}),
}


class CMSUser(Base):
    """An administrator. `email` and `username` are as entered, in normal form; their keys are compared."""

    __tablename__ = "cms_user"
    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(String(50))
    username_key: Mapped[str] = mapped_column(_key(100), unique=True)
    email: Mapped[str] = mapped_column(String(EMAIL_LENGTH))
    email_key: Mapped[str] = mapped_column(_key(EMAIL_LENGTH), unique=True)
    email_version: Mapped[int] = mapped_column(
        default=1
    )  # Incremented by every change; what is bound to it becomes invalid.
    password_hash: Mapped[str] = mapped_column(String(200))
    password_version: Mapped[int] = mapped_column(
        default=1
    )  # Incremented by every new password; older proofs become invalid.
    is_superuser: Mapped[bool] = mapped_column(default=False)
    is_active: Mapped[bool] = mapped_column(default=True)
    language: Mapped[str | None] = mapped_column(String(10))
    time_zone: Mapped[str | None] = mapped_column(String(64))  # Of the browser in which the password was proved last.
    mobile: Mapped[str | None] = mapped_column(String(20))  # E.164
    staff_number: Mapped[int | None]
    gender: Mapped[str | None] = mapped_column(String(10))
    city: Mapped[str | None] = mapped_column(String(40))
    interests: Mapped[list[str]] = mapped_column(JSON, default=list)
    profile_version: Mapped[int] = mapped_column(default=1)  # Incremented by every change of the above.
    created_at: Mapped[datetime] = mapped_column(index=True)
    signed_in_at: Mapped[datetime | None]  # The last time.
    acted_at: Mapped[datetime]  # The time of the last row of its history.
    frozen_until: Mapped[datetime | None]  # Until then the address cannot be changed, because a change was undone.
    has_second_factor: Mapped[bool] = mapped_column(default=False)  # A passkey or an app.
    user_handle: Mapped[str | None] = mapped_column(String(43))  # The random id of the account in passkeys.
    factor_required_at: Mapped[datetime | None]  # Since when the policy requires a second factor, and there is none.
    audit_rows: Mapped[int] = mapped_column(default=0)  # The number of rows in the history of this account,
    audit_chain: Mapped[str] = mapped_column(String(64), default="")  # and the chain of the last row.
    erased_at: Mapped[datetime | None]  # When the personal data was erased; such an account is disabled for ever.
    webhook_events: Mapped[int] = mapped_column(default=0)  # The number of the last one.
    __table_args__ = (
        Index(
            "ix_cms_user_is_superuser",  # Superusers are few: all of them are read where a username is chosen.
            "id",
            sqlite_where=text("is_superuser = 1"),
            postgresql_where=text("is_superuser"),
        ),
    )

    @property
    def address(self) -> Address:
        """Return the address with its key."""
        return Address(self.email, self.email_key)

    @property
    def role(self) -> Role:
        """Return the role."""
        return "superuser" if self.is_superuser else "editor"

    def may(self, permission: Permission) -> bool:
        """Return whether the administrator's role has this permission."""
        return permission in PERMISSIONS[self.role]


class LoginSession(Base):
    """A session of a browser. The cookie has a random id, this row its SHA-256."""

    __tablename__ = "login_session"
    id: Mapped[int] = mapped_column(primary_key=True)
    id_hash: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("cms_user.id", ondelete="CASCADE"), index=True)
    remembered: Mapped[bool]
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    proved_at: Mapped[datetime]  # When its administrator was last proved (ASVS 7.5.1).
    network: Mapped[str] = mapped_column(String(64))
    browser: Mapped[str] = mapped_column(String(200))
    key_id: Mapped[str | None] = mapped_column(String(8))  # The key of the cookie; NULL in rows of older versions.
    __table_args__ = (
        Index("ix_login_session_remembered_seen_at", "remembered", "seen_at"),
        Index("ix_login_session_remembered_created_at", "remembered", "created_at"),
    )


class MailState(enum.StrEnum):
    """The state of a mail."""

    QUEUED = "queued"
    SENT = "sent"  # Accepted by the mail server.
    REFUSED = "refused"  # Permanently.
    EXPIRED = "expired"  # Not sent before `not_after`.
    FAILED = "failed"  # Set aside after repeated errors in the application.


class MailProblem(enum.StrEnum):
    """Why a mail was not sent. The response of the mail server is not stored: it may name the owner of an address."""

    RECIPIENT_REFUSED = "recipient_refused"  # Permanently (RFC 5321, 4.2.1: 5yz).
    MESSAGE_REFUSED = "message_refused"  # The text, permanently.
    SENDER_REFUSED = "sender_refused"  # The address of the sender, or the whole dialogue.
    TEMPORARILY_REFUSED = "temporarily_refused"  # 4yz
    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    TLS_FAILED = "tls_failed"
    AUTHENTICATION_FAILED = "authentication_failed"
    UNEXPECTED = "unexpected"  # An error in the application.

    @classmethod
    def read(cls, stored: str) -> "MailProblem | None":
        """Parse the column `mail.problem`: one of these words, and for an error its number of repetitions."""
        word = stored.partition(" ")[0]
        return None if not stored else cls(word) if word in list(cls) else cls.UNEXPECTED


class Mail(Base):
    """An outgoing mail or task. Its recipient and content are deleted when it is completed."""

    __tablename__ = "mail"
    id: Mapped[int] = mapped_column(primary_key=True)
    message_id: Mapped[str] = mapped_column(
        String(200), unique=True
    )  # Stable, so that mail servers detect a repetition.
    kind: Mapped[str] = mapped_column(String(40))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("cms_user.id", ondelete="CASCADE"), index=True)
    recipient: Mapped[str] = mapped_column(String(EMAIL_LENGTH))
    subject: Mapped[str] = mapped_column(Text)
    body: Mapped[str] = mapped_column(Text)
    html: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(10), default=MailState.QUEUED)
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]  # Not sent before; a worker that leases the mail postpones it.
    not_after: Mapped[datetime]
    tries: Mapped[int] = mapped_column(default=0)
    done_at: Mapped[datetime | None] = mapped_column(index=True)
    problem: Mapped[str] = mapped_column(String(200), default="")  # Parsed by MailProblem.
    __table_args__ = (Index("ix_mail_state_due_at", "state", "due_at"),)


class ChangeOutcome(enum.StrEnum):
    """How the last change of an address, or the last reset of second factors, ended."""

    PENDING = ""
    MADE = "made"
    CANCELLED = "cancelled"  # By its administrator.
    STOPPED = "stopped"  # By the old address, or by an undo of the address.
    DROPPED = "dropped"  # By another administrator or by the operator.
    WITHDRAWN = "withdrawn"  # The administrator who started it lost the permission.


class Mailbox(enum.StrEnum):
    """A mailbox to which a code is mailed: that of the new address, or that of the present one."""

    NEW = "new"
    OLD = "old"


class ChangeCode(NamedTuple):
    """A code that a pending change requires: for which mailbox, its name in memcached, and whether it was entered."""

    mailbox: Mailbox
    nonce: str
    is_proved: bool


class EmailChange(Base):
    """The last change of the address of an account, pending or ended; one row for each account.

    A change without a session cannot be completed: the session that requested it has ended. A change that `is_assisted`
    was started by another administrator or the operator; a link proves the address instead of a code.
    """

    __tablename__ = "email_change"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("cms_user.id", ondelete="CASCADE"), unique=True)
    session_id: Mapped[int | None] = mapped_column(ForeignKey("login_session.id", ondelete="SET NULL"), index=True)
    is_assisted: Mapped[bool] = mapped_column(default=False)
    started_by: Mapped[int | None] = mapped_column(ForeignKey("cms_user.id", ondelete="SET NULL"), index=True)
    mail_id: Mapped[int | None] = mapped_column(ForeignKey("mail.id", ondelete="SET NULL"), index=True)
    email: Mapped[str] = mapped_column(String(EMAIL_LENGTH))
    email_key: Mapped[str] = mapped_column(String(EMAIL_LENGTH))
    email_version: Mapped[int]
    nonce: Mapped[str] = mapped_column(String(32))  # The name of the code in memcached, made by accounts/codes.py.
    old_nonce: Mapped[str | None] = mapped_column(
        String(32)
    )  # The same for the code to the old address, if one is required.
    stop_hash: Mapped[str] = mapped_column(
        String(64), unique=True
    )  # Of the link with which the old address stops the change.
    asked_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    tries: Mapped[int] = mapped_column(default=0)
    new_proved: Mapped[bool] = mapped_column(default=False)
    old_proved: Mapped[bool] = mapped_column(default=False)
    network: Mapped[str] = mapped_column(String(64), default="")  # The origin of the request, for the notices.
    browser: Mapped[str] = mapped_column(String(200), default="")
    outcome: Mapped[str] = mapped_column(String(10), default=ChangeOutcome.PENDING)
    ended_by: Mapped[str] = mapped_column(String(50), default="")  # The username of another administrator who ended it.
    __table_args__ = (
        Index(
            "ix_email_change_is_assisted",
            "asked_at",
            "id",
            sqlite_where=text("is_assisted = 1"),
            postgresql_where=text("is_assisted"),
        ),
    )

    @property
    def address(self) -> Address:
        """Return the new address with its key."""
        return Address(self.email, self.email_key)

    @property
    def codes(self) -> "tuple[ChangeCode, ...]":
        """Return the codes that the change requires."""
        new = ChangeCode(Mailbox.NEW, self.nonce, self.new_proved)
        return (new,) if self.old_nonce is None else (new, ChangeCode(Mailbox.OLD, self.old_nonce, self.old_proved))


class LinkPurpose(enum.StrEnum):
    """What a link permits, once."""

    UNDO = "undo"  # Restore the address that the link was mailed to.
    PROVE = "prove"  # Prove the address to which another administrator changes the account's.
    PASSWORD = "password"  # noqa: S105 (Set a new password.)


class Link(Base):
    """A mailed link. Its token is stored as a hash, and is valid once and for a limited time."""

    __tablename__ = "link"
    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    purpose: Mapped[str] = mapped_column(String(10))
    user_id: Mapped[int] = mapped_column(ForeignKey("cms_user.id", ondelete="CASCADE"))
    email: Mapped[str] = mapped_column(String(EMAIL_LENGTH))  # The recipient.
    email_key: Mapped[str] = mapped_column(String(EMAIL_LENGTH), index=True)
    email_version: Mapped[int]  # That of the account when the link was created.
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    ended_at: Mapped[datetime | None] = mapped_column(index=True)  # When it was used or became invalid.
    since: Mapped[datetime | None]  # When and where the change that an undo link undoes was requested.
    network: Mapped[str] = mapped_column(String(64), default="")
    browser: Mapped[str] = mapped_column(String(200), default="")
    __table_args__ = (Index("ix_link_user_id_purpose", "user_id", "purpose"),)

    @property
    def address(self) -> Address:
        """Return the address to which it was mailed, with its key."""
        return Address(self.email, self.email_key)


class Invitation(Base):
    """An invitation of an address, with the role of the future administrator."""

    __tablename__ = "invitation"
    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    email: Mapped[str] = mapped_column(String(EMAIL_LENGTH))
    email_key: Mapped[str] = mapped_column(String(EMAIL_LENGTH), unique=True)
    is_superuser: Mapped[bool]
    invited_by: Mapped[int] = mapped_column(ForeignKey("cms_user.id"))
    created_at: Mapped[datetime] = mapped_column(index=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)

    @property
    def address(self) -> Address:
        """Return the invited address with its key."""
        return Address(self.email, self.email_key)


class Passkey(Base):
    """A passkey of an account (WebAuthn, Level 3). Its private key never leaves the device."""

    __tablename__ = "passkey"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("cms_user.id", ondelete="CASCADE"), index=True)
    credential_hash: Mapped[str] = mapped_column(String(64), unique=True)  # The SHA-256 of the credential id,
    credential: Mapped[str] = mapped_column(Text)  # which this contains: attested credential data, in base64url.
    transports: Mapped[str] = mapped_column(String(100), default="")  # Hints for the browser, with spaces between.
    name: Mapped[str] = mapped_column(String(60))
    sign_count: Mapped[int] = mapped_column(BigInteger)  # Of its last signature; 0 if it does not count.
    challenged_at: Mapped[datetime]  # When the last challenge that it signed was issued; older ones are refused.
    created_at: Mapped[datetime]
    used_at: Mapped[datetime | None]  # The last time.


class AuthenticatorApp(Base):
    """The secret that an account shares with an authenticator app (RFC 6238).

    It is a second factor only when a first code was correct. An account has at most one such app, and at most one that
    waits for its first code, perhaps to replace the other.
    """

    __tablename__ = "authenticator_app"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("cms_user.id", ondelete="CASCADE"), index=True)
    secret: Mapped[str] = mapped_column(String(255))  # Encrypted
    key_id: Mapped[str] = mapped_column(String(8))  # under a key that is derived from this one.
    last_step: Mapped[int] = mapped_column(BigInteger, default=0)  # Of the last code that was used.
    created_at: Mapped[datetime]
    confirmed_at: Mapped[datetime | None]
    used_at: Mapped[datetime | None]  # The last time.
    __table_args__ = (
        Index(
            "uq_authenticator_app_confirmed",
            "user_id",
            unique=True,
            sqlite_where=text("confirmed_at IS NOT NULL"),
            postgresql_where=text("confirmed_at IS NOT NULL"),
        ),
        Index(
            "uq_authenticator_app_unconfirmed",
            "user_id",
            unique=True,
            sqlite_where=text("confirmed_at IS NULL"),
            postgresql_where=text("confirmed_at IS NULL"),
        ),
    )


class RecoveryCode(Base):
    """A code for an administrator who has lost their devices. It is valid once; used ones are kept until replaced."""

    __tablename__ = "recovery_code"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("cms_user.id", ondelete="CASCADE"), index=True)
    salt: Mapped[str] = mapped_column(String(100))  # With the cost; the same for all codes that were made together.
    code_hash: Mapped[str] = mapped_column(String(64))  # argon2id
    created_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class PendingSignIn(Base):
    """A sign-in whose password was correct and whose second factor is missing. It is no session.

    It becomes invalid when the password or the address changes. The cookie has a random token, this row its SHA-256.
    """

    __tablename__ = "pending_sign_in"
    id: Mapped[int] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("cms_user.id", ondelete="CASCADE"), index=True)
    remembered: Mapped[bool]
    password_version: Mapped[int]
    email_version: Mapped[int]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class FactorReset(Base):
    """The last removal of all second factors of an account that another administrator started; it waits, or has ended.

    One row for each account. It is made by a task of the outbox when it is due, and not after it has expired.
    """

    __tablename__ = "factor_reset"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("cms_user.id", ondelete="CASCADE"), unique=True)
    started_by: Mapped[int] = mapped_column(ForeignKey("cms_user.id", ondelete="CASCADE"), index=True)
    reason: Mapped[str] = mapped_column(Text)
    stop_hash: Mapped[str] = mapped_column(String(64), unique=True)  # Of the link that stops it.
    asked_at: Mapped[datetime]
    due_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    network: Mapped[str] = mapped_column(String(64))  # The origin of the request, for the page that stops it.
    browser: Mapped[str] = mapped_column(String(200))
    outcome: Mapped[str] = mapped_column(String(10), default=ChangeOutcome.PENDING)
    __table_args__ = (
        Index(
            "ix_factor_reset_waiting",  # Few wait: all of them are listed for superusers.
            "expires_at",
            sqlite_where=text("outcome = ''"),
            postgresql_where=text("outcome = ''"),
        ),
    )


class Budget(Base):
    """A counter of uses within a time that begins with the first use."""

    __tablename__ = "budget"
    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    used: Mapped[int]
    used_at: Mapped[datetime]  # The last time.
    resets_at: Mapped[datetime] = mapped_column(index=True)


class Audit(Base):
    """The history: who did what to an account, when and from where. `chain` links each row to the previous one.

    Rows are added and never changed, except that a recent row counts repetitions of its event, and that the erasure of
    an account replaces personal data in its rows. Old rows may be exported and deleted; then a tie replaces them.
    """

    __tablename__ = "audit"
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("cms_user.id"))
    number: Mapped[int]
    event: Mapped[str] = mapped_column(String(40))
    actor_id: Mapped[int | None]
    at: Mapped[datetime]
    last_at: Mapped[datetime]
    times: Mapped[int] = mapped_column(default=1)
    network: Mapped[str] = mapped_column(String(64))
    browser: Mapped[str] = mapped_column(String(200))
    detail: Mapped[str] = mapped_column(Text, default="{}")
    chain: Mapped[str] = mapped_column(String(64))
    key_id: Mapped[str | None] = mapped_column(String(8))  # The key of the chain; NULL in rows of older versions.
    request_id: Mapped[str | None] = mapped_column(String(64))  # Of the first of its events.
    __table_args__ = (UniqueConstraint("user_id", "number"), Index("ix_audit_actor_id_at", "actor_id", "at"))


class AuditTie(Base):
    """What replaces the exported rows of a history: the number and the chain of the last one, signed.

    The first row that is left was chained to it.
    """

    __tablename__ = "audit_tie"
    user_id: Mapped[int] = mapped_column(ForeignKey("cms_user.id"), primary_key=True, autoincrement=False)
    number: Mapped[int]
    chain: Mapped[str] = mapped_column(String(64))
    last_at: Mapped[datetime]  # Of the last exported row.
    exported_at: Mapped[datetime]
    file: Mapped[str] = mapped_column(String(100))  # The name of the last file.
    key_id: Mapped[str] = mapped_column(String(8))
    signature: Mapped[str] = mapped_column(String(64))


class WebhookEvent(Base):
    """A change of an account of which the receivers of WEBHOOKS are told. Its payload is what was signed and sent."""

    __tablename__ = "webhook_event"
    id: Mapped[int] = mapped_column(primary_key=True)
    message_id: Mapped[str] = mapped_column(String(40), unique=True)  # The same with every try and every receiver.
    user_id: Mapped[int] = mapped_column(ForeignKey("cms_user.id", ondelete="CASCADE"))
    number: Mapped[int]  # 1, 2, 3 ... for each account.
    type: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime] = mapped_column(index=True)
    payload: Mapped[str] = mapped_column(Text)
    __table_args__ = (UniqueConstraint("user_id", "number"),)


class DeliveryState(enum.StrEnum):
    """The state of the delivery of an event to a receiver."""

    QUEUED = "queued"
    DELIVERED = "delivered"
    DEAD = "dead"  # Not delivered before `not_after`.


class DeliveryProblem(enum.StrEnum):
    """Why an event was not delivered. What the receiver answered is only logged."""

    UNREACHABLE = "unreachable"  # No connection, or it ended before a response.
    TIMEOUT = "timeout"
    TLS_FAILED = "tls_failed"
    UNAVAILABLE = "unavailable"  # 429, 502, 503 or 504
    SERVER_ERROR = "server_error"  # Another 5xx.
    REDIRECTED = "redirected"  # 3xx: redirects are not followed.
    REFUSED = "refused"  # 4xx
    GONE = "gone"  # 410
    INVALID_RESPONSE = "invalid_response"  # Not HTTP, or another status.
    UNEXPECTED = "unexpected"  # An error in the application.


def _partial_index(name: str, *columns: str, where: str) -> Index:
    """Return an index of the rows that meet a condition; a statement uses it if it contains the same words."""
    return Index(name, *columns, sqlite_where=text(where), postgresql_where=text(where))


class WebhookDelivery(Base):
    """The delivery of an event to one receiver. Those of one account are made in the order of their numbers."""

    __tablename__ = "webhook_delivery"
    id: Mapped[int] = mapped_column(primary_key=True)
    event_id: Mapped[int] = mapped_column(ForeignKey("webhook_event.id", ondelete="CASCADE"))
    receiver: Mapped[str] = mapped_column(String(64))  # The SHA-256 of its URL.
    user_id: Mapped[int]  # Account and number of the event.
    number: Mapped[int]
    state: Mapped[str] = mapped_column(String(10), default=DeliveryState.QUEUED)
    due_at: Mapped[datetime]  # Not sent before; a worker that leases the delivery postpones it.
    not_after: Mapped[datetime]
    tries: Mapped[int] = mapped_column(default=0)
    done_at: Mapped[datetime | None]
    problem: Mapped[str] = mapped_column(String(20), default="")  # A word of DeliveryProblem.
    __table_args__ = (  # Few rows wait or were given up: the other indexes contain only these.
        Index("ix_webhook_delivery_event_id_receiver", "event_id", "receiver", unique=True),
        _partial_index("ix_webhook_delivery_due", "receiver", "due_at", where="state = 'queued'"),
        _partial_index("ix_webhook_delivery_first", "receiver", "user_id", "number", where="state = 'queued'"),
        _partial_index("ix_webhook_delivery_dead", "receiver", "done_at", where="state = 'dead'"),
    )


class WebhookReceiver(Base):
    """What is known about a receiver: its pause after failures, whether it is disabled, and its last success."""

    __tablename__ = "webhook_receiver"
    receiver: Mapped[str] = mapped_column(String(64), primary_key=True)  # The SHA-256 of its URL.
    name: Mapped[str] = mapped_column(String(300))  # The URL without its query, for lists.
    failures: Mapped[int] = mapped_column(default=0)  # Consecutive ones that concern all events.
    paused_until: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]  # It has answered 410.
    succeeded_at: Mapped[datetime | None]  # The last time, exact to a minute.


ONE_ROW = select(literal_column("1").label("one")).subquery()
"""A row for a statement that returns one even if there is nothing to join it with."""


def table(model: type[Base]) -> Table:
    """Return the table of a model, for statements without ORM objects."""
    return cast("Table", model.__table__)


def value_of(model: type[Stored], row: Iterator[Any]) -> Stored:
    """Return the next columns of a row as a read-only value of a model.

    It belongs to no ORM session, is never refreshed or expired, and costs a quarter of an ORM object.
    """
    value = model.__new__(model)
    vars(value).update(zip(_column_names(model), row, strict=False))
    return value


@lru_cache
def _column_names(model: type[Base]) -> tuple[str, ...]:
    return tuple(table(model).c.keys())


def dialect() -> str:
    """Return the name of the SQL dialect."""
    return db.engine.dialect.name


@lru_cache
def replacement(model: type[Base], key: str, dialect: str) -> Any:
    """Return the INSERT that writes a row in place of the one with the same value in the unique column `key`."""
    insert = (sqlite if dialect == "sqlite" else postgresql).insert(table(model))
    # SQLite writes the index of a column that is set, even if its value stays the same.
    values = {column.name: insert.excluded[column.name] for column in table(model).c if column.name not in ("id", key)}
    return insert.on_conflict_do_update(index_elements=[key], set_=values)


@event.listens_for(Engine, "connect")
def _prepare_sqlite(connection: object, _: object) -> None:
    """Configure a SQLite connection like PostgreSQL: foreign keys, readers beside a writer, durability."""
    if isinstance(connection, sqlite3.Connection):
        for pragma in ("foreign_keys = ON", "journal_mode = WAL", "synchronous = FULL"):
            connection.execute(f"PRAGMA {pragma}")
