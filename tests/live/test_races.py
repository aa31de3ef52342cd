"""Concurrent requests: in every order there is one winner, a consistent state and no error."""

import contextlib
import signal
import time
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
from tests.live.sites import Site, is_signed_in, retry_while_unavailable
from tests.servers import Found, eventually, has_handler, start_command, terminate

CROWD, ROUNDS = 50, 5


def run_concurrently(work: Callable[[int], Found], workers: int) -> list[Found]:
    """Run the work in several threads that start at the same time; each repeats a request that gets a 503."""
    return servers.run_concurrently(lambda number: retry_while_unavailable(lambda: work(number)), workers)


def faults(answers: list[Answer]) -> list[str]:
    """Return the answers that say that something went wrong on our side."""
    return [str(answer) for answer in answers if answer.status >= 500]


def words(answers: list[Answer]) -> Counter[str | None]:
    """Count the stable words of the answers; None is a success."""
    return Counter(answer.error for answer in answers)


def test_of_fifty_right_answers_at_once_one_wins(site: Site) -> None:
    ann, new = site.person_with_session(), site.new_address()
    user_id = site.user_id(ann.email)
    ann.ask(new)
    code, tabs = site.code_to(new), site.clones(ann, CROWD)
    answers = run_concurrently(lambda number: tabs[number].confirm(new, code), CROWD)
    assert not faults(answers)
    heard = words(answers)
    assert heard[None] == 1, heard
    assert set(heard) <= {None, "code_expired", "sign_in_required"}, heard
    user = site.user(new)
    assert user is not None
    assert (user.id, user.email, user.email_version) == (user_id, new, 2)
    assert site.events(user_id).count("email_changed") == site.times(user_id, "email_changed") == 1
    assert site.undo_links(user_id) == 1
    eventually(site.all_mail_is_sent, "the notice is sent")
    assert site.notices(user_id) == 1
    assert sum("/undo/" in str(message.get_body(("plain",))) for message in site.smtp.mails_to(ann.email)) == 1
    assert [is_signed_in(tab) for tab in tabs].count(True) == 1


def test_of_fifty_wrong_guesses_at_once_five_are_compared(site: Site) -> None:
    ann, new = site.person_with_session(), site.new_address()
    user_id = site.user_id(ann.email)
    ann.ask(new)
    code, tabs = site.code_to(new), site.clones(ann, CROWD)
    answers = run_concurrently(lambda number: tabs[number].confirm(new, different_code(code)), CROWD)
    assert words(answers) == {"code_wrong": 5, "too_many_attempts": CROWD - 5}
    assert (site.times(user_id, "code_wrong"), site.tries(user_id)) == (5, 5)
    assert ann.confirm(new, code).error == "too_many_attempts"
    assert site.email_of(user_id) == ann.email


def test_a_right_answer_among_many_wrong_ones_either_wins_or_comes_too_late(site: Site) -> None:
    for _ in range(3):
        ann, new = site.person_with_session(), site.new_address()
        user_id = site.user_id(ann.email)
        ann.ask(new)
        code, tabs = site.code_to(new), site.clones(ann, 12)
        answers = run_concurrently(
            lambda n, tabs=tabs, new=new, code=code: tabs[n].confirm(new, code if n == 6 else different_code(code)), 12
        )
        assert not faults(answers)
        heard = words(answers)
        assert heard["code_wrong"] <= 5 - heard[None], heard
        assert site.email_of(user_id) == (new if heard[None] else ann.email)
        assert site.times(user_id, "email_changed") == heard[None]


def test_of_two_administrators_who_confirm_one_address_at_once_one_gets_it(site: Site) -> None:
    for turn in range(ROUNDS):
        pair, new = [site.person_with_session(), site.person_with_session()], site.new_address()
        # The two spell it differently every other time: it is one address all the same.
        spellings = [new, new.capitalize() if turn % 2 else new]
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
        assert (site.notices(before[winner]), site.notices(before[loser])) == (1, 0)
        assert (site.undo_links(before[winner]), site.undo_links(before[loser])) == (1, 0)


