"""The desk as a WSGI application: finds the page, asks the guard, looks at one moment of the
record, and never answers more than whoever asks may see."""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from wsgiref.types import StartResponse, WSGIEnvironment

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from werkzeug import Request, Response
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule

from monitor.loops.clock import now
from monitor.messages.sheets.parts import Table
from monitor.model.acts import Actor
from monitor.model.desk import Right
from monitor.model.errors import StoreError
from monitor.model.settings import Settings
from monitor.store import desk_inbox
from monitor.store.inplace import InPlace
from monitor.store.port import Reader, Store
from monitor.store.views import Views
from monitor.web.api.site import ROOT, Api
from monitor.web.desk import words
from monitor.web.desk.ask import SAID, Ask, token
from monitor.web.desk.guard import Guard
from monitor.web.desk.routes import ROUTES
from monitor.web.desk.strip import Strip

log = logging.getLogger("fundwatch.desk")

HERE = Path(__file__).parent
BODY_MOST = 65_536  # bytes of a form
KEPT_MOST = 20_000  # characters of each of its fields that are given back

# Which room, its address, its name, and the right that it needs.
MENU = (
    ("inbox", "/inbox", "Inbox", Right.SEE),
    ("cases", "/c", "Cases", Right.SEE),
    ("following", "/following", "Following", Right.SEE),
    ("find", "/find", "Find", Right.SEE),
    ("lists", "/lists", "Lists", Right.SEE),
    ("health", "/health", "Health", Right.SEE),
    ("people", "/people", "People", Right.PEOPLE),
    ("journal", "/journal", "Journal", Right.AUDIT),
    ("help", "/help", "Help", Right.SEE),
)

# Nothing but what this server sends, and no code inside a page.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Robots-Tag": "noindex, nofollow",
}


