"""The checks of this machine: versions, numbers of the settings, files, and disk space."""

import platform
import re
import shutil
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from accounts.operations.doctor.check import Problem, Result, conclude, fail, warn
from accounts.settings import settings
from models import dialect

LOCKED = Path(__file__).resolve().parents[3] / "requirements.lock"
NAMED = ("flask", "sqlalchemy", "psycopg", "python-memcached", "gunicorn")
SECRET_FILES = ("secret_key", "demonstration.json")
LOW_BYTES, FULL_BYTES = 200 * 2**20, 20 * 2**20


def check_versions() -> Result:
    """Compare the installed packages with those that were tested (requirements.lock)."""
    locked = read_locked(LOCKED.read_text()) if LOCKED.exists() else {}
    installed = {name: version for name in (locked or NAMED) if (version := _version_of(name))}
    different = {name: version for name, version in installed.items() if locked and version != locked[name]}
    names = ", ".join(f"{name} {version} instead of {locked[name]}" for name, version in different.items())
    problems = [warn(f"not the packages of requirements.lock: {names}")] if different else []
    told = ", ".join(f"{name} {installed[name]}" for name in NAMED if name in installed)
    python = platform.python_version()
    return conclude(
        f"Python {python}, {told}", problems, python=python, packages=installed, different=sorted(different)
    )


def read_locked(text: str) -> dict[str, str]:
    """Return the versions in a lock file by the names of the packages."""
    return dict(re.findall(r"^([\w.-]+)==([^\s;\\]+)", text, re.MULTILINE))


def _version_of(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None  # For another platform.


def check_numbers() -> Result:
    """Check a limit that a standard sets."""
    tries = settings().CAPTCHA_TRIES_PER_DAY
    problem = f"CAPTCHA_TRIES_PER_DAY is {tries}: NIST SP 800-63B allows at most 100"
    return conclude(
        "within the limits of the standards", [warn(problem)] if tries > 100 else [], captcha_tries_per_day=tries
    )


def check_files() -> Result:
    """Check who can read the folder of the instance, and whether this user can write to it."""
    folder = settings().INSTANCE_DIR
    problems = list(_find_file_problems(folder))
    return conclude(f"{folder} is accessible to its owner only" if not problems else "", problems, folder=str(folder))


def _find_file_problems(folder: Path) -> Iterator[Problem]:
    if folder.stat().st_mode & 0o077:
        yield fail(f"INSTANCE_DIR is accessible to other users: run `chmod 700 {folder}`")
    for name in SECRET_FILES:
        file = folder / name
        if file.exists() and file.stat().st_mode & 0o077:
            yield fail(f"{name} is accessible to other users: run `chmod 600 {file}`")
    if settings().CMS_ENV == "production" and (folder / "demonstration.json").exists():
        yield warn("the demonstration administrator was created: disable admin@example.com, delete demonstration.json")
    others = sorted(each.name for each in folder.iterdir() if _owner(each) not in (None, _owner(folder)))
    if others:
        yield warn(
            f"{', '.join(others[:3])} in INSTANCE_DIR belongs to another user: run commands as the user of the site"
        )


def _owner(path: Path) -> int | None:
    """Return the user to whom a file belongs; None if it was just deleted."""
    try:
        return path.stat().st_uid
    except FileNotFoundError:
        return None


def check_disk() -> Result:
    """Check the free space for the folder of the instance."""
    usage = shutil.disk_usage(settings().INSTANCE_DIR)
    return judge_disk(usage.free, usage.total, holds_database=dialect() == "sqlite")


def judge_disk(free: int, total: int, *, holds_database: bool) -> Result:
    """Return whether that is enough."""
    problems = []
    if free < FULL_BYTES and holds_database:
        problems = [fail("the disk of INSTANCE_DIR is full")]
    elif free < LOW_BYTES:
        problems = [warn("the disk of INSTANCE_DIR is almost full")]
    return conclude(f"{free // 2**20} of {total // 2**20} MiB free", problems, free_bytes=free, total_bytes=total)
