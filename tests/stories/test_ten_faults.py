"""The ten faults of the tutorial on which the settings page is based: none of them occurs here.

There, `/cms/resetemail/` stores the code under the address only, sends it on GET, inverts the comparison, never deletes
it, ignores every error, and shows no response in the browser. There is one test per fault; other tests cover the
details.
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


def test_1_the_code_of_one_person_is_not_accepted_from_another(env: Environment) -> None:
    """There, the code was stored under the address only: everybody who was signed in could use it."""
    ann, thief = env.person(), env.person("thief@example.com")
    ann.ask(NEW)
    assert thief.confirm(NEW, env.code_to(NEW)).error == "code_expired"
    assert (ann.address(), thief.address()) == (OLD, "thief@example.com")


def test_2_an_empty_or_spaced_address_is_an_answer_and_no_fault(env: Environment) -> None:
    """There, the address was the key in memcached, which knows no empty keys and no blanks: a 500."""
    ann = env.person()
    for email in ("", " ", "a b@example.com", "new@example.com\n", "x" * 300 + "@example.com", "\x00@example.com"):
        answers = [ann.ask(email)] if email != "new@example.com\n" else []  # This one is stripped, and right.
        answers.append(ann.confirm(email, "123456"))
        assert {answer.status for answer in answers} == {400}, email


def test_3_wrong_codes_are_refused_and_right_ones_are_taken(env: Environment) -> None:
    """There, one copy had the comparison turned round, and no test."""
    ann = env.person()
    ann.ask(NEW)
    code = env.code_to(NEW)
    assert ann.confirm(NEW, different_code(code)).error == "code_wrong"
    assert ann.address() == OLD
    assert ann.confirm(NEW, code).status == 200
    assert ann.address() == NEW


def test_4_a_code_is_six_random_digits_that_serve_once_and_live_long_enough(env: Environment) -> None:
    """There, a code had no repeated letter, or was a slice of the clock; it lived for 60 s, and was never deleted."""
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
    assert any(len(set(code)) < 6 for code in codes)  # Digits repeat: 85 % of fair codes have a pair.
    (pending,) = env.rows(db.select(EmailChange.asked_at, EmailChange.expires_at))
    assert (pending.expires_at - pending.asked_at).total_seconds() == 600
    ann.ask(NEW)
    code = env.code_to(NEW)
    ann.confirm(NEW, code)
    ann.ask(OLD)
    ann.confirm(OLD, env.code_to(OLD))
    assert ann.confirm(NEW, code).error == "code_expired"


def test_5_a_mail_server_that_is_away_is_no_fault_and_no_lie(env: Environment) -> None:
    """There, a bare except made a 500 of it, or the code was stored after a mail that had never left."""
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


def test_6_opening_an_address_mails_nothing_and_nobody_gets_in_unknown(env: Environment) -> None:
    """There, a GET mailed the code, often without asking who was there."""
    ann, nobody = env.person(), env.visitor()
    for person in (ann, nobody):
        for method in ("GET", "HEAD"):
            answer = person.browser.send(method, f"/cms/email_captcha/?email={NEW}", headers={"Accept": "*/*"})
            assert answer.status == 405
    assert nobody.ask(NEW).error == "sign_in_required"
    assert nobody.confirm(NEW, "123456").error == "sign_in_required"
    assert nobody.cancel().error == "sign_in_required"
    assert env.mail_to(NEW) == []


def test_7_every_field_hears_what_is_wrong_with_it_and_nothing_is_printed(env: Environment, capfd: object) -> None:
    """There, reading the first error emptied the list, and the code was printed on the console."""
    ann = env.person()
    ann.ask(NEW)
    code = env.code_to(NEW)
    answer = ann.confirm("no address", "no code")
    assert set(answer.data["fields"]) == {"email", "captcha"}
    assert all(answer.data["fields"].values())
    ann.confirm(NEW, different_code(code))
    ann.confirm(NEW, code)
    printed = capfd.readouterr()  # type: ignore[attr-defined]
    assert code not in printed.out + printed.err


def test_8_a_refusal_has_its_status_and_a_script_hears_of_a_dead_network(env: Environment) -> None:
    """There, everything was HTTP 200, and $.ajax was given `fail`, an option that it does not know."""
    ann = env.person()
    assert ann.confirm(NEW, "123456").status == 400
    assert env.visitor().ask(NEW).status == 401
    script = (ROOT / "static" / "js" / "zlajax.js").read_text()
    assert re.search(r"'(complete|error)'\s*:|\.fail\(", script), "zlajax does not listen for a request that failed"
    assert "alertNetworkError" in script  # What then happens in a real browser stands in tests/browser/.
    call = script.partition("$.ajax({")[2].partition("});")[0]
    assert call
    assert not re.search(r"'?\bfail'?\s*:", call)


def test_9_an_address_that_somebody_has_is_no_fault(env: Environment) -> None:
    """There, nobody looked whether an address was free, and the database's no became a 500."""
    env.administrator("owner@example.com")
    ann, bob = env.person(), env.person("bob@example.com")
    assert ann.ask("owner@example.com").status == 200
    assert ann.confirm("owner@example.com", "123456").error == "code_wrong"
    env.clock.advance(seconds=60)
    ann.ask(NEW)
    bob.ask(NEW)
    of_ann, of_bob = (code_in(mail) for mail in env.mail_to(NEW))
    assert ann.confirm(NEW, of_ann).status == 200
    assert bob.confirm(NEW, of_bob).error == "email_taken"


def test_10_every_module_has_a_specific_name_and_a_docstring() -> None:
    """There, the rooms were called utils, exts and common; and here no module hides one of the standard library."""
    others = {".venv", "node_modules", "mutants"}
    folders = [path for path in ROOT.iterdir() if path.is_dir() and path.name not in others]
    found = [*ROOT.glob("*.py"), *(path for folder in folders for path in folder.rglob("*.py"))]
    assert len(found) > 30
    names = {path.stem for path in found} | {path.relative_to(ROOT).parent.name for path in found}
    assert not names & {"utils", "util", "exts", "extensions", "common", "helpers", "misc", "tools", "lib", "core"}
    assert not {path.stem for path in ROOT.glob("*.py")} & {"email", "code", "calendar", "types", "logging", "secrets"}
    for path in found:
        assert begins_with_docstring(path), f"{path} does not say what it is for"


def begins_with_docstring(path: Path) -> bool:
    """Return whether the first token of a module is a string with text in it; to parse whole modules takes longer."""
    others = (tokenize.COMMENT, tokenize.NL)
    with tokenize.open(path) as file:
        first = next(token for token in tokenize.generate_tokens(file.readline) if token.type not in others)
    return first.type == tokenize.STRING and bool(ast.literal_eval(first.string).strip())
