"""None of the ten faults of the tutorial on which the settings page is based exists here.

In the tutorial, `/cms/resetemail/` stores the code under the address only, sends it on GET, inverts the comparison,
never deletes it, ignores every error, and shows no response in the browser. There is one test per fault; other tests
cover the details.
"""

import ast
import re
import string
import tokenize
from pathlib import Path

from models import EmailChange, db
from tests.actors import code_in, different_code
from tests.environments import Environment
from tests.servers import ROOT

OLD, NEW = "ann@example.com", "new@example.com"


def test_1_a_code_is_not_valid_for_another_account(env: Environment) -> None:
    """In the tutorial, the code is stored under the address only, so that every account can use it."""
    ann, thief = env.person(), env.person("thief@example.com")
    ann.ask(NEW)
    assert thief.confirm(NEW, env.code_to(NEW)).error == "code_expired"
    assert (ann.address(), thief.address()) == (OLD, "thief@example.com")


def test_2_an_empty_address_or_one_with_spaces_is_refused(env: Environment) -> None:
    """In the tutorial, the address is a key in memcached, which must not be empty or contain spaces: a 500."""
    ann = env.person()
    for email in ("", " ", "a b@example.com", "new@example.com\n", "x" * 300 + "@example.com", "\x00@example.com"):
        answers = [ann.ask(email)] if email != "new@example.com\n" else []  # This one is valid after stripping.
        answers.append(ann.confirm(email, "123456"))
        assert {answer.status for answer in answers} == {400}, email


def test_3_incorrect_codes_are_refused_and_correct_ones_are_accepted(env: Environment) -> None:
    """In a copy of the tutorial, the comparison is inverted."""
    ann = env.person()
    ann.ask(NEW)
    code = env.code_to(NEW)
    assert ann.confirm(NEW, different_code(code)).error == "code_wrong"
    assert ann.address() == OLD
    assert ann.confirm(NEW, code).status == 200
    assert ann.address() == NEW


def test_4_a_code_has_six_random_digits_and_is_valid_once_for_ten_minutes(env: Environment) -> None:
    """In the tutorial, a code has no repeated characters or is part of the time, and is valid repeatedly for 60 s."""
    app = env.build(
        CAPTCHA_RESEND_SECONDS="0",
        CAPTCHA_SENDS_PER_HOUR="0",
        CAPTCHA_SENDS_PER_ADDRESS_PER_HOUR="0",
        CAPTCHA_SENDS_PER_ADDRESS_PER_DAY="0",
        CAPTCHA_SENDS_PER_NETWORK_PER_HOUR="0",
    )
    ann = env.person(app=app)
    for _ in range(15):
        ann.ask(NEW)
    codes = [code_in(mail) for mail in env.mail_to(NEW)]
    assert len(codes) == 15
    assert all(len(code) == 6 and set(code) <= set(string.digits) for code in codes)
    assert len(set(codes)) > 12
    assert any(len(set(code)) < 6 for code in codes)  # 85 % of random codes contain a digit twice.
    (pending,) = env.rows(db.select(EmailChange.asked_at, EmailChange.expires_at))
    assert (pending.expires_at - pending.asked_at).total_seconds() == 600
    ann.ask(NEW)
    code = env.code_to(NEW)
    ann.confirm(NEW, code)
    ann.ask(OLD)
    ann.confirm(OLD, env.code_to(OLD))
    assert ann.confirm(NEW, code).error == "code_expired"


def test_5_an_unavailable_mail_server_causes_no_error_and_is_reported(env: Environment) -> None:
    """In the tutorial, this is a 500, or the code is stored although the mail was not sent."""
    app = env.build(MAIL_SERVER="127.0.0.1", MAIL_PORT="1")
    ann = env.person(app=app)
    assert ann.ask(NEW).status == 200
    env.deliver(app)
    pending = ann.pending()
    assert pending is not None
    assert pending["mail"]["state"] == "queued"
    assert pending["mail"]["problem"] == "无法连接邮件服务器。"
    env.clock.advance(seconds=10)
    assert ann.confirm(NEW, env.code_to(NEW)).status == 200


