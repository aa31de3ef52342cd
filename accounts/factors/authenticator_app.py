"""Authenticator apps (RFC 6238): codes of 6 digits that are valid for 30 seconds, with one step of drift, once each.

The only importer of pyotp and segno. The secret is encrypted under a key that is derived from SECRET_KEY.
"""

import hmac
import io
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote

from sqlalchemy import delete, func, or_, select, update

from accounts import clock
from accounts.signing import Key, keys
from models import AuthenticatorApp, CMSUser, db

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

STEP_SECONDS = 30
LONGEST_ISSUER = (
    120  # Characters when encoded for the URI, which contains it twice: a QR code of more is too fine to scan.
)
SET_UP_LIFETIME = timedelta(hours=1)
DRIFT_STEPS = 1  # RFC 6238, 5.2: one step is permitted for the delay of the network.


@dataclass(frozen=True)
class Batch:
    """The result of `encrypt_anew`: how many secrets it encrypted, how many it could not read, and the last id.

    The last id is None if no secrets are left.
    """

    encrypted: int
    unreadable: int
    last_id: int | None


@dataclass(frozen=True)
class Secrets:
    """The result of `check_secrets`: the number of apps, and those whose secrets cannot be read."""

    count: int
    missing: dict[str, int]  # The number of apps by the ids of keys that are not in the settings.
    read: int
    unreadable: int  # Of those that were read: the row was changed.


def find(user_id: int) -> AuthenticatorApp | None:
    """Return the authenticator app of an account that is a second factor."""
    its = AuthenticatorApp.user_id == user_id, AuthenticatorApp.confirmed_at.is_not(None)
    return db.session.scalar(select(AuthenticatorApp).where(*its))


def find_unconfirmed(user_id: int) -> AuthenticatorApp | None:
    """Return the authenticator app of an account that waits for its first code, for an hour."""
    its = AuthenticatorApp.user_id == user_id, AuthenticatorApp.confirmed_at.is_(None)
    app = db.session.scalar(select(AuthenticatorApp).where(*its))
    if app is None or clock.now() - app.created_at > SET_UP_LIFETIME:
        return None
    return app


def set_up(user: CMSUser) -> str:
    """Store a new secret for a locked account in place of an unconfirmed one, and return it in base32.

    It is no second factor until `confirm`; the app that is one remains valid until then.
    """
    import pyotp

    secret, key = pyotp.random_base32(), keys().current
    waiting = AuthenticatorApp.user_id == user.id, AuthenticatorApp.confirmed_at.is_(None)
    db.session.execute(delete(AuthenticatorApp).where(*waiting))
    encrypted = _fernet(key).encrypt(secret.encode()).decode()
    app = AuthenticatorApp(
        user_id=user.id, secret=encrypted, key_id=key.id, last_step=0, created_at=clock.now(), confirmed_at=None
    )
    db.session.add(app)
    db.session.flush()
    return secret


def read_secret(app: AuthenticatorApp) -> str:
    """Return the secret in base32. Raises LookupError if its key was removed from the settings, or the row changed."""
    from cryptography.fernet import InvalidToken

    for key in keys().named(app.key_id):
        try:
            return str(_fernet(key).decrypt(app.secret.encode()).decode())
        except InvalidToken:
            raise LookupError("the secret was changed in the database") from None
    raise LookupError("the key of the secret was removed")


def issuer_of(site_name: str) -> str:
    """Return the name of the site for apps: short, and without colons, which would end it (Key URI Format)."""
    name = " ".join(site_name.replace(":", " ").split())
    while len(quote(name)) > LONGEST_ISSUER:
        name = name[:-1].rstrip()
    return name


def setup_uri(secret: str, account: str, issuer: str) -> str:
    """Return the URI that an app reads from the QR code (Key URI Format of Google Authenticator)."""
    import pyotp

    return str(pyotp.TOTP(secret).provisioning_uri(name=account, issuer_name=issuer))


def qr_code(uri: str) -> str:
    """Return a QR code as inline SVG without styles, which a strict Content Security Policy permits."""
    import segno

    out = io.BytesIO()
    code = segno.make(uri, error="m", micro=False)
    code.save(out, kind="svg", xmldecl=False, svgns=False, omitsize=True, border=4, dark="#000", light="#fff")
    return out.getvalue().decode()


def confirm(app: AuthenticatorApp, code: str, *, replaces: AuthenticatorApp | None) -> bool:
    """Make the unconfirmed app of a locked account its second factor if the code is correct; return whether it is.

    It replaces the app that was one before, if there was any: its row is deleted, so that its codes become invalid.
    """
    if not _use(app, code):
        return False
    if replaces is not None:
        db.session.execute(delete(AuthenticatorApp).where(AuthenticatorApp.id == replaces.id))
    waiting = AuthenticatorApp.id == app.id, AuthenticatorApp.confirmed_at.is_(None)
    confirmed = update(AuthenticatorApp).where(*waiting).values(confirmed_at=clock.now())
    return db.session.execute(confirmed.returning(AuthenticatorApp.id)).first() is not None


