"""Where somebody begins, and the files that pages load."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from werkzeug import Response
from werkzeug.exceptions import NotFound

from monitor.model.desk import Role
from monitor.web.desk.ask import Ask

STATIC = Path(__file__).parents[1] / "static"
_KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


def start(ask: Ask) -> Response:
    """GET /"""
    return ask.go("/people" if ask.signed.person.role is Role.ADMIN else "/inbox")


def static(ask: Ask, name: str) -> Response:
    """GET /static/NAME: kept by browsers until it changes."""
    files = _files()
    if name not in files:
        raise NotFound
    data, kind, tag = files[name]
    response = Response(data, mimetype=kind)
    response.set_etag(tag)
    response.headers["Cache-Control"] = "no-cache"
    return response.make_conditional(ask.request)


@cache
def _files() -> dict[str, tuple[bytes, str, str]]:
    found = {}
    for path in STATIC.iterdir():
        if path.suffix in _KINDS:
            data = path.read_bytes()
            found[path.name] = (data, _KINDS[path.suffix], hashlib.sha256(data).hexdigest()[:32])
    return found