def test_6_a_get_request_sends_no_mail_and_all_requests_require_a_session(env: Environment) -> None:
    """In the tutorial, a GET request sends the code, in some copies without a session."""
    ann, visitor = env.person(), env.visitor()
    for person in (ann, visitor):
        for method in ("GET", "HEAD"):
            answer = person.browser.send(method, f"/cms/email_captcha/?email={NEW}", headers={"Accept": "*/*"})
            assert answer.status == 405
    assert visitor.ask(NEW).error == "sign_in_required"
    assert visitor.confirm(NEW, "123456").error == "sign_in_required"
    assert visitor.cancel().error == "sign_in_required"
    assert env.mail_to(NEW) == []


def test_7_every_invalid_field_has_its_errors_and_no_code_is_printed(env: Environment, capfd: object) -> None:
    """In the tutorial, reading the first error deletes the others, and the code is printed."""
    ann = env.person()
    ann.ask(NEW)
    code = env.code_to(NEW)
    answer = ann.confirm("not an address", "not a code")
    assert set(answer.data["fields"]) == {"email", "captcha"}
    assert all(answer.data["fields"].values())
    ann.confirm(NEW, different_code(code))
    ann.confirm(NEW, code)
    printed = capfd.readouterr()  # type: ignore[attr-defined]
    assert code not in printed.out + printed.err


def test_8_a_refusal_has_its_status_and_scripts_handle_network_errors(env: Environment) -> None:
    """In the tutorial, every response is HTTP 200, and $.ajax gets `fail`, which is not one of its options."""
    ann = env.person()
    assert ann.confirm(NEW, "123456").status == 400
    assert env.visitor().ask(NEW).status == 401
    script = (ROOT / "static" / "js" / "zlajax.js").read_text()
    assert re.search(r"'(complete|error)'\s*:|\.fail\(", script), "zlajax does not handle failed requests"
    assert "alertNetworkError" in script  # tests/browser/ tests it in a browser.
    call = script.partition("$.ajax({")[2].partition("});")[0]
    assert call
    assert not re.search(r"'?\bfail'?\s*:", call)


def test_9_a_taken_address_causes_no_error(env: Environment) -> None:
    """In the tutorial, an address is not checked, so that the error of the database is a 500."""
    env.administrator("owner@example.com")
    ann, bob = env.person(), env.person("bob@example.com")
    assert ann.ask("owner@example.com").status == 200
    assert ann.confirm("owner@example.com", "123456").error == "code_wrong"
    env.clock.advance(seconds=60)
    ann.ask(NEW)
    bob.ask(NEW)
    code_of_ann, code_of_bob = (code_in(mail) for mail in env.mail_to(NEW))
    assert ann.confirm(NEW, code_of_ann).status == 200
    assert bob.confirm(NEW, code_of_bob).error == "email_taken"


def test_10_every_module_has_a_specific_name_and_a_docstring() -> None:
    """In the tutorial, modules are called utils, exts and common. Modules also must not hide those of Python."""
    others = {".venv", "node_modules", "mutants"}
    folders = [path for path in ROOT.iterdir() if path.is_dir() and path.name not in others]
    found = [*ROOT.glob("*.py"), *(path for folder in folders for path in folder.rglob("*.py"))]
    assert len(found) > 30
    names = {path.stem for path in found} | {path.relative_to(ROOT).parent.name for path in found}
    assert not names & {"utils", "util", "exts", "extensions", "common", "helpers", "misc", "tools", "lib", "core"}
    assert not {path.stem for path in ROOT.glob("*.py")} & {"email", "code", "calendar", "types", "logging", "secrets"}
    for path in found:
        assert begins_with_docstring(path), f"{path} has no docstring"


def begins_with_docstring(path: Path) -> bool:
    """Return whether the first token of a module is a string with text in it; to parse whole modules takes longer."""
    others = (tokenize.COMMENT, tokenize.NL)
    with tokenize.open(path) as file:
        first = next(token for token in tokenize.generate_tokens(file.readline) if token.type not in others)
    return first.type == tokenize.STRING and bool(ast.literal_eval(first.string).strip())
