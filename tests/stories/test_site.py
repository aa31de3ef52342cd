"""The name, the logo, the styles, the links and the help of the operator, on pages and in mails."""

import re
from email.header import decode_header
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask

from accounts.mail import messages
from accounts.mail.smtp import build_message
from accounts.origin import COMMAND_LINE
from cms.headers import CSP
from models import Mail
from tests.actors import PAGE, text_of
from tests.environments import Environment
from tests.markup import Element, read
from tests.rendered import every_page
from tests.stories.factor_steps import set_up_app
from tests.test_mail import EACH_KIND, EXPECTED, create_account, write_letter

ANN = "ann@example.com"
NAME = 'Größe & <b>"Söhne"</b> 中心'
LINKS = "Articles=/articles/?a=b&c=d, Home=https://example.com/"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 9"><script>alert(1)</script></svg>'


def header_of(page: str) -> Element:
    """Return the header of a page."""
    return read(page).one("header")


class TestName:
    """SITE_NAME."""

    @pytest.mark.parametrize(("language", "name"), [("zh", "账号中心"), ("en", "Account centre")])
    def test_without_a_name_pages_have_the_translated_name_of_the_product(
        self, sqlite_env: Environment, language: str, name: str
    ) -> None:
        visitor = sqlite_env.visitor(script=False)
        visitor.browser.headers["Accept-Language"] = language
        page = read(visitor.page("/cms/login/").text)
        assert page.one("title").text.endswith(f" · {name}")
        assert page.one("a", class_="brand").text.split() == ["C", *name.split()]

    @pytest.mark.slow
    def test_the_name_is_shown_and_escaped_on_every_page_and_is_not_translated(self, sqlite_env: Environment) -> None:
        sqlite_env.settings.update(SITE_NAME=NAME)
        for page in every_page(sqlite_env, "en"):
            text = page.answer.text
            assert "Account centre" not in text, page.name
            assert "<b>" not in text, page.name
            assert read(text).one("title").text.endswith(f" · {NAME}"), page.name
            assert header_of(text).one("span", class_="brand-name").text == NAME, page.name

    def test_the_first_letter_of_the_name_stands_for_a_missing_logo(self, sqlite_env: Environment) -> None:
        for name, shown in (("acme", "A"), ("张伟出版社", "张"), ("«2 e\u0301toiles»", "2"), ("é", "É"), ("", "C")):
            page = sqlite_env.visitor(app=sqlite_env.app_with(SITE_NAME=name)).page("/cms/login/").text
            assert header_of(page).one("span", class_="brand-mark").text == shown

    @EACH_KIND
    def test_the_name_is_in_the_first_line_and_the_subject_of_every_mail(
        self, sqlite_env: Environment, kind: str
    ) -> None:
        plain = (EXPECTED / f"{kind}.en.txt").read_text().partition("\n")[0]
        sqlite_env.settings.update(SITE_NAME=NAME)
        letter = write_letter(sqlite_env, kind, "en")
        assert letter.subject == f"{plain} · {NAME}"
        assert letter.body.splitlines()[0] == f"{NAME} · cms.example.com"
        assert letter.body.endswith(f"\n-- \n{NAME} · cms.example.com\n")
        assert next(read(letter.html).one("body").all("p")).text == f"{NAME} · cms.example.com"
        assert "Account centre" not in letter.html + letter.body
        assert "<b>" not in letter.html

    def test_a_mail_with_a_long_chinese_name_arrives(self, env: Environment) -> None:
        name = "长" * 60
        ann = env.person(ANN, app=env.app_with(SITE_NAME=name))
        assert ann.ask("new@example.com").status == 200
        env.deliver(ann.browser.app)
        (mail,) = env.mail_to("new@example.com")
        assert str(mail["Subject"]).endswith(f" · {name}")
        assert text_of(mail).startswith(name)

    @pytest.mark.parametrize(
        "name", ["长" * 60, "a" + "🦊" * 59, NAME, "a" * 60, "x, y; (z) <a@example.com>", "%s {} \\r\\n"]
    )
    def test_the_name_is_encoded_in_the_subject(self, sqlite_env: Environment, name: str) -> None:
        """In ASCII, in lines of at most 76 characters, whose words contain whole characters (RFC 2047, 2 and 5)."""
        sqlite_env.settings.update(SITE_NAME=name)
        letter = write_letter(sqlite_env, "code", "en")
        mail = Mail(
            **{part: getattr(letter, part) for part in ("subject", "body", "html")},
            recipient=ANN,
            message_id="<1@example.com>",
            created_at=sqlite_env.clock.now(),
        )
        with sqlite_env.app.app_context():
            sent = build_message(mail).as_bytes().partition(b"\r\n\r\n")[0].decode("ascii")
        found = re.search(r"^Subject: [^\r\n]+(\r\n [^\r\n]+)*", sent, re.MULTILINE)
        assert found
        assert max(map(len, found[0].split("\r\n"))) <= 76
        words = found[0].removeprefix("Subject: ").split("\r\n ")
        assert all(re.fullmatch(r"=\?utf-8\?[bq]\?[!->@-~]+\?=", word) for word in words)
        decoded = "".join(content.decode(charset) for word in words for content, charset in decode_header(word))
        assert decoded == letter.subject == f"012345 is the code for your new email address · {name}"

    def test_a_long_name_is_shortened_for_authenticator_apps_so_that_the_code_can_be_scanned(
        self, sqlite_env: Environment
    ) -> None:
        app = sqlite_env.app_with(SITE_NAME="长" * 60)
        sqlite_env.administrator(ANN)
        uri = setup_uri(sqlite_env, app)
        assert parse_qs(urlsplit(uri).query)["issuer"] == ["长" * 13]
        assert len(uri) < 350

    def test_authenticator_apps_and_passkeys_show_the_name(self, sqlite_env: Environment) -> None:
        app = sqlite_env.app_with(SITE_NAME="Acme: Press", SITE_URL="http://localhost")
        ann = sqlite_env.person(app=app)
        options = ann.post("/cms/security/passkeys/options/").data["options"]
        assert options["rp"] == {"id": "localhost", "name": "Acme: Press"}
        assert set_up_app(ann).issuer in (None, "Acme Press")
        uri = urlsplit(setup_uri(sqlite_env, app))
        assert parse_qs(uri.query)["issuer"] == ["Acme Press"]  # A colon would separate the name from the address.

    def test_without_a_name_authenticator_apps_and_passkeys_show_the_host(self, sqlite_env: Environment) -> None:
        app = sqlite_env.app_with(SITE_URL="http://localhost:5000")
        ann = sqlite_env.person(app=app)
        assert ann.post("/cms/security/passkeys/options/").data["options"]["rp"]["name"] == "localhost"
        assert parse_qs(urlsplit(setup_uri(sqlite_env, app)).query)["issuer"] == ["localhost:5000"]

    @pytest.mark.parametrize("password", ["acme-press", "AcmePress2026", "press acme press"])
    def test_a_password_must_not_consist_of_the_name(self, sqlite_env: Environment, password: str) -> None:
        for app, error in ((sqlite_env.app, None), (sqlite_env.app_with(SITE_NAME="Acme Press"), "invalid")):
            ann = sqlite_env.person(f"ann{error}@example.com", app=app)
            sent = {"oldpwd": ann.password, "password": password, "repetition": password}
            assert ann.post("/cms/resetpwd/", sent).error == error


