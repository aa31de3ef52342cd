"""The name of the site, and where its users get help, as pages and mails show them."""

from urllib.parse import urljoin, urlsplit

from flask_babel import gettext

from accounts.settings import settings


def name() -> str:
    """Return the name that the operator has set, else that of the product in the current language."""
    return settings().SITE_NAME or str(gettext("Account centre"))


def find_support_url(site: str) -> str:
    """Return the absolute URL or the address for help, or an empty text; `site` is the URL of the site."""
    found = settings().SUPPORT_URL
    if not found.startswith("/"):
        return found.removeprefix("mailto:").partition("?")[0] if found.startswith("mailto:") else found
    return urljoin(site, found) if urlsplit(site).netloc else ""