def test_a_code_mailed_to_one_address_never_confirms_another_that_is_asked_for_meanwhile(site: Site) -> None:
    for turn in range(ROUNDS):  # CVE-2026-32700.
        ann, mine, victims = site.person_with_session(), site.new_address("mine"), site.new_address("victims")
        user_id = site.user_id(ann.email)
        ann.ask(mine)
        code = site.code_to(mine)
        site.delete_budgets()  # The wait between two codes is over.
        tabs = site.clones(ann, 4)
        work = [
            lambda: tabs[0].ask(victims),  # noqa: B023 (used up before the next round)
            lambda: tabs[1].confirm(victims, code),  # noqa: B023
            lambda: tabs[2].confirm(mine if turn % 2 else victims, code),  # noqa: B023
            lambda: tabs[3].confirm(victims, code),  # noqa: B023
        ]
        answers = run_concurrently(lambda n, work=work: (n, work[n]()), 4)
        assert not faults([answer for _, answer in answers])
        by_number = dict(answers)
        assert by_number[1].status != 200
        assert by_number[3].status != 200
        assert site.email_of(user_id) == (mine if turn % 2 and by_number[2].status == 200 else ann.email)
        assert site.user(victims) is None


def test_the_old_address_wins_over_a_change_that_is_confirmed_while_it_undoes_the_last_one(site: Site) -> None:
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
        assert not faults(list(answers.values()))
        assert answers[1].status == 200, answers[1]
        assert site.email_of(user_id) == old
        assert (site.sessions(user_id), site.undo_links(user_id)) == (0, 0)
        assert not is_signed_in(ann)
        assert not site.is_pending(user_id)
        row = site.rows(select(CMSUser.password_hash, CMSUser.frozen_until).where(CMSUser.id == user_id))[0]
        assert row[0] == passwords.NONE
        assert row[1] is not None
        assert site.times(user_id, "change_undone") == 1
        assert site.times(user_id, "email_changed") == (2 if answers[0].status == 200 else 1)


def test_an_undo_link_that_is_used_twice_at_once_works_once(site: Site) -> None:
    ann = site.person_with_session()
    old = ann.email
    user_id = site.user_id(old)
    site.change_address(ann, site.new_address())
    link, owners = site.link_to(old), [site.visitor() for _ in range(8)]
    for owner in owners:
        owner.token()
    answers = run_concurrently(lambda n: owners[n].post(link), len(owners))
    assert words(answers) == {None: 1, "link_dead": 7}
    assert site.times(user_id, "change_undone") == 1
    assert site.count(Mail, Mail.user_id == user_id, Mail.kind == "restored") == 1


def test_cancelling_and_confirming_at_once_is_one_or_the_other(site: Site) -> None:
    for _ in range(ROUNDS):
        ann, new = site.person_with_session(), site.new_address()
        user_id = site.user_id(ann.email)
        ann.ask(new)
        code, tabs = site.code_to(new), site.clones(ann, 2)
        work = [lambda: tabs[0].confirm(new, code), tabs[1].cancel]  # noqa: B023
        answers = dict(run_concurrently(lambda n, work=work: (n, work[n]()), 2))
        assert not faults(list(answers.values()))
        changed = answers[0].status == 200
        assert site.email_of(user_id) == (new if changed else ann.email)
        counts = (site.times(user_id, "email_changed"), site.times(user_id, "change_cancelled"))
        assert counts == ((1, 0) if changed else (0, 1))
        assert not site.is_pending(user_id)
        assert changed or answers[0].error == "code_expired", answers[0]


