"""The metrics of a running site."""

import http.client
import runpy
import signal
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.actors import different_code
from tests.conftest import ENVIRONMENTS
from tests.example import listening_processes
from tests.live.conftest import Serve
from tests.live.sites import Site
from tests.servers import ROOT, PostgresServer, eventually, free_port, start_command, terminate

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def read_metrics(port: int) -> Samples:
    """Return the samples of the exporter, by name and labels."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", "/metrics")
    response = connection.getresponse()
    assert response.status == 200
    text = response.read().decode()
    connection.close()
    families = text_string_to_metric_families(text)
    return {
        (each.name, tuple(sorted(each.labels.items()))): each.value for family in families for each in family.samples
    }


def requests_of(samples: Samples, route: str, status: int) -> float:
    """Return the number of requests of a route that had this status."""
    return samples.get(("cms_requests_total", (("route", route), ("status", str(status)))), 0)


def events(samples: Samples) -> dict[str, float]:
    """Return the number of each event."""
    return {labels[0][1]: value for (name, labels), value in samples.items() if name == "cms_events_total"}


@pytest.fixture(scope="module")
def port() -> int:
    """Return the port of the metrics."""
    return free_port()


@pytest.fixture(scope="module")
def metrics_site(serve: Serve, port: int) -> Iterator[Site]:
    """Serve a site with metrics, which every worker serves: a test kills one of them."""
    with serve(ENVIRONMENTS[1], METRICS_PORT=str(port)) as site:
        eventually(lambda: listening_processes(port) == sorted(site.server.workers()), "all workers serve the metrics")
        yield site


def test_the_change_of_an_address_is_counted_step_by_step(metrics_site: Site, port: int) -> None:
    site = metrics_site
    before, ann, new = read_metrics(port), site.person_with_session(), site.new_address()
    ann.ask(new)
    code = site.code_to(new)
    ann.confirm(new, different_code(code))
    ann.confirm(new, code)
    eventually(site.all_mail_is_sent, "all mail is sent")
    after = read_metrics(port)
    assert requests_of(after, "/cms/email_captcha/", 200) == requests_of(before, "/cms/email_captcha/", 200) + 1
    assert requests_of(after, "/cms/resetemail/", 400) == requests_of(before, "/cms/resetemail/", 400) + 1
    names = "code_requested", "code_wrong", "email_changed"
    assert [events(after)[name] - events(before).get(name, 0) for name in names] == [1, 1, 1]
    assert after["cms_refusals_total", (("route", "/cms/resetemail/"), ("word", "code_wrong"))] >= 1
    assert after["cms_mails_total", (("kind", "code"), ("result", "sent"))] >= 1
    assert after["cms_mail_seconds_count", ()] >= 3
    assert after["cms_request_seconds_count", (("route", "/cms/resetemail/"),)] >= 2
    assert after["cms_requests_in_progress", ()] == 0
    assert after["cms_mails_queued", ()] == after["cms_mails_set_aside", ()] == 0
    assert after["cms_database_up", ()] == 1
    assert abs(after["cms_clock_offset_seconds", ()]) < 60


def test_all_processes_are_added_up_also_after_one_was_killed(metrics_site: Site, port: int) -> None:
    site = metrics_site
    workers = site.server.workers()
    assert len(workers) == 2
    before = requests_of(read_metrics(port), "/healthz", 200)
    visitor = site.visitor()
    for _ in range(20):
        visitor.get_as_script("/healthz")
    assert {requests_of(read_metrics(port), "/healthz", 200) for _ in range(8)} == {before + 20}
    site.server.kill_worker(workers[0])
    assert {requests_of(read_metrics(port), "/healthz", 200) for _ in range(8)} == {before + 20}
    assert read_metrics(port)["cms_requests_in_progress", ()] == 0


def test_labels_never_contain_input(metrics_site: Site, port: int) -> None:
    visitor = metrics_site.visitor()
    for path in ("/cms/register/secret-token/", "/secret-path/", "/cms/login/?next=secret"):
        visitor.page(path)
    visitor.sign_in(email="secret@example.com", password="secret")
    labels = {value for _, pairs in read_metrics(port) for _, value in pairs}
    assert [value for value in labels if "secret" in value] == []
    assert "/cms/register/<token>/" in labels


def test_the_site_itself_serves_no_metrics(metrics_site: Site) -> None:
    assert metrics_site.visitor().page("/metrics").status == 404


def test_a_database_that_does_not_respond_does_not_stop_the_metrics(
    metrics_site: Site, port: int, postgres: PostgresServer
) -> None:
    metrics_site.visitor().get_as_script("/healthz")
    postgres.freeze()
    try:
        samples = read_metrics(port)
    finally:
        postgres.thaw()
    assert samples["cms_database_up", ()] == 0
    assert ("cms_mails_queued", ()) not in samples
    assert requests_of(samples, "/healthz", 200) > 0


@pytest.mark.usefixtures("metrics_site")
def test_two_servers_do_not_share_a_port(serve: Serve, port: int) -> None:
    message = rf"METRICS_PORT={port} on 127\.0\.0\.1 cannot be used: Address already in use"
    with pytest.raises(AssertionError, match=message), serve(ENVIRONMENTS[0], METRICS_PORT=str(port)):
        pass
    assert read_metrics(port)["cms_database_up", ()] == 1


def test_a_reload_keeps_what_was_counted(metrics_site: Site, port: int) -> None:
    before, workers = read_metrics(port), metrics_site.server.workers()
    metrics_site.server.reload()
    eventually(lambda: not set(metrics_site.server.workers()) & set(workers), "the workers are replaced")
    metrics_site.visitor().get_as_script("/healthz")
    assert requests_of(read_metrics(port), "/healthz", 200) > requests_of(before, "/healthz", 200)


def test_a_delivering_process_serves_its_metrics(serve: Serve) -> None:
    port = free_port()
    with serve(ENVIRONMENTS[1], MAIL_DELIVERY="worker") as site:
        site.person_with_session().ask(site.new_address())
        worker = start_command(site.settings, "mail", "deliver", "--watch", "--metrics-port", str(port))
        try:
            eventually(site.all_mail_is_sent, "all mail is sent")
            assert read_metrics(port)["cms_mails_total", (("kind", "code"), ("result", "sent"))] == 1
        finally:
            terminate(worker, signal.SIGTERM)


def test_in_production_the_port_is_by_default_that_of_the_site_and_a_thousand() -> None:
    share_metrics: Any = runpy.run_path(str(ROOT / "gunicorn.conf.py"))["share_metrics"]
    port = free_port()
    server = SimpleNamespace(cfg=SimpleNamespace(address=["/run/cms.sock", ("127.0.0.1", port - 1000)], env_orig={}))
    found = share_metrics(server, {"METRICS_HOST": "127.0.0.1", "METRICS_PORT": None})
    assert (found.host, found.port) == ("127.0.0.1", port)
    found.reserved.close()
    found.folder.rmdir()
    server.cfg.address = ["/run/cms.sock"]
    assert share_metrics(server, {"METRICS_HOST": "127.0.0.1", "METRICS_PORT": None}) is None
