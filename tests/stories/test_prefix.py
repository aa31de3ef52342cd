"""The application below a path of a host: no URL leaves it, and everything works as at the root."""

import re
from urllib.parse import urlsplit

import pytest

from accounts.factors.passkeys import Site
from tests.actors import PAGE, Answer, html_of, text_of
from tests.environments import PRODUCTION, Environment
from tests.prefixed import PREFIX, MountedBrowser, PrefixedBrowser, ProxiedBrowser, find_urls, is_below
from tests.rendered import every_page
from tests.stories.admin_steps import act, run_flask, superuser
from tests.stories.factor_steps import add_app, add_passkey, code_of

OLD, NEW = "ann@example.com", "new@example.com"
HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)"')


@pytest.fixture(params=[MountedBrowser, ProxiedBrowser], ids=["below a dispatcher", "behind a proxy"])
def below(request: pytest.FixtureRequest, sqlite_env: Environment) -> Environment:
    """Provide an environment whose browsers use the application below a path, and check every URL that they get."""
    sqlite_env.browser = request.param
    if request.param is ProxiedBrowser:
        sqlite_env.settings |= {"CMS_ENV": "development", "TRUSTED_PROXIES": "1"}
    return sqlite_env


def location(answer: Answer) -> str:
    """Return where a redirect leads."""
    assert answer.status in (302, 303, 307, 308), answer
    return answer.headers["Location"]


@pytest.mark.slow
def test_every_url_of_every_page_exists_below_the_prefix(sqlite_env: Environment) -> None:
    """Follow every link and submit every form, without a token, so that nothing is changed."""
    sqlite_env.browser = MountedBrowser
    found: dict[str, str] = {}
    actions: dict[str, str] = {}
    for page in every_page(sqlite_env, "en"):
        assert page.answer.path.startswith(f"{PREFIX}/")
        found |= {url.removeprefix("http://localhost"): page.name for url in find_urls(page.answer)}
        actions |= dict.fromkeys(re.findall(r'method="post" action="([^"]+)"', page.answer.text), page.name)
    assert len(found) > 100
    assert len(actions) > 20
    boss = sqlite_env.signed_in("boss@example.com", script=False)
    for url, name in found.items():
        if url not in actions:
            answer = boss.page(url, follow=False)
            assert answer.status != 404, f"{name}: {answer}"
    for url, name in actions.items():
        answer = boss.browser.send("POST", url, b"", PAGE)
        assert answer.status not in (200, 303, 404, 405), f"{name}: {answer}"


def test_a_sign_in_continues_with_the_page_that_was_wanted(below: Environment) -> None:
    below.administrator(OLD)
    ann = below.visitor(OLD, script=False)
    refused = ann.page("/cms/security/?before=7", follow=False)
    assert location(refused) == f"{PREFIX}/cms/login/?next={PREFIX}/cms/security/?before%3D7"
    fields = dict(HIDDEN.findall(ann.page(location(refused)).text))
    assert ann.sign_in(next=fields["next"]).path == f"{PREFIX}/cms/security/?before=7"


@pytest.mark.parametrize("script", [True, False])
def test_a_sign_in_ends_on_the_start_page(below: Environment, *, script: bool) -> None:
    below.administrator(OLD)
    answer = below.visitor(OLD, script=script).sign_in()
    assert (answer.data["next"] if script else answer.path) == f"{PREFIX}/cms/"


@pytest.mark.parametrize("script", [True, False])
def test_the_second_step_keeps_the_page_that_was_wanted(below: Environment, *, script: bool) -> None:
    ann = below.person()
    app, _ = add_app(below, ann)
    visitor = below.visitor(OLD, script=script)
    wanted = f"{PREFIX}/cms/profile/"
    answer = visitor.sign_in(next=wanted)
    step = answer.data["next"] if script else answer.path
    assert step == f"{PREFIX}/cms/login/second/?next={wanted}"
    done = visitor.post("/cms/login/second/", {"code": code_of(below, app, 1), "next": wanted})
    assert (done.data["next"] if script else done.path) == wanted


def test_without_scripts_an_interrupted_form_is_submitted_again(below: Environment) -> None:
    ann = below.person(script=False)
    ann.token()
    below.clock.advance(seconds=601)
    refused = ann.ask(NEW)
    fields = dict(HIDDEN.findall(refused.text))
    assert (refused.status, fields["resume"]) == (401, f"{PREFIX}/cms/email_captcha/")
    del fields["csrf_token"]
    answer = ann.reauth(**fields)
    assert (answer.status, answer.path) == (200, f"{PREFIX}/cms/resetemail/")
    assert below.code_to(NEW)


def test_with_scripts_a_confirmed_password_returns_to_the_page(below: Environment) -> None:
    ann = below.person()
    below.clock.advance(seconds=601)
    assert ann.ask(NEW).error == "reauth_required"
    assert ann.reauth(next=f"{PREFIX}/cms/resetemail/").data["next"] == f"{PREFIX}/cms/resetemail/"
    assert ann.ask(NEW).status == 200


