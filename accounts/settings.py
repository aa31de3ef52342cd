"""The settings that the application reads: frozen and typed, so that mypy reports a misspelt name."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal, TypedDict

from flask import Flask, current_app

from models import Role

Policy = Literal["new", "both", "off"]
Rule = Literal["required", "optional", "off"]


class ProfileField(TypedDict):
    """The rules of one field of the profile, and the labels of its choices by key and language."""

    registration: Rule
    profile: Rule
    choices: Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Settings:
    """The values of config.py under their names in the environment; README.md documents them."""

    ASSISTED_SECONDS: int
    ASSISTED_WAIT_SECONDS: int
    AUDIT_EXPORT_FOLDER: Path
    AUDIT_KEEP_DAYS: int
    AUDIT_KEY: str
    AUDIT_KEY_FALLBACKS: tuple[str, ...]
    BREACHED_PASSWORDS_URL: str
    CAPTCHA_RESEND_SECONDS: int
    CAPTCHA_SECONDS: int
    CAPTCHA_SENDS_OVERALL_PER_HOUR: int
    CAPTCHA_SENDS_PER_ADDRESS_PER_DAY: int
    CAPTCHA_SENDS_PER_ADDRESS_PER_HOUR: int
    CAPTCHA_SENDS_PER_HOUR: int
    CAPTCHA_SENDS_PER_NETWORK_PER_HOUR: int
    CAPTCHA_TRIES: int
    CAPTCHA_TRIES_PER_ADDRESS_PER_DAY: int
    CAPTCHA_TRIES_PER_DAY: int
    CMS_ENV: Literal["development", "production"]
    DATABASE_CONNECTIONS: int
    DATABASE_PREPARED_STATEMENTS: bool
    EMAIL_DOMAINS: list[str]
    EMAIL_POLICY: Mapping[Role, Policy]
    FREEZE_SECONDS: int
    HEADS_UP: bool
    HSTS_SUBDOMAINS: bool
    INSTANCE_DIR: Path
    INVITATION_SECONDS: int
    MAIL_DEFAULT_SENDER: str
    MAIL_DELIVERY: Literal["thread", "worker"]
    MAIL_DIALOGUE_SECONDS: int
    MAIL_PASSWORD: str
    MAIL_PORT: int
    MAIL_SECONDS: int
    MAIL_SERVER: str
    MAIL_USERNAME: str
    MAIL_USE_SSL: bool
    MAIL_USE_TLS: bool
    PASSWORD_LINK_SECONDS: int
    PORT: int
    PROFILE_FIELDS: Mapping[str, ProfileField]  # All of them, by name.
    REAUTH_SECONDS: int
    REMEMBER_IDLE_SECONDS: int
    REMEMBER_SECONDS: int
    REVEAL_TAKEN_EMAIL: bool
    SECOND_FACTOR: Literal["optional", "superusers", "all"]
    SECOND_FACTOR_GRACE_DAYS: int
    SECOND_FACTOR_TRIES_PER_DAY: int
    SECRET_KEY: str
    SECRET_KEY_FALLBACKS: tuple[str, ...]
    SECRET_KEY_IS_WEAK: bool
    SERVED_HOSTS: list[str]
    SESSION_IDLE_SECONDS: int
    SESSION_SECONDS: int
    SIGN_IN_TRIES_PER_ACCOUNT: int
    SIGN_IN_TRIES_PER_NETWORK: int
    SITE_LINKS: tuple[tuple[str, str], ...]  # Labels and URLs.
    SITE_NAME: str
    SITE_URL: str
    SUPPORT_URL: str
    UNDO_SECONDS: int
    WEBHOOKS: Mapping[str, tuple[str, ...]]  # Secrets by URL.


def init_app(app: Flask) -> None:
    """Copy the settings from `app.config`; later changes there have no effect."""
    app.extensions["cms_settings"] = Settings(**{each.name: app.config[each.name] for each in fields(Settings)})


def settings() -> Settings:
    """Return the settings of the current application."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # Every attribute of a proxy costs more.
    found: Settings = app.extensions["cms_settings"]
    return found
