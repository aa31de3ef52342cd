"""Settings. The only module that reads os.environ. README.md documents all settings."""

import contextlib
import ipaddress
import os
import re
import secrets
import tempfile
import unicodedata
from base64 import b64decode
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import idna

import operator_files

HERE = Path(__file__).resolve().parent
ROLES = ("editor", "superuser")


class ConfigError(SystemExit):
    """A setting is invalid: the program exits with this one line and changes nothing."""


def text(value: str) -> str:
    """Return the value unchanged."""
    return value


def yes_or_no(value: str) -> bool:
    """Read 1, true, yes, on as true and 0, false, no, off or nothing as false."""
    words = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    try:
        return words[value.lower() or "0"]
    except KeyError:
        raise ValueError("it must be yes or no") from None


def whole(low: int, high: int) -> Callable[[str], int]:
    """Read a whole number between two bounds."""

    def read(value: str) -> int:
        if not (value.isascii() and value.isdigit() and low <= int(value) <= high):
            raise ValueError(f"it must be a whole number from {low} to {high}")
        return int(value)

    return read


def port(value: str) -> int | None:
    """Read a port; 0 means none, and nothing means the default."""
    return whole(0, 65535)(value) if value else None


def one_of(*words: str) -> Callable[[str], str]:
    """Read one of the given words."""

    def read(value: str) -> str:
        if value not in words:
            raise ValueError(f"it must be one of: {', '.join(words)}")
        return value

    return read


HOST = re.compile(r"(\.?[a-z0-9-]+(?:\.[a-z0-9-]+)*|\[[0-9a-f:.]+\])(?::\d+)?")


def hosts(value: str) -> list[str]:
    """Read host names, separated by commas, in the form in which a browser sends them; a port is ignored."""
    found = []
    for host in filter(None, (each.strip().lower() for each in value.split(","))):
        name = HOST.fullmatch(host if host.isascii() else _to_ascii(host))
        if name is None:
            raise ValueError("it must be host names separated by commas, such as cms.example.com,.example.org")
        found.append(name[1])
    return found


def _to_ascii(host: str) -> str:
    """Encode an internationalized host name (IDNA)."""
    dot = "." if host.startswith(".") else ""
    return dot + host.removeprefix(".").encode("idna").decode()


PATH = re.compile(r"(?:/(?!\.{1,2}(?:/|$))[A-Za-z0-9._~-]+)*")  # As in cms/prefix.py.


def site_url(value: str) -> str:
    """Read the URL under which the application is served, perhaps with a path, and strip the trailing slash."""
    site = urlsplit(value.rstrip("/"))
    if value and not (value.startswith(("http://", "https://")) and site.hostname):
        raise ValueError("it must be https://NAME or https://NAME/PATH")
    if site.query or site.fragment or "?" in value or "#" in value or not PATH.fullmatch(site.path):
        raise ValueError("its path must consist of letters, digits and . _ ~ -")
    return value.rstrip("/")


