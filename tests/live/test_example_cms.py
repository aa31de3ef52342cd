"""The CMS in examples/cms/: identity, articles, and webhooks."""

import contextlib
import itertools
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.example import Client, ExampleCms, make_event
from tests.servers import run_concurrently

IDS = itertools.count(100)


@pytest.fixture(scope="module")
def cms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExampleCms]:
    """Serve the example from a folder that contains nothing else."""
    cms = ExampleCms(tmp_path_factory.mktemp("example"))
    cms.start()
    yield cms
    cms.stop()
    errors = re.findall(r"^[\w.]+(?:Error|Exception|Exit)\b.*", cms.log.read_text(), re.MULTILINE)
    assert [error for error in errors if "database is locked" not in error] == []  # One test locks it.


@pytest.fixture
def ann(cms: ExampleCms) -> Client:
    """Provide an editor."""
    return Client(cms, next(IDS))


@pytest.fixture
def boss(cms: ExampleCms) -> Client:
    """Provide a superuser."""
    return Client(cms, next(IDS), "boss", "superuser")


def author(cms: ExampleCms, account_id: int) -> tuple[object, ...]:
    """Return name, address, state and number of the author of an account."""
    (found,) = [row for row in cms.authors() if row[0] == account_id]
    return found[1:]


class TestPages:
    """Who may do what."""

    def test_a_visitor_reads_articles_and_sees_no_addresses(self, cms: ExampleCms, ann: Client) -> None:
        path = ann.write("The first snow", "It is white.")
        page = Client(cms).get(path)
        assert page.status == 200
        assert "The first snow" in page.text
        assert "Sign in" in page.text
        assert "ann@example.com" not in page.text
        assert "ann@example.com" in ann.get(path).text

    def test_a_visitor_can_do_nothing_else(self, cms: ExampleCms) -> None:
        for path in ("/", "/write/", "/admin/"):
            assert Client(cms).get(path).status == 401
        before = cms.rows("SELECT count(*) FROM article")
        assert Client(cms).post("/write/", "/articles/", title="T", text="T").status in (400, 401)
        assert cms.rows("SELECT count(*) FROM article") == before

    def test_pages_show_who_is_signed_in(self, cms: ExampleCms) -> None:
        page = Client(cms, next(IDS), "王小明 100 %").get("/articles/").text
        assert "Signed in as" in page
        assert "王小明 100 %" in page

    def test_an_editor_edits_only_their_own_articles_and_deletes_none(self, cms: ExampleCms, ann: Client) -> None:
        path, bob = ann.write(), Client(cms, next(IDS), "bob")
        number = path.split("/")[2]
        assert bob.get(f"/write/{number}/").status == 403
        assert bob.post(f"/write/{number}/", "/write/", title="Mine", text="Mine").status == 403
        for editor in (ann, bob):
            assert editor.get("/admin/").status == 403
            assert editor.post(f"/admin/articles/{number}/delete/", "/write/").status == 403
        assert ann.post(f"/write/{number}/", f"/write/{number}/", title="Other", text="Text").status == 303
        assert "Other" in ann.get(path).text

    def test_a_superuser_edits_and_deletes_articles(self, ann: Client, boss: Client) -> None:
        path = ann.write("Soon gone")
        number = path.split("/")[2]
        assert boss.post(f"/write/{number}/", f"/write/{number}/", title="Corrected", text="Text").status == 303
        assert boss.post(f"/admin/articles/{number}/delete/", "/admin/").status == 303
        assert "The article was deleted." in boss.get("/admin/").text
        assert ann.get(path).status == 404

    def test_the_name_of_another_host_is_refused_with_any_headers(self, cms: ExampleCms, ann: Client) -> None:
        """A page of another site can send any headers to a host whose name it makes lead to this machine."""
        for host in ("rebound.example.net", f"rebound.example.net:{cms.port}", "localhost.example.net"):
            for path in ("/", "/articles/", "/hooks/accounts", "/static/style.css"):
                reply = cms.send("GET", path, headers={**ann.identity, "Host": host})
                assert (reply.status, "Field Notes" in reply.text) == (400, False)
        assert cms.send("GET", "/", headers={**ann.identity, "Host": "localhost:8080"}).status == 200

    def test_a_form_without_its_token_changes_nothing(self, cms: ExampleCms, ann: Client, boss: Client) -> None:
        number = ann.write().split("/")[2]
        before = cms.rows("SELECT id, title FROM article")
        assert ann.post_without_token("/write/", title="T", text="T").status == 400
        assert ann.post_without_token(f"/write/{number}/", title="T", text="T").status == 400
        assert boss.post_without_token(f"/admin/articles/{number}/delete/").status == 400
        assert cms.rows("SELECT id, title FROM article") == before

    def test_a_refused_form_keeps_what_was_entered(self, ann: Client) -> None:
        page = ann.post("/write/", "/write/", title=" ", text="A long <text>.")
        assert page.status == 200
        assert "Enter a title." in page.text
        assert "A long &lt;text&gt;." in page.text

    def test_texts_of_editors_are_no_html(self, ann: Client) -> None:
        page = ann.get(ann.write("<b>T</b>", "<script>alert(1)</script>"))
        assert "<script" not in page.text
        assert "&lt;b&gt;T" in page.text
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]

    def test_concurrent_first_articles_of_an_author_are_all_stored(self, cms: ExampleCms) -> None:
        account_id = next(IDS)
        run_concurrently(lambda _: Client(cms, account_id).write(), 6)
        assert cms.rows(f"SELECT count(*) FROM article WHERE author_id = {account_id}") == [(6,)]
        assert author(cms, account_id) == ("ann", "ann@example.com", 1, 0)


