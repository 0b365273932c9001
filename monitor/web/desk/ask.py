"""What a page is asked for, by whom, and how it answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import quote, unquote

from markupsafe import Markup
from werkzeug import Request, Response
from werkzeug.exceptions import Forbidden
from werkzeug.utils import redirect

from monitor.decide.desk.rights import rights
from monitor.model.acts import Actor
from monitor.model.desk import Person, Right, Sight
from monitor.model.settings import Settings
from monitor.store.port import Reader, Store
from monitor.store.views import Views


@dataclass(frozen=True, slots=True)
class Signed:
    """Who is signed in."""

    person: Person
    sight: Sight
    session: str  # its name, not its key
    proven: str  # how: "password and one-time code"
    token: str = field(repr=False, default="")  # what every form of this session carries
    again_at: int = 0  # when they showed last that it is they, Unix seconds

    def may(self, right: Right) -> bool:
        return right in rights(self.person)


SAID = "__Host-said"  # a cookie: what was done, for the page that follows
SAID_MOST = 600  # characters of it


class Shared(Protocol):
    """What all requests share, see Desk in site.py."""

    settings: Settings

    @property
    def guard(self) -> object: ...  # see guard_of in guard.py

    def render(self, ask: Ask, template: str, values: Mapping[str, object]) -> str: ...
    def actor(self, ask: Ask) -> Actor: ...
    def views_of(self, store: Reader) -> Views: ...
    def zone(self) -> str: ...
    def writer(self) -> Store: ...


@dataclass(frozen=True)
class Ask:
    """One request. `store`: the record at one moment, for as long as the request lasts."""

    request: Request
    desk: Shared
    store: Reader
    now: int  # Unix seconds
    me: Signed | None = None  # None: nobody is signed in

    @property
    def settings(self) -> Settings:
        return self.desk.settings

    @property
    def signed(self) -> Signed:
        """Whoever asks for a page that needs somebody."""
        if self.me is None:
            raise Forbidden
        return self.me

    @property
    def sight(self) -> Sight:
        return self.signed.sight

    @property
    def actor(self) -> Actor:
        """Who does what this request asks for."""
        return self.desk.actor(self)

    def field(self, name: str, most: int = 2000) -> str:
        """One field of the form, as it was written. Browsers count an end of a line as one
        character, and send two."""
        return self.request.form.get(name, "").replace("\r\n", "\n")[:most].strip()

    def page(
        self, template: str, title: str, room: str, status: int = 200, /, **values: object
    ) -> Response:
        """A whole page. `room`: which item of the menu it belongs to, "inbox"."""
        html = self.desk.render(self, template, {"title": title, "room": room, **values})
        return Response(html, status, mimetype="text/html")

    def go(self, path: str, said: str = "") -> Response:
        """After a change: look at `path`, which says once what was done."""
        response = redirect(path, 303)
        if said:
            word = quote(said[:SAID_MOST])
            response.set_cookie(SAID, word, 60, secure=True, httponly=True, samesite="Lax")
        return response

    @property
    def said(self) -> str:
        """What the change before this page came to."""
        return unquote(self.request.cookies.get(SAID, ""))

    @property
    def writer(self) -> Store:
        """The record to change it, by acts; what this page reads stays as it was."""
        return self.desk.writer()

    @property
    def views(self) -> Views:
        """Of the record. What of it whoever asks may not see is left out where it is rendered."""
        return self.desk.views_of(self.store)

    @property
    def allowed(self) -> frozenset[str] | None:
        """The cases whose labels may be shown, as messages are told it."""
        cases = self.sight.cases
        if cases is None:
            return None
        return cases | {""} if self.sight.loose else cases


def token(ask: Ask) -> Markup:
    """What every form holds: that it is one of this session."""
    said = ask.me.token if ask.me else ""
    return Markup('<input type="hidden" name="token" value="{}">').format(said)


Handler = Callable[..., Response]


@dataclass(frozen=True, slots=True)
class Route:
    """One line of the table of routes. `right` None: for nobody in particular, also before
    somebody has signed in."""

    path: str  # as werkzeug writes it: /alert/<alert>
    handler: Handler  # (ask, **parts of the path)
    right: Right | None = Right.SEE
    methods: tuple[str, ...] = ("GET",)
    values: Mapping[str, object] = field(default_factory=dict)