@pytest.mark.parametrize("clicks", [2, 10])
def test_one_code_is_mailed_however_often_the_button_is_clicked_at_once(site: Site, clicks: int) -> None:
    ann, new = site.person_with_session(), site.new_address()
    tabs = site.clones(ann, clicks)
    answers = run_concurrently(lambda number: tabs[number].ask(new), clicks)
    assert words(answers) == {None: 1, "too_many_requests": clicks - 1}
    assert all(1 <= answer.data["retry_after"] <= RESEND_SECONDS for answer in answers if answer.status == 429)
    code = site.code_to(new)
    eventually(site.all_mail_is_sent, "all mail is sent")
    assert len(site.smtp.mails_to(new)) == 1
    assert ann.confirm(new, code).status == 200


def test_two_tabs_that_ask_for_two_addresses_at_once_leave_one_change_that_can_be_confirmed(site: Site) -> None:
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


def test_no_more_passwords_are_tried_at_once_than_the_limit_allows(site: Site) -> None:
    while True:
        window = time.time() // 900
        strangers = [site.visitor(email, password="wrong") for email in [site.administrator()] * 40]
        for stranger in strangers:
            stranger.token()
        answers = run_concurrently(lambda number, crowd=strangers: crowd[number].sign_in(), len(strangers))
        if time.time() // 900 == window:  # Else another quarter of an hour began, with tries of its own.
            break
    assert words(answers) == {"wrong_credentials": 10, "too_many_requests": 30}
    user_id = site.user_id(strangers[0].email)
    eventually(lambda: site.times(user_id, "sign_in_failed") >= 10, "the failures are recorded")
    assert site.times(user_id, "sign_in_failed") == 10
    assert site.visitor(strangers[0].email).sign_in().error == "too_many_requests"


def test_fifty_people_sign_in_and_out_at_once_without_a_fault(site: Site) -> None:
    emails = [site.administrator() for _ in range(10)]
    crowd = [site.visitor(email) for email in emails for _ in range(5)]
    for person in crowd:
        person.token()
    answers = run_concurrently(lambda number: (number, crowd[number].sign_in()), CROWD)
    assert words([answer for _, answer in answers]) == {None: CROWD}
    numbers = [site.user_id(email) for email in emails]
    assert [site.sessions(number) for number in numbers] == [5] * 10
    copies = [site.clone(person) for person in crowd]
    out = run_concurrently(lambda number: crowd[number].sign_out(), CROWD)
    assert words(out) == {None: CROWD}
    assert not any(is_signed_in(copy) for copy in copies)
    assert site.count(LoginSession, LoginSession.user_id.in_(numbers)) == 0
    assert [site.times(number, "signed_out") for number in numbers] == [5] * 10


def test_a_browser_that_signs_in_and_out_in_many_tabs_at_once_meets_no_fault(site: Site) -> None:
    ann = site.person_with_session()
    tabs = site.clones(ann, 16)
    answers = run_concurrently(lambda n: tabs[n].sign_out() if n % 2 else tabs[n].sign_in(), len(tabs))
    assert not faults(answers)
    assert not is_signed_in(ann)


def test_the_day_has_ten_tries_however_many_codes_and_tabs_they_are_spread_over(site: Site) -> None:
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
        compared += words(answers)["code_wrong"]
        assert ann.confirm(new, code).error == "too_many_attempts"
        with site.app.app_context():  # A minute passes, and nothing more: the day's budget stays.
            day = {key for (key,) in db.session.execute(select(Budget.key).where(Budget.used >= compared))}
            db.session.execute(Budget.__table__.delete().where(Budget.key.notin_(day)))
            db.session.commit()
    assert compared == site.times(user_id, "code_wrong") == 10
    assert site.times(user_id, "tries_spent") == 1


def test_one_address_that_is_invited_by_many_at_once_is_invited(site: Site) -> None:
    bosses = [site.person(site.administrator(superuser=True)) for _ in range(4)]
    for _ in range(ROUNDS):
        new = site.new_address()
        answers = run_concurrently(lambda n: bosses[n].post("/cms/users/invite/", {"email": new, "role": "editor"}), 4)  # noqa: B023
        assert [answer.status for answer in answers] == [200] * 4, answers
        assert site.count(Invitation, Invitation.email == new) == 1


