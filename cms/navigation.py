"""The entries of the navigation that other pages of the application add after those of this product."""

from typing import NamedTuple

from flask import Flask, current_app
from flask_babel.speaklater import LazyString


class Entry(NamedTuple):
    """A link in the navigation; with a permission, only administrators who have it see it."""

    endpoint: str
    label: str | LazyString
    permission: str | None


def init_app(app: Flask) -> None:
    """Start without entries."""
    app.extensions["cms_navigation"] = []
    app.add_template_global(list_entries, "cms_navigation_entries")


def add(app: Flask, endpoint: str, label: str | LazyString, *, permission: str | None = None) -> None:
    """Add a link to a page; a lazy string is translated on every page."""
    app.extensions["cms_navigation"].append(Entry(endpoint, label, permission))


def list_entries(permissions: frozenset[str]) -> list[Entry]:
    """Return the added entries for somebody with these permissions."""
    found: list[Entry] = current_app.extensions["cms_navigation"]
    return [each for each in found if each.permission is None or each.permission in permissions]
