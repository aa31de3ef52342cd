"""/assets/: jQuery and Bootstrap from their pip packages, and the files in static/, served from memory.

The URL of a file contains the beginning of its hash, so that browsers can cache it without a limit.
"""

import gzip
from functools import cache
from hashlib import sha256
from importlib.util import find_spec
from mimetypes import guess_type
from pathlib import Path

from flask import Blueprint, Response, abort, request

from cms import urls
from cms.guard import open_to_all

bp = Blueprint("assets", __name__, url_prefix="/assets")
OWN = Path(__file__).resolve().parent.parent / "static"
PACKAGED = {
    "jquery.js": ("xstatic.pkg.jquery", "data/jquery.min.js"),
    "bootstrap.css": ("flask_bootstrap", "static/bootstrap5/css/bootstrap.min.css"),
    "bootstrap.js": ("flask_bootstrap", "static/bootstrap5/js/bootstrap.min.js"),
    "popper.js": ("flask_bootstrap", "static/bootstrap5/umd/popper.min.js"),
}


@bp.app_template_global()
def asset(name: str) -> str:
    """Return the URL of a file, for templates."""
    return urls.url_for("assets.serve", digest=_read(name)[1], name=name)


@bp.get("/<digest>/<path:name>")
@open_to_all
def serve(digest: str, name: str) -> Response:
    """Serve a file, compressed if the browser accepts it."""
    try:
        content, current_digest, compressed = _read(name)
    except FileNotFoundError:
        abort(404)
    if digest != current_digest:
        abort(404)
    zipped = bool(request.accept_encodings["gzip"])
    response = Response(compressed if zipped else content, mimetype=guess_type(name)[0])
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    response.headers["Vary"] = "Accept-Encoding"
    if zipped:
        response.headers["Content-Encoding"] = "gzip"
    return response


@cache
def _read(name: str) -> tuple[bytes, str, bytes]:
    """Return the content of a file, the hash for its URL, and the compressed content. Raises FileNotFoundError."""
    content = _path(name).read_bytes()
    return content, sha256(content).hexdigest()[:10], gzip.compress(content, mtime=0)


def _path(name: str) -> Path:
    if name in PACKAGED:
        package, inside = PACKAGED[name]
        spec = find_spec(package)
        assert spec is not None
        assert spec.origin is not None
        return Path(spec.origin).parent / inside
    own = {str(path.relative_to(OWN)): path for path in OWN.rglob("*") if path.is_file()}
    if name not in own:
        raise FileNotFoundError(name)
    return own[name]