def cookie_name(value: str) -> str:
    """Read the name of a cookie; browsers know what the prefix __Host- means."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}", value):
        raise ValueError("it must be up to 40 letters, digits, _ and -")
    return value


def policies(value: str) -> dict[str, str]:
    """Read one policy for all roles, or one per role: editor=off,superuser=both."""
    pairs = [part.strip().partition("=") for part in value.split(",")]
    found = dict.fromkeys(ROLES, value) if "=" not in value else {role: word for role, _, word in pairs}
    is_ambiguous = "=" in value and len(pairs) != len(ROLES)
    if is_ambiguous or set(found) != set(ROLES) or not set(found.values()) <= {"new", "both", "off"}:
        raise ValueError("it must be new, both, off, or a list such as editor=new,superuser=both")
    return found


def domains(value: str) -> list[str]:
    """Read the domains of addresses, separated by commas, in the form in which addresses are compared (A-labels)."""
    return [_to_domain(each) for each in filter(None, (part.strip() for part in value.split(",")))]


def _to_domain(written: str) -> str:
    """Return a domain, perhaps with a leading dot, in its A-form. Raises ValueError."""
    name = written.removeprefix(".")
    try:
        found = idna.encode(name, uts46=True, std3_rules=True).decode()
    except idna.IDNAError:
        found = ""
    if not found or found.endswith(".") or len(found) > 253 or re.fullmatch(r"[0-9.]+", found):
        raise ValueError("it must be domains separated by commas, such as example.com,.example.org")
    return written[: len(written) - len(name)] + found


def range_url(value: str) -> str:
    """Read the base URL of a service for breached passwords, and strip the trailing slash."""
    parts = urlsplit(value)
    host = parts.hostname or ""
    is_complete = re.fullmatch(r"https?://(?:[A-Za-z0-9._-]+|\[[0-9a-f:.]+\])(?::[0-9]+)?(?:/[!$-;=@-Z_a-z~]*)?", value)
    is_secure = parts.scheme == "https" or _is_loopback(host)
    if value and not (is_complete and is_secure and max(map(len, host.split("."))) < 64 and parts.port != 0):
        raise ValueError("it must be https://NAME/PATH, or http:// for this machine")
    return value.rstrip("/")


def _without_password(value: str) -> str:
    """Return a value for an error, without the user and the password of a URL."""
    return re.sub(r"(?<=password=)[^&]*", "***", re.sub(r"//.*@", "//***@", value))


def webhooks(value: str) -> dict[str, tuple[str, ...]]:
    """Read receivers separated by commas, each a URL followed by its secrets; return the secrets by URL."""
    found: dict[str, tuple[str, ...]] = {}
    for number, entry in enumerate(filter(None, (each.split() for each in value.split(","))), 1):
        url, *secrets = entry
        if url_problem := _receiver_url_problem(url):
            raise ValueError(f"the URL of receiver {number} {url_problem}")
        if any(_normalize(url) == _normalize(other) for other in found):
            raise ValueError(f"receiver {number} has the same URL as another one")
        if not secrets or not all(map(_is_webhook_secret, secrets)):
            raise ValueError(f"receiver {number} needs secrets: whsec_ and the base64 of 24 to 64 random bytes")
        if len(set(secrets)) < len(secrets):
            raise ValueError(f"receiver {number} has a secret twice")
        found[url] = tuple(secrets)
    return found


def _receiver_url_problem(url: str) -> str:
    """Return what is wrong with the URL of a receiver, or nothing."""
    pattern = r"https?://(?:[A-Za-z0-9._-]+|\[[0-9a-f:.]+\])(?::[0-9]+)?(?:/[!$-~]*)?(?:\?[!$-~]*)?"
    try:
        parts = urlsplit(url)
        is_complete = bool(re.fullmatch(pattern, url)) and parts.port != 0
    except ValueError:
        is_complete = False
    if not is_complete:
        return "must be https://NAME/PATH in ASCII, without a user and without a fragment"
    host = parts.hostname or ""
    if max(map(len, host.split("."))) > 63 or len(url) > 2000:
        return "is too long"
    return ""


def _normalize(url: str) -> tuple[str, str, str]:
    """Return a URL in the form in which it is compared."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.lower()}", parts.path or "/", parts.query


def _is_webhook_secret(secret: str) -> bool:
    """Return whether this is a secret of Standard Webhooks."""
    encoded = secret.removeprefix("whsec_")
    try:
        decoded = b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except ValueError:
        return False
    return encoded != secret and 24 <= len(decoded) <= 64


def _without_secrets(value: str) -> str:
    """Return receivers for an error: only the URLs, without users and queries."""
    urls = [word for word in value.replace(",", " ").split() if re.match("https?://", word)]
    return ", ".join(re.sub(r"[?#].*", "?***", _without_password(url)) for url in urls) + " ..."


