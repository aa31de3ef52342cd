"""/assets/: jQuery and Bootstrap from their pip packages, the files in static/ and those of the operator, from memory.

The URL of a file contains the beginning of its hash, so that browsers can cache it without a limit.
"""

import gzip
from functools import cache
from hashlib import sha256
from importlib.util import find_spec
from mimetypes import guess_type
from pathlib import Path
from typing import NamedTuple

from flask import Blueprint, Flask, Response, abort, current_app, request, url_for

from cms import urls
from cms.guard import open_to_all

SVG_CSP = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; sandbox"
"""The policy of the operator's SVG: it may contain styles, and must not run scripts where it is opened as a page."""

TYPES = {".webp": "image/webp"}  # Unknown to Python 3.11 and 3.12.


class File(NamedTuple):
    """A file: its content, the hash for its URL, and the compressed content."""

    content: bytes
    digest: str
    compressed: bytes


bp = Blueprint("cms_assets", __name__, url_prefix="/assets")
OWN = Path(__file__).resolve().parent.parent / "static"
PACKAGED = {
    "jquery.js": ("xstatic.pkg.jquery", "data/jquery.min.js"),
    "bootstrap.css": ("flask_bootstrap", "static/bootstrap5/css/bootstrap.min.css"),
    "bootstrap.js": ("flask_bootstrap", "static/bootstrap5/js/bootstrap.min.js"),
    "popper.js": ("flask_bootstrap", "static/bootstrap5/umd/popper.min.js"),
}


def init_app(app: Flask) -> None:
    """Start without folders of other pages; keep the files of the operator, which config.py has read."""
    app.extensions["cms_assets"] = {}
    given = {**app.config["SITE_LOGO"], **app.config["SITE_STYLES"]}
    app.extensions["cms_operator_files"] = {name: _prepare(content) for name, content in given.items()}


@bp.app_template_global("cms_asset")
def asset(name: str) -> str:
    """Return the URL of a file, for templates."""
    return urls.find_or_build(_build_url, name)


def add_folder(app: Flask, name: str, folder: Path) -> None:
    """Serve the files in a folder, too: `cms_asset("name/file.css")` is the URL of one. Raises ValueError."""
    folders: dict[str, Path] = app.extensions["cms_assets"]
    if name in folders or not name.isidentifier() or (OWN / name).exists():
        raise ValueError(f"the name {name!r} of a folder of files is taken or no identifier")
    folders[name] = folder.resolve()


@bp.get("/<digest>/<path:name>")
@open_to_all
def serve(digest: str, name: str) -> Response:
    """Serve a file, compressed if the browser accepts it."""
    try:
        file = _find_file(name)
    except FileNotFoundError:
        abort(404)
    if digest != file.digest:
        abort(404)
    zipped = bool(request.accept_encodings["gzip"])
    response = Response(
        file.compressed if zipped else file.content, mimetype=guess_type(name)[0] or TYPES.get(Path(name).suffix)
    )
    if name in current_app.extensions["cms_operator_files"] and name.endswith(".svg"):
        response.headers["Content-Security-Policy"] = SVG_CSP
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    response.headers["Vary"] = "Accept-Encoding"
    if zipped:
        response.headers["Content-Encoding"] = "gzip"
    return response


def _build_url(name: str) -> str:
    return url_for("cms_assets.serve", digest=_find_file(name).digest, name=name)


def _find_file(name: str) -> File:
    """Return a file by its name in URLs. Raises FileNotFoundError."""
    given: dict[str, File] = current_app.extensions["cms_operator_files"]
    return given[name] if name in given else _read(_path(name))


@cache
def _read(path: Path) -> File:
    return _prepare(path.read_bytes())


def _prepare(content: bytes) -> File:
    return File(content, sha256(content).hexdigest()[:10], gzip.compress(content, mtime=0))


def _path(name: str) -> Path:
    """Return a file by its name in URLs. Raises FileNotFoundError."""
    folder, _, inside = name.partition("/")
    added: dict[str, Path] = current_app.extensions["cms_assets"]
    return _find(added[folder], inside) if folder in added else _find_own(name)


@cache
def _find_own(name: str) -> Path:
    if name in PACKAGED:
        package, inside = PACKAGED[name]
        spec = find_spec(package)
        assert spec is not None
        assert spec.origin is not None
        return Path(spec.origin).parent / inside
    return _find(OWN, name)


def _find(folder: Path, name: str) -> Path:
    """Return a file below a folder; a name that leads elsewhere is not found."""
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    if name not in found:
        raise FileNotFoundError(name)
    return found[name]
