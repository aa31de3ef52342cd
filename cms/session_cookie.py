"""The session cookie: Flask's own, but its age is not asked. How long a session lives is decided by its row."""

from flask import Flask, Request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from itsdangerous import BadSignature


def init_app(app: Flask) -> None:
    """Give the application this session cookie."""
    app.session_interface = SessionInterface()


class SessionInterface(SecureCookieSessionInterface):
    """Flask's session interface without a time limit.

    Flask compares the moment at which a cookie was signed with the clock of the machine that reads it, and refuses
    what comes from the future: of two machines a fraction of a second apart, one signs out whoever the other one
    signed in. Here nothing hangs on that moment: the cookie holds an id, and `accounts.sessions` knows its age.
    """

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """Read the session out of a cookie that was signed with our key, or with one of SECRET_KEY_FALLBACKS."""
        serializer = self.get_signing_serializer(app)
        if serializer is None:
            return None
        try:
            return self.session_class(serializer.loads(request.cookies.get(self.get_cookie_name(app), "")))
        except BadSignature:
            return self.session_class()