def site_name(value: str) -> str:
    """Read the name of the site, which is shown on pages and in mails as it is; empty: the default name."""
    name = unicodedata.normalize("NFC", value)
    if not name:
        return ""
    operator_files.require_plain_text(name, 60)
    if not any(map(str.isalnum, name)) or "=?" in name:  # RFC 2047: `=?` begins an encoded word in a subject.
        raise ValueError("it must contain a letter or a digit, and no =?")
    return name


def _file(read: Callable[[Path], dict[str, bytes]]) -> Callable[[str], dict[str, bytes]]:
    """Read a file of the operator, relative to the folder of this module; empty: none."""
    return lambda value: read(HERE / value) if value else {}


def profile_fields(value: str) -> dict[str, dict[str, Any]]:
    """Read the file of the fields of the profile, relative to the folder of this module; empty: that of the product."""
    return operator_files.read_profile_fields(HERE / value if value else operator_files.DEFAULT_FIELDS)


_IN_A_URL = r"[!$-;=?-Z_a-z~]"  # RFC 3986: ASCII, without spaces, double quotes, brackets and #.
_PAGE = re.compile(
    rf"(?:/(?!/)|https?://(?:[A-Za-z0-9._-]+|\[[0-9a-f:.]+\])(?::[0-9]{{1,5}})?(?![^/?#])){_IN_A_URL}*(?:#{_IN_A_URL}*)?"
)
_MAILTO = re.compile(rf"mailto:[A-Za-z0-9.!$'*+/=_~-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+(?:\?{_IN_A_URL}*)?")
LONGEST_URL = 500


def _is_page(url: str) -> bool:
    """Return whether this is the path or the http(s) URL of a page."""
    try:
        return len(url) <= LONGEST_URL and bool(_PAGE.fullmatch(url)) and urlsplit(url).port != 0
    except ValueError:
        return False


def site_links(value: str) -> tuple[tuple[str, str], ...]:
    """Read links separated by commas: Articles=/articles/, Home=https://example.com/."""
    found: dict[str, str] = {}
    for number, part in enumerate(filter(None, (each.strip() for each in value.split(","))), 1):
        label, _, url = (each.strip() for each in part.partition("="))
        try:
            operator_files.require_plain_text(label, 30)
        except ValueError as problem:
            raise ValueError(f"the label of link {number} is invalid, because {problem}") from None
        if not _is_page(url):
            raise ValueError(f"link {number} must be LABEL=/PATH or LABEL=https://NAME/PATH, in ASCII")
        if label in found:
            raise ValueError(f"link {number} has the same label as another one")
        found[label] = url
    if len(found) > 8:
        raise ValueError("it must not be more than 8 links")
    return tuple(found.items())


def support_url(value: str) -> str:
    """Read the page or the address at which people get help: /PATH, https://NAME/PATH or mailto:ADDRESS."""
    if value and not _is_page(value) and not (len(value) <= LONGEST_URL and _MAILTO.fullmatch(value)):
        raise ValueError("it must be /PATH, https://NAME/PATH or mailto:ADDRESS, in ASCII")
    return value


def database_url(value: str) -> str:
    """Read sqlite:///... or postgresql://... (psycopg 3)."""
    value = value.replace("postgres://", "postgresql://", 1)
    if value and not value.startswith(("sqlite:///", "postgresql://", "postgresql+psycopg://")):
        raise ValueError("it must be sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME")
    if not value.startswith("sqlite:"):
        _require_port(value)
    return value


def _require_port(url: str) -> None:
    """Raise ValueError if what follows the host is not a port, for example because a password contains a slash."""
    try:
        _ = urlsplit(url).port
    except ValueError:
        raise ValueError("write special characters of the password as %2F and so on (deploy/cms.env)") from None


def cache_url(value: str) -> str:
    """Read sqlite:///... or memcached://host:port[,host:port]."""
    if value and not value.startswith(("sqlite:///", "memcached://")):
        raise ValueError("it must be memcached://HOST:PORT[,HOST:PORT] or sqlite:///FILE")
    return value


class Setting(NamedTuple):
    """A setting: its environment variable, default, parser and description."""

    name: str
    default: str
    read: Callable[[str], Any]
    says: str
    mask: Callable[[str], str] = _without_password  # Removes secrets from a value for an error.


