"""A worker is killed, or its database is lost, before any line of a use case: the old state or the new one remains.

The lines are read from the source of the functions, so that new lines are included.
"""

import ast
import http.client
import inspect
import textwrap
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

from sqlalchemy import select

from accounts import clock, links, passwords, pending, people, unit_of_work
from accounts.flows import completion, email_change, undo
from accounts.unit_of_work import UnitOfWork
from cms import answers, headers, settings
from cms import undo as undo_pages
from models import Address, CMSUser, LinkPurpose, Mail, db
from tests.actors import Answer, Person, text_of
from tests.conftest import ENVIRONMENTS
from tests.live.sites import Site, is_signed_in
from tests.servers import ROOT, Found, eventually

# The fault "kill" ends the worker without a response. The others fail the request; its response must then be a 503.
COMMON = (UnitOfWork.lock_own_and_read, people.lock_signed_in, unit_of_work._commit)
ASK = (
    email_change.ask,
    email_change._start,
    email_change._mail_to_new,
    email_change._mail_to_old,
    pending.start,
    settings.email_captcha,
    *COMMON,
)
CONFIRM = (
    email_change.confirm,
    pending.count_try,
    email_change._complete,
    completion.complete,
    pending.complete,
    settings.reset_email_post,
    *COMMON,
)
UNDO = (undo.restore, undo._restore_address, undo._withdraw, unit_of_work._commit, undo_pages.undo_email_post)


def lines_of(*functions: Callable[..., Any]) -> Iterator[tuple[str, int, str]]:
    """Yield file, number and text of the first line of every statement except `raise`."""
    for function in functions:
        source, first = inspect.getsourcelines(function)
        tree = ast.parse(textwrap.dedent("".join(source))).body[0]
        assert isinstance(tree, ast.FunctionDef)
        for statement in statements(tree.body[1:]):
            number = statement.lineno
            file = Path(inspect.getfile(function)).relative_to(ROOT)
            yield str(file), first + number - 1, source[number - 1].strip()


def statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements of a body and those nested in it, in order, without `raise` and error handlers."""
    for statement in body:
        if not isinstance(statement, ast.Raise):
            yield statement
        for name in ("body", "orelse", "finalbody"):
            yield from statements(getattr(statement, name, []))


@dataclass
class Case:
    """An administrator, and the fault that occurs during their request."""

    fault: str
    file: str
    line: int
    text: str
    person: Person
    old: str
    new: str
    user_id: int
    answer: Answer | None = None
    code: str = ""
    link: str = ""

    def send(self, request: Callable[[], Answer]) -> None:
        """Send a request during which the fault occurs; without a response, `answer` is None."""
        self.person.browser.headers["X-Fault"] = f"{self.fault} {self.file} {self.line}"
        try:
            self.answer = request()
        except (ConnectionError, http.client.HTTPException):
            self.answer = None
        del self.person.browser.headers["X-Fault"]

    def assert_reported_correctly(self, *, done: bool) -> None:
        """Check that success was reported only if the change was made."""
        assert self.answer is None or self.answer.status in ((200, 503) if done else (503,)), self.answer


def build_cases(site: Site, functions: tuple[Callable[..., Any], ...], *faults: str) -> list[Case]:
    """Create an administrator for every line before which the worker is killed or another fault occurs.

    Each environment tests half of the lines; the lines before and after a commit are tested in both.
    """
    lines = list(lines_of(*functions))
    half = ENVIRONMENTS.index(site.name)
    commits = {number + after for number, (_, _, text) in enumerate(lines) if ".commit()" in text for after in (0, 1)}
    tested = [line for number, line in enumerate(lines) if number % 2 == half or number in commits]
    faults_and_lines = [("kill", line) for line in tested] + list(zip(cycle(faults), tested[::2], strict=False))

    def build(fault_and_line: tuple[str, tuple[str, int, str]]) -> Case:
        fault, (file, line, text) = fault_and_line
        person = site.person_with_session()
        return Case(fault, file, line, text, person, person.email, site.new_address(), site.user_id(person.email))

    return run_for_each(build, faults_and_lines)


def run_for_each(work: Callable[[Any], Found], values: list[Any]) -> list[Found]:
    """Call a function with each value, in six threads; add the value to an error as a note."""

    def run(value: Any) -> Found:
        try:
            return work(value)
        except BaseException as problem:
            problem.add_note(str(value))
            raise

    with ThreadPoolExecutor(6) as pool:
        return list(pool.map(run, values))


def wait_for_mail(site: Site) -> None:
    """End the leases of killed workers, and wait until all mail is sent."""
    eventually(lambda: site.make_mail_due() or site.all_mail_is_sent(), "all mail is sent")


def test_an_interrupted_request_for_a_code_is_complete_or_can_be_repeated_at_once(faulty_site: Site) -> None:
    site = faulty_site
    requests = build_cases(site, ASK, "database")
    for case in requests:  # Not concurrently: a killed worker would also abort its other requests.
        case.send(lambda case=case: case.person.ask(case.new))

    def check(case: Case) -> None:
        requested = site.events(case.user_id).count("code_requested")
        codes = site.count(Mail, Mail.user_id == case.user_id, Mail.kind == "code")
        assert codes == site.is_pending(case.user_id) == requested
        case.assert_reported_correctly(done=bool(requested))
        if not requested:
            assert case.person.ask(case.new).status == 200

    run_for_each(check, requests)
    wait_for_mail(site)

    def confirm(case: Case) -> None:
        assert len(site.codes_to(case.new)) == 1
        assert case.person.confirm(case.new, site.code_to(case.new)).status == 200

    run_for_each(confirm, requests)
    wait_for_mail(site)
    run_for_each(lambda case: assert_changed_once(site, case), requests)


def test_an_interrupted_confirmation_leaves_the_old_address_and_a_valid_code_or_the_new_address(
    faulty_site: Site,
) -> None:
    site = faulty_site
    confirmations = build_cases(site, CONFIRM, "database", "cache")

    def ask(case: Case) -> None:
        assert case.person.ask(case.new).status == 200
        case.code = site.code_to(case.new)

    run_for_each(ask, confirmations)
    wait_for_mail(site)
    for case in confirmations:
        case.send(lambda case=case: case.person.confirm(case.new, case.code))

    def check(case: Case) -> None:
        done = site.email_of(case.user_id) == case.new
        case.assert_reported_correctly(done=done)
        if not done:
            assert_untouched(site, case)
            assert is_signed_in(case.person)
            assert case.person.confirm(case.new, case.code).status == 200

    run_for_each(check, confirmations)
    wait_for_mail(site)

    def end(case: Case) -> None:
        assert_changed_once(site, case)
        # Without a response, the browser has no cookie with the new id of the session.
        person = case.person if is_signed_in(case.person) else site.person(case.new)
        assert person.address() == case.new

    run_for_each(end, confirmations)


def test_an_interrupted_undo_leaves_a_valid_link_or_the_restored_address(faulty_site: Site) -> None:
    site = faulty_site
    undos = build_cases(site, UNDO, "database")
    for case in undos:
        with site.app.app_context():
            user = people.find_by_email(Address.of(case.old))
            assert user is not None
            # Here `new` is the address before the change.
            token = links.make(LinkPurpose.UNDO, user, Address.of(case.new), seconds=600, since=clock.now())
            case.link = f"/cms/resetemail/undo/{token}/"
            db.session.commit()
        case.send(lambda case=case: case.person.post(case.link))

    def check(case: Case) -> None:
        done = site.email_of(case.user_id) == case.new
        case.assert_reported_correctly(done=done)
        if not done:
            assert (site.count_event(case.user_id, "change_undone"), site.count_undo_links(case.user_id)) == (0, 1)
            assert is_signed_in(case.person)
            assert password_hash(site, case) != passwords.NONE
            assert case.person.post(case.link).status == 200
        assert site.email_of(case.user_id) == case.new
        assert (site.count_event(case.user_id, "change_undone"), site.count_undo_links(case.user_id)) == (1, 0)
        assert site.count_sessions(case.user_id) == 0
        assert password_hash(site, case) == passwords.NONE
        assert site.visitor().post(case.link).error == "link_dead"

    run_for_each(check, undos)
    wait_for_mail(site)
    for case in undos:
        assert len(site.mails_to(case.old)) == 1
        assert len([mail for mail in site.mails_to(case.new) if "/forgotpwd/" in text_of(mail)]) == 1


def test_a_connection_that_is_lost_after_the_commit_does_not_change_the_response(faulty_site: Site) -> None:
    site = faulty_site
    for file, line, text in lines_of(answers.done, answers._envelope, headers.add, settings._load_status):
        person, new = site.person_with_session(), site.new_address()
        case = Case("disconnect", file, line, text, person, person.email, new, site.user_id(person.email))
        case.send(lambda case=case: case.person.ask(case.new))
        assert case.answer is not None, case  # The 500 of gunicorn itself has no envelope and none of our headers.
        assert case.answer.status == case.answer.envelope["code"] == 200, case
        assert case.answer.headers["Content-Security-Policy"], case
        assert site.is_pending(case.user_id)
    wait_for_mail(site)


def password_hash(site: Site, case: Case) -> str:
    """Return the stored password hash of the administrator."""
    return str(site.rows(select(CMSUser.password_hash).where(CMSUser.id == case.user_id))[0][0])


def assert_changed_once(site: Site, case: Case) -> None:
    """Check that the change was made and recorded once."""
    user_id = case.user_id
    assert site.email_of(user_id) == case.new
    assert (
        site.count_event(user_id, "email_changed") == site.count_notices(user_id) == site.count_undo_links(user_id) == 1
    )
    assert not site.is_pending(user_id)
    assert len([mail for mail in site.mails_to(case.old) if "/undo/" in text_of(mail)]) == 1


def assert_untouched(site: Site, case: Case) -> None:
    """Check that nothing of the change is stored."""
    user_id = case.user_id
    assert site.email_of(user_id) == case.old
    assert (
        site.count_event(user_id, "email_changed"),
        site.count_notices(user_id),
        site.count_undo_links(user_id),
    ) == (0, 0, 0)
    assert site.count_tries(user_id) == 0
