"""Old rows of the history are exported to signed files and deleted, and every history stays verifiable."""

import json
import logging
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from flask.cli import FlaskGroup
from sqlalchemy import delete, event, select, update

from accounts.operations import retention
from accounts.signing import Key
from models import Audit, AuditTie, CMSUser, db
from tests.environments import SECRET, Environment, broken_histories
from tests.interleaving import run_before_the_lock
from tests.servers import run_concurrently
from tests.stories.admin_steps import superuser
from tests.test_audit_verification import write_rows

ANN, BOB = "ann@example.com", "bob@example.com"
INTACT = (0, "Every history is intact.\n")
Words = tuple[str, ...]


class Site:
    """An application that keeps the history for thirty days, and the folder of its files."""

    def __init__(self, env: Environment, folder: Path, **settings: str) -> None:
        """Create the application."""
        self.env, self.folder = env, folder
        self.settings = {"AUDIT_KEEP_DAYS": "30", "AUDIT_EXPORT_FOLDER": str(folder), **settings}
        self.app = env.build(**self.settings)

    def run(self, *words: str, app: Flask | None = None) -> Result:
        """Run a command."""
        return CliRunner().invoke(FlaskGroup(create_app=lambda: app or self.app), words)

    def export(self, app: Flask | None = None) -> int:
        """Export and delete what is old, like the command, but in any thread."""
        with (app or self.app).app_context():
            return retention.export_all_old_rows()

    def verify(self, *files: Path, app: Flask | None = None) -> tuple[int, str]:
        """Verify the history, or files; return the exit code and the output."""
        result = self.run("audit", "verify", *(word for file in files for word in ("--file", str(file))), app=app)
        return result.exit_code, result.stdout

    def cut(self) -> Result:
        """Run the housekeeping, which must succeed."""
        result = self.run("housekeeping")
        assert result.exit_code == 0, result.output
        return result

    @property
    def files(self) -> list[Path]:
        """Return the files, the oldest first."""
        return sorted(self.folder.glob("*"))

    def numbers(self, name: str = "ann") -> list[int]:
        """Return the numbers of the rows of a history in the database."""
        query = select(Audit.number).join(CMSUser, CMSUser.id == Audit.user_id).where(CMSUser.username == name)
        return [number for (number,) in self.env.rows(query.order_by(Audit.number))]

    def exported(self) -> list[tuple[int, int]]:
        """Return the account and the number of every row in the files."""
        lines = [json.loads(line) for file in self.files for line in file.read_text().splitlines()]
        return [(line["user_id"], line["number"]) for line in lines if "number" in line]

    def change(self, statement: Any) -> None:
        """Change the database, as somebody with write access to it would."""
        with self.env.app.app_context():
            db.session.execute(statement)
            db.session.commit()


@pytest.fixture
def site(env: Environment, tmp_path: Path) -> Site:
    """Provide a site in which two administrators have old and new rows: numbers 1 to 5, and 6 to 8."""
    return prepare(Site(env, tmp_path / "archive" / "history"))


@pytest.fixture
def sqlite_site(sqlite_env: Environment, tmp_path: Path) -> Site:
    """Provide the same with the embedded defaults."""
    return prepare(Site(sqlite_env, tmp_path / "archive" / "history"))


def prepare(site: Site) -> Site:
    """Create the administrators and their rows."""
    for email in (ANN, BOB):
        site.env.administrator(email)
        write_rows(site.env, email, 4)
    site.env.clock.advance(days=31)
    for email in (ANN, BOB):
        write_rows(site.env, email, 3)
    return site


@contextmanager
def before_deletions(app: Flask, act: Callable[[], object]) -> Iterator[None]:
    """Call a function before every statement that deletes rows of the history."""

    def call(_: Any, __: Any, statement: str, *___: Any) -> None:
        if statement.startswith("DELETE FROM audit "):
            act()

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", call)
    try:
        yield
    finally:
        event.remove(engine, "before_cursor_execute", call)