def links_in(below: Environment, address: str) -> list[str]:
    """Return the URLs in the mails to an address, which both parts contain."""
    found = []
    for mail in below.mail_to(address):
        urls = re.findall(r"https?://\S+", text_of(mail))
        assert all(url in html_of(mail) for url in urls)
        found += urls
    return found


def test_links_in_mails_open_below_the_prefix(below: Environment) -> None:
    boss = superuser(below, script=False)
    ann, guest = below.person(script=False), below.visitor(script=False)
    ann.ask(NEW)
    ann.confirm(NEW, below.code_to(NEW))
    guest.post("/cms/forgotpwd/", {"email": NEW})
    boss.post("/cms/users/invite/", {"email": "guest@example.com", "role": "editor"})
    below.person("dan@example.com")
    act(boss, below, "dan@example.com", "start_change", email="lost@example.com")
    below.clock.advance(days=2)
    links = [link for to in (OLD, NEW, "guest@example.com", "dan@example.com") for link in links_in(below, to)]
    kinds = [urlsplit(link).path.removeprefix(f"{PREFIX}/cms/").rsplit("/", 2)[0] for link in links]
    assert sorted(kinds) == ["forgotpwd", "register", "resetemail/stop", "resetemail/stop", "resetemail/undo"]
    for link in links:
        assert is_below(link)
        page = guest.page(urlsplit(link).path)
        assert page.status in (200, 410), page  # 410: the link to stop is too late.
    (undo,) = (urlsplit(link).path for link in links if "/undo/" in link)
    guest.discard_token()
    assert guest.post(undo).path == f"{PREFIX}/cms/resetemail/undone/"
    assert below.account("ann").email == OLD


def test_mails_of_production_lead_below_the_path_of_the_site(sqlite_env: Environment) -> None:
    """Wherever a request seems to come from, and without any request."""
    site = "https://cms.example.com/admin/accounts"
    app = sqlite_env.build(**{**PRODUCTION, "SITE_URL": f"{site}/", "TRUSTED_HOSTS": "localhost,cms.example.com"})
    sqlite_env.administrator(OLD)
    ann = sqlite_env.signed_in(OLD, app=app)
    ann.browser.headers["X-Forwarded-Prefix"] = "/forged"
    ann.get_as_script()
    assert ann.ask(NEW).status == 200
    run_flask(app, "email", "start", OLD, "other@example.com", "--reason", "lost")
    links = links_in(sqlite_env, OLD)
    assert len(links) == 2
    assert all(link.startswith(f"{site}/cms/resetemail/stop/") for link in links)


def test_error_pages_lead_back_below_the_prefix(below: Environment) -> None:
    ann = below.person(script=False)
    ann.browser.headers["Referer"] = f"http://localhost{PREFIX}/cms/profile/"
    page = ann.page("/nowhere/")
    assert page.status == 404
    assert f'href="{PREFIX}/cms/profile/"' in page.text
    assert f'href="{PREFIX}/cms/"' in page.text


def test_the_current_page_is_marked_in_the_navigation(below: Environment) -> None:
    ann = below.person(script=False)
    for path in ("/cms/", "/cms/profile/", "/cms/security/"):
        page = re.sub(r"\s+", " ", ann.page(path).text)
        assert re.findall(r'<a href="([^"]+)" aria-current="page"', page) == [PREFIX + path]


def test_a_path_without_its_last_slash_is_redirected_below_the_prefix(below: Environment) -> None:
    assert is_below(location(below.visitor().page("/cms/login", follow=False)))
    assert location(below.visitor().page("/", follow=False)) == f"{PREFIX}/cms/"


def test_a_request_outside_of_the_prefix_reaches_nothing(sqlite_env: Environment) -> None:
    sqlite_env.browser = MountedBrowser
    browser = sqlite_env.visitor().browser
    assert isinstance(browser, PrefixedBrowser)
    assert browser._client.get("/cms/login/").status_code == 404


MALICIOUS = [
    "//evil.example",
    "https://evil.example",
    "javascript:alert(1)",
    "evil.example",
    "/a\\b",
    "/\\evil.example",
    '/"><script>',
    "/a b",
    "/a//b",
    "/../x",
    "/./x",
    "/a/..",
    "/%2e%2e/x",
    "/管理".encode().decode("latin-1"),
    "/a?b",
    "/a#b",
    "/" + "a" * 200,
    "/",
]


@pytest.mark.parametrize("prefix", MALICIOUS)
def test_a_prefix_that_is_no_plain_path_is_ignored(sqlite_env: Environment, prefix: str) -> None:
    visitor = sqlite_env.visitor(app=sqlite_env.app_with(CMS_ENV="development", TRUSTED_PROXIES="1"))
    visitor.browser.headers["X-Forwarded-Prefix"] = prefix
    page = visitor.page("/cms/login/")
    assert page.status == 200
    assert all(url.startswith(("/assets/", "/cms/", "/dev/")) for url in find_urls(page))
    assert location(visitor.page("/cms/", follow=False)) == "/cms/login/?next=/cms/"