def keys(value: str) -> tuple[str, ...]:
    r"""Read keys separated by commas; a comma that is part of a key is written `\,`."""
    return tuple(filter(None, (each.strip().replace("\\,", ",") for each in re.split(r"(?<!\\),", value))))


def kept_days(value: str) -> int:
    """Read a number of days; 0 means for ever."""
    days = whole(0, 36500)(value)
    if 0 < days < SHORTEST_KEPT_DAYS:
        raise ValueError(f"it must be 0 or a whole number from {SHORTEST_KEPT_DAYS} to 36500")
    return days


HOUR, DAY = 3600, 86400
SHORTEST_KEPT_DAYS = 7  # A row may count repetitions for as long as mail tasks are tried, which is three days.
SETTINGS = (
    Setting("CMS_ENV", "development", one_of("development", "production"), "production: no /dev/, Secure cookies"),
    Setting("SECRET_KEY", "", text, "keys of cookies and codes; needed in production, at least 16 random characters"),
    Setting("SECRET_KEY_FALLBACKS", "", keys, "former keys that are still accepted, newest first, separated by commas"),
    Setting("AUDIT_KEY", "", text, "key of the history; empty: derived from SECRET_KEY"),
    Setting("AUDIT_KEY_FALLBACKS", "", keys, "former keys of the history, newest first, separated by commas"),
    Setting("AUDIT_KEEP_DAYS", "0", kept_days, "days after which rows of the history are exported; 0: never"),
    Setting("AUDIT_EXPORT_FOLDER", "", text, "folder of the exported rows; empty: `history` in INSTANCE_DIR"),
    Setting("INSTANCE_DIR", "instance", text, "folder of the files of the embedded defaults"),
    Setting("DATABASE_URL", "", database_url, "empty: SQLite in INSTANCE_DIR; or postgresql://..."),
    Setting("DATABASE_CONNECTIONS", "3", whole(1, 100), "connections of one process; fewer than gunicorn's threads"),
    Setting("DATABASE_PREPARED_STATEMENTS", "yes", yes_or_no, "no: for pgbouncer in transaction mode"),
    Setting("CACHE_URL", "", cache_url, "empty: embedded store in INSTANCE_DIR; or memcached://host:port[,host:port]"),
    Setting("MAIL_SERVER", "", text, "SMTP server; empty: mail is shown on /dev/mailbox/ (development only)"),
    Setting("MAIL_PORT", "25", whole(1, 65535), "its port"),
    Setting("MAIL_USE_TLS", "no", yes_or_no, "STARTTLS, certificate verified"),
    Setting("MAIL_USE_SSL", "no", yes_or_no, "TLS from the first byte, certificate verified"),
    Setting("MAIL_USERNAME", "", text, "username for SMTP AUTH; empty: no AUTH"),
    Setting("MAIL_PASSWORD", "", text, "password for SMTP AUTH"),
    Setting("MAIL_DEFAULT_SENDER", "CMS <cms@localhost>", text, "the From header of every mail"),
    Setting("MAIL_SECONDS", "10", whole(1, 60), "time-out of one step of an SMTP dialogue"),
    Setting("MAIL_DIALOGUE_SECONDS", "30", whole(1, 300), "deadline of the whole SMTP dialogue of one mail"),
    Setting("MAIL_DELIVERY", "thread", one_of("thread", "worker"), "worker: only `flask mail deliver` sends"),
    Setting("LOG_FORMAT", "text", one_of("text", "json"), "json: every line of the log is a JSON object"),
    Setting("METRICS_PORT", "", port, "port of the metrics; 0: none; empty: in production gunicorn's + 1000"),
    Setting("METRICS_HOST", "127.0.0.1", text, "the address on which this port listens"),
    Setting("TRUSTED_PROXIES", "0", whole(0, 10), "number of proxies that set X-Forwarded-For, -Proto and -Prefix"),
    Setting("TRUSTED_HOSTS", "", hosts, "host names that are served; empty: all, in development those of this machine"),
    Setting(
        "SITE_URL",
        "",
        site_url,
        "URL of this site, perhaps with a path: https://cms.example.com; required in production",
    ),
    Setting("SITE_NAME", "", site_name, "name of this site on pages and in mails; empty: account centre, translated"),
    Setting("SITE_LOGO", "", _file(operator_files.read_logo), "file of the logo: .svg, .png or .webp; empty: none"),
    Setting("SITE_STYLES", "", _file(operator_files.read_styles), "style sheet that is loaded after ours; empty: none"),
    Setting("SITE_LINKS", "", site_links, "links to other pages: Articles=/articles/, Home=https://example.com/"),
    Setting(
        "SUPPORT_URL", "", support_url, "where people get help: /PATH, https://... or mailto:...; empty: not shown"
    ),
    Setting("PROFILE_FIELDS", "", profile_fields, "file of the fields of the profile; empty: profile_fields.toml"),
    Setting("COOKIE_NAME", "session", cookie_name, "name of the session cookie, in production after __Host-"),
    Setting("HSTS_SUBDOMAINS", "no", yes_or_no, "yes: browsers use HTTPS for all subdomains of the site, too"),
    Setting("PORT", "5000", whole(1, 65535), "port of `make run`; the first of `make example`"),
    Setting("DRAIN_SECONDS", "0", whole(0, 300), "how long /readyz answers 503 after SIGTERM before the server stops"),
    Setting("CAPTCHA_SECONDS", "600", whole(1, 600), "lifetime of a code (ASVS 6.5.5: at most 600)"),
    Setting("CAPTCHA_TRIES", "5", whole(1, 10), "tries per code"),
    Setting("CAPTCHA_TRIES_PER_DAY", "10", whole(1, 10**6), "tries per administrator in 24 hours (NIST: at most 100)"),
    Setting(
        "CAPTCHA_TRIES_PER_ADDRESS_PER_DAY",
        "20",
        whole(0, 10**6),
        "tries for one new address by all accounts; 0: no limit",
    ),
    Setting("CAPTCHA_RESEND_SECONDS", "60", whole(0, HOUR), "time between two codes; 0: no wait"),
    Setting("CAPTCHA_SENDS_PER_HOUR", "5", whole(0, 10**6), "codes that one administrator may request; 0: no limit"),
    Setting("CAPTCHA_SENDS_PER_ADDRESS_PER_HOUR", "3", whole(0, 10**6), "mails to one new address; 0: no limit"),
    Setting("CAPTCHA_SENDS_PER_ADDRESS_PER_DAY", "10", whole(0, 10**6), "mails to one new address; 0: no limit"),
    Setting("CAPTCHA_SENDS_PER_NETWORK_PER_HOUR", "20", whole(0, 10**6), "codes from one network; 0: no limit"),
    Setting("CAPTCHA_SENDS_OVERALL_PER_HOUR", "1000", whole(0, 10**9), "codes of all administrators; 0: no limit"),
    Setting("REAUTH_SECONDS", "600", whole(1, DAY), "how long a confirmed password is valid for a change"),
    Setting("UNDO_SECONDS", "604800", whole(HOUR, 90 * DAY), "lifetime of the undo link sent to the old address"),
    Setting(
        "FREEZE_SECONDS", "259200", whole(0, 30 * DAY), "how long the address cannot be changed after an undo; 0: none"
    ),
    Setting("PASSWORD_LINK_SECONDS", "1800", whole(60, DAY), "lifetime of a link to set a new password"),
    Setting(
        "ASSISTED_WAIT_SECONDS",
        "86400",
        whole(0, 30 * DAY),
        "waiting period of a change started by another administrator",
    ),
    Setting("ASSISTED_SECONDS", "259200", whole(HOUR, 30 * DAY), "how long the new address can then be confirmed"),
    Setting("INVITATION_SECONDS", "259200", whole(HOUR, 30 * DAY), "lifetime of an invitation to register"),
    Setting("HEADS_UP", "yes", yes_or_no, "notify the current address as soon as a change is requested"),
    Setting("EMAIL_POLICY", "new", policies, "which codes are required: new, both, off, or editor=new,superuser=both"),
    Setting("EMAIL_DOMAINS", "", domains, "domains of new addresses, such as example.com,.example.org; empty: any"),
    Setting("REVEAL_TAKEN_EMAIL", "no", yes_or_no, "yes: reveal that an address is taken (closed teams)"),
    Setting("SESSION_IDLE_SECONDS", "3600", whole(60, 30 * DAY), "a session ends after this time without use"),
    Setting("SESSION_SECONDS", "43200", whole(60, 90 * DAY), "a session ends after this time in any case"),
    Setting("REMEMBER_IDLE_SECONDS", "1209600", whole(60, 90 * DAY), "the same with `stay signed in`: without use"),
    Setting("REMEMBER_SECONDS", "2592000", whole(60, 365 * DAY), "the same with `stay signed in`: in any case"),
    Setting(
        "SECOND_FACTOR",
        "optional",
        one_of("optional", "superusers", "all"),
        "who must have a second factor: nobody, superusers, or all",
    ),
    Setting("SECOND_FACTOR_GRACE_DAYS", "14", whole(0, 365), "days to set up a required second factor; 0: at once"),
    Setting("SECOND_FACTOR_TRIES_PER_DAY", "10", whole(1, 100), "codes of a second factor per account in 24 hours"),
    Setting(
        "SIGN_IN_TRIES_PER_ACCOUNT", "10", whole(0, 10**6), "wrong passwords for one account in 15 min; 0: no limit"
    ),
    Setting(
        "SIGN_IN_TRIES_PER_NETWORK", "50", whole(0, 10**6), "wrong passwords from one network in 15 min; 0: no limit"
    ),
    Setting("BREACHED_PASSWORDS_URL", "", range_url, "service for breached passwords (k-anonymity); empty: not asked"),
    Setting(
        "WEBHOOKS", "", webhooks, "receivers of changes: URL SECRET [SECRET ...], ...; empty: none", _without_secrets
    ),
)


