"""The revisions of migrations/, and earlier versions of the application, which git has if the history is there."""

import io
import shutil
import subprocess
import tarfile
from pathlib import Path

from alembic.script import Script, ScriptDirectory

from tests.servers import ROOT

VERSIONS = "migrations/versions"


def migrations() -> list[Script]:
    """Return all migrations, the oldest first."""
    return list(ScriptDirectory(str(ROOT / "migrations")).walk_revisions())[::-1]


def revisions() -> list[str]:
    """Return all revisions, the oldest first."""
    return [each.revision for each in migrations()]


def find_commit(revision: str) -> str | None:
    """Return the newest commit with the migrations up to this one, and no other; None without git or its history."""
    known = revisions()
    wanted = set(known[: known.index(revision) + 1])
    touching = run_git("log", "--full-history", "--format=%H %P", "--", VERSIONS)
    if touching is None:
        return None
    commits = run_git("log", "--no-walk=sorted", "--format=%H", "HEAD", *touching.split()) or ""
    return next((commit for commit in commits.split() if revisions_in(commit) == wanted), None)


def revisions_in(commit: str) -> set[str]:
    """Return the revisions of the migrations in a commit; the names of their files begin with them."""
    names = run_git("ls-tree", "--name-only", commit, f"{VERSIONS}/") or ""
    return {Path(name).name.partition("_")[0] for name in names.splitlines() if name.endswith(".py")}


def extract(commit: str, folder: Path) -> Path:
    """Write the files of a commit to a folder, and return it."""
    command = ["git", "-C", str(ROOT), "archive", "--format=tar", commit]
    packed = subprocess.run(command, check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(folder, filter="data")
    return folder


def run_git(*words: str) -> str | None:
    """Run git in the repository of the application, and return its output; None if it fails or is not installed."""
    if not ((ROOT / ".git").exists() and shutil.which("git")):
        return None  # An archive of the files, perhaps below a folder that belongs to another repository.
    ended = subprocess.run(["git", "-C", str(ROOT), *words], check=False, capture_output=True, text=True)
    return ended.stdout.strip() if ended.returncode == 0 else None