def test_superusers_who_act_upon_each_other_at_once_never_wait_for_each_other(site: Site) -> None:
    """Each locks two accounts: locking them in different orders would cause a deadlock.

    So many wait in turn that one of them may be told on a very busy machine to come back: that is no deadlock.
    """
    bosses = [site.person(site.administrator(superuser=True)) for _ in range(8)]
    ids, before = [site.user_id(boss.email) for boss in bosses], len(site.log)

    def act(number: int) -> list[Answer]:
        others = [ids[(number + step) % 8] for step in range(1, 8)] * 3
        return [bosses[number].post(f"/cms/users/{other}/enable/", {"reason": "because"}) for other in others]

    answers = [answer for each in run_concurrently(act, 8) for answer in each]
    assert "deadlock detected" not in site.log[before:]
    assert {200} <= {answer.status for answer in answers} <= {200, 503}, words(answers)


def test_nobody_keeps_a_session_from_a_password_that_is_changed_at_the_same_time(site: Site) -> None:
    """A loop of sign-ins with the old password runs while the owner changes it: none of its sessions counts."""
    other = "another password of mine"
    for _ in range(ROUNDS):
        ann = site.person()
        thieves = [site.visitor(ann.email) for _ in range(4)]
        for thief in thieves:
            thief.token()

        def act(number: int, ann: Person = ann, thieves: list[Person] = thieves) -> Answer:
            if number == 4:
                fields = {"oldpwd": PASSWORD, "password": other, "repetition": other}
                return ann.post("/cms/resetpwd/", fields)
            return thieves[number].sign_in()

        answers = run_concurrently(act, 5)
        assert not faults(answers)
        changed = site.visitor(ann.email).sign_in(password=other).status == 200
        assert changed
        assert [is_signed_in(thief) for thief in thieves] == [False] * 4


@contextlib.contextmanager
def delivering_processes(site: Site, count: int) -> Iterator[list]:
    """Run several `flask mail deliver --watch` for a site."""
    processes = [start_command(site.settings, "mail", "deliver", "--watch") for _ in range(count)]
    try:
        yield processes
    finally:
        for process in processes:
            terminate(process, signal.SIGTERM)


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_two_delivering_processes_send_every_mail_once(serve: Serve, name: str) -> None:
    with serve(name, MAIL_DELIVERY="worker") as site:
        people, addresses = [site.person_with_session() for _ in range(6)], [site.new_address() for _ in range(6)]
        assert words(run_concurrently(lambda n: people[n].ask(addresses[n]), 6)) == {None: 6}
        with site.app.app_context():
            for number in range(60):
                outbox.enqueue(Letter("test", f"mail {number}", "words", "<p>words"), site.new_address(), user_id=None)
            db.session.commit()
        assert site.smtp.hellos == 0  # The web processes were told to leave the mail to others.
        with delivering_processes(site, 2) as processes:
            more = run_concurrently(lambda n: people[n].confirm(addresses[n], site.code_to(addresses[n])), 6)
            assert words(more) == {None: 6}
            eventually(site.all_mail_is_sent, "the workers send all mail")
            for process in processes:
                eventually(
                    lambda process=process: has_handler(process.pid, signal.SIGTERM), "the worker handles SIGTERM"
                )
                terminate(process, signal.SIGTERM)
            assert [process.returncode for process in processes] == [0, 0]
        rows = site.rows(select(Mail.message_id, Mail.state, Mail.tries))
        assert len(rows) == 60 + 6 * 3  # A code, a word to the present address and a notice for each change.
        assert {(row.state, row.tries) for row in rows} == {(MailState.SENT, 1)}
        taken = Counter(str(posted.message["Message-ID"]) for posted in site.smtp.received)
        assert taken == dict.fromkeys((row.message_id for row in rows), 1)