OWN_NAMES = frozenset(setting.name for setting in SETTINGS)


def load(overrides: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return every setting and the configuration of Flask and its extensions derived from them.

    `overrides` (setting name -> value as written in the environment, or any Flask key) take precedence over the
    environment. Raises ConfigError with one line for an invalid value.
    """
    given = {**os.environ, **{key: _written(value) for key, value in (overrides or {}).items()}}
    values: dict[str, Any] = dict(overrides or {})
    for setting in SETTINGS:
        written = given.get(setting.name, setting.default).strip()
        try:
            values[setting.name] = setting.read(written)
        except ValueError as problem:
            raise ConfigError(f"{setting.name}={setting.mask(written)!r} is invalid: {problem}.") from None
    for reason in _unsafe_settings(values, is_named="CMS_ENV" in given):
        raise ConfigError(reason)
    if values["METRICS_PORT"] is None and values["CMS_ENV"] == "development":
        values["METRICS_PORT"] = 0
    _set_embedded_defaults(values)
    _set_flask_keys(values)
    return values


GUNICORN_WORKERS = 2  # In gunicorn.conf.py.


def gunicorn_workers() -> int:
    """Return the number of processes of a web node, as far as GUNICORN_CMD_ARGS or gunicorn.conf.py sets it."""
    found = re.findall(r"(?:^|\s)(?:--workers[ =]|-w ?)(\d+)", os.environ.get("GUNICORN_CMD_ARGS", ""))
    return max(1, int(found[-1])) if found else GUNICORN_WORKERS


def share_metrics() -> Path:
    """Create the folder in which the processes of a server add up their metrics, and name it for prometheus_client."""
    folder = Path(tempfile.mkdtemp(prefix="cms-metrics-"))
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
    return folder


NETWORKED = ("MAIL_SERVER", "DATABASE_URL", "CACHE_URL", "SITE_URL", "TRUSTED_HOSTS", "TRUSTED_PROXIES")
"""Settings of a site that others can reach."""


def _unsafe_settings(values: Mapping[str, Any], *, is_named: bool) -> Iterator[str]:
    """Yield one line for each reason why this combination of valid settings is not safe."""
    networked = next((name for name in NETWORKED if values[name] and not str(values[name]).startswith("sqlite:")), "")
    if networked and not is_named:
        yield f"{networked} is set, but CMS_ENV is not: set CMS_ENV=production, or CMS_ENV=development for development."
    is_encrypted = values["MAIL_USE_TLS"] or values["MAIL_USE_SSL"]
    if values["MAIL_USERNAME"] and not is_encrypted and not _is_loopback(values["MAIL_SERVER"]):
        yield "MAIL_USERNAME requires MAIL_USE_TLS=yes or MAIL_USE_SSL=yes: the password would be sent unencrypted."
    needed = values["UNDO_SECONDS"] + values["ASSISTED_WAIT_SECONDS"] + values["ASSISTED_SECONDS"]
    if 0 < values["AUDIT_KEEP_DAYS"] * DAY < needed:
        yield f"AUDIT_KEEP_DAYS must be at least {-(-needed // DAY)}: an undo reads the history since the change began."
    if values["CMS_ENV"] != "production":
        return
    if values["AUDIT_KEEP_DAYS"] and not values["AUDIT_EXPORT_FOLDER"]:
        yield "AUDIT_KEEP_DAYS requires AUDIT_EXPORT_FOLDER in production: a folder that is kept and backed up."
    for name, key in _production_keys(values):
        if len(key) < 16:
            yield f"{name} must be set in production to at least 16 random characters."
        if is_weak(key):
            yield f"{name} is too weak: python3 -c 'import secrets; print(secrets.token_hex(32))' prints a random one."
    if not values["SITE_URL"].startswith("https://"):
        yield "SITE_URL must be set in production to the https:// address of the site."
    yield from _unsafe_receivers(values["WEBHOOKS"])


def _unsafe_receivers(urls: Iterable[str]) -> Iterator[str]:
    """Yield one line for each receiver that would get personal data unencrypted to another machine."""
    for number, url in enumerate(urls, 1):
        if not url.startswith("https://") and not _is_loopback(urlsplit(url).hostname or ""):
            yield f"WEBHOOKS: the URL of receiver {number} must be https:// in production, unless it is this machine."


def _production_keys(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield SECRET_KEY and every other key that is set, with the name by which an error mentions it."""
    yield "SECRET_KEY", values["SECRET_KEY"]
    if values["AUDIT_KEY"]:
        yield "AUDIT_KEY", values["AUDIT_KEY"]
    for name in ("SECRET_KEY_FALLBACKS", "AUDIT_KEY_FALLBACKS"):
        yield from ((f"Key {number} of {name}", key) for number, key in enumerate(values[name], 1))


def is_weak(key: str) -> bool:
    """Return whether a key cannot be random: few distinct characters, or a repeated text."""
    return len(set(key)) < 6 or key in (key + key)[1:-1]


def _is_loopback(host: str) -> bool:
    """Return whether this host is the machine itself."""
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host in ("", "localhost")


def _written(value: object) -> str:
    """Return a value as written in the environment."""
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)