class TestCut:
    """Which rows are exported and deleted."""

    def test_old_rows_are_exported_and_deleted_and_the_history_stays_verifiable(self, site: Site) -> None:
        assert site.verify() == INTACT
        assert site.cut().stdout.splitlines()[1:] == [f"10 rows of the history are exported to {site.folder}."]
        assert site.numbers() == site.numbers("bob") == [6, 7, 8]
        ann, bob = site.env.account("ann").id, site.env.account("bob").id
        assert site.exported() == [(each, number) for each in (ann, bob) for number in range(1, 6)]
        assert site.verify() == INTACT
        (file,) = site.files
        assert site.verify(file) == (0, f"{file}: 10 rows of 2 accounts, intact\n")

    def test_without_the_setting_nothing_is_exported(self, site: Site) -> None:
        app = site.env.build()
        assert site.run("housekeeping", app=app).output == "All expired rows are deleted.\n"
        assert (len(site.numbers()), site.folder.exists()) == (8, False)

    def test_a_history_continues_after_a_cut_and_is_cut_again(self, site: Site) -> None:
        site.cut()
        ann = site.env.signed_in(ANN, app=site.app)
        for _ in range(2):
            assert ann.reauth("a wrong password").status == 400
        assert site.numbers()[-2:] == [9, 10]  # The repetition is counted in its row.
        assert site.verify() == INTACT
        site.env.clock.advance(days=31)
        site.cut()
        assert site.numbers() == []
        assert site.verify() == INTACT
        for _ in range(2):
            site.env.visitor(ANN, app=site.app).sign_in(password="a wrong password")
            site.env.deliver(site.app)
        ((times,),) = site.env.rows(select(Audit.times))
        assert (site.numbers(), times) == ([11], 2)  # It follows the tie, and the repetition is counted in it.
        assert site.verify() == INTACT
        first, second = site.files
        assert site.verify(first, second)[0] == 0
        alone = site.run("audit", "verify", "--file", str(first))
        assert (alone.exit_code, len(alone.stderr.splitlines())) == (0, 2)
        assert "the rows after 5 are in a file that was not given" in alone.stderr

    def test_files_and_their_folder_are_accessible_to_their_owner_only(self, sqlite_site: Site) -> None:
        sqlite_site.cut()
        (file,) = sqlite_site.files
        modes = [stat.S_IMODE(each.stat().st_mode) for each in (file, sqlite_site.folder, sqlite_site.folder.parent)]
        assert modes == [0o600, 0o700, modes[2]]

    def test_a_row_that_is_younger_than_the_limit_ends_the_cut(self, sqlite_site: Site) -> None:
        """The rows of a history are numbered in the order in which they were written, which may not be that of time."""
        clock = sqlite_site.env.clock
        sqlite_site.env.administrator("eve@example.com")
        clock.advance(days=-31)
        write_rows(sqlite_site.env, "eve@example.com", 2)
        clock.advance(days=31)
        sqlite_site.cut()
        assert sqlite_site.numbers("eve") == [1, 2, 3]

    def test_long_histories_are_cut_in_batches_and_are_intact_after_each(
        self, site: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(retention, "BATCH_ROWS", 2)
        verdicts: list[list[str]] = []

        def verify() -> None:
            def check(_: int) -> None:
                with site.env.app.app_context():
                    verdicts.append(broken_histories())

            run_concurrently(check, 1)

        with before_deletions(site.app, verify):
            site.cut()
        assert verdicts == [[]] * 6
        assert site.numbers() == site.numbers("bob") == [6, 7, 8]
        assert site.verify() == INTACT

    def test_a_run_is_bounded_and_the_next_one_continues_where_it_ended(
        self, site: Site, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(retention, "PAGE", 1)
        monkeypatch.setattr(retention, "ROWS_PER_RUN", 3)
        left = []
        for _ in range(6):
            with site.app.app_context():
                run = retention.export_old_rows(run.after if left else 0, most=3)  # noqa: F821
            left.append(len(site.numbers() + site.numbers("bob")))
            assert site.verify() == INTACT
            if run.after is None:
                break
        assert left == [13, 10, 7, 6]
        assert site.verify(*site.files)[0] == 0


class TestSchedule:
    """The mail processes cut histories once a day."""

    def test_one_process_runs_it_once_a_day(self, site: Site) -> None:
        other = site.env.build(**site.settings)
        for app in (other, site.app):
            assert site.run("mail", "deliver", app=app).exit_code == 0
        assert (len(site.files), site.numbers()) == (1, [6, 7, 8])
        site.env.clock.advance(days=31)
        site.run("mail", "deliver", app=other)
        assert len(site.numbers()) == (0 if site.env.memcached is None else 3)  # A real memcached has a real clock.
        site.env.clear_cache()
        site.run("mail", "deliver")
        assert site.numbers() == []

    def test_an_error_of_the_folder_is_logged_in_one_line_and_stops_no_mail(
        self, env: Environment, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        site = prepare(Site(env, tmp_path / "file" / "history"))
        (tmp_path / "file").write_text("")
        with caplog.at_level(logging.ERROR):
            assert site.run("mail", "deliver").exit_code == 0
        (record,) = caplog.records
        assert record.getMessage().startswith(
            "retention of the history failed, next try in 3600 s: AUDIT_EXPORT_FOLDER="
        )
        assert len(site.numbers()) == 8


class TestFailures:
    """What fails loses nothing."""

    def test_a_folder_that_cannot_be_written_is_reported_in_one_line_and_nothing_is_deleted(
        self, env: Environment, tmp_path: Path
    ) -> None:
        site = prepare(Site(env, tmp_path / "file" / "history"))
        (tmp_path / "file").write_text("")
        result = site.run("housekeeping")
        why = f"AUDIT_EXPORT_FOLDER={site.folder}: Not a directory"
        assert (result.exit_code, result.stderr) == (1, f"Error: Not completed: {why}\n")
        assert (len(site.numbers()), site.env.rows(select(AuditTie.user_id))) == (8, [])
        (tmp_path / "file").unlink()
        site.cut()
        assert site.numbers() == [6, 7, 8]

    def test_after_a_crash_before_the_deletion_the_rows_are_exported_again(self, site: Site) -> None:
        def crash() -> None:
            raise KeyboardInterrupt

        with before_deletions(site.app, crash):
            assert site.run("housekeeping").exit_code == 1
        (first,) = site.files
        assert len(site.numbers()) == 8
        assert site.verify() == INTACT
        assert site.verify(first)[0] == 0
        site.env.clock.advance(days=31)  # Then more rows are old.
        site.cut()
        (_, second) = site.files
        assert (site.numbers(), len(site.exported())) == ([], 10 + 16)
        assert site.verify() == INTACT
        for files in ([first, second], [second]):
            result = site.run("audit", "verify", *(word for file in files for word in ("--file", str(file))))
            assert (result.exit_code, result.stderr) == (0, ""), result.output

    def test_an_unfinished_file_is_deleted(self, sqlite_site: Site) -> None:
        sqlite_site.folder.mkdir(parents=True)
        left, new = (sqlite_site.folder / f".history-{each}.jsonl.part" for each in ("old", "new"))
        left.write_text("")
        sqlite_site.env.clock.advance(days=31)
        sqlite_site.cut()
        assert not left.exists()
        assert not new.exists()

    def test_two_processes_at_the_same_time_delete_every_row_once(self, site: Site) -> None:
        apps = [site.app, site.env.build(**site.settings)]
        exported = run_concurrently(lambda number: site.export(apps[number]), 2)
        assert max(exported) == 10  # The other one exports what it finds before it is deleted.
        assert site.numbers() == site.numbers("bob") == [6, 7, 8]
        assert site.verify() == INTACT
        assert site.verify(*site.files)[0] == 0

    def test_rows_that_are_written_during_a_cut_follow_it(self, site: Site) -> None:
        people = [site.env.signed_in(email, app=site.app) for email in (ANN, BOB)]

        def work(number: int) -> list[int]:
            return [site.export()] if number == 2 else [people[number].reauth().status for _ in range(5)]

        assert sorted(run_concurrently(work, 3)) == [[10], [200] * 5, [200] * 5]
        assert site.numbers() == site.numbers("bob") == list(range(6, 15))
        assert site.verify() == INTACT

    def test_rows_that_were_erased_after_their_export_are_not_deleted(self, site: Site) -> None:
        def erase() -> None:
            words = ("account", "erase", ANN, "--reason", "asked for it", "--yes")
            assert site.run(*words, app=site.env.app).exit_code == 0

        site.env.administrator("boss@example.com", superuser=True)
        with run_before_the_lock(erase):
            site.export()
        ann = f"erased:{site.env.rows(select(CMSUser.id).where(CMSUser.username.like('erased:%')))[0][0]}"
        assert site.numbers(ann)[0] == 1
        assert site.verify() == INTACT
        site.cut()
        assert site.numbers(ann)[0] == 6
        assert site.verify() == INTACT


class TestTampering:
    """Changes by somebody with write access to the database, but without the key."""

    @pytest.fixture
    def cut_site(self, site: Site) -> Site:
        """Provide a site whose histories were cut."""
        site.cut()
        return site

    def reported(self, site: Site) -> str:
        """Return the only line of a verification that found something."""
        exit_code, output = site.verify()
        assert exit_code == 1
        (line,) = output.splitlines()
        return line

    def test_more_rows_deleted_than_exported_are_reported(self, cut_site: Site) -> None:
        ann = cut_site.env.account("ann").id
        cut_site.change(delete(Audit).where(Audit.user_id == ann, Audit.number == 6))
        assert self.reported(cut_site) == f"{ANN}: row 6 was changed or is missing"

    def test_a_forged_tie_is_reported(self, cut_site: Site) -> None:
        ann = cut_site.env.account("ann").id
        ((chain,),) = cut_site.env.rows(select(Audit.chain).where(Audit.user_id == ann, Audit.number == 6))
        cut_site.change(delete(Audit).where(Audit.user_id == ann, Audit.number == 6))
        cut_site.change(update(AuditTie).where(AuditTie.user_id == ann).values(number=6, chain=chain))
        assert self.reported(cut_site) == f"{ANN}: tie to the exported rows up to 6 was changed"
        cut_site.env.clock.advance(days=31)
        assert cut_site.run("housekeeping").exit_code == 0
        assert cut_site.numbers() == [7, 8]  # Nothing is exported that a forged tie precedes.

    def test_a_missing_tie_is_reported(self, cut_site: Site) -> None:
        cut_site.change(delete(AuditTie).where(AuditTie.user_id == cut_site.env.account("ann").id))
        assert self.reported(cut_site) == f"{ANN}: row 1 was changed or is missing"

    def test_the_tie_of_another_account_is_reported(self, cut_site: Site) -> None:
        ann, bob = cut_site.env.account("ann").id, cut_site.env.account("bob").id
        ((signature, chain),) = cut_site.env.rows(
            select(AuditTie.signature, AuditTie.chain).where(AuditTie.user_id == bob)
        )
        cut_site.change(update(AuditTie).where(AuditTie.user_id == ann).values(signature=signature, chain=chain))
        assert self.reported(cut_site) == f"{ANN}: tie to the exported rows up to 5 was changed"

    def test_an_older_tie_is_reported(self, cut_site: Site) -> None:
        ann, names = cut_site.env.account("ann").id, [column.name for column in AuditTie.__table__.c]
        ((*older,),) = cut_site.env.rows(select(*AuditTie.__table__.c).where(AuditTie.user_id == ann))
        cut_site.env.clock.advance(days=31)
        cut_site.cut()
        cut_site.change(update(AuditTie).where(AuditTie.user_id == ann).values(dict(zip(names, older, strict=True))))
        assert self.reported(cut_site) == f"{ANN}: row 6 was changed or is missing"

    def test_a_changed_row_is_neither_exported_nor_deleted(self, site: Site) -> None:
        ann = site.env.account("ann").id
        site.change(update(Audit).where(Audit.user_id == ann, Audit.number == 3).values(network="x"))
        site.cut()
        assert (site.numbers(), site.numbers("bob")) == ([3, 4, 5, 6, 7, 8], [6, 7, 8])
        assert self.reported(site) == f"{ANN}: row 3 was changed or is missing"
        assert site.verify(*site.files)[0] == 0


class TestFiles:
    """`flask audit verify --file`."""

    @pytest.fixture
    def file(self, sqlite_site: Site) -> Path:
        """Return the file of a cut."""
        sqlite_site.cut()
        (found,) = sqlite_site.files
        return found

    def test_every_changed_byte_and_every_missing_line_is_reported(self, sqlite_site: Site, file: Path) -> None:
        intact, other = file.read_bytes(), file.with_name("changed")
        lines = intact.splitlines(keepends=True)
        versions = [intact[:at] + bytes([intact[at] ^ 1]) + intact[at + 1 :] for at in range(0, len(intact), 97)]
        versions += [b"".join(lines[:at] + lines[at + 1 :]) for at in range(len(lines))]
        versions += [b"", b"\n", intact + intact, intact + b"{}\n", b"[" * 100_000, b'{"rows": "\\ud800"}\n']
        versions += [
            b'{"format": 1}\n{"number": 1e999}\n{"rows":1,"keys":["\\ud800"],"key_id":"x"}\n',
            b"\xff\xfe\n" * 3,
        ]
        for version in versions:
            other.write_bytes(version)
            exit_code, output = sqlite_site.verify(other)
            assert (exit_code, "not intact" in output) == (1, True), version[:80]
        other.write_bytes(intact)
        assert sqlite_site.verify(other)[0] == 0

    def test_a_file_of_another_site_does_not_precede_the_rows(self, sqlite_site: Site, file: Path) -> None:
        kept = shutil.copy(file, file.with_name("kept"))
        ann = sqlite_site.env.account("ann").id
        sqlite_site.change(update(AuditTie).where(AuditTie.user_id == ann).values(chain="0" * 64))
        exit_code, output = sqlite_site.verify(Path(kept))
        assert exit_code == 1
        assert output.splitlines()[1:] == [f"account {ann}: row 5 does not precede the rows of the database"]

    def test_the_first_row_of_the_database_is_the_successor_of_the_last_exported_one(
        self, sqlite_site: Site, file: Path
    ) -> None:
        last = [json.loads(line) for line in file.read_text().splitlines()][5]
        ((chain,),) = sqlite_site.env.rows(select(AuditTie.chain).where(AuditTie.user_id == last["user_id"]))
        assert (last["number"], last["chain"]) == (5, chain)

    def test_a_rotation_of_the_key_keeps_ties_and_files_verifiable(self, sqlite_site: Site, file: Path) -> None:
        site, new = sqlite_site, "another key of the tests"
        old = SECRET.replace(",", r"\,")
        rotated = site.env.build(AUDIT_KEY=new, AUDIT_KEY_FALLBACKS=old, SECRET_KEY="x", **site.settings)
        lost = site.env.build(AUDIT_KEY=new, SECRET_KEY="x", **site.settings)
        assert site.verify(app=rotated) == INTACT
        assert site.verify(file, app=rotated)[0] == 0
        checked = site.run("keys", "rotate-check", app=rotated)
        assert checked.exit_code == 1
        assert "history: 6 rows, the last row of 2 accounts, 2 ties, 1 exported files" in checked.output
        exit_code, output = site.verify(file, app=lost)
        assert (exit_code, output.splitlines()[1:]) == (
            1,
            [f"  key {Key(SECRET).id} is missing", f"  key {Key(SECRET).id} of the signature is missing"],
        )
        assert f"{ANN}: tie to the exported rows up to 5: key {Key(SECRET).id} is missing" in site.verify(app=lost)[1]
        site.env.clock.advance(days=31)
        assert site.run("housekeeping", app=rotated).exit_code == 0
        assert site.verify(app=rotated) == site.verify(app=lost) == INTACT
        checked = site.run("keys", "rotate-check", app=rotated)
        assert "history: 0 rows, the last row of 0 accounts, 2 exported files" in checked.output
        shutil.rmtree(site.folder)
        assert site.run("keys", "rotate-check", app=rotated).exit_code == 0


def test_pages_and_commands_say_that_older_rows_were_exported(sqlite_site: Site) -> None:
    env = sqlite_site.env
    boss = superuser(env)
    pages = "/cms/security/", f"/cms/users/{env.account('ann').id}/"
    ann, said = env.signed_in(ANN), "were exported and are no longer shown here"
    boss.browser.headers["Accept-Language"] = ann.browser.headers["Accept-Language"] = "en"
    assert said not in ann.page(pages[0]).text
    sqlite_site.cut()
    assert said in ann.page(pages[0]).text
    assert said in boss.page(pages[1]).text
    assert said not in boss.page(pages[0]).text
    printed = sqlite_site.run("email", "history", ANN)
    assert (printed.exit_code, printed.stderr.endswith(" UTC, were exported.\n")) == (0, True)
