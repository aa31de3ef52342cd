"""The application on a machine whose clock is ahead: by TEST_SECONDS_AHEAD seconds.

Both the clock of the product and `time.time` are shifted: itsdangerous and other libraries use the latter.
"""

import os
import time
from datetime import UTC, datetime, timedelta

from flask import Flask

from accounts import clock
from tests import cheap_hashes


def create_app() -> Flask:
    """Shift the clocks of this process, and return the application."""
    ahead, real_time = float(os.environ["TEST_SECONDS_AHEAD"]), time.time
    time.time = lambda: real_time() + ahead
    clock.now = lambda: datetime.now(UTC) + timedelta(seconds=ahead)
    return cheap_hashes.create_app()