def _set_embedded_defaults(values: dict[str, Any]) -> None:
    """Set the embedded defaults of empty settings, and create their folder."""
    instance = values["INSTANCE_DIR"] = HERE / values["INSTANCE_DIR"]
    try:
        instance.mkdir(0o700, parents=True, exist_ok=True)
        if instance == HERE / "instance" and instance.stat().st_mode & 0o077:  # Created by an older version.
            instance.chmod(0o700)
        values["SECRET_KEY"] = values["SECRET_KEY"] or _stored_secret(instance / "secret_key")
    except OSError as problem:
        raise ConfigError(f"INSTANCE_DIR={str(instance)!r} cannot be used: {problem.strerror}.") from None
    values["DATABASE_URL"] = values["DATABASE_URL"] or f"sqlite:///{instance / 'cms.db'}"
    values["CACHE_URL"] = values["CACHE_URL"] or f"sqlite:///{instance / 'cache.db'}"
    values["AUDIT_EXPORT_FOLDER"] = HERE / (values["AUDIT_EXPORT_FOLDER"] or instance / "history")


def _stored_secret(path: Path) -> str:
    """Return the secret key in this file; create it first if it does not exist, readable by its owner only."""
    if not path.exists():
        unfinished = path.with_suffix(f".{secrets.token_hex(8)}")
        with open(os.open(unfinished, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w") as file:
            file.write(secrets.token_hex(32))
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(unfinished)  # Atomic: other processes see the complete file or none.
        unfinished.unlink()
    return path.read_text()


def _set_flask_keys(values: dict[str, Any]) -> None:
    """Set the keys of Flask and its extensions that were not given."""
    production = values["CMS_ENV"] == "production"
    derived = {
        "SQLALCHEMY_DATABASE_URI": values["DATABASE_URL"],
        "SQLALCHEMY_ENGINE_OPTIONS": _engine_options(values),
        "SESSION_COOKIE_NAME": ("__Host-" if production else "") + values["COOKIE_NAME"],
        "SESSION_COOKIE_PATH": "/",  # Also below a path: __Host- and forward authentication need it.
        "SESSION_COOKIE_SECURE": production,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_REFRESH_EACH_REQUEST": False,
        "PERMANENT_SESSION_LIFETIME": values["REMEMBER_SECONDS"],
        "MAX_CONTENT_LENGTH": 65536,
        "SECRET_KEY_IS_WEAK": is_weak(values["SECRET_KEY"]),
        "SERVED_HOSTS": values["TRUSTED_HOSTS"],  # Checked by cms/guard.py.
        "TRUSTED_HOSTS": None,  # Flask's own check fails on IPv6 addresses, without an error page.
        "MAIL_DEBUG": False,  # Flask-Mail would print codes and passwords on stderr.
        "MAIL_SUPPRESS_SEND": False,
        # The last one signs, all of them verify: Flask-WTF itself does not know SECRET_KEY_FALLBACKS.
        "WTF_CSRF_SECRET_KEY": [*reversed(values["SECRET_KEY_FALLBACKS"]), values["SECRET_KEY"]],
        "WTF_CSRF_CHECK_DEFAULT": False,  # cms/guard.py calls it after authentication.
        "WTF_CSRF_TIME_LIMIT": None,  # As long as the session.
        "WTF_CSRF_SSL_STRICT": False,  # cms/guard.py checks Sec-Fetch-Site and Origin instead of Referer.
        "BABEL_DEFAULT_LOCALE": "zh",
    }
    for key, value in derived.items():
        if key not in values or key in OWN_NAMES:
            values[key] = value


def _engine_options(values: dict[str, Any]) -> dict[str, Any]:
    """Return engine options with time-outs for a hung or locked database; accounts/database.py sets the others."""
    if values["DATABASE_URL"].startswith("sqlite"):
        return {"hide_parameters": True, "connect_args": {"timeout": 3}}
    arguments: dict[str, Any] = {
        "connect_timeout": 2,
        "tcp_user_timeout": 10000,  # ms; for requests, accounts/database.py has shorter limits than these five.
        "keepalives": 1,
        "keepalives_idle": 10,
        "keepalives_interval": 3,
        "keepalives_count": 3,
    }
    if not values["DATABASE_PREPARED_STATEMENTS"]:
        arguments["prepare_threshold"] = None
    return {
        "hide_parameters": True,  # The text of a mail, and with it a code, would otherwise be logged with an error.
        "pool_pre_ping": True,
        "pool_size": values["DATABASE_CONNECTIONS"],
        "max_overflow": 0,
        "pool_timeout": 1,  # accounts/database.py then checks whether the database responds at all.
        "connect_args": arguments,
    }
