"""Which role has which permission: those of this product, and those that other pages of the application add."""

from collections.abc import Collection
from typing import get_args

from flask import Flask, current_app

from models import PERMISSIONS, CMSUser, Role

ROLES: tuple[Role, ...] = get_args(Role)


def init_app(app: Flask) -> None:
    """Start with the permissions of this product."""
    app.extensions["cms_permissions"] = {role: frozenset[str](PERMISSIONS[role]) for role in ROLES}


def add(app: Flask, permission: str, roles: Collection[Role]) -> None:
    """Give a new permission to some roles. Raises ValueError if it exists, or a role does not."""
    found: dict[Role, frozenset[str]] = app.extensions["cms_permissions"]
    if any(permission in each for each in found.values()):
        raise ValueError(f"the permission {permission!r} exists already")
    if not roles or not set(roles) <= set(ROLES):
        raise ValueError(f"roles are some of {', '.join(ROLES)}")
    for role in roles:
        found[role] |= {permission}


def list_for(role: Role) -> frozenset[str]:
    """Return the permissions of a role."""
    found: dict[Role, frozenset[str]] = current_app.extensions["cms_permissions"]
    return found[role]


def has(user: CMSUser, permission: str) -> bool:
    """Return whether the role of an administrator has a permission."""
    return permission in list_for(user.role)