def setup_uri(env: Environment, app: Flask) -> str:
    """Return the URI for an authenticator app that the page of an administrator shows as a QR code."""
    with pytest.MonkeyPatch.context() as patch:
        seen: list[str] = []
        from accounts.factors import authenticator_app  # noqa: PLC0415

        real = authenticator_app.qr_code
        patch.setattr(authenticator_app, "qr_code", lambda uri: seen.append(uri) or real(uri))
        set_up_app(env.signed_in(ANN, app=app))
    return seen[-1]


class TestFiles:
    """SITE_LOGO and SITE_STYLES."""

    @pytest.fixture
    def branded(self, sqlite_env: Environment, tmp_path: Path) -> Flask:
        """Return an application with a logo that contains a script, and styles."""
        (tmp_path / "a.svg").write_bytes(SVG)
        (tmp_path / "a.css").write_bytes(b".brand { color: teal }")
        return sqlite_env.app_with(SITE_LOGO=str(tmp_path / "a.svg"), SITE_STYLES=str(tmp_path / "a.css"))

    def test_pages_load_them_by_hashed_urls_the_styles_last(self, sqlite_env: Environment, branded: Flask) -> None:
        visitor = sqlite_env.visitor(app=branded)
        answer = visitor.page("/cms/login/")
        page = read(answer.text)
        assert answer.headers["Content-Security-Policy"] == CSP
        assert list(page.all("span", class_="brand-mark")) == []
        logo = page.one("img", class_="brand-logo")
        assert logo["alt"] == ""  # The name is beside it.
        styles = [link["href"] for link in page.all("link", rel="stylesheet")]
        assert [url.rpartition("/")[2] for url in styles[-2:]] == ["cms.css", "site.css"]
        for url, content, kind in (
            (logo["src"], SVG, "image/svg+xml"),
            (styles[-1], b".brand { color: teal }", "text/css"),
        ):
            response = visitor.browser.send("GET", url, headers={"Accept-Encoding": "identity"})
            assert (response.status, response.headers["Content-Type"].partition(";")[0]) == (200, kind)
            assert "immutable" in response.headers["Cache-Control"]
            assert response.headers["X-Content-Type-Options"] == "nosniff"
            assert response.body == content
            digest = url.split("/")[-2]
            assert visitor.browser.send("GET", url.replace(digest, "0" * len(digest))).status == 404

    def test_a_script_in_the_logo_cannot_run_where_it_is_opened_as_a_page(
        self, sqlite_env: Environment, branded: Flask
    ) -> None:
        visitor = sqlite_env.visitor(app=branded)
        url = read(visitor.page("/cms/login/").text).one("img")["src"]
        policy = visitor.browser.send("GET", url).headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; ")
        assert "script-src" not in policy
        assert policy.endswith("; sandbox")
        script = next(read(visitor.page("/cms/login/").text).all("script"))["src"]
        assert visitor.browser.send("GET", script).headers["Content-Security-Policy"] == CSP

    def test_without_files_there_are_no_other_assets(self, sqlite_env: Environment, branded: Flask) -> None:
        url = read(sqlite_env.visitor(app=branded).page("/cms/login/").text).one("img")["src"]
        visitor = sqlite_env.visitor()
        assert visitor.browser.send("GET", url).status == 404
        assert list(read(visitor.page("/cms/login/").text).all("img")) == []

    def test_a_changed_file_has_another_url_after_a_restart(self, sqlite_env: Environment, tmp_path: Path) -> None:
        file, urls = tmp_path / "a.css", set()
        for content in (b"a {}", b"b {}"):
            file.write_bytes(content)
            visitor = sqlite_env.visitor(app=sqlite_env.build(SITE_STYLES=str(file)))
            url = list(read(visitor.page("/cms/login/").text).all("link", rel="stylesheet"))[-1]["href"]
            file.write_bytes(b"not read again {}")
            assert visitor.browser.send("GET", url).body == content
            urls.add(url)
        assert len(urls) == 2


