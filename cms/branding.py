"""What the operator sets about the look of pages, for templates: the name and the files of the site."""

from functools import cache

import regex
from flask import Flask, current_app
from flask_babel import gettext

from accounts import site
from accounts.settings import settings


def init_app(app: Flask) -> None:
    """Add the functions to the templates."""
    app.add_template_global(site.name, "cms_site_name")
    app.add_template_global(site_description, "cms_site_description")
    app.add_template_global(site_initial, "cms_site_initial")
    app.add_template_global(site_files, "cms_site_files")
    app.add_template_global(site_links, "cms_site_links")


def site_description() -> str:
    """Return what search engines and previews of links show about the site."""
    name = settings().SITE_NAME
    if name:
        return str(gettext("%(name)s: sign-in, email address, password and profile.", name=name))
    return str(gettext("The account centre of the CMS: sign-in, email address, password and profile."))


def site_initial() -> str:
    """Return the first letter or digit of the name that the operator has set, which stands for a missing logo."""
    return _initial_of(settings().SITE_NAME or "C")


@cache
def _initial_of(name: str) -> str:
    characters = regex.findall(r"\X", name)
    return str(next(each for each in characters if any(map(str.isalnum, each)))).upper()


def site_links() -> tuple[tuple[str, str], ...]:
    """Return the labels and URLs of the links that lead to other pages."""
    return settings().SITE_LINKS


def site_files() -> tuple[str, str]:
    """Return the names of the logo and of the styles as assets; an empty text where there is none."""
    logo, styles = current_app.config["SITE_LOGO"], current_app.config["SITE_STYLES"]
    return next(iter(logo), ""), next(iter(styles), "")
