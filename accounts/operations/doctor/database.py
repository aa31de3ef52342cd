"""The checks of the database: its connection, its schema, its clock, and how many connections it allows."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import text

from accounts.operations import readiness
from accounts.operations import schema as revisions
from accounts.operations.doctor.check import Problem, Result, conclude, fail, warn
from accounts.operations.doctor.network import Network, name_address, network_of
from accounts.settings import settings
from models import db, dialect

CONNECTIONS_OF_MAIL = 2  # `flask mail deliver --watch`: one for delivery, one for its metrics.
CONNECTIONS_TO_SPARE = 3  # For `db upgrade`, the maintenance and a backup.
NODES = 2  # Fewer cannot be restarted without a gap.
BUSY = 0.8

_SERVER = text("SELECT current_setting('server_version'), pg_backend_pid()")
_TLS_OF_SERVER = text("SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl")
_LIMITS = text("""
    SELECT current_setting('max_connections')::int AS max_connections,
           current_setting('superuser_reserved_connections')::int
               + coalesce(current_setting('reserved_connections', true)::int, 0) AS reserved,
           (SELECT rolconnlimit FROM pg_roles WHERE rolname = current_user) AS of_role,
           (SELECT datconnlimit FROM pg_database WHERE datname = current_database()) AS of_database,
           (SELECT sum(numbackends)::int FROM pg_stat_database) AS in_use
""")


def check_database() -> Result:
    """Check that the database responds, and whether the connection to another machine is encrypted."""
    if dialect() == "sqlite":
        version = db.session.scalar(text("SELECT sqlite_version()"))
        return conclude(f"SQLite {version}", server="sqlite", version=version)
    version, server_pid = db.session.execute(_SERVER).one()
    server_tls = db.session.scalar(_TLS_OF_SERVER)
    driver = _driver()
    is_pooled = driver.info.backend_pid != server_pid
    is_encrypted = bool(driver.pgconn.ssl_in_use)
    host, network = driver.info.host, network_of(driver.info.hostaddr or driver.info.host)
    sslmode = driver.info.get_parameters().get("sslmode", "prefer")
    told = [f"PostgreSQL {version} at {host if host.startswith('/') else name_address(host, driver.info.port)}"]
    told += ["encrypted" if is_encrypted else f"not encrypted, in {network}" if "network" in network else "local"]
    if is_pooled:
        told += ["through a pooler", f"whose connection to PostgreSQL is {'' if server_tls else 'not '}encrypted"]
    problems = _find_tls_problems(network, sslmode, is_encrypted=is_encrypted)
    if is_pooled and settings().DATABASE_PREPARED_STATEMENTS:
        problems.append(warn("a pooler in transaction mode needs DATABASE_PREPARED_STATEMENTS=no"))
    data = {"server": "postgresql", "version": version, "network": network, "sslmode": sslmode}
    return conclude(", ".join(told), problems, **data, encrypted=is_encrypted, pooled=is_pooled)


def _find_tls_problems(network: Network, sslmode: str, *, is_encrypted: bool) -> list[Problem]:
    """Return the problems of a connection to another machine. `require` does not verify a certificate (libpq)."""
    if network == "this machine":
        return []
    if not is_encrypted:
        return [warn("the connection is not encrypted: set sslmode=verify-full in DATABASE_URL")]
    if sslmode in ("allow", "prefer"):
        return [warn(f"sslmode={sslmode} also accepts an unencrypted connection: set sslmode=verify-full")]
    if sslmode == "require" and network == "a public network":
        return [warn("sslmode=require does not verify the certificate: set sslmode=verify-full")]
    return []


def _driver() -> Any:
    """Return the connection of psycopg."""
    return db.session.connection().connection.dbapi_connection


def check_schema() -> Result:
    """Compare the migration of the database with those of this version."""
    found = revisions.read()
    data: dict[str, Any] = {"present": found.present, "newest": found.newest}
    if found.is_ahead:
        problem = f"is at migration {found.present}, which a newer version has made: this version ends at"
        return conclude("", [warn(f"{problem} {found.newest}")], state="ahead", **data)
    if found.present is None:
        return conclude("", [fail(f"has no tables: {revisions.how_to_upgrade()}")], state="empty", **data)
    if found.is_behind:
        problem = f"is at migration {found.present}, not {found.newest}: {revisions.how_to_upgrade()}"
        return conclude("", [fail(problem)], state="behind", **data)
    return conclude(f"is at migration {found.present}, the newest one", state="current", **data)


def check_clock() -> Result:
    """Compare the clock with that of the database."""
    offset = readiness.clock_offset_seconds()
    if offset is None:
        return conclude("has no other clock to agree with", offset_seconds=None)
    if abs(offset) <= readiness.CLOCK_SECONDS:
        return conclude("agrees with the database", offset_seconds=offset)
    most = f"at most {readiness.CLOCK_SECONDS:.0f} s is allowed"
    problem = f"is {offset:+.1f} s off the database clock ({most}): synchronise both with NTP"
    return conclude("", [fail(problem)], offset_seconds=offset)


@dataclass(frozen=True)
class Fleet:
    """The processes that share the database: workers of a web node, mail processes, and web nodes (0: not known)."""

    workers: int
    mail_processes: int
    nodes: int = 0


@dataclass(frozen=True)
class Limits:
    """How many connections PostgreSQL allows; -1 is no limit of its own for the role or the database."""

    max_connections: int
    reserved: int
    of_role: int
    of_database: int
    in_use: int

    @property
    def usable(self) -> int:
        """Return how many the application can use."""
        limits = [self.max_connections - self.reserved, self.of_role, self.of_database]
        return min(each for each in limits if each >= 0)


def check_connections(fleet: Fleet) -> Result:
    """Compare the connections that the processes may open with those that PostgreSQL allows."""
    if dialect() == "sqlite":
        return conclude("SQLite has no limit")
    limits = Limits(**db.session.execute(_LIMITS).one()._mapping)
    server_pid, client_pid = db.session.execute(_SERVER).one()[1], _driver().info.backend_pid
    return judge_connections(limits, fleet, settings().DATABASE_CONNECTIONS, is_pooled=server_pid != client_pid)


def judge_connections(limits: Limits, fleet: Fleet, pool_size: int, *, is_pooled: bool) -> Result:
    """Return how many web nodes fit, and whether those that are known do; a pool never opens more than its size."""
    of_node = fleet.workers * pool_size
    of_mail = fleet.mail_processes * min(CONNECTIONS_OF_MAIL, pool_size)
    fit = max(0, (limits.usable - CONNECTIONS_TO_SPARE - of_mail) // of_node)
    data = {**vars(limits), "usable": limits.usable, "of_node": of_node, "of_mail": of_mail, "pooled": is_pooled}
    told = (
        f"{limits.in_use} of {limits.usable} in use; a web node opens up to {of_node} ({fleet.workers} x {pool_size})"
    )
    told += f", mail {of_mail}"
    if is_pooled:
        limited = "the pooler limits them (max_client_conn, default_pool_size), which cannot be read from here"
        return conclude(f"{told}; {limited}", **data, nodes_that_fit=None)
    problems = []
    if fit < fleet.nodes:
        problems.append(fail(f"{fleet.nodes} web nodes do not fit: raise max_connections, or use pgbouncer"))
    elif fit < NODES and not fleet.nodes:
        problems.append(warn("too few for two web nodes: raise max_connections, or use pgbouncer"))
    if limits.in_use > BUSY * limits.usable:
        problems.append(warn("most of the connections are in use"))
    return conclude(f"{told}; web nodes that fit: {fit}", problems, **data, nodes_that_fit=fit)