class TestWebhooks:
    """Authors are as the account centre tells them."""

    def test_an_event_changes_the_author_of_articles(self, cms: ExampleCms, ann: Client) -> None:
        account_id, path = int(ann.identity["X-Account-Id"]), ann.write()
        assert cms.receive(make_event(account_id, 1, email="new@example.com", username="ann b")) == 204
        assert author(cms, account_id) == ("ann b", "new@example.com", 1, 1)
        assert "new@example.com" in ann.get(path).text

    def test_an_event_about_an_unknown_account_is_stored(self, cms: ExampleCms) -> None:
        account_id = next(IDS)
        assert cms.receive(make_event(account_id, 3)) == 204
        assert author(cms, account_id) == ("ann", "ann@example.com", 1, 3)

    def test_a_repetition_and_an_older_event_change_nothing(self, cms: ExampleCms) -> None:
        account_id = next(IDS)
        first, second = (make_event(account_id, number, username=f"name {number}") for number in (1, 2))
        for event in (first, second, first, second, make_event(account_id, 1, username="late")):
            assert cms.receive(event) == 204
        assert author(cms, account_id) == ("name 2", "ann@example.com", 1, 2)

    def test_concurrent_repetitions_are_stored_once_and_accepted(self, cms: ExampleCms) -> None:
        account_id = next(IDS)
        events = [make_event(account_id, number, username=f"name {number}") for number in (1, 2, 3)]
        statuses = run_concurrently(lambda number: cms.receive(events[number % 3]), 6)
        assert set(statuses) == {204}
        assert author(cms, account_id) == ("name 3", "ann@example.com", 1, 3)

    def test_a_disabled_account_is_marked_and_an_erased_one_leaves_no_personal_data(
        self, cms: ExampleCms, ann: Client
    ) -> None:
        account_id, path = int(ann.identity["X-Account-Id"]), ann.write()
        cms.receive(make_event(account_id, 1, is_disabled=True))
        assert "no longer active" in ann.get(path).text
        cms.receive(make_event(account_id, 2, redacted=True))
        assert author(cms, account_id) == ("ann", "ann@example.com", 0, 2)
        cms.receive(make_event(account_id, 3, is_disabled=True, is_erased=True, email="erased:7@erased.invalid"))
        assert author(cms, account_id) == ("Former author", "", 0, 3)

    def test_events_of_other_types_and_with_other_keys_are_accepted(self, cms: ExampleCms) -> None:
        before = cms.authors()
        event = make_event(next(IDS), 1)
        assert cms.receive({**event, "type": "webhook.test", "data": {}}) == 204
        assert cms.authors() == before
        event["data"]["after"]["later"] = "unknown"
        assert cms.receive({**event, "type": "account.something_new", "later": 1}) == 204

    @pytest.mark.parametrize(
        "headers",
        [
            {"webhook_signature": "v1,AAAA"},
            {"webhook_signature": "v1"},
            {"webhook_signature": "v1,="},
            {"webhook_signature": ""},
            {"webhook_timestamp": "1"},
            {"webhook_timestamp": "nan"},
            {"webhook_id": "evt_other"},
        ],
        ids=str,
    )
    def test_what_is_not_signed_is_refused(self, cms: ExampleCms, headers: dict[str, str]) -> None:
        before = cms.authors()
        assert cms.receive(make_event(next(IDS), 1), **headers) == 401
        assert cms.receive(make_event(next(IDS), 1), "whsec_" + "A" * 32) == 401
        assert cms.authors() == before

    def test_a_body_that_is_no_text_is_refused(self, cms: ExampleCms) -> None:
        signed = {"webhook-id": "x", "webhook-timestamp": "1", "webhook-signature": "v1,AAAA"}
        assert cms.send("POST", "/hooks/accounts", b"\xff", signed).status == 401

    def test_an_event_is_accepted_after_the_commit_only(self, cms: ExampleCms) -> None:
        account_id = next(IDS)
        event = make_event(account_id, 1)
        with contextlib.closing(sqlite3.connect(cms.database, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            assert cms.receive(event) == 500
        assert account_id not in [row[0] for row in cms.authors()]
        assert cms.receive(event) == 204
        assert author(cms, account_id) == ("ann", "ann@example.com", 1, 1)


@pytest.mark.parametrize("name", ["FLASK_SECRET_KEY", "FLASK_SQLALCHEMY_DATABASE_URI", "FLASK_WEBHOOK_SECRET"])
def test_a_missing_setting_prevents_the_start(tmp_path: Path, name: str) -> None:
    cms = ExampleCms(tmp_path)
    del cms._settings[name]
    with pytest.raises(AssertionError, match="the example ended"):
        cms.start()
    assert f"{name} is not set." in cms.log.read_text()