@pytest.mark.parametrize(
    ("hops", "header", "prefix"),
    [
        ("0", "/a", ""),
        ("1", "/a", "/a"),
        ("1", "/a/", "/a"),
        ("1", "/forged, /a", "/a"),
        ("1", "/forged,", ""),
        ("2", "/a", ""),
        ("2", "/a, /b", "/a"),
        ("2", "/forged, /a, /b", "/a"),
    ],
)
def test_only_trusted_proxies_set_the_prefix(sqlite_env: Environment, hops: str, header: str, prefix: str) -> None:
    visitor = sqlite_env.visitor(app=sqlite_env.app_with(CMS_ENV="development", TRUSTED_PROXIES=hops))
    visitor.browser.headers["X-Forwarded-Prefix"] = header
    assert location(visitor.page("/", follow=False)) == f"{prefix}/cms/"


def test_the_prefix_of_a_proxy_precedes_that_of_a_dispatcher(sqlite_env: Environment) -> None:
    app = sqlite_env.app_with(CMS_ENV="development", TRUSTED_PROXIES="1")
    browser = MountedBrowser(app)
    browser.headers["X-Forwarded-Prefix"] = "/site"
    answer = browser._client.get(f"{PREFIX}/", headers={"X-Forwarded-Prefix": "/site"})
    assert answer.headers["Location"] == f"/site{PREFIX}/cms/"


@pytest.mark.parametrize(
    "resume", ["/articles/", "/admin/", f"{PREFIX}/../articles/", f"{PREFIX}/cms/login", "/cms/email_captcha/"]
)
def test_an_interrupted_form_is_never_submitted_to_another_application(below: Environment, resume: str) -> None:
    """It would get the password that was just entered."""
    ann = below.person(script=False)
    answer = ann.post("/cms/reauth/", {"password": ann.password, "resume": resume})
    assert (answer.status, answer.path) == (200, f"{PREFIX}/cms/")


def test_two_account_centres_on_one_host_keep_their_sessions_apart(sqlite_env: Environment) -> None:
    first = sqlite_env.person(app=sqlite_env.build())
    second = sqlite_env.signed_in(OLD, app=sqlite_env.build(COOKIE_NAME="second"))
    assert first.browser.cookies.keys().isdisjoint(second.browser.cookies)
    first.browser.cookies |= second.browser.cookies
    second.browser.cookies = first.browser.cookies
    second.sign_out()
    assert first.get_as_script().status == 200


def test_a_difference_from_the_path_of_the_site_is_logged_once(
    sqlite_env: Environment, caplog: pytest.LogCaptureFixture
) -> None:
    app = sqlite_env.build(SITE_URL=f"http://localhost{PREFIX}", CMS_ENV="development")
    sqlite_env.visitor(app=app).get_as_script("/healthz")
    assert "SITE_URL" not in caplog.text
    for _ in range(3):
        sqlite_env.visitor(app=app).page("/cms/login/")
    lines = [line for line in caplog.messages if "SITE_URL" in line]
    assert lines == [
        f"pages are served below '', but links in mails lead below '{PREFIX}': SITE_URL must have the path of the pages"
    ]


def test_passkeys_belong_to_the_host_whatever_the_path() -> None:
    assert Site.of("https://cms.example.com/admin/accounts") == Site("https://cms.example.com", "cms.example.com")


def test_a_passkey_signs_in_below_the_prefix(below: Environment) -> None:
    ann = below.person()
    authenticator, _ = add_passkey(ann)
    below.clock.advance(seconds=1)
    visitor = below.visitor()
    options = visitor.get_as_script("/cms/login/passkey/").data["passkey"]
    answer = visitor.post("/cms/login/passkey/", {"passkey": authenticator.sign(options)})
    assert answer.data["next"] == f"{PREFIX}/cms/"


def test_forward_authentication_leads_below_the_path_of_the_site_without_a_prefix(sqlite_env: Environment) -> None:
    """Web servers ask a node directly."""
    app = sqlite_env.app_with(SITE_URL=f"http://localhost{PREFIX}", CMS_ENV="development")
    answer = sqlite_env.visitor(app=app).browser.send(
        "GET", "/cms/session/", headers={**PAGE, "X-Forwarded-Uri": "/drafts/"}
    )
    assert answer.status == 401
    assert answer.headers["Location"] == f"http://localhost{PREFIX}/cms/login/?next=/drafts/"


def test_forward_authentication_in_development_leads_below_the_prefix(below: Environment) -> None:
    headers = {**PAGE, "X-Forwarded-Uri": "/drafts/"}
    answer = below.visitor().browser.send("GET", "/cms/session/", headers=headers)
    assert answer.headers["Location"] == f"http://localhost{PREFIX}/cms/login/?next=/drafts/"
