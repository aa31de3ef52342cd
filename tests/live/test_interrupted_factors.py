"""A worker is killed, or its database is lost, while a second factor is used, added or replaced.

This happens before every line of the functions that write. Nothing is used up then, or the step is complete.
"""

from accounts import unit_of_work
from accounts.factors import authenticator_app, recovery_codes
from accounts.flows import factors, second_factor, sign_in
from models import AuthenticatorApp, Mail, PendingSignIn, RecoveryCode
from tests.authenticators import app_on
from tests.live.sites import Site, is_signed_in
from tests.live.test_factor_races import add_app, end_step
from tests.live.test_interrupted_requests import Case, build_cases, run_for_each, wait_for_mail

SECOND_STEP = (second_factor.use, recovery_codes.use, sign_in._start_session, unit_of_work._commit)
ENROLMENT = (authenticator_app.confirm, factors._complete, recovery_codes.replace, unit_of_work._commit)
REPLACEMENT = (authenticator_app.confirm, factors._complete)  # The rest is that of an enrolment.


def count_unused(site: Site, user_id: int) -> int:
    """Return the number of unused recovery codes of an account."""
    return site.count(RecoveryCode, RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None))


def count_letters(site: Site, user_id: int) -> int:
    """Return the number of mails about second factors of an account."""
    return site.count(Mail, Mail.user_id == user_id, Mail.kind == "factor_changed")


def test_an_interrupted_second_step_leaves_the_recovery_code_or_signs_in(faulty_site: Site) -> None:
    site = faulty_site
    cases = build_cases(site, SECOND_STEP, "database")

    def wait(case: Case) -> None:
        _, codes = add_app(site, case.person)
        case.code = codes[0]
        case.person = site.visitor(case.old)
        assert case.person.sign_in().data["next"] == "/cms/login/second/"
        case.person.token()

    run_for_each(wait, cases)
    for case in cases:
        fields = {"recovery_code": case.code}
        case.send(lambda case=case, fields=fields: case.person.post("/cms/login/second/", fields))

    def check(case: Case) -> None:
        done = site.count_sessions(case.user_id) == 2
        case.assert_reported_correctly(done=done)
        if not done:
            assert count_unused(site, case.user_id) == 10
            assert site.count_event(case.user_id, "recovery_code_used") == 0
            assert site.count(PendingSignIn, PendingSignIn.user_id == case.user_id) == 1
            assert case.person.post("/cms/login/second/", {"recovery_code": case.code}).status == 200
            assert is_signed_in(case.person)
        assert count_unused(site, case.user_id) == 9
        assert site.count_event(case.user_id, "recovery_code_used") == 1
        assert site.count(PendingSignIn, PendingSignIn.user_id == case.user_id) == 0
        assert count_letters(site, case.user_id) == 2
        assert site.count_sessions(case.user_id) == 2

    run_for_each(check, cases)
    wait_for_mail(site)


def test_an_interrupted_replacement_of_an_app_leaves_the_old_or_the_new_one(faulty_site: Site) -> None:
    site = faulty_site
    cases = build_cases(site, REPLACEMENT, "database")
    apps = {}

    def set_up(case: Case) -> None:
        for path in ("set_up", "replace"):
            assert case.person.post(f"/cms/security/app/{path}/").status == 200
            apps[case.user_id, path] = app = app_on(case.person.page("/cms/security/app/").text)
            if path == "set_up":
                assert case.person.post("/cms/security/app/", {"code": app.now()}).status == 200
        end_step(site, case.person)
        case.person.discard_token()
        case.person.token()

    run_for_each(set_up, cases)
    for case in cases:
        fields = {"code": apps[case.user_id, "replace"].now()}
        case.send(lambda case=case, fields=fields: case.person.post("/cms/security/app/", fields))

    def check(case: Case) -> None:
        done = site.count_event(case.user_id, "app_replaced") == 1
        case.assert_reported_correctly(done=done)
        active = AuthenticatorApp.user_id == case.user_id, AuthenticatorApp.confirmed_at.is_not(None)
        assert site.count(AuthenticatorApp, *active) == 1
        assert site.count(AuthenticatorApp, AuthenticatorApp.user_id == case.user_id) == 2 - done
        assert count_letters(site, case.user_id) == 1 + done
        assert count_unused(site, case.user_id) == 10
        if not done:
            fields = {"code": apps[case.user_id, "replace"].now()}
            assert case.person.post("/cms/security/app/", fields).status == 200
        visitor = site.visitor(case.old)
        assert visitor.sign_in().data["next"] == "/cms/login/second/"
        fields = {"code": apps[case.user_id, "set_up"].now()}
        assert visitor.post("/cms/login/second/", fields).error == "second_factor_wrong"

    run_for_each(check, cases)
    wait_for_mail(site)


def test_an_interrupted_enrolment_is_complete_or_can_be_repeated(faulty_site: Site) -> None:
    site = faulty_site
    cases = build_cases(site, ENROLMENT, "database")
    apps = {}

    def set_up(case: Case) -> None:
        assert case.person.post("/cms/security/app/set_up/").status == 200
        apps[case.user_id] = app_on(case.person.page("/cms/security/app/").text)

    run_for_each(set_up, cases)
    for case in cases:
        fields = {"code": apps[case.user_id].now()}
        case.send(lambda case=case, fields=fields: case.person.post("/cms/security/app/", fields))

    def check(case: Case) -> None:
        done = site.count_event(case.user_id, "app_added") == 1
        case.assert_reported_correctly(done=done)
        if not done:
            assert (
                site.count(RecoveryCode, RecoveryCode.user_id == case.user_id) == count_letters(site, case.user_id) == 0
            )
            assert site.visitor(case.old).sign_in().data["next"] == "/cms/"
            answer = case.person.post("/cms/security/app/", {"code": apps[case.user_id].now()})
            assert len(answer.data["recovery_codes"]) == 10
        assert count_unused(site, case.user_id) == 10
        assert count_letters(site, case.user_id) == 1
        confirmed = AuthenticatorApp.user_id == case.user_id, AuthenticatorApp.confirmed_at.is_not(None)
        assert site.count(AuthenticatorApp, *confirmed) == 1
        assert site.visitor(case.old).sign_in().data["next"] == "/cms/login/second/"

    run_for_each(check, cases)
    wait_for_mail(site)