class TestLinks:
    """SITE_LINKS and SUPPORT_URL."""

    @pytest.mark.slow
    def test_links_are_in_the_header_of_every_page_and_lead_out_of_the_application(
        self, sqlite_env: Environment
    ) -> None:
        sqlite_env.settings.update(SITE_LINKS=LINKS)
        for page in every_page(sqlite_env, "en"):
            links = header_of(page.answer.text).one("nav", class_="container site-links").all("a")
            found = [(link["href"], link["rel"], link.text) for link in links]
            assert found == [
                ("/articles/?a=b&c=d", "external", "Articles ↗\ufe0e"),
                ("https://example.com/", "external", "Home ↗\ufe0e"),
            ], page.name

    def test_a_path_of_a_link_gets_no_prefix(self, sqlite_env: Environment) -> None:
        app = sqlite_env.app_with(SITE_LINKS=LINKS, SUPPORT_URL="/help/")
        below = {"SCRIPT_NAME": "/admin/accounts"}
        page = read(app.test_client().get("/cms/login/", headers=PAGE, environ_overrides=below).text)
        assert page.one("a", class_="brand")["href"] == "/admin/accounts/cms/"
        assert next(page.all("a", rel="external"))["href"] == "/articles/?a=b&c=d"
        assert page.one("a", rel="external help")["href"] == "/help/"

    def test_help_is_linked_at_the_sign_in_and_on_error_pages(self, sqlite_env: Environment) -> None:
        for app, number in ((sqlite_env.app, 0), (sqlite_env.app_with(SUPPORT_URL="mailto:help@example.com"), 1)):
            visitor = sqlite_env.visitor(app=app, script=False)
            for path in ("/cms/login/", "/cms/forgotpwd/", "/cms/nothing/", f"/cms/forgotpwd/{'A' * 43}/"):
                links = read(visitor.page(path).text).one("main").all("a", rel="external help")
                assert [link["href"] for link in links] == ["mailto:help@example.com"] * number

    @pytest.mark.parametrize(
        ("url", "shown"),
        [
            ("/help/", "https://cms.example.com/help/"),
            ("https://example.com/help?a=b", "https://example.com/help?a=b"),
            ("mailto:help@example.com?subject=CMS", "help@example.com"),
        ],
    )
    def test_mails_end_with_where_to_get_help(self, sqlite_env: Environment, url: str, shown: str) -> None:
        sqlite_env.settings.update(SUPPORT_URL=url)
        letter = write_letter(sqlite_env, "factor_changed", "en")
        assert letter.body.endswith(f"\n-- \nAccount centre · cms.example.com\nHelp: {shown}\n")
        assert f"Help: {shown}" in read(letter.html).one("body").text
        links = [link["href"] for link in read(letter.html).all("a")]
        assert links == ([] if "@" in shown else [shown])

    def test_a_mail_without_a_site_names_no_path(self, sqlite_env: Environment) -> None:
        """A command in development may not know the address of the site."""
        app = sqlite_env.app_with(SUPPORT_URL="/help/")
        with app.app_context():
            assert "Help" not in messages.password_changed(create_account("en"), COMMAND_LINE, by="-").body
