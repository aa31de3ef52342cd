"""Files with exported rows of the history: signed JSON Lines, which can be verified without the database.

Each line is a JSON object. The first one is a header; every row has its chain and, as `before`, that of the previous
row; the last one is the end, with a signature of everything before it and the ids of the keys that verify the rows.
"""

import json
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import IO, Any, NamedTuple

from sqlalchemy import Connection, bindparam, select

from accounts import audit, clock
from accounts.audit import Verdict
from accounts.operations.audit_verification import snapshot
from accounts.signing import audit_keys
from models import Audit, AuditTie, CMSUser, table

FORMAT = 1
COLUMNS = tuple(column.name for column in table(Audit).c if column.name != "id")
MOMENTS = "at", "last_at"
UNFINISHED = ".part"
ABANDONED = timedelta(days=1)  # After this time an unfinished file belongs to no running process.
PURPOSE = "audit export"
_USER, _ROW, _TIE = table(CMSUser).c, table(Audit).c, table(AuditTie).c
_ACCOUNT = (
    select(_USER.id, _TIE.number, _TIE.chain)
    .outerjoin(table(AuditTie), _TIE.user_id == _USER.id)
    .where(_USER.id == bindparam("user"))
)
_CHAIN = select(_ROW.chain).where(_ROW.user_id == bindparam("user"), _ROW.number == bindparam("number"))


