"""Concurrent requests: in every order there is one winner, a consistent state and no error."""

import contextlib
import signal
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import select

from accounts import passwords
from accounts.mail import outbox
from accounts.mail.messages import Letter
from models import Budget, CMSUser, Invitation, LoginSession, Mail, MailState, db
from tests import servers
from tests.actors import PASSWORD, Answer, Person, different_code
from tests.conftest import ENVIRONMENTS
from tests.live.conftest import RESEND_SECONDS, Serve
from tests.live.sites import Site, avoid_end_of_quarter, is_signed_in, retry_while_unavailable
from tests.servers import Found, eventually, has_handler, start_command, terminate

CLIENTS, ROUNDS = 50, 5


def run_concurrently(work: Callable[[int], Found], workers: int) -> list[Found]:
    """Run the work in threads that start at the same time; each repeats its request while the response is 503."""
    return servers.run_concurrently(lambda number: retry_while_unavailable(lambda: work(number)), workers)


def server_errors(answers: list[Answer]) -> list[str]:
    """Return the responses with status 5xx."""
    return [str(answer) for answer in answers if answer.status >= 500]


def count_errors(answers: list[Answer]) -> Counter[str | None]:
    """Count the responses by error word; None stands for success."""
    return Counter(answer.error for answer in answers)


def test_fifty_concurrent_correct_codes_make_one_change(site: Site) -> None:
    ann, new = site.person_with_session(), site.new_address()
    user_id = site.user_id(ann.email)
    ann.ask(new)
    code, tabs = site.code_to(new), site.clones(ann, CLIENTS)
    answers = run_concurrently(lambda number: tabs[number].confirm(new, code), CLIENTS)
    assert not server_errors(answers)
    errors = count_errors(answers)
    assert errors[None] == 1, errors
    assert set(errors) <= {None, "code_expired", "sign_in_required"}, errors
    user = site.user(new)
    assert user is not None
    assert (user.id, user.email, user.email_version) == (user_id, new, 2)
    assert site.events(user_id).count("email_changed") == site.count_event(user_id, "email_changed") == 1
    assert site.count_undo_links(user_id) == 1
    eventually(site.all_mail_is_sent, "the notice is sent")
    assert site.count_notices(user_id) == 1
    assert sum("/undo/" in str(message.get_body(("plain",))) for message in site.smtp.mails_to(ann.email)) == 1
    assert [is_signed_in(tab) for tab in tabs].count(True) == 1


def test_of_fifty_concurrent_incorrect_codes_five_are_compared(site: Site) -> None:
    ann, new = site.person_with_session(), site.new_address()
    user_id = site.user_id(ann.email)
    ann.ask(new)
    code, tabs = site.code_to(new), site.clones(ann, CLIENTS)
    answers = run_concurrently(lambda number: tabs[number].confirm(new, different_code(code)), CLIENTS)
    assert count_errors(answers) == {"code_wrong": 5, "too_many_attempts": CLIENTS - 5}
    assert (site.count_event(user_id, "code_wrong"), site.count_tries(user_id)) == (5, 5)
    assert ann.confirm(new, code).error == "too_many_attempts"
    assert site.email_of(user_id) == ann.email


def test_a_correct_code_among_incorrect_ones_is_accepted_only_while_tries_are_left(site: Site) -> None:
    for _ in range(3):
        ann, new = site.person_with_session(), site.new_address()
        user_id = site.user_id(ann.email)
        ann.ask(new)
        code, tabs = site.code_to(new), site.clones(ann, 12)
        answers = run_concurrently(
            lambda n, tabs=tabs, new=new, code=code: tabs[n].confirm(new, code if n == 6 else different_code(code)), 12
        )
        assert not server_errors(answers)
        errors = count_errors(answers)
        assert errors["code_wrong"] <= 5 - errors[None], errors
        assert site.email_of(user_id) == (new if errors[None] else ann.email)
        assert site.count_event(user_id, "email_changed") == errors[None]


