"""Forward authentication: what /cms/session/ tells a web server about the sender of a request."""

from urllib.parse import parse_qs, quote, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cms import forward_auth
from models import LoginSession, db
from tests.actors import PAGE, SCRIPT, Answer, Person
from tests.authenticators import options_on
from tests.environments import PRODUCTION, Environment
from tests.stories.admin_steps import superuser
from tests.stories.factor_steps import add_app, add_passkey, code_of, second_step, sign_in_first_step
from tests.stories.test_sign_in import FOREIGN

ANN, PATH = "ann@example.com", "/cms/session/"
IDENTITY = ("Remote-User", "Remote-Name", "Remote-Email", "Remote-Groups", "X-Account-Id", "X-Account-Proved-At")
ARTICLE = "/articles/?page=2&sort=new#top"
NON_ASCII = ["王小明", "Zoë Åström", "a%20b", "100 %", "%", "ann\u200d", "“Ann”, the 1st; =?", "𝒜nn"]


def ask(person: Person, query: str = "", uri: str = "/articles/", **headers: str) -> Answer:
    """Ask like a web server that got a request for a page."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return person.browser.send("GET", PATH + query, headers={**PAGE, "X-Forwarded-Uri": uri, **sent})


def identity(answer: Answer) -> dict[str, str]:
    """Return the headers that say who is signed in."""
    return {name: answer.headers[name] for name in IDENTITY if name in answer.headers}


def target(answer: Answer) -> str | None:
    """Return the page with which the sign-in page that an answer leads to would continue."""
    to = urlsplit(answer.headers["Location"])
    assert (to.scheme, to.netloc, to.path) == ("http", "localhost", "/cms/login/")
    return parse_qs(to.query).get("next", [None])[0]


class TestIdentity:
    """The headers that say who is signed in."""

    def test_they_describe_the_account_and_its_last_proof(self, env: Environment) -> None:
        ann = env.person(ANN)
        proved_at = env.clock.now()
        env.clock.advance(seconds=30)
        answer = ask(ann)
        assert answer.status == 204
        assert identity(answer) == {
            "Remote-User": "ann",
            "Remote-Name": "ann",
            "Remote-Email": ANN,
            "Remote-Groups": "editor",
            "X-Account-Id": str(env.account("ann").id),
            "X-Account-Proved-At": f"{proved_at:%Y-%m-%dT%H:%M:%SZ}",
        }
        ann.reauth()
        assert ask(ann).headers["X-Account-Proved-At"] == f"{env.clock.now():%Y-%m-%dT%H:%M:%SZ}"
        assert ask(superuser(env)).headers["Remote-Groups"] == "superuser"

    def test_the_id_stays_when_name_address_and_role_change(self, env: Environment) -> None:
        ann = env.person(ANN)
        before = ask(ann).headers["X-Account-Id"]
        env.update_account(ANN, username="anna", username_key="anna", is_superuser=True)
        ann.ask("new@example.com")
        assert ann.confirm("new@example.com", env.code_to("new@example.com")).status == 200
        found = identity(ask(ann))
        assert (found["Remote-User"], found["Remote-Email"], found["Remote-Groups"]) == (
            "anna",
            "new@example.com",
            "superuser",
        )
        assert found["X-Account-Id"] == before

    @pytest.mark.parametrize("name", NON_ASCII)
    def test_a_name_that_is_not_ascii_is_percent_encoded(self, sqlite_env: Environment, name: str) -> None:
        ann = sqlite_env.person(ANN)
        email = f"{name[0] if name[0].isalpha() else 'a%b'}+x@müller.example"
        sqlite_env.update_account(ANN, username=name, username_key="ann", email=email)
        found = identity(ask(ann))
        assert all(value.isascii() and value.isprintable() for value in found.values())
        assert found["Remote-User"] == found["Remote-Name"]
        assert unquote(found["Remote-User"], errors="strict") == name
        assert unquote(found["Remote-Email"], errors="strict") == email

    @given(text=st.text(alphabet=st.characters(exclude_categories=["Cs"])))
    def test_every_text_can_be_decoded_from_its_encoding(self, text: str) -> None:
        encoded = forward_auth.encode(text)
        assert encoded.isascii()
        assert encoded.isprintable()
        assert unquote(encoded, errors="strict") == text

    def test_a_response_has_no_body_and_no_cookie_and_is_not_stored_or_shared(self, env: Environment) -> None:
        env.administrator(ANN)
        ann = env.visitor(ANN)
        assert ann.sign_in(remember="y").status == 200
        refused = ask(env.visitor())
        for answer in (ask(ann), ask(ann, "?role=superuser"), refused, ask(env.visitor(), "?redirect=yes")):
            assert answer.body == b""
            assert "Content-Type" not in answer.headers
            assert "Set-Cookie" not in answer.headers
            assert answer.headers["Cache-Control"] == "no-store"
            assert "Cookie" in answer.headers["Vary"]
            assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
            assert "Access-Control" not in str(answer.headers)
        assert identity(refused) == {}

    def test_head_gets_the_same_headers_as_get(self, env: Environment) -> None:
        for person in (env.person(ANN), env.visitor()):
            answers = [person.browser.send(method, PATH, headers=PAGE) for method in ("GET", "HEAD")]
            ignored = {"X-Request-ID"}
            got, headed = ({k: v for k, v in each.headers.items() if k not in ignored} for each in answers)
            assert (answers[0].status, got) == (answers[1].status, headed)

    def test_a_page_of_another_site_learns_nothing(self, env: Environment) -> None:
        """Its browser sends no cookie (SameSite=Lax), and shows scripts no header (no CORS)."""
        env.administrator(ANN)
        ann = env.visitor(ANN)
        cookies = ann.sign_in().headers.getlist("Set-Cookie")
        assert all("SameSite=Lax" in cookie and "HttpOnly" in cookie for cookie in cookies)
        foreign = {"Origin": "https://evil.example", "Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "cors"}
        answer = ask(env.visitor(), **foreign)
        assert answer.status == 401
        assert "Access-Control" not in str(answer.headers)

    def test_a_link_on_another_site_leads_signed_in_administrators_to_the_cms(self, env: Environment) -> None:
        """The headers of the navigation reach this site with the request of the web server."""
        answer = ask(env.person(ANN), Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="navigate")
        assert answer.status == 204


class TestRefusals:
    """Who is refused, and with which status."""

    def test_the_cookie_is_sent_to_every_path_of_the_host(self, env: Environment) -> None:
        app = env.app_with(**PRODUCTION)
        env.administrator(ANN)
        ann = env.visitor(ANN, app=app)
        ann.browser.headers["X-Forwarded-Proto"] = "https"
        cookies = ann.sign_in().headers.getlist("Set-Cookie")
        session = next(each for each in cookies if each.startswith("__Host-session="))
        assert "Path=/;" in f"{session};"
        assert "Domain" not in session

    def test_a_visitor_a_forged_cookie_and_a_disabled_account_get_401(self, env: Environment) -> None:
        ann = env.person(ANN)
        assert ask(env.visitor()).status == 401
        forger = env.visitor()
        forger.browser.cookies["session"] = ann.browser.cookies["session"][:-1] + "AB"
        assert ask(forger).status == 401
        env.update_account(ANN, is_active=False)
        answer = ask(ann)
        assert (answer.status, identity(answer)) == (401, {})

    def test_a_session_that_was_ended_is_refused_at_once(self, env: Environment) -> None:
        ann, copy = env.person(ANN), env.visitor(ANN)
        copy.browser.cookies = dict(ann.browser.cookies)
        assert ask(copy).status == 204
        ann.reauth()  # The session has another id.
        assert [ask(person).status for person in (ann, copy)] == [204, 401]
        assert ann.sign_out().status == 200
        assert ask(ann).status == 401

    def test_a_sign_in_without_its_second_step_is_refused(self, env: Environment) -> None:
        app, _ = add_app(env, env.person(ANN))
        ann = sign_in_first_step(env, ANN)
        assert ask(ann).status == 401
        assert second_step(ann, code=code_of(env, app)).status == 200
        assert ask(ann).status == 204

    def test_work_in_the_cms_keeps_a_session_alive_as_pages_here_do(self, env: Environment) -> None:
        ann = env.person(ANN)
        for _ in range(4):
            env.clock.advance(seconds=3600)
            assert ask(ann).status == 204
        assert ann.get_as_script().status == 200
        env.clock.advance(seconds=3601)
        assert ask(ann).status == 401

    def test_work_in_the_cms_does_not_extend_a_session_beyond_its_absolute_limit(self, env: Environment) -> None:
        ann = env.person(ANN)
        for _ in range(12):
            env.clock.advance(seconds=3600)
            assert ask(ann).status == 204
        env.clock.advance(seconds=1)
        assert ask(ann).status == 401

    def test_a_use_is_stored_at_most_once_a_minute(self, env: Environment) -> None:
        ann = env.person(ANN)
        signed_in_at = env.clock.now()
        for seconds, expected in ((60, 0), (1, 61), (60, 61), (1, 122)):
            env.clock.advance(seconds=seconds)
            assert ask(ann).status == 204
            (row,) = env.rows(db.select(LoginSession.seen_at))
            assert (row.seen_at - signed_in_at).total_seconds() == expected

    def test_a_required_second_factor_that_is_missing_is_403_and_leads_to_its_set_up(self, env: Environment) -> None:
        """401 would lead to the sign-in page, which returns a signed-in administrator to the same page again."""
        env.administrator(ANN)
        app = env.app_with(SECOND_FACTOR="all", SECOND_FACTOR_GRACE_DAYS="1")
        ann = env.signed_in(ANN, app=app)
        assert ask(ann).status == 204
        env.clock.advance(days=1)
        ann = env.signed_in(ANN, app=app)
        answer = ask(ann)
        assert (answer.status, identity(answer)) == (403, {})
        assert answer.headers["Location"] == "http://localhost/cms/security/"
        assert "Location" not in ask(ann, **SCRIPT).headers
        redirect = ask(ann, "?redirect=yes")
        assert (redirect.status, redirect.headers["Location"]) == (303, "http://localhost/cms/security/")
        add_app(env, ann)
        assert ask(ann).status == 204

    def test_the_period_to_set_up_a_second_factor_begins_in_the_cms_too(self, env: Environment) -> None:
        env.administrator(ANN)
        env.visitor(ANN)
        ann = env.visitor(ANN)
        assert ann.sign_in(remember="y").status == 200
        strict = env.visitor(ANN, app=env.app_with(SECOND_FACTOR="all", SECOND_FACTOR_GRACE_DAYS="3"))
        strict.browser.cookies = ann.browser.cookies
        assert ask(strict).status == 204
        env.clock.advance(days=3)
        assert ask(strict).status == 403

    @pytest.mark.parametrize(
        ("query", "editor", "boss"),
        [
            ("?role=superuser", 403, 204),
            ("?role=editor", 204, 204),
            ("?role=editor&role=superuser", 403, 204),
            ("?role=superuser&role=editor", 403, 204),
            *(
                (f"?{query}", 403, 403)
                for query in ("role=admin", "role=", "role", "role=Superuser", "Role=superuser", "roles=superuser")
            ),
            *(
                (f"?{query}", 403, 403)
                for query in ("role=superuser&x=y", "redirect=no", "role=superuser%00", "role[]=x")
            ),
        ],
    )
    def test_a_role_that_is_missing_or_misspelt_is_403(
        self, sqlite_env: Environment, query: str, editor: int, boss: int
    ) -> None:
        """Not 400, which nginx answers with 500; and a misspelt condition must not admit everybody."""
        for person, status in ((sqlite_env.person(ANN), editor), (superuser(sqlite_env), boss)):
            answer = ask(person, query)
            assert answer.status == status
            assert bool(identity(answer)) == (status == 204)
            assert "Location" not in answer.headers
        assert ask(sqlite_env.visitor(), query).status == 401

    def test_a_refusal_is_named_in_the_log(self, sqlite_env: Environment, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level("INFO")
        ask(sqlite_env.visitor())
        ask(sqlite_env.person(ANN), "?role=superuser")
        lines = [record for record in caplog.records if record.name == "cms.requests"]
        words = [(record.status, record.error) for record in lines if record.route == PATH]  # type: ignore[attr-defined]
        assert words == [(401, "sign_in_required"), (403, "forbidden")]


class TestReturn:
    """How a person who is not signed in gets to the sign-in page, and back to the page of the CMS."""

    def test_a_page_leads_to_the_sign_in_page_and_a_script_does_not(self, env: Environment) -> None:
        visitor = env.visitor()
        page = ask(visitor, uri="/articles/?page=2&sort=new")
        assert (page.status, target(page)) == (401, "/articles/?page=2&sort=new")
        script = ask(visitor, **SCRIPT)
        assert script.status == 401
        assert "Location" not in script.headers
        assert "Location" not in env.visitor().browser.send("GET", PATH).headers

    def test_the_url_of_the_sign_in_page_begins_with_the_site_and_not_with_what_a_client_sends(
        self, env: Environment
    ) -> None:
        app = env.app_with(**{**PRODUCTION, "SITE_URL": "https://cms.example.com:8443"})
        answer = ask(env.visitor(app=app), Host="evil.example", X_Forwarded_Host="evil.example")
        assert answer.headers["Location"] == "https://cms.example.com:8443/cms/login/?next=/articles/"

    def test_with_redirect_the_response_is_the_redirect_itself(self, env: Environment) -> None:
        answer = ask(env.visitor(), "?redirect=yes")
        assert (answer.status, target(answer)) == (303, "/articles/")
        assert ask(env.visitor(), "?redirect=yes", **SCRIPT).status == 401
        assert ask(env.person(ANN), "?redirect=yes").status == 204
        assert ask(env.person("bob@example.com"), "?role=superuser&redirect=yes").status == 403

    @pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
    def test_after_a_form_the_sign_in_leads_to_the_page_of_the_form(self, env: Environment, method: str) -> None:
        sent = {"X_Forwarded_Method": method, "Referer": "http://localhost/articles/7/edit/?x=y"}
        assert target(ask(env.visitor(), uri="/articles/7/delete/", **sent)) == "/articles/7/edit/?x=y"
        foreign = {**sent, "Referer": "https://evil.example/articles/"}
        assert target(ask(env.visitor(), uri="/articles/7/delete/", **foreign)) is None

    @pytest.mark.parametrize(
        "uri", [*(each for each in FOREIGN if each.isprintable()), "/" + "x" * 2000, "/?" + "&" * 1500, "*", ""]
    )
    def test_a_strange_uri_leads_to_the_sign_in_page_without_it(self, sqlite_env: Environment, uri: str) -> None:
        assert target(ask(sqlite_env.visitor(), uri=uri)) is None

    def test_the_sign_in_leads_back_in_one_step_in_two_and_with_a_passkey(self, env: Environment) -> None:
        env.administrator(ANN)
        ann = env.visitor(ANN, script=False)
        page = urlsplit(ask(ann, uri="/articles/?page=2&sort=new").headers["Location"])
        shown = ann.page(f"{page.path}?{page.query}").text
        assert 'value="/articles/?page=2&amp;sort=new"' in shown
        assert ann.sign_in(next="/articles/?page=2&sort=new").path == "/articles/?page=2&sort=new"
        assert ask(ann).status == 204
        signed_in = env.signed_in(ANN)
        phone, _ = add_passkey(signed_in)
        app, _ = add_app(env, signed_in)
        visitor = env.visitor(ANN)
        second = visitor.sign_in(next="/articles/").data["next"]
        assert 'value="/articles/"' in visitor.page(second).text
        assert second_step(visitor, code=code_of(env, app), next="/articles/").data == {"next": "/articles/"}
        env.clock.advance(seconds=1)
        other = env.visitor()
        signed = phone.sign(options_on(other.page("/cms/login/?next=/articles/").text))
        assert other.post("/cms/login/passkey/", {"passkey": signed, "next": "/articles/"}).data == {
            "next": "/articles/"
        }
        assert ask(other).status == 204

    def test_a_signed_in_administrator_who_opens_the_sign_in_page_is_sent_on(self, env: Environment) -> None:
        ann = env.person(ANN)
        answer = ann.page("/cms/login/?next=" + quote("http://localhost/articles/?page=2", safe=""), follow=False)
        assert (answer.status, answer.headers["Location"]) == (302, "/articles/?page=2")
