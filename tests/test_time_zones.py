"""accounts/time_zones.py: names that are accepted from a browser, and missing time zones."""

import sys
import zoneinfo
from collections.abc import Iterator
from pathlib import Path

import pytest

from accounts import time_zones

INVALID_NAMES = [
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
def zone_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Hide the time zones of the system and of tzdata, and provide the empty folder that is searched instead."""
    monkeypatch.setitem(sys.modules, "tzdata", None)
    reset_search_path([str(tmp_path)])
    yield tmp_path
    monkeypatch.undo()
    reset_search_path(None)


def reset_search_path(path: list[str] | None) -> None:
    """Search time zones in these folders, or else in those of the system, and clear the caches."""
    zoneinfo.reset_tzpath(path)
    zoneinfo.ZoneInfo.clear_cache()
    time_zones._names.cache_clear()


@pytest.mark.parametrize(
    "name", ["Asia/Shanghai", "Asia/Calcutta", "America/Argentina/Buenos_Aires", "UTC", "Etc/GMT+8"]
)
def test_a_valid_name_is_accepted(name: str) -> None:
    assert time_zones.validate(name) == name
    zone = time_zones.find(name)
    assert zone
    assert zone.key == name


@pytest.mark.parametrize("name", INVALID_NAMES, ids=lambda name: repr(name[:20]))
def test_an_invalid_name_is_rejected(name: str) -> None:
    assert time_zones.validate(name) == ""
    assert time_zones.find(name) is None


def test_no_name_is_longer_than_its_column() -> None:
    assert max(map(len, time_zones._names())) <= 64


def test_no_time_zone_is_found_without_a_name() -> None:
    assert time_zones.find(None) is None


def test_no_time_zone_is_found_on_a_machine_without_time_zones(zone_folder: Path) -> None:
    assert list(zone_folder.iterdir()) == []
    assert time_zones.validate("Asia/Shanghai") == ""
    assert time_zones.find("Asia/Shanghai") is None


@pytest.mark.parametrize("content", [b"TZif", b"TZif2" + b"\xff" * 60])
def test_no_time_zone_is_found_if_its_file_is_invalid(zone_folder: Path, content: bytes) -> None:
    (zone_folder / "Broken").write_bytes(content)
    assert time_zones.validate("Broken") == "Broken"
    assert time_zones.find("Broken") is None


def test_no_time_zone_is_found_if_its_file_was_deleted(zone_folder: Path) -> None:
    path = zone_folder / "Gone"
    path.write_bytes(b"TZif")
    assert time_zones.validate("Gone") == "Gone"
    path.unlink()
    assert time_zones.find("Gone") is None