def test_of_two_administrators_who_confirm_one_address_concurrently_one_gets_it(site: Site) -> None:
    for round_number in range(ROUNDS):
        pair, new = [site.person_with_session(), site.person_with_session()], site.new_address()
        # In every other round, their spellings of the address differ.
        spellings = [new, new.capitalize() if round_number % 2 else new]
        codes = []
        for person, spelling in zip(pair, spellings, strict=True):
            assert person.ask(spelling).status == 200
            codes.append(site.codes_to(spelling, 1 + len(codes) * (spelling == spellings[0]))[-1])
        before = [site.user_id(person.email) for person in pair]
        answers = run_concurrently(
            lambda n, pair=pair, spellings=spellings, codes=codes: (n, pair[n].confirm(spellings[n], codes[n])), 2
        )
        by_number = dict(answers)
        assert sorted(answer.status for answer in by_number.values()) == [200, 409], [str(a) for _, a in answers]
        winner = 0 if by_number[0].status == 200 else 1
        loser = 1 - winner
        assert by_number[loser].error == "email_taken"
        assert is_signed_in(pair[loser])
        assert is_signed_in(pair[winner])
        assert pair[loser].pending() is None
        assert site.email_of(before[winner]) == spellings[winner]
        assert site.email_of(before[loser]) == pair[loser].email
        assert (site.count_notices(before[winner]), site.count_notices(before[loser])) == (1, 0)
        assert (site.count_undo_links(before[winner]), site.count_undo_links(before[loser])) == (1, 0)


def test_a_code_never_confirms_another_address_that_is_requested_concurrently(site: Site) -> None:
    for round_number in range(ROUNDS):  # CVE-2026-32700.
        ann, own, victims = site.person_with_session(), site.new_address("own"), site.new_address("victims")
        user_id = site.user_id(ann.email)
        ann.ask(own)
        code = site.code_to(own)
        site.delete_budgets()  # Ends the wait between two codes.
        tabs = site.clones(ann, 4)
        work = [
            lambda: tabs[0].ask(victims),  # noqa: B023 (called in this round only)
            lambda: tabs[1].confirm(victims, code),  # noqa: B023
            lambda: tabs[2].confirm(own if round_number % 2 else victims, code),  # noqa: B023
            lambda: tabs[3].confirm(victims, code),  # noqa: B023
        ]
        answers = run_concurrently(lambda n, work=work: (n, work[n]()), 4)
        assert not server_errors([answer for _, answer in answers])
        by_number = dict(answers)
        assert by_number[1].status != 200
        assert by_number[3].status != 200
        assert site.email_of(user_id) == (own if round_number % 2 and by_number[2].status == 200 else ann.email)
        assert site.user(victims) is None


def test_an_undo_takes_precedence_over_a_concurrent_change(site: Site) -> None:
    for _ in range(ROUNDS):
        ann = site.person_with_session()
        old, first, second = ann.email, site.new_address(), site.new_address()
        user_id = site.user_id(old)
        site.change_address(ann, first)
        link = site.link_to(old)
        site.delete_budgets()
        assert ann.ask(second).status == 200
        code, owner = site.code_to(second), site.visitor()
        owner.token()
        work = [lambda: ann.confirm(second, code), lambda: owner.post(link)]  # noqa: B023
        answers = dict(run_concurrently(lambda n, work=work: (n, work[n]()), 2))
        assert not server_errors(list(answers.values()))
        assert answers[1].status == 200, answers[1]
        assert site.email_of(user_id) == old
        assert (site.count_sessions(user_id), site.count_undo_links(user_id)) == (0, 0)
        assert not is_signed_in(ann)
        assert not site.is_pending(user_id)
        row = site.rows(select(CMSUser.password_hash, CMSUser.frozen_until).where(CMSUser.id == user_id))[0]
        assert row[0] == passwords.NONE
        assert row[1] is not None
        assert site.count_event(user_id, "change_undone") == 1
        assert site.count_event(user_id, "email_changed") == (2 if answers[0].status == 200 else 1)


def test_an_undo_link_that_is_used_concurrently_works_once(site: Site) -> None:
    ann = site.person_with_session()
    old = ann.email
    user_id = site.user_id(old)
    site.change_address(ann, site.new_address())
    link, owners = site.link_to(old), [site.visitor() for _ in range(8)]
    for owner in owners:
        owner.token()
    answers = run_concurrently(lambda n: owners[n].post(link), len(owners))
    assert count_errors(answers) == {None: 1, "link_dead": 7}
    assert site.count_event(user_id, "change_undone") == 1
    assert site.count(Mail, Mail.user_id == user_id, Mail.kind == "restored") == 1


def test_of_a_concurrent_cancellation_and_confirmation_one_takes_effect(site: Site) -> None:
    for _ in range(ROUNDS):
        ann, new = site.person_with_session(), site.new_address()
        user_id = site.user_id(ann.email)
        ann.ask(new)
        code, tabs = site.code_to(new), site.clones(ann, 2)
        work = [lambda: tabs[0].confirm(new, code), tabs[1].cancel]  # noqa: B023
        answers = dict(run_concurrently(lambda n, work=work: (n, work[n]()), 2))
        assert not server_errors(list(answers.values()))
        changed = answers[0].status == 200
        assert site.email_of(user_id) == (new if changed else ann.email)
        counts = (site.count_event(user_id, "email_changed"), site.count_event(user_id, "change_cancelled"))
        assert counts == ((1, 0) if changed else (0, 1))
        assert not site.is_pending(user_id)
        assert changed or answers[0].error == "code_expired", answers[0]


