"""The page behind the link of a mail: what it told, and a button to take it in hand.

Looking changes nothing, for mail scanners open links. The signed link is the authority, for
looking and for acknowledging; who holds it may do both until it expires. The name is what
somebody writes, and is recorded as such.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import parse_qs
from wsgiref.types import WSGIEnvironment

from jinja2 import Environment

from monitor import __version__
from monitor.decide import routing
from monitor.loops import doors, hands
from monitor.loops.acts import Acts
from monitor.loops.clock import now
from monitor.loops.views import views_of
from monitor.messages import ack_links, render
from monitor.messages.sheets.parts import Telling, chain_name, topic
from monitor.model import AlertView, ChannelConfig, Rendered, Severity
from monitor.model.acts import Actor
from monitor.model.errors import ConfigError
from monitor.model.plain import plural, quoted, tidy, unquoted, when
from monitor.model.settings import Settings
from monitor.store import alerts, outbox, watch
from monitor.store.port import Store
from monitor.web.answer import HTML, NOT_FOUND, Answer
from monitor.web.server import BODY_MOST

log = logging.getLogger("fundwatch.web")

SHOWN = 20  # alerts of one message
_PATH = re.compile(r"/ack/([A-Z](?:-[0-9A-Z]{4}){3})\Z")
_FORM = "application/x-www-form-urlencoded"
_WORST = tuple(Severity)  # in the order of their weight


@dataclass(frozen=True, slots=True)
class _Link:
    """A link that we made; whether it still holds is `until`."""

    message: str
    until: int


@dataclass(frozen=True, slots=True)
class _Said:
    """What the page says above the alerts, and what stands in the form."""

    result: str = ""
    problem: str = ""
    name: str = ""
    note: str = ""


class AckPage:
    """Answers for /ack/MESSAGE of one home folder."""

    def __init__(
        self,
        store: Store,
        acts: Acts,
        settings: Settings,
        templates: Environment,
        timezone: Callable[[], str],
    ) -> None:
        """`store` is looked at only; what somebody changes goes through `acts`."""
        self._store, self._acts, self._settings = store, acts, settings
        self._templates, self._timezone = templates, timezone
        self._views = views_of(store, settings)

    def answer(self, environ: WSGIEnvironment, path: str) -> Answer:
        """`path`: below what public_url itself holds. A link that we did not make, or about
        something that is not in the record, is no page at all."""
        link = self._genuine(path, environ.get("QUERY_STRING", ""))
        told = alerts.alerts_of_message(self._store, link.message) if link else []
        if link is None or not told:
            return NOT_FOUND
        if link.until < now():
            return self._page("410 Gone", link, told, _Said(), expired=True)
        if environ["REQUEST_METHOD"] == "GET":
            return self._page("200 OK", link, told, _Said())
        return self._take(environ, link, told)

    def _genuine(self, path: str, query: str) -> _Link | None:
        match, said = _PATH.match(path), _fields(query)
        until = said.get("until", "")
        if match is None or not re.fullmatch(r"[0-9]{1,12}", until):
            return None
        link = _Link(match[1], int(until))
        secret = self._settings.link_secret
        good = ack_links.genuine(secret, link.message, link.until, said.get("sig", ""))
        return link if good else None

    # -- acknowledging ---------------------------------------------------------------------

    def _take(self, environ: WSGIEnvironment, link: _Link, told: Sequence[str]) -> Answer:
        form = _form(environ)
        name = tidy(form.get("name", ""), doors.LONGEST_NAME)
        note = hands.note_of(form.get("note", ""), hands.ACKNOWLEDGED)
        if not name:
            said = _Said(problem="Please write your name: it is recorded.", note=note)
            return self._page("422 Unprocessable Content", link, told, said)
        taken = self._acknowledge(link, doors.by_link(name, link.message, link.until), note)
        log.info("acknowledged by link message=%s alerts=%d", link.message, len(taken))
        return self._page("200 OK", link, told, _outcome(taken, told, name))

    def _acknowledge(self, link: _Link, actor: Actor, note: str) -> Collection[str]:
        try:
            return self._acts.take([link.message], hands.ACKNOWLEDGED, actor, note).alerts
        except ConfigError:  # somebody has them all; the page shows who
            return ()

    # -- the page --------------------------------------------------------------------------

    def _page(
        self, code: str, link: _Link, told: Sequence[str], said: _Said, *, expired: bool = False
    ) -> Answer:
        states = alerts.states(self._store, told)
        telling, rendered = self._telling(link)
        shown = self._views.alerts(told[:SHOWN])
        full = telling.channel.detail != "reference"
        seen: Mapping[str, object] = {
            "said": said,
            "expired": expired,
            "subject": rendered.subject.partition("] ")[2] if full and not expired else "",
            "severity": "low" if expired else _worst(shown),
            "alerts": [_line(view, telling, full=full) for view in shown],
            "count": len(told),
            "more": len(told) - len(shown),
            "open": sum(state == "open" for state in states.values()),
            "holders": self._holders(link, full=full),
            "message": link.message,
            "until": when(link.until, self._timezone()),
        }
        html = self._templates.get_template("ack.html.j2").render(seen)
        return Answer(code, html, HTML)

    def _telling(self, link: _Link) -> tuple[Telling, Rendered]:
        """For whom the message was made: the page shows no more than it did. A channel that
        is no longer there is shown the least."""
        name, rendered = outbox.message(self._store, link.message)
        config = self._settings.channels.get(name)
        config = config or ChannelConfig(name, "email", detail="reference")
        allowed = routing.allowed_cases(config, watch.kin(self._store))
        shown = replace(config, machine=False)
        telling = Telling(shown, allowed, link.message, now(), self._timezone(), __version__)
        return telling, rendered

    def _holders(self, link: _Link, *, full: bool) -> list[str]:
        """Who has acknowledged or closed alerts of this message, and when."""
        return [
            f"{plural(count, 'alert')} {_DONE.get(state, state)} by {unquoted(name)}, "
            f"{when(at, self._timezone())}"
            + (f": {quoted(note, hands.LONGEST_NOTE)}" if note and full else "")
            for state, name, note, at, count in alerts.holders(self._store, link.message)
        ]


_DONE = {"open": "given back to nobody"}


def _outcome(taken: Collection[str], told: Sequence[str], name: str) -> _Said:
    if not taken:
        return _Said(problem="Nothing was changed: it is in hand already. See who has it.")
    before = len(told) - len(taken)
    left = f" {plural(before, 'alert')} had been taken before: see below." if before else ""
    return _Said(result=f"Recorded: {name} has {plural(len(taken), 'alert')} in hand.{left}")


def _line(view: AlertView, telling: Telling, *, full: bool) -> dict[str, str]:
    words = render.headline(view, telling)
    if not full:
        words = topic(view.alert.kind.value, chain_name(view), when(view.alert.created, "UTC"))
    return {
        "id": view.alert.id,
        "severity": view.alert.severity.value,
        "words": words,
        "state": view.state,
    }


def _worst(shown: Sequence[AlertView]) -> str:
    return min((view.alert.severity for view in shown), key=_WORST.index).value


def _form(environ: WSGIEnvironment) -> dict[str, str]:
    if environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower() != _FORM:
        return {}
    return _fields(environ["wsgi.input"].read(BODY_MOST).decode("utf-8", "replace"))


def _fields(text: str) -> dict[str, str]:
    """The first value of each field; nothing for what is no form."""
    try:
        found = parse_qs(text, keep_blank_values=True, max_num_fields=10, errors="replace")
    except ValueError:
        return {}
    return {name: values[0] for name, values in found.items()}
