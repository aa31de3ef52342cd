"""accounts/time_zones.py: which names are accepted from a browser, and zones that do not exist."""

import sys
import zoneinfo
from collections.abc import Iterator
from pathlib import Path

import pytest

from accounts import time_zones

NO_ZONES = [
    "",
    " ",
    "../../etc/passwd",
    "/etc/passwd",
    "/usr/share/zoneinfo/Europe/Berlin",
    "Europe",
    "Europe/",
    "Europe/../Europe/Berlin",
    "Europe/Berlin\0",
    "europe/berlin",
    "Europe%2FBerlin",
    "Atlantis/Capital",
    "UTC\r\nX: y",
    "UTC\r\nX",
    "UTC ",
    "+08:00",
    "Ásia/Shanghai",
    "上海",
    "\udcff",
    "x" * 10_000,
    "UTC" * 3_000,
    "localtime",
    "Factory",
    "posix/Europe/Berlin",
    "right/Europe/Berlin",
    "posixrules",
    "zone.tab",
    "<script>",
]


@pytest.fixture
def no_zones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Take every time zone away, the system's and those of the package; return the folder where they are looked for."""
    monkeypatch.setitem(sys.modules, "tzdata", None)
    forget([str(tmp_path)])
    yield tmp_path
    monkeypatch.undo()
    forget(None)


def forget(path: list[str] | None) -> None:
    """Look for time zones in these folders, or where the system has them, as a process that just began."""
    zoneinfo.reset_tzpath(path)
    zoneinfo.ZoneInfo.clear_cache()
    time_zones._names.cache_clear()


@pytest.mark.parametrize(
    "name", ["Asia/Shanghai", "Asia/Calcutta", "America/Argentina/Buenos_Aires", "UTC", "Etc/GMT+8"]
)
def test_the_name_of_a_time_zone_is_taken(name: str) -> None:
    assert time_zones.validate(name) == name
    zone = time_zones.find(name)
    assert zone
    assert zone.key == name


@pytest.mark.parametrize("name", NO_ZONES, ids=lambda name: repr(name[:20]))
def test_what_is_no_name_of_a_time_zone_is_none(name: str) -> None:
    assert time_zones.validate(name) == ""
    assert time_zones.find(name) is None


def test_no_name_is_longer_than_its_column() -> None:
    assert max(map(len, time_zones._names())) <= 64


def test_nobodys_time_zone_is_none() -> None:
    assert time_zones.find(None) is None


def test_on_a_machine_without_time_zones_none_is_known(no_zones: Path) -> None:
    assert list(no_zones.iterdir()) == []
    assert time_zones.validate("Asia/Shanghai") == ""
    assert time_zones.find("Asia/Shanghai") is None


@pytest.mark.parametrize("content", [b"TZif", b"TZif2" + b"\xff" * 60])
def test_a_time_zone_whose_file_is_broken_is_none(no_zones: Path, content: bytes) -> None:
    (no_zones / "Broken").write_bytes(content)
    assert time_zones.validate("Broken") == "Broken"
    assert time_zones.find("Broken") is None


def test_a_time_zone_whose_file_is_gone_is_none(no_zones: Path) -> None:
    path = no_zones / "Gone"
    path.write_bytes(b"TZif")
    assert time_zones.validate("Gone") == "Gone"
    path.unlink()
    assert time_zones.find("Gone") is None