def use(user: CMSUser, code: str) -> bool:
    """Return whether this is a code of the confirmed app of a locked account that was not used before."""
    app = find(user.id)
    return app is not None and _use(app, code)


def delete_since(user: CMSUser, since: datetime | None = None) -> bool:
    """Delete the app of a locked account if it was added since a moment; return whether a second factor was deleted.

    An app is added by its first code, also if it replaced another. One that was set up before and waits for a code is
    deleted as well, because who was in the session could read its secret.
    """
    mine = [AuthenticatorApp.user_id == user.id]
    if since is not None:
        confirmed_at = AuthenticatorApp.confirmed_at
        mine.append(or_(confirmed_at.is_(None), confirmed_at >= since))
    deleted = delete(AuthenticatorApp).where(*mine).returning(AuthenticatorApp.confirmed_at)
    return any(moment is not None for moment in db.session.scalars(deleted).all())


def encrypt_anew(most: int, after: int) -> Batch:
    """Encrypt up to `most` secrets under the current key that are under another one, with ids above `after`.

    A secret that is used at the same time is encrypted by that use: then nothing is written here.
    """
    current = keys().current
    others = AuthenticatorApp.key_id != current.id, AuthenticatorApp.id > after
    apps = db.session.scalars(select(AuthenticatorApp).where(*others).order_by(AuthenticatorApp.id).limit(most)).all()
    written = unreadable = 0
    for app in apps:
        try:
            encrypted = _fernet(current).encrypt(read_secret(app).encode()).decode()
        except LookupError:
            unreadable += 1
            continue
        same = AuthenticatorApp.id == app.id, AuthenticatorApp.secret == app.secret
        changed = update(AuthenticatorApp).where(*same).values(secret=encrypted, key_id=current.id)
        unsynchronised = {"synchronize_session": False}
        row = db.session.execute(changed.returning(AuthenticatorApp.id), execution_options=unsynchronised).first()
        written += row is not None
    return Batch(written, unreadable, apps[-1].id if len(apps) == most else None)


def check_secrets(most: int) -> Secrets:
    """Return whether the secrets can be read with the keys of the settings; up to `most` are read under each key."""
    counted = select(AuthenticatorApp.key_id, func.count()).group_by(AuthenticatorApp.key_id)
    by_key = {row[0]: row[1] for row in db.session.execute(counted)}
    known, read, unreadable = keys().by_id, 0, 0
    for key_id in by_key.keys() & known.keys():
        apps = select(AuthenticatorApp).where(AuthenticatorApp.key_id == key_id).limit(most)
        for app in db.session.scalars(apps):
            read += 1
            unreadable += not _is_readable(app)
    missing = {key_id: count for key_id, count in by_key.items() if key_id not in known}
    return Secrets(sum(by_key.values()), missing, read, unreadable)


def _is_readable(app: AuthenticatorApp) -> bool:
    try:
        read_secret(app)
    except LookupError:
        return False
    return True


def _use(app: AuthenticatorApp, code: str) -> bool:
    """Advance the last step if the code is that of a later one. The secret is encrypted anew under the current key."""
    import pyotp

    try:
        secret = read_secret(app)
    except LookupError:
        return False
    now_step, generator = int(clock.now().timestamp()) // STEP_SECONDS, pyotp.TOTP(secret)
    steps = range(now_step - DRIFT_STEPS, now_step + DRIFT_STEPS + 1)
    matching = [step for step in steps if hmac.compare_digest(generator.at(step * STEP_SECONDS), code)]
    if not matching:
        return False
    written: dict[str, object] = {"last_step": max(matching), "used_at": clock.now()}
    current = keys().current
    if app.key_id != current.id:
        written |= {"secret": _fernet(current).encrypt(secret.encode()).decode(), "key_id": current.id}
    mine = AuthenticatorApp.id == app.id, AuthenticatorApp.last_step < max(matching)
    advanced = update(AuthenticatorApp).where(*mine).values(written).returning(AuthenticatorApp.id)
    return db.session.execute(advanced).first() is not None


def _fernet(key: Key) -> "Fernet":
    """Return the cipher under a key: AES-128-CBC with HMAC-SHA-256."""
    from cryptography.fernet import Fernet

    return Fernet(urlsafe_b64encode(bytes.fromhex(key.sign("authenticator app"))))