class ExportFile:
    """A file that rows are written to. It gets its name when it is complete and on the disk."""

    def __init__(self, folder: Path) -> None:
        """Choose a name. Nothing is created before the first row."""
        self.name = f"history-{clock.now():%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}.jsonl"
        self.rows = 0
        self._folder, self._file = folder, None
        self._digest, self._keys = sha256(), set[str]()

    _file: IO[bytes] | None

    @property
    def _unfinished(self) -> Path:
        return self._folder / f".{self.name}{UNFINISHED}"

    def add(self, row: Mapping[str, Any], before: str, key_id: str) -> None:
        """Write a row that was verified with a key, with the chain of the previous row. Raises OSError."""
        if self._file is None:
            _create_folder(self._folder)
            descriptor = os.open(self._unfinished, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
            self._file = os.fdopen(descriptor, "wb")
            self._write({"format": FORMAT, "created_at": clock.now().isoformat()})
        told = {name: row[name].isoformat() if name in MOMENTS else row[name] for name in COLUMNS}
        self._write({**told, "before": before})
        self._keys.add(key_id)
        self.rows += 1

    def finish(self) -> None:
        """Sign the file, write it to the disk, and give it its name. Raises OSError; then it is deleted."""
        if self._file is None:
            return
        key = audit_keys().current
        end = {"rows": self.rows, "keys": sorted(self._keys)}
        signature = key.sign(PURPOSE, self._digest.hexdigest(), *_parts(end))
        self._write({**end, "key_id": key.id, "signature": signature})
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._unfinished.rename(self._folder / self.name)
        _sync_folder(self._folder)

    def discard(self) -> None:
        """Delete the unfinished file."""
        if self._file is not None:
            with suppress(OSError):  # A full disk: closing writes what is left in memory.
                self._file.close()
            with suppress(OSError):
                self._unfinished.unlink(missing_ok=True)

    def _write(self, told: Mapping[str, object]) -> None:
        assert self._file is not None
        line = json.dumps(told, ensure_ascii=False, sort_keys=True).encode() + b"\n"
        self._file.write(line)
        self._digest.update(line)


@contextmanager
def create(folder: Path) -> Iterator[ExportFile]:
    """Yield a file for rows; it is complete after the context, or does not exist if that raises. Raises OSError."""
    _delete_abandoned(folder)
    file = ExportFile(folder)
    try:
        yield file
        file.finish()
    except BaseException:
        file.discard()
        raise


def _delete_abandoned(folder: Path) -> None:
    """Delete the unfinished files of processes that were killed: their rows are still in the database."""
    with suppress(OSError):
        for path in folder.glob(f".*{UNFINISHED}"):
            if path.stat().st_mtime < (clock.now() - ABANDONED).timestamp():
                path.unlink(missing_ok=True)


def _create_folder(folder: Path) -> None:
    """Create a folder that only its owner can read, and write its entry to the disk."""
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(0o700, parents=True, exist_ok=True)
    for each in missing:
        _sync_folder(each.parent)


def _sync_folder(folder: Path) -> None:
    """Write the entries of a folder to the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _parts(end: Mapping[str, Any]) -> tuple[object, ...]:
    return end["rows"], *end["keys"]


class Segment(NamedTuple):
    """The rows of one account in a file: the first and the last number, and the chains before and at the end."""

    user_id: int
    first: int
    before: str
    last: int
    chain: str


@dataclass
class FileReport:
    """What the verification of a file found: its rows by account, and problems, each in one line."""

    path: Path
    rows: int = 0
    segments: list[Segment] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


@dataclass
class Report:
    """The verification of several files: their reports, problems in how they fit together, and what is not shown."""

    files: list[FileReport]
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def is_intact(self) -> bool:
        """Return whether there are no problems."""
        return not self.problems and not any(file.problems for file in self.files)


def verify_files(paths: Iterable[Path]) -> Report:
    """Verify files, and that their rows precede those of the database.

    Raises OSError and the errors of the database.
    """
    report = Report([verify_file(path) for path in paths])
    segments = sorted({segment for file in report.files for segment in file.segments})
    beginnings = {(each.user_id, each.first, each.before) for each in segments}
    ends = {each for each in segments if (each.user_id, each.last + 1, each.chain) not in beginnings}
    ends -= _find_inside(ends, segments, report.files)
    with snapshot() as connection:
        for end in sorted(ends):
            found = _compare(connection, end)
            if found is False:
                report.problems.append(
                    f"account {end.user_id}: row {end.last} does not precede the rows of the database"
                )
            elif found is None:
                report.notes.append(
                    f"account {end.user_id}: the rows after {end.last} are in a file that was not given"
                )
    return report


def verify_file(path: Path) -> FileReport:
    """Verify the signature of a file, and the chain of every row in it. Raises OSError."""
    report, digest, held, number = FileReport(path), sha256(), b"", 0
    with path.open("rb") as file:
        for line in file:
            if held:
                number += 1
                digest.update(held)
                _verify_line(report, number, held)
            held = line
    _verify_end(report, held, digest.hexdigest())
    return report


def _verify_line(report: FileReport, number: int, line: bytes) -> None:
    """Verify the header or a row."""
    told = _parse(line)
    if number == 1:
        if told.get("format") != FORMAT:
            report.problems.append(f"line 1: the format is not {FORMAT}")
        return
    report.rows += 1
    row = _read_row(told)
    if row is None:
        report.problems.append(f"line {number} is not a row of a history")
        return
    verdict = audit.verify(row, row["before"])
    if verdict == Verdict.KEY_MISSING:
        problem = f"key {row['key_id']} is missing"
        if problem not in report.problems:
            report.problems.append(problem)
    elif verdict == Verdict.CHANGED:
        report.problems.append(f"line {number}: row {row['number']} of account {row['user_id']} was changed")
    _add_to_segment(report, row, number)


def _add_to_segment(report: FileReport, row: Mapping[str, Any], line: int) -> None:
    """Add a row to the segment of its account, or begin one."""
    its = row["user_id"], row["number"], row["before"]
    last = report.segments[-1] if report.segments else None
    if last and last.user_id == row["user_id"]:
        if (last.user_id, last.last + 1, last.chain) != its:
            report.problems.append(f"line {line}: row {row['number']} of account {row['user_id']} is not the next one")
        report.segments[-1] = last._replace(last=row["number"], chain=row["chain"])
    else:
        report.segments.append(Segment(*its, row["number"], row["chain"]))


def _verify_end(report: FileReport, line: bytes, digest: str) -> None:
    """Verify the signature in the last line."""
    told = _parse(line)
    rows, keys, key_id = told.get("rows"), told.get("keys"), told.get("key_id")
    if not (isinstance(rows, int) and isinstance(keys, list) and isinstance(key_id, str)):
        report.problems.append("the file is incomplete: its last line is not a signature")
        return
    named = audit_keys().named(key_id)
    if not named:
        report.problems.append(f"key {key_id} of the signature is missing")
    elif not any(told.get("signature") == key.sign(PURPOSE, digest, *_parts(told)) for key in named):
        report.problems.append("the file was changed: its signature does not match")


def read_keys(folder: Path) -> dict[str, int]:
    """Return the ids of the keys that verify the files in a folder, with the number of files. Raises OSError."""
    found: dict[str, int] = {}
    for path in sorted(folder.glob("history-*.jsonl")) if folder.is_dir() else ():
        end = _parse(_read_last_line(path))
        keys = end.get("keys")
        for key_id in {str(end.get("key_id", "")), *(map(str, keys) if isinstance(keys, list) else ())} - {""}:
            found[key_id] = found.get(key_id, 0) + 1
    return found


def _read_last_line(path: Path) -> bytes:
    """Return the last line of a file, of which only the end is read."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 65536))
        return file.read().rstrip(b"\n").rpartition(b"\n")[2]


def _find_inside(ends: set[Segment], segments: Iterable[Segment], files: Iterable[FileReport]) -> set[Segment]:
    """Return the segments whose end is inside another one: rows that were exported twice, after an interruption."""
    inside = {
        (end.user_id, end.last, end.chain): end
        for end in ends
        if any(other.user_id == end.user_id and other.first <= end.last < other.last for other in segments)
    }
    found = set()
    for file in files if inside else ():
        for row in _read_rows(file.path):
            its = row["user_id"], row["number"], row["chain"]
            end = inside.get(its)
            if end and any(other.last > end.last for other in file.segments if other.user_id == end.user_id):
                found.add(end)
    return found


def _read_rows(path: Path) -> Iterator[Mapping[str, Any]]:
    """Yield the rows of a file."""
    with path.open("rb") as file:
        for line in file:
            if row := _read_row(_parse(line)):
                yield row


def _compare(connection: Connection, end: Segment) -> bool | None:
    """Return whether the database continues after a segment; None if it lacks the rows that follow."""
    account = connection.execute(_ACCOUNT, {"user": end.user_id}).first()
    if account is None:
        return False
    if account.number is not None and account.number >= end.last:
        return account.chain == end.chain if account.number == end.last else None
    chain = connection.execute(_CHAIN, {"user": end.user_id, "number": end.last}).scalar()
    return bool(chain == end.chain)


def _parse(line: bytes) -> dict[str, Any]:
    """Return the object in a line, or an empty one if it is not JSON."""
    try:
        told = json.loads(line)
        if rb"\u" in line:
            json.dumps(told, ensure_ascii=False).encode()  # Raises UnicodeEncodeError for half of a surrogate pair.
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def _read_row(told: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the row of a line as it was in the database, or None if it is not one."""
    try:
        row = {name: told[name] for name in (*COLUMNS, "before")}
        row |= {name: datetime.fromisoformat(row[name]) for name in MOMENTS}
    except (KeyError, TypeError, ValueError):
        return None
    texts, numbers = (row["chain"], row["before"]), (row["user_id"], row["number"])
    is_row = all(isinstance(each, str) for each in texts)
    is_row = is_row and all(isinstance(each, int) and 0 < each < 2**31 for each in numbers)
    return row if is_row and isinstance(row["key_id"], str | None) else None
