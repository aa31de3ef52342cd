"""examples/nginx.conf with deploy/beside/ in a real nginx: every identity that reaches the CMS here is forged.

The account centre is a server that admits everybody and names nobody.
"""

import http.client
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.live.test_forward_auth import FOLDER, FORGED, SPELLINGS, STRIPS, Answer, forge
from tests.live.test_nginx import Node
from tests.servers import AS_ROOT, LONGEST_SECONDS, ROOT, eventually, find_program, free_port, is_listening, spawn

FILE = ROOT / "examples" / "nginx.conf"
PATHS = ("/", "/drafts/", "/admin/", "/articles/", "/static/x")
SETTINGS = {
    "underscores_in_headers off;": "underscores_in_headers on;",
    "ignore_invalid_headers on;": "ignore_invalid_headers off;",
}


class Example:
    """nginx with the files of the example, in front of two recording servers."""

    def __init__(self, folder: Path, removed: str = "", replacement: str = "") -> None:
        """Write the files with other ports, after replacing a text in one of them, and start everything."""
        self.cms, self.accounts, self.port = Node(), Node(), free_port()
        texts = {path: path.read_text() for path in (FILE, *FOLDER.glob("*.conf"))}
        assert not removed or [removed in text for text in texts.values()].count(True) == 1
        (folder / "beside").mkdir()
        for path, text in texts.items():
            changed = text.replace(removed, replacement) if removed else text
            for number, port in ((8080, self.port), (8001, self.accounts.port), (9000, self.cms.port)):
                changed = changed.replace(f"127.0.0.1:{number}", f"127.0.0.1:{port}")
            (folder / ("" if path == FILE else "beside") / path.name).write_text(changed)
        user = ["-g", "user root;"] if AS_ROOT else []
        self._process = spawn(
            [find_program("nginx"), "-p", str(folder), "-e", "stderr", "-c", "nginx.conf", *user],
            stderr=subprocess.DEVNULL,
        )

    def stop(self) -> None:
        """Stop everything."""
        self._process.terminate()
        self._process.wait()
        self.cms.stop()
        self.accounts.stop()

    def send(self, path: str, spelling: str) -> Answer:
        """Request a page with a forged identity."""
        del self.cms.requests[:]
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LONGEST_SECONDS)
        connection.request("GET", path, headers=dict(forge(spelling)))
        response = connection.getresponse()
        response.read()
        connection.close()
        ((_, _, received),) = self.cms.requests
        return Answer(response.status, {}, [(str(name), str(value)) for name, value in received.items()])

    def forged_names(self) -> set[str]:
        """Return the names of the forged headers that arrive."""
        answers = [self.send(path, spelling) for path in PATHS for spelling in SPELLINGS]
        assert {answer.status for answer in answers} == {200}
        pairs = [pair for answer in answers for pair in answer.identity]
        assert {value for _, value in pairs} <= {FORGED}
        return {name for name, _ in pairs}


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Example]]:
    """Provide a function that starts the example."""
    started: list[Example] = []

    def build(removed: str = "", replacement: str = "") -> Example:
        started.append(example := Example(tmp_path, removed, replacement))
        eventually(lambda: is_listening(example.port), "nginx listens")
        return example

    yield build
    for example in started:
        example.stop()


def test_no_forged_identity_arrives_in_any_spelling(start: Callable[..., Example]) -> None:
    assert start().forged_names() == set()


@pytest.mark.parametrize("line", STRIPS, ids=lambda line: line.split()[1])
def test_a_missing_line_that_removes_a_header_is_detected(start: Callable[..., Example], line: str) -> None:
    assert start(f"{line}\n").forged_names() == {line.split()[1].lower()}


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_setting_that_passes_other_spellings_is_detected(start: Callable[..., Example], setting: str) -> None:
    assert len(start(setting, SETTINGS[setting]).forged_names()) == len(STRIPS)
