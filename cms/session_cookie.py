"""The session cookie of Flask, without a check of its age. The row of the session decides when it ends."""

from flask import Flask, Request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from itsdangerous import BadSignature, URLSafeTimedSerializer


def init_app(app: Flask) -> None:
    """Install the session interface."""
    app.session_interface = SessionInterface()


class SessionInterface(SecureCookieSessionInterface):
    """Flask's session interface without a time limit.

    Flask compares the time at which a cookie was signed with the clock of the machine that reads it, and rejects times
    in the future: of two machines a fraction of a second apart, one would sign out administrators who signed in on the
    other. Here that time is irrelevant: the cookie holds an id, and `accounts.sessions` knows its age.
    """

    def __init__(self) -> None:
        """Create the interface of one application."""
        self._serializer: URLSafeTimedSerializer | None = None

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        """Return the serializer of the application; Flask creates one for every cookie that it reads or writes."""
        if self._serializer is None:
            self._serializer = super().get_signing_serializer(app)
        return self._serializer

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """Read the session from a cookie signed with SECRET_KEY or one of SECRET_KEY_FALLBACKS."""
        serializer = self.get_signing_serializer(app)
        if serializer is None:
            return None
        try:
            return self.session_class(serializer.loads(request.cookies.get(self.get_cookie_name(app), "")))
        except BadSignature:
            return self.session_class()
