"""The docs inside the desk."""

from __future__ import annotations

from markupsafe import Markup
from werkzeug import Response

from monitor.web.desk import manual
from monitor.web.desk.ask import Ask
from monitor.web.desk.words import Gone


def contents(ask: Ask) -> Response:
    """GET /help"""
    return ask.page("help.html.j2", "Help", "help", docs=manual.docs(), doc=None, html="")


def document(ask: Ask, doc: str) -> Response:
    """GET /help/DOC"""
    found = manual.docs().get(doc)
    if found is None:
        raise Gone
    # Made of our own docs, without HTML of theirs.
    html = Markup(found.html)  # noqa: S704
    return ask.page("help.html.j2", found.title, "help", docs=manual.docs(), doc=found, html=html)


def picture(_ask: Ask, picture: str) -> Response:
    """GET /help/pictures/NAME"""
    found = manual.picture(picture)
    if found is None:
        raise Gone
    return Response(found[0], mimetype=found[1])
