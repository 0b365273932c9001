"""The picture of a case's trace as a file: the bytes of `fundwatch trace picture`."""

from __future__ import annotations

import re

from werkzeug import Response

from monitor.store import desk_cases
from monitor.web.desk import flow, traced
from monitor.web.desk.ask import Ask
from monitor.web.desk.guard import looked
from monitor.web.desk.pages import case as page
from monitor.web.desk.words import Gone

_KINDS = {"svg": "image/svg+xml", "png": "image/png"}


def picture(ask: Ask, case: str, form: str) -> Response:
    """GET /c/CASE/flow.svg and flow.png, ?method=&as_of=&state="""
    itself = f"{case}/flow.{form}"
    if desk_cases.is_known(ask.store, ask.sight, itself):  # a case may be called so
        return page.case(ask, itself)
    if not desk_cases.is_known(ask.store, ask.sight, case):
        raise Gone
    it = traced.of_case(ask, case)
    if it.told is None:
        raise Gone
    looked(ask, case)
    data = flow.image(ask, it.told) if form == "png" else flow.picture(ask, it.told)[1].encode()
    response = Response(data, mimetype=_KINDS[form])
    name = "-".join(filter(None, (_plain(case), str(it.told.number), it.method)))
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.{form}"'
    return response


def _plain(case: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", case)[:60].strip("-.") or "case"