@pytest.mark.parametrize("clicks", [2, 10])
def test_concurrent_requests_for_a_code_mail_one_code(site: Site, clicks: int) -> None:
    ann, new = site.person_with_session(), site.new_address()
    tabs = site.clones(ann, clicks)
    answers = run_concurrently(lambda number: tabs[number].ask(new), clicks)
    assert count_errors(answers) == {None: 1, "too_many_requests": clicks - 1}
    assert all(1 <= answer.data["retry_after"] <= RESEND_SECONDS for answer in answers if answer.status == 429)
    code = site.code_to(new)
    eventually(site.all_mail_is_sent, "all mail is sent")
    assert len(site.smtp.mails_to(new)) == 1
    assert ann.confirm(new, code).status == 200


def test_concurrent_requests_for_two_addresses_leave_one_change_that_can_be_confirmed(site: Site) -> None:
    for _ in range(ROUNDS):
        ann, addresses = site.person_with_session(), [site.new_address(), site.new_address()]
        tabs = site.clones(ann, 2)
        answers = run_concurrently(lambda n, tabs=tabs, addresses=addresses: (n, tabs[n].ask(addresses[n])), 2)
        (winner,) = [number for number, answer in answers if answer.status == 200]
        pending = ann.pending()
        assert pending is not None
        assert pending["email"] == addresses[winner]
        assert ann.confirm(addresses[winner], site.code_to(addresses[winner])).status == 200
        assert not site.smtp.mails_to(addresses[1 - winner])


def test_concurrent_sign_ins_do_not_exceed_the_limit_of_tries(site: Site) -> None:
    visitors = [site.visitor(email, password="wrong") for email in [site.administrator()] * 40]
    for visitor in visitors:
        visitor.token()
    avoid_end_of_quarter(60)
    answers = run_concurrently(lambda number: visitors[number].sign_in(), len(visitors))
    assert count_errors(answers) == {"wrong_credentials": 10, "too_many_requests": 30}
    user_id = site.user_id(visitors[0].email)
    eventually(lambda: site.count_event(user_id, "sign_in_failed") >= 10, "the failures are recorded")
    assert site.count_event(user_id, "sign_in_failed") == 10
    assert site.visitor(visitors[0].email).sign_in().error == "too_many_requests"


def test_fifty_concurrent_sign_ins_and_sign_outs_succeed(site: Site) -> None:
    emails = [site.administrator() for _ in range(10)]
    people = [site.visitor(email) for email in emails for _ in range(5)]
    for person in people:
        person.token()
    answers = run_concurrently(lambda number: (number, people[number].sign_in()), CLIENTS)
    assert count_errors([answer for _, answer in answers]) == {None: CLIENTS}
    numbers = [site.user_id(email) for email in emails]
    assert [site.count_sessions(number) for number in numbers] == [5] * 10
    copies = [site.clone(person) for person in people]
    out = run_concurrently(lambda number: people[number].sign_out(), CLIENTS)
    assert count_errors(out) == {None: CLIENTS}
    assert not any(is_signed_in(copy) for copy in copies)
    assert site.count(LoginSession, LoginSession.user_id.in_(numbers)) == 0
    assert [site.count_event(number, "signed_out") for number in numbers] == [5] * 10


def test_concurrent_sign_ins_and_sign_outs_of_one_browser_cause_no_error(site: Site) -> None:
    ann = site.person_with_session()
    tabs = site.clones(ann, 16)
    answers = run_concurrently(lambda n: tabs[n].sign_out() if n % 2 else tabs[n].sign_in(), len(tabs))
    assert not server_errors(answers)
    assert not is_signed_in(ann)


def test_ten_tries_a_day_are_shared_by_all_codes_and_tabs(site: Site) -> None:
    ann, compared = site.person_with_session(), 0
    user_id = site.user_id(ann.email)
    for _ in range(4):
        new = site.new_address()
        answer = ann.ask(new)
        if answer.error == "too_many_attempts":
            break
        code, tabs = site.code_to(new), site.clones(ann, 10)
        answers = run_concurrently(
            lambda n, tabs=tabs, new=new, code=code: tabs[n].confirm(new, different_code(code)), 10
        )
        compared += count_errors(answers)["code_wrong"]
        assert ann.confirm(new, code).error == "too_many_attempts"
        with site.app.app_context():  # Deletes all budgets except those of the day, as if a minute had passed.
            day = {key for (key,) in db.session.execute(select(Budget.key).where(Budget.used >= compared))}
            db.session.execute(Budget.__table__.delete().where(Budget.key.notin_(day)))
            db.session.commit()
    assert compared == site.count_event(user_id, "code_wrong") == 10
    assert site.count_event(user_id, "tries_spent") == 1


