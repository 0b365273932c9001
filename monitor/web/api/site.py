"""The API as a part of the desk's application: finds the route, asks for the token, looks at one
moment of the record, and never answers more than the token may see."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

from werkzeug import Request, Response
from werkzeug.exceptions import HTTPException

from monitor.loops.clock import now
from monitor.model.acts import Actor
from monitor.model.api import Scope
from monitor.model.errors import StoreError
from monitor.model.plain import rfc3339
from monitor.model.settings import Settings
from monitor.store import api_tokens
from monitor.store.port import Reader, Store
from monitor.store.views import Views
from monitor.web.api import bodies, cursor, once, params, problems, sending
from monitor.web.api.bearer import Bearer, bearer
from monitor.web.api.call import Call, Param, Route, Rows, actor_of
from monitor.web.api.once import Once
from monitor.web.api.pace import Pace
from monitor.web.api.problems import Wrong
from monitor.web.api.reading import Readings
from monitor.web.api.routes import routes_at
from monitor.web.desk.ask import Ask, Shared
from monitor.web.desk.files import pieces
from monitor.web.desk.guard import Guard
from monitor.web.desk.strip import Strip
from monitor.web.desk.words import NO_RECORD

log = logging.getLogger("fundwatch.api")

ROOT = "/api/v1"
_HTTP = {400: "not_understood", 404: "not_found", 405: "not_allowed", 413: "too_long"}


class Home(Shared, Protocol):
    """What it needs of the desk."""

    def record(self) -> Store: ...


class Behind:
    """What a request of a token shares with pages, but for who acts."""

    def __init__(self, desk: Home, actor: Actor) -> None:
        self._desk, self._actor = desk, actor
        self.settings: Settings = desk.settings

    @property
    def guard(self) -> object:
        return self._desk.guard

    def render(self, ask: Ask, template: str, values: Mapping[str, object]) -> str:
        return self._desk.render(ask, template, values)

    def actor(self, ask: Ask) -> Actor:  # noqa: ARG002 - whoever asks is the token
        return self._actor

    def views_of(self, store: Reader) -> Views:
        return self._desk.views_of(store)

    def zone(self) -> str:
        return self._desk.zone()

    def writer(self) -> Store:
        return self._desk.writer()


class Api:
    """What all requests share."""

    def __init__(self, desk: Home, guard: Guard, strip: Strip) -> None:
        self._desk, self._guard = desk, guard
        self.pace, self.once = Pace(), Once(guard.file)
        self.readings = Readings(strip)

    def answer(self, request: Request) -> Response:
        """Never fails."""
        route = (request.method, ROOT)  # no more: what is asked for may hold addresses
        try:
            try:
                return self._found(request)
            except HTTPException as error:  # what werkzeug says of a request
                key = _HTTP.get(error.code or 500, "not_understood")
                raise Wrong(key, f"{problems.KINDS[key].title}.") from error
        except Wrong as wrong:
            return problems.answered(wrong, *route)
        except StoreError as error:
            log.warning("an answer could not be made: %s", error)
            later = Wrong("no_record", NO_RECORD.strip(), headers={"Retry-After": "30"})
            return problems.answered(later, *route)
        except Exception:  # whatever a stranger sends must not end the server
            number = secrets.token_hex(4)
            log.exception("an answer could not be made, number %s", number)
            said = f"Whoever runs Fundwatch finds it in its log under number {number}."
            return problems.answered(Wrong("fault", said), *route)

    def _found(self, request: Request) -> Response:
        if not self._guard.is_here(request):
            said = f"This desk is opened at {self._guard.settings.url}, and by no other name."
            raise Wrong("wrong_name", said)
        store, moment = self._desk.record(), now()
        who = bearer(self._guard, self._desk.settings, store, request, moment)
        self.pace.take(who.token.id)
        route, parts = _route(request)
        who.check(route)
        form = _form(request, route)
        if form in (sending.NDJSON, sending.CSV):
            who.check_scope(Scope.EXPORT)
        args = params.checked(request.args, [*route.params, *_paging(route, form)])
        bulk = form in (sending.NDJSON, sending.CSV)
        kind = "act" if route.method == "POST" else "export" if bulk else "read"
        api_tokens.used(self._guard.file, who.token, kind, who.client, moment)
        call = self._call(request, store, who, moment, args)
        if route.method == "POST":
            return self._act(call, route, parts)
        if bulk:
            return self._bulk(call, route, parts, form)
        with store.look():
            return self._answered(call, route, parts, form)

    def _call(
        self, request: Request, store: Store, who: Bearer, moment: int, args: Mapping[str, str]
    ) -> Call:
        desk = Behind(self._desk, actor_of(who.token))
        ask = Ask(request, desk, store, moment, who.signed)
        return Call(ask, store, who.token, self._guard.file, who.client, self.readings, args)

    def _answered(self, call: Call, route: Route, parts: Mapping[str, str], form: str) -> Response:
        found = route.handler(replace(call, form=form), **parts)
        if not isinstance(found, Rows):
            return sending.answered(found)
        question = _question(call, route, parts)
        place = call.args.get("after", "")
        place = cursor.opened(call.token, question, place) if place else ""
        limit = call.number("limit") or params.USUAL
        body, after = sending.page(found, place, limit, rfc3339(call.now) or "")
        goes_on = cursor.sealed(call.token, question, after) if after else None
        return sending.json({**body, "next": goes_on})

    def _bulk(self, call: Call, route: Route, parts: Mapping[str, str], form: str) -> Response:
        """All rows of one moment, written to a file first: see sending.whole."""
        self.pace.begin_bulk(call.token.id)
        try:
            with call.store.look():
                rows, as_of = _rows(call, route, parts), rfc3339(call.now) or ""
                file = sending.whole(rows, form, as_of)
        except BaseException:  # also a stop: the place is free again
            self.pace.end_bulk(call.token.id)
            raise
        response = Response(pieces(file), mimetype=form)
        response.call_on_close(file.close)
        response.call_on_close(lambda: self.pace.end_bulk(call.token.id))
        return response

    def _act(self, call: Call, route: Route, parts: Mapping[str, str]) -> Response:
        request = call.ask.request
        if request.mimetype != "application/json":
            raise Wrong("not_json", "Send application/json.")
        data = request.get_data(cache=False)
        key = once.key_of(request)
        if route.match and not request.headers.get("If-Match"):
            said = "Look first, and send the ETag of what you saw as If-Match."
            raise Wrong("match_missing", said)
        body = bodies.read(data, route.body) if route.body else None
        call = replace(call, body=body, once=once.word(call.token, key))

        def do() -> Response:
            with call.store.look():
                return self._answered(call, route, parts, route.forms[0])

        asked = once.asked(request, data)
        return self.once.answer(call.token, key, asked, call.now, ("POST", route.path), do)


def _rows(call: Call, route: Route, parts: Mapping[str, str]) -> Rows:
    found = route.handler(call, **parts)
    if not isinstance(found, Rows):
        raise TypeError(route.path)
    return found


def _route(request: Request) -> tuple[Route, dict[str, str]]:
    """By the address as it was sent, so that a name may hold a slash (%2F)."""
    said = str(request.environ.get("REQUEST_URI") or request.environ.get("RAW_URI") or "")
    path = said.partition("?")[0]
    if not path.startswith(f"{ROOT}/"):
        path = request.path  # of a server that does not tell
    found = routes_at(path.removeprefix(ROOT))
    if not found:
        raise problems.gone()
    method = "GET" if request.method == "HEAD" else request.method
    for route, parts in found:
        if route.method == method:
            return route, parts
    allowed = ", ".join(sorted({route.method for route, _ in found}))
    raise Wrong("not_allowed", f"Here there is {allowed}.", headers={"Allow": allowed})


def _form(request: Request, route: Route) -> str:
    forms: list[str] = [*route.forms]
    forms += [sending.NDJSON, sending.CSV] if route.listing else []
    if not request.headers.get("Accept"):
        return forms[0]
    best = request.accept_mimetypes.best_match(forms)
    if best is None:
        raise Wrong("not_acceptable", f"It is to be had as {', '.join(forms)}.")
    return str(best)


def _paging(route: Route, form: str) -> tuple[Param, ...]:
    """All rows of a question have no pages."""
    return (params.LIMIT, params.AFTER) if route.listing and form == route.forms[0] else ()


def _question(call: Call, route: Route, parts: Mapping[str, str]) -> str:
    """What a cursor belongs to."""
    kept = {name: value for name, value in call.args.items() if name not in ("after", "limit")}
    return f"{route.path} {sorted(parts.items())} {sorted(kept.items())}"
