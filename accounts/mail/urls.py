"""The URLs of pages outside of pages, such as in mails: that of the site, and the path in the URL map."""

from flask import current_app


def url_of(site: str, endpoint: str, **values: str | None) -> str:
    """Return the URL of a page; `site` is the URL under which the application is served, which may have a path.

    It does not depend on the current request: mails are also written by commands and by workers.
    """
    path = current_app.url_map.bind("").build(endpoint, values)
    return f"{site.rstrip('/')}{path}"
