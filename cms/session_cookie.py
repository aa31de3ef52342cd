"""The session cookie of Flask, without a check of its age. The row of the session decides when it ends."""

from flask import Flask, Request, Response
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin
from itsdangerous import BadSignature, URLSafeTimedSerializer


def init_app(app: Flask) -> None:
    """Install the session interface."""
    app.session_interface = SessionInterface(app.config["SECRET_KEY"], app.config["SECRET_KEY_FALLBACKS"])


class OpenedSession(SecureCookieSession):
    """The content of a cookie, with the key that it was signed with and the id that it had."""

    opened_with: "OneKeyInterface | None" = None
    opened_sid: str | None = None


class OneKeyInterface(SecureCookieSessionInterface):
    """Flask's session interface with one key. Flask creates a serializer for every cookie that it reads or writes."""

    def __init__(self, secret: str) -> None:
        """Create the serializer of a key."""
        self._serializer = URLSafeTimedSerializer(
            secret,
            salt=self.salt,
            serializer=self.serializer,
            signer_kwargs={"key_derivation": self.key_derivation, "digest_method": self.digest_method},
        )

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer:
        """Return the serializer of the key."""
        return self._serializer


class SessionInterface(OneKeyInterface):
    """Flask's session interface without a time limit, whose cookies keep their key until the session has a new id.

    Flask compares the time at which a cookie was signed with the clock of the machine that reads it, and rejects times
    in the future: of two machines a fraction of a second apart, one would sign out administrators who signed in on the
    other. Here that time is irrelevant: the cookie holds an id, and `accounts.sessions` knows its age.

    During a rotation two machines sign with different keys. The row of a session names the key of its cookie, so that
    an operator learns whether a former key is still needed. It must not become wrong when the other machine writes the
    same cookie again.
    """

    def __init__(self, secret: str, fallbacks: tuple[str, ...]) -> None:
        """Create the interface of an application; the first key signs new sessions, all of them verify."""
        super().__init__(secret)
        self._all = [OneKeyInterface(each) for each in (secret, *fallbacks)]

    def open_session(self, app: Flask, request: Request) -> OpenedSession:
        """Read the session from a cookie signed with SECRET_KEY or one of SECRET_KEY_FALLBACKS."""
        cookie = request.cookies.get(self.get_cookie_name(app), "")
        for interface in self._all:
            try:
                session = OpenedSession(interface.get_signing_serializer(app).loads(cookie))
            except BadSignature:
                continue
            session.opened_with, session.opened_sid = interface, session.get("sid")
            return session
        return OpenedSession()

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Write the cookie, with the key that it had if it belongs to the same session."""
        interface: OneKeyInterface = self
        if isinstance(session, OpenedSession) and session.opened_with and session.get("sid") == session.opened_sid:
            interface = session.opened_with if session.opened_sid else self
        SecureCookieSessionInterface.save_session(interface, app, session, response)
