"""Recovery codes: ten codes of 50 random bits, stored as argon2id hashes with one salt, each valid once."""

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select, update

from accounts import clock, passwords
from accounts.database import release_connection
from models import CMSUser, RecoveryCode, db

COUNT, LENGTH, GROUP = 10, 10, 5
ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base 32: without i, l, o and u.
_READ_AS = str.maketrans("ilo", "110", "- ")


@dataclass(frozen=True)
class Codes:
    """Ten new codes, and the rows to store for them."""

    codes: tuple[str, ...]
    salt: str
    hashes: tuple[str, ...]


@dataclass(frozen=True)
class Hashed:
    """An entered code, hashed with the salt that the codes of the account had at that time."""

    salt: str
    code_hash: str


def generate() -> Codes:
    """Return ten new codes. It takes as long as hashing ten passwords: call it before an account is locked."""
    release_connection()
    codes = tuple("".join(secrets.choice(ALPHABET) for _ in range(LENGTH)) for _ in range(COUNT))
    shown = tuple(f"{code[:GROUP]}-{code[GROUP:]}" for code in codes)
    salt, first = passwords.hash_code(codes[0])
    return Codes(shown, salt, (first, *(passwords.hash_code(code, salt)[1] for code in codes[1:])))


def replace(user: CMSUser, new: Codes) -> None:
    """Store codes for a locked account in place of all older ones."""
    delete_all(user)
    now = clock.now()
    rows = [{"user_id": user.id, "salt": new.salt, "code_hash": each, "created_at": now} for each in new.hashes]
    db.session.execute(RecoveryCode.__table__.insert(), rows)  # type: ignore[attr-defined]


def hash_entered(user_id: int, code: str) -> Hashed:
    """Return the hash of an entered code, however it was spelled, with as much work if the account has no codes.

    Call it before the account is locked.
    """
    salt = db.session.scalar(select(RecoveryCode.salt).where(RecoveryCode.user_id == user_id).limit(1))
    release_connection()
    return Hashed(salt or "", passwords.hash_code(code.casefold().translate(_READ_AS), salt or "")[1])


def use(user: CMSUser, entered: Hashed) -> bool:
    """Mark a code of a locked account as used, and return whether it was valid."""
    its = RecoveryCode.user_id == user.id, RecoveryCode.used_at.is_(None), RecoveryCode.salt == entered.salt
    rows = db.session.execute(select(RecoveryCode.id, RecoveryCode.code_hash).where(*its)).all()
    matching = [row.id for row in rows if hmac.compare_digest(row.code_hash, entered.code_hash)]
    if not matching:
        return False
    this = RecoveryCode.id == matching[0], RecoveryCode.used_at.is_(None)
    mark = update(RecoveryCode).where(*this).values(used_at=clock.now()).returning(RecoveryCode.id)
    return db.session.execute(mark).first() is not None


def count_left(user_id: int) -> int:
    """Return how many codes of an account were not used."""
    its = RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None)
    return db.session.scalar(select(func.count()).select_from(RecoveryCode).where(*its)) or 0


def delete_since(user: CMSUser, since: datetime) -> bool:
    """Delete the codes of a locked account that were made since a moment, and return whether there were any."""
    its = RecoveryCode.user_id == user.id, RecoveryCode.created_at >= since
    return bool(db.session.scalars(delete(RecoveryCode).where(*its).returning(RecoveryCode.id)).all())


def delete_all(user: CMSUser) -> None:
    """Delete all codes of a locked account."""
    db.session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))
