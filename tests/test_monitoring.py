"""The metrics, and the files in deploy/ that use them."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from accounts import errors, limits
from accounts.events import EventName
from accounts.operations.measurements import measure
from models import Address
from telemetry import metrics
from tests.environments import Environment
from tests.servers import ROOT, find_program, run_program

ALERTS, DASHBOARD = ROOT / "deploy" / "prometheus-alerts.yml", ROOT / "deploy" / "grafana-dashboard.json"
SUFFIXES = {metrics.Count: ("_total",), metrics.Level: ("",), metrics.Times: ("_bucket", "_sum", "_count")}


def served_names(env: Environment) -> set[str]:
    """Return the names of all samples that Prometheus reads."""
    declared = {metric.name + end for metric in metrics._declared for end in SUFFIXES[type(metric)]}
    return declared | set(measure(env.app))


def used_names(text: str) -> set[str]:
    """Return the names of the metrics in a text."""
    return set(re.findall(r"\bcms_[a-z_]+", text))


@pytest.mark.parametrize("path", [ALERTS, DASHBOARD], ids=lambda path: path.name)
def test_only_metrics_that_exist_are_used(postgres_env: Environment, path: Path) -> None:
    text = path.read_text()
    assert used_names(text) <= served_names(postgres_env)
    assert set(re.findall(r'event=\\?"([a-z_]+)', text)) <= set(get_args(EventName))
    words = {word for words in re.findall(r'word=~?\\?"([a-z_|]+)', text) for word in words.split("|")}
    assert words <= set(get_args(errors.RefusalWord))
    with postgres_env.app.app_context():
        sends = limits.sends(1, Address.of("a@example.com"), "-")
    kinds = {each.kind for each in [*sends, limits.Limit("sends:overall", 1, 1)]}
    assert set(re.findall(r'budget=\\?"([a-z:]+)', text)) <= kinds


def test_every_metric_is_documented_and_shown(postgres_env: Environment) -> None:
    document = (ROOT / "docs" / "monitoring.md").read_text()
    rows = set(re.findall(r"^\| `(cms_[a-z_]+)` \|", document, re.MULTILINE))
    names = {metric.name + SUFFIXES[type(metric)][0] for metric in metrics._declared} | set(measure(postgres_env.app))
    assert rows == {name.removesuffix("_bucket") for name in names}
    shown = used_names(DASHBOARD.read_text())
    assert {name for name in names if name not in shown} == set()


def test_each_panel_has_a_place_of_its_own() -> None:
    places = [tuple(panel["gridPos"].values())[:2] for panel in json.loads(DASHBOARD.read_text())["panels"]]
    assert len(places) == len(set(places)) > 10


@pytest.mark.servers
@pytest.mark.parametrize(
    "command",
    [("check", "config", "deploy/prometheus.yml"), ("test", "rules", "tests/prometheus_rules.yml")],
    ids=lambda command: command[0],
)
def test_promtool_accepts_the_configuration_and_the_alerts_fire_as_they_should(command: tuple[str, ...]) -> None:
    ended = run_program([find_program("promtool"), *command], cwd=ROOT)
    assert ended.returncode == 0, ended.stdout + ended.stderr


@pytest.mark.slow
def test_a_site_without_metrics_does_not_import_their_library(tmp_path: Path) -> None:
    """The import takes a tenth of a second."""
    program = "import sys, app; app.create_app(); sys.exit('prometheus_client' in sys.modules)"
    settings = {"PATH": os.environ["PATH"], "INSTANCE_DIR": str(tmp_path)}
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=settings, check=False).returncode == 0
