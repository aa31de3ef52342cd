"""accounts/origin.py: where a request came from, also in a stored task."""

import json
from dataclasses import replace

from accounts.origin import COMMAND_LINE, Origin
from tests.environments import HERE

REQUEST = replace(HERE, site="https://cms.example.com", time_zone="Asia/Shanghai", request_id="3f2a")


def test_a_task_holds_the_whole_origin() -> None:
    for origin in (REQUEST, HERE, COMMAND_LINE):
        assert Origin.of_task(json.loads(json.dumps({**origin.to_task(), "more": 1}))) == origin


def test_a_task_of_the_previous_version_is_read() -> None:
    assert Origin.of_task({"origin": {"network": HERE.network, "browser": HERE.browser}}) == HERE


def test_the_previous_version_reads_a_task() -> None:
    """It passes every value in `origin` to its own class, which has these four."""
    assert list(REQUEST.to_task()["origin"]) == ["network", "browser", "site", "time_zone"]


def test_the_id_of_a_request_does_not_make_it_a_request_of_somebody_else() -> None:
    assert replace(COMMAND_LINE, request_id="3f2a").is_command_line
