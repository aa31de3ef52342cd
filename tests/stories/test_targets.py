"""Where a sign-in may lead: to any page with the same scheme, host and port, and nowhere else."""

import re
from urllib.parse import quote

import pytest

from cms import guard
from tests.actors import PAGE
from tests.environments import PRODUCTION, Environment
from tests.servers import seeded_random
from tests.stories.test_sign_in import FOREIGN

ANN = "ann@example.com"
OWN = {
    "/articles/": "/articles/",
    "/": "/",
    "/articles/?a=1&b=//evil.example#x": "/articles/?a=1&b=//evil.example#x",
    "/%2f/evil.example": "/%2f/evil.example",
    "/.//evil.example": "/.//evil.example",
    "/@evil.example": "/@evil.example",
    "https://cms.example.com/articles/?a=1": "/articles/?a=1",
    "https://cms.example.com": "/",
    "https://cms.example.com:443/x": "/x",
    "HTTPS://CMS.Example.COM/x": "/x",
    "https://cms.example.com/@evil.example": "/@evil.example",
}
OTHER_SITES = [
    *FOREIGN,
    "http://cms.example.com/",
    "http://cms.example.com:443/",
    "https://cms.example.com:8443/",
    "https://cms.example.com:/",
    "https://cms.example.com:0443x/",
    "https://cms.example.com:4430000/",
    "https://cms.example.com./",
    "https://cms.example.com.evil.example/",
    "https://evil.example/https://cms.example.com/",
    "https://xcms.example.com/",
    "https://sub.cms.example.com/",
    "https://cms.example.com@evil.example/",
    "https://cms.example.com:443@evil.example/",
    "https://user@cms.example.com/",
    "https://user:word@cms.example.com/",
    "https://@cms.example.com/",
    "https://cms.example.com\\@evil.example/",
    "https://cms.example.com\\.evil.example/",
    "https:\\\\cms.example.com/",
    "https:/cms.example.com/",
    "https:cms.example.com/",
    "https:///cms.example.com/",
    "https://cms.example.com//evil.example/",
    "https://cms.example.com/\\evil.example/",
    "https://cms.example.com?x",
    "https://cms.example.com#x",
    "https://cms。example。com/",
    "https://cms.example\uff0ecom/",
    "https://ⓒms.example.com/",
    "https://cms%2eexample.com/",
    "https://evil.example%00cms.example.com/",
    "https://cms.example.com\t/",
    "https://cms.example.com/\n/evil.example",
    "\thttps://cms.example.com/",
    "ht\ntps://evil.example/",
    "ftp://cms.example.com/",
    "javascript://cms.example.com/%0aalert(1)",
    "JaVaScRiPt:alert(1)",
    "data:text/html,x",
    "//cms.example.com/",
    "///cms.example.com/",
    "/\\/evil.example",
    "/\x00/evil.example",
    "/\x7f/evil.example",
    "/\u2028/evil.example",
    "/articles/\u202e",
    "\ufeff/articles/",
    "/文章/",
    "[::1]/",
    "https://[::1]/",
    "https://[::1",
    "https://",
    "https://?",
    "?next=/",
    "#x",
    ".",
    "*",
]


def open_sign_in_page(env: Environment, to: str, site: str) -> str:
    """Return where the sign-in page sends a signed-in administrator, in production at a URL."""
    env.administrator(ANN)
    app = env.app_with(**{**PRODUCTION, "SITE_URL": site})
    ann = env.signed_in(ANN, app=app)
    answer = ann.browser.send("GET", f"/cms/login/?next={quote(to, safe='')}", headers=PAGE)
    assert answer.status == 302, answer
    return answer.headers["Location"]


@pytest.mark.parametrize("to", OWN)
def test_a_page_of_the_same_site_is_opened_by_its_path(sqlite_env: Environment, to: str) -> None:
    assert open_sign_in_page(sqlite_env, to, "https://cms.example.com") == OWN[to]


@pytest.mark.parametrize("to", OTHER_SITES)
def test_no_other_site_is_opened_however_it_is_written(sqlite_env: Environment, to: str) -> None:
    assert open_sign_in_page(sqlite_env, to, "https://cms.example.com") == "/cms/"


@pytest.mark.parametrize("path", ["", "/admin/accounts"])
@pytest.mark.parametrize("root", ["https://cms.example.com:8443", "https://[2001:db8::1]"])
def test_the_site_is_that_of_the_settings_without_its_path(sqlite_env: Environment, root: str, path: str) -> None:
    assert open_sign_in_page(sqlite_env, f"{root}/x", root + path) == "/x"


def test_a_confirmed_password_leads_back_to_a_page_of_the_same_site(sqlite_env: Environment) -> None:
    ann = sqlite_env.person(ANN)
    assert ann.reauth(next="http://localhost/articles/7/?a=b").data == {"next": "/articles/7/?a=b"}
    assert ann.reauth(next="http://localhost@evil.example/").data == {"next": "/cms/"}


def test_what_is_opened_is_a_path_that_no_browser_takes_for_a_host(sqlite_env: Environment) -> None:
    random = seeded_random("targets")
    with sqlite_env.app.test_request_context():
        for _ in range(5000):
            text = "".join(random.choices("/\\:@.?#%htpsevil\t\n\r 0443[]。", k=random.randrange(20)))
            for prefix in ("", "http://localhost", "http://localhost:80/", "/"):
                path = guard.own_path(prefix + text)
                assert path is None or re.fullmatch(r"/(?!/)[!-\[\]-~]*", path)