def test_concurrent_invitations_of_one_address_create_one_invitation(site: Site) -> None:
    superusers = [site.person(site.administrator(superuser=True)) for _ in range(4)]
    for _ in range(ROUNDS):
        new = site.new_address()
        fields = {"email": new, "role": "editor"}
        answers = run_concurrently(lambda n: superusers[n].post("/cms/users/invite/", fields), 4)  # noqa: B023
        assert [answer.status for answer in answers] == [200] * 4, answers
        assert site.count(Invitation, Invitation.email == new) == 1


def test_superusers_who_manage_each_other_concurrently_cause_no_deadlock(site: Site) -> None:
    """Each request locks two accounts: in different orders, they would cause a deadlock.

    On a very busy machine, a request may wait too long for its locks and get a 503, which is not a deadlock.
    """
    superusers = [site.person(site.administrator(superuser=True)) for _ in range(8)]
    ids, before = [site.user_id(boss.email) for boss in superusers], len(site.log)

    def act(number: int) -> list[Answer]:
        others = [ids[(number + step) % 8] for step in range(1, 8)] * 3
        return [superusers[number].post(f"/cms/users/{other}/enable/", {"reason": "because"}) for other in others]

    answers = [answer for each in run_concurrently(act, 8) for answer in each]
    assert "deadlock detected" not in site.log[before:]
    assert {200} <= {answer.status for answer in answers} <= {200, 503}, count_errors(answers)


def test_no_session_with_the_old_password_outlasts_a_concurrent_change_of_the_password(site: Site) -> None:
    """Attackers sign in with the old password while its owner changes it: none of their sessions remains valid."""
    other = "another password of mine"
    for _ in range(ROUNDS):
        ann = site.person()
        attackers = [site.visitor(ann.email) for _ in range(4)]
        for attacker in attackers:
            attacker.token()

        def act(number: int, ann: Person = ann, attackers: list[Person] = attackers) -> Answer:
            if number == 4:
                fields = {"oldpwd": PASSWORD, "password": other, "repetition": other}
                return ann.post("/cms/resetpwd/", fields)
            return attackers[number].sign_in()

        answers = run_concurrently(act, 5)
        assert not server_errors(answers)
        changed = site.visitor(ann.email).sign_in(password=other).status == 200
        assert changed
        assert [is_signed_in(attacker) for attacker in attackers] == [False] * 4


@contextlib.contextmanager
def run_delivery(site: Site, count: int) -> Iterator[list]:
    """Run `flask mail deliver --watch` in several processes."""
    processes = [start_command(site.settings, "mail", "deliver", "--watch") for _ in range(count)]
    try:
        yield processes
    finally:
        for process in processes:
            terminate(process, signal.SIGTERM)


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_two_delivery_processes_send_every_mail_once(serve: Serve, name: str) -> None:
    with serve(name, MAIL_DELIVERY="worker") as site:
        people, addresses = [site.person_with_session() for _ in range(6)], [site.new_address() for _ in range(6)]
        assert count_errors(run_concurrently(lambda n: people[n].ask(addresses[n]), 6)) == {None: 6}
        with site.app.app_context():
            for number in range(60):
                outbox.enqueue(Letter("test", f"mail {number}", "words", "<p>words"), site.new_address(), user_id=None)
            db.session.commit()
        assert site.smtp.hellos == 0  # The web processes do not deliver mail.
        with run_delivery(site, 2) as processes:
            more = run_concurrently(lambda n: people[n].confirm(addresses[n], site.code_to(addresses[n])), 6)
            assert count_errors(more) == {None: 6}
            eventually(site.all_mail_is_sent, "the workers send all mail")
            for process in processes:
                eventually(
                    lambda process=process: has_handler(process.pid, signal.SIGTERM), "the worker handles SIGTERM"
                )
                terminate(process, signal.SIGTERM)
            assert [process.returncode for process in processes] == [0, 0]
        rows = site.rows(select(Mail.message_id, Mail.state, Mail.tries))
        assert len(rows) == 60 + 6 * 3  # A code, a notice of the request and a notice of each change.
        assert {(row.state, row.tries) for row in rows} == {(MailState.SENT, 1)}
        received = Counter(str(mail.message["Message-ID"]) for mail in site.smtp.received)
        assert received == dict.fromkeys((row.message_id for row in rows), 1)
