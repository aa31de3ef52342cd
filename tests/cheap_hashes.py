"""The application with cheap hashes of passwords and recovery codes: those of the product would slow down the tests."""

from argon2 import PasswordHasher
from flask import Flask

import app
from accounts import passwords

HASHER = PasswordHasher(memory_cost=8, time_cost=1, parallelism=1)  # 8 KiB and one pass.


def create_app() -> Flask:
    """Return the application; all of this process hashes cheaply."""
    passwords.HASHER = HASHER
    return app.create_app()
