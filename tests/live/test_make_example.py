"""`make example`: the account centre and the example behind nginx, in a copy of the checkout."""

import http.client
import os
import signal
import socket
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.example import listening_addresses, listening_processes, processes_inside
from tests.live.checkouts import DEADLINE_SECONDS, Running, copy_checkout, make, read_lines, running_make
from tests.live.test_forward_auth import FORGED, SPELLINGS, forge
from tests.servers import eventually, free_port, freeze, is_closed

EXAMPLE = ("examples", "deploy", "tests/machine.sh")


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Provide a copy of the checkout."""
    return copy_checkout(tmp_path_factory.mktemp("checkout") / "moved folder", *EXAMPLE)


@pytest.fixture(scope="module")
def running(checkout: Path) -> Iterator[Running]:
    """Provide a `make example` that serves. Settings of the developer's shell do not affect it."""
    foreign = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/x", "FLASK_SECRET_KEY": "", "CMS_ENV": "production"}
    with running_make(checkout, "example", free_port(3), **foreign) as running:
        yield running


def get(port: int, path: str, *headers: tuple[str, str]) -> tuple[int, str, str]:
    """Return the status, the location and the body of a page."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.putrequest("GET", path, skip_host=True)
    for name, value in [("Host", f"localhost:{port}"), ("Accept", "text/html"), *headers]:
        connection.putheader(name, value)
    connection.endheaders()
    response = connection.getresponse()
    found = response.status, response.headers.get("Location", ""), response.read().decode()
    connection.close()
    return found


def test_it_prints_a_sign_in_and_its_address_once_it_serves(running: Running) -> None:
    site = f"http://localhost:{running.port}"
    assert running.lines[-1] == f"Serving on {site}/ - Ctrl-C stops it.", running.lines
    assert running.lines[0].startswith("Demonstration sign-in:  admin@example.com  password:  ")
    printed = [line.split()[-1].removeprefix(site) for line in running.lines if site in line and "Serving" not in line]
    assert printed == ["/articles/", "/admin/accounts/cms/", "/admin/accounts/dev/mailbox/"]
    assert [get(running.port, path)[0] for path in printed] == [200, 303, 200]


def test_editors_are_asked_to_sign_in_at_the_account_centre(running: Running) -> None:
    status, location, _ = get(running.port, "/write/")
    sign_in = f"http://localhost:{running.port}/admin/accounts/cms/login/"
    assert (status, location.partition("?")[0]) == (303, sign_in)
    assert get(running.port, location.partition(str(running.port))[2])[0] == 200


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_forged_identity_does_not_reach_the_example(running: Running, spelling: str) -> None:
    status, _, page = get(running.port, "/articles/", *forge(spelling))
    assert (status, "Signed in as" in page, FORGED in page) == (200, False, False)
    for path in ("/", "/write/", "/admin/"):
        assert get(running.port, path, *forge(spelling))[0] == 303


def test_only_this_machine_can_reach_its_parts(running: Running) -> None:
    for port in range(running.port, running.port + 3):
        assert listening_addresses(port) == {"0100007F"}  # 127.0.0.1


def test_a_visitor_cannot_reach_the_receiver_of_webhooks_through_the_web_server(running: Running) -> None:
    for path in ("/hooks/accounts", "/articles/../hooks/accounts", "/static/%2e%2e/hooks/accounts", "//hooks/accounts"):
        assert get(running.port, path)[0] == 303


def test_what_it_stores_is_in_one_folder_that_only_its_owner_can_access(running: Running) -> None:
    folder = running.checkout / "examples" / "instance"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for name in ("keys.json", "accounts.env"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
    assert not (running.checkout / "instance").exists()
    assert not (running.checkout / "examples" / "cms" / "instance").exists()


def test_a_second_one_in_the_same_folder_is_one_clear_line(running: Running) -> None:
    assert refusal(running.checkout, free_port(3)) == ["`make example` is already running in this folder."]


@pytest.mark.parametrize("number", range(3))
def test_a_port_in_use_is_one_clear_line(checkout: Path, number: int) -> None:
    port = free_port(3)
    with socket.create_server(("127.0.0.1", port + number)):
        assert refusal(checkout, port) == [
            f"127.0.0.1:{port + number} cannot be used: Address already in use. Use other ports: PORT=8080 make example"
        ]


@pytest.mark.parametrize("port", ["x", "0", "65534", "-1"])
def test_an_invalid_port_is_one_clear_line(checkout: Path, port: str) -> None:
    assert refusal(checkout, port) == [f"PORT='{port}' is invalid: it must be a whole number from 1 to 65533."]


def refusal(checkout: Path, port: int | str) -> list[str]:
    """Return the output of a `make example` that does not start, without the lines of make."""
    process = make(checkout, "example", port)
    with process:
        lines = read_lines(process)
        assert process.wait(DEADLINE_SECONDS) != 0
    return [line for line in lines if not line.startswith("make: ")]


def script_of(process: subprocess.Popen[bytes]) -> int:
    """Return the id of the script that make has started."""
    (script,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return int(script)


def test_ctrl_c_in_a_terminal_reaches_only_the_script(running: Running) -> None:
    """A worker that gets a signal of the terminal and one of its master at once can hang."""
    reached = [pid for pid in processes_inside(running.checkout) if os.getpgid(pid) == running.process.pid]
    assert reached == [running.process.pid, script_of(running.process)]


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Provide another copy of the checkout, in which nothing runs before and after a test."""
    return copy_checkout(tmp_path_factory.mktemp("stopped") / "checkout", *EXAMPLE)


@pytest.mark.slow
def test_a_part_that_hangs_is_killed_with_its_workers(stopped: Path) -> None:
    checkout, port = stopped, free_port(3)
    with running_make(checkout, "example", port) as running:
        freeze(*listening_processes(port + 1))
        os.killpg(running.process.pid, signal.SIGINT)
        assert [line for line in read_lines(running.process) if "Traceback" in line] == []
        running.process.wait(DEADLINE_SECONDS)
        eventually(lambda: not processes_inside(checkout), "no process is left")


@pytest.mark.parametrize("only", ["the group", "the script"])
def test_ctrl_c_and_sigterm_end_all_parts_and_a_new_start_keeps_what_was_stored(stopped: Path, only: str) -> None:
    checkout, ports = stopped, []
    sign_ins = []
    for _ in range(2):
        ports.append(free_port(3))
        process = make(checkout, "example", ports[-1])
        with process:
            sign_ins.append(read_lines(process, "Serving on")[0])
            assert len(processes_inside(checkout)) >= 8  # make, the script, and a master with its worker for each part.
            if only == "the group":
                os.killpg(process.pid, signal.SIGINT)  # Like Ctrl-C in a terminal.
            else:
                os.kill(script_of(process), signal.SIGTERM)
            assert [line for line in read_lines(process) if "Traceback" in line] == []
            process.wait(DEADLINE_SECONDS)
        for port in (ports[-1], ports[-1] + 1, ports[-1] + 2):
            eventually(lambda port=port: is_closed(port), "the port is closed")  # type: ignore[misc]
        eventually(lambda: not processes_inside(checkout), "no process is left")
    assert sign_ins[0].startswith("Demonstration sign-in")
    assert sign_ins[0] == sign_ins[1]
