"""The application on a machine whose clock is ahead: by the number of seconds in TEST_SECONDS_AHEAD.

Shifted are the product's own clock and `time.time`, which itsdangerous signs with and the libraries write dates with.
"""

import os
import time
from datetime import UTC, datetime, timedelta

from flask import Flask

import app
from accounts import clock


def create_app() -> Flask:
    """Shift the clocks of this process, and return the application."""
    ahead, real_time = float(os.environ["TEST_SECONDS_AHEAD"]), time.time
    time.time = lambda: real_time() + ahead
    clock.now = lambda: datetime.now(UTC) + timedelta(seconds=ahead)
    return app.create_app()