class Desk:
    """What all requests share."""

    def __init__(
        self,
        open_record: Callable[[], Store],
        settings: Settings,
        guard: Guard,
        views: Callable[[Reader], Views],
        open_to_write: Callable[[], Store],
        timezone: Callable[[Reader], str],
    ) -> None:
        """`open_record`: to look only; each worker opens one of its own. `open_to_write`: one
        that all of them share. `timezone`: of the desk, as the watchlist says."""
        self.settings, self.guard = settings, guard
        self.views_of, self.timezone = views, timezone
        self._to_write, self._writing = open_to_write, threading.Lock()
        self._writer: Store | None = None
        self._place: InPlace | None = None  # of the record, since it was opened first
        self.strip = Strip(settings)
        self._api = Api(self, guard, self.strip)
        self._open, self._mine = open_record, threading.local()
        self._opened: list[Store] = []
        self._templates = _templates()
        self._routes = {str(number): route for number, route in enumerate(ROUTES)}
        self._map = Map(
            [Rule(r.path, endpoint=name, methods=[*r.methods]) for name, r in self._routes.items()],
            merge_slashes=False,
        )

    def close(self) -> None:
        self.guard.close()
        for store in self._opened:
            store.close()

    def record(self) -> Store:
        """The connection of this worker. Raises StoreError, also where the record is not the one
        any more that was opened: nothing that is done may be said to be recorded then."""
        store: Store | None = getattr(self._mine, "store", None)
        if store is None:
            store = self._mine.store = self._open()
            self._opened.append(store)
        if self._place is None:
            self._place = InPlace(store.path)
        self._place.check()
        return store

    def writer(self) -> Store:
        """The connection through which acts are carried out."""
        self.record()  # where that is gone, nothing is written
        with self._writing:
            if self._writer is None:
                self._writer = self._to_write()
                self._opened.append(self._writer)
            return self._writer

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        request = Request(environ)
        request.max_content_length = BODY_MOST
        request.max_form_memory_size = BODY_MOST
        program = request.path.startswith(f"{ROOT}/")
        response = self._api.answer(request) if program else self._answer(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("Cache-Control", "no-store")
        if SAID in request.cookies and request.method == "GET" and response.mimetype == "text/html":
            response.delete_cookie(SAID, secure=True, httponly=True, samesite="Lax")
        return response(environ, start)

    def _answer(self, request: Request) -> Response:
        try:
            try:
                return self._found(request)
            except HTTPException as error:
                return self._wrong(request, error)
        except StoreError as error:
            log.warning("a page could not be made: %s", error)
            return Response(words.NO_RECORD, 503, mimetype="text/plain")
        except Exception:  # whatever a stranger sends must not end the server
            number = secrets.token_hex(4)
            log.exception("a page could not be made, number %s", number)
            return Response(words.FAULT.format(number=number), 500, mimetype="text/plain")

    def _found(self, request: Request) -> Response:
        adapter = self._map.bind_to_environ(request.environ)
        name, parts = adapter.match()
        route = self._routes[name]
        store = self.record()
        with store.look():  # one moment for the whole page: its sums add up
            ask = self.guard.admit(Ask(request, self, store, now()), route)
            if isinstance(ask, Response):
                return ask
            try:
                return self.guard.leave(ask, route.handler(ask, **parts, **route.values))
            except HTTPException as error:
                return self._wrong(request, error, ask)

    def _wrong(self, request: Request, error: HTTPException, ask: Ask | None = None) -> Response:
        if error.response is not None:
            return Response.force_type(error.get_response(request.environ), request.environ)
        code = error.code or 500
        title, said = words.WRONG.get(code, words.WRONG[500])
        found = vars(error).get("description") if isinstance(error, words.Told) else ""
        values = {"title": title, "room": "", "said": found or said}
        # What a page of somebody else sent is shown to nobody.
        ours = isinstance(error, words.Wrong | words.Changed | words.Over)
        values |= {"kept": _kept(request) if ours else "", "back": _back(request)}
        html = self.render(ask or Ask(request, self, self.record(), now()), "wrong.html.j2", values)
        return Response(html, code, mimetype="text/html", headers=error.get_headers(request.environ)
                        if code == 405 else None)  # fmt: skip

    def actor(self, ask: Ask) -> Actor:
        return self.guard.actor(ask)

    def zone(self) -> str:
        """The time zone of the desk."""
        return self.timezone(self.record())

    def _around(self, ask: Ask) -> dict[str, object]:
        """The menu and the strip; for nobody in particular there are none."""
        if ask.me is None:
            return {"menu": (), "strip": None, "waiting": 0}
        store = self.record()
        strip = self.strip.of(store, ask.me.sight, ask.now)
        menu = [each[:3] for each in MENU if ask.me.may(each[3])]
        return {
            "menu": menu,
            "strip": strip,
            "waiting": desk_inbox.count_work(store, ask.me.sight),
        }

    def render(self, ask: Ask, template: str, values: Mapping[str, object]) -> str:
        """A template with what every page shows."""
        return self._templates.get_template(template).render(
            {
                "ask": ask,
                "me": ask.me,
                "now": ask.now,
                "zone": self.zone(),
                **self._around(ask),
                **values,
            }
        )


def _kept(request: Request) -> str:
    """What somebody wrote into a form that could not be taken: it must not be lost."""
    if request.method != "POST" or request.content_length is None:
        return ""
    try:
        names = _WORDS.get(request.path.split("/")[1], ("why",))
        return "\n".join(filter(None, (request.form.get(name, "")[:KEPT_MOST] for name in names)))
    except HTTPException:  # it was too long to be read
        return ""


# Which fields of the forms of a room hold what somebody wrote.
_WORDS = {"erase": ("why", "rule"), "request": ("to", "reference", "text", "why")}
_BACK = (*("a", "alert", "c", "erase", "following", "g", "health", "lists", "proposal", "request"),)


def _back(request: Request) -> str:
    """The page on which a form stood; empty: it is not known."""
    room = request.path.split("/")[1]
    if request.method != "POST" or room not in _BACK:
        return ""
    if request.query_string:  # its address says what the form is about
        return request.full_path
    return request.path if room in ("c", "erase", "following") else request.path.rpartition("/")[0]


def _templates() -> Environment:
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(words.FILTERS)
    made.tests["table"] = lambda value: isinstance(value, Table)
    made.globals["token"] = token
    made.globals["once"] = lambda: secrets.token_hex(16)
    made.globals.update(words.GLOBALS)
    return made
