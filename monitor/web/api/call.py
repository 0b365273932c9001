"""What the API is asked for, by which token, and how it answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeVar

import msgspec

from monitor.decide.desk.rights import token_rights
from monitor.model.acts import Actor, ActorKind
from monitor.model.api import Scope, Token
from monitor.model.desk import Right, Sight
from monitor.model.errors import ConfigError, Conflict
from monitor.model.settings import Settings
from monitor.store import api_tokens
from monitor.store.deskfile import DeskFile, hashed
from monitor.store.port import Store
from monitor.web.api.problems import Wrong, of_config
from monitor.web.api.shapes import Reading
from monitor.web.desk.ask import Ask

Json = Mapping[str, object]
Sent = TypeVar("Sent", bound=msgspec.Struct)


@dataclass(frozen=True, slots=True)
class Param:
    """A parameter of an address. `schema`: as JSON Schema has it; its type is string or integer."""

    name: str
    what: str
    schema: Json


@dataclass(frozen=True, slots=True)
class Answer:
    """What a handler answers. `value`: a msgspec value, or JSON."""

    value: object
    status: int = 200
    etag: str = ""


@dataclass(frozen=True, slots=True)
class Raw:
    """Bytes in their own form."""

    data: bytes
    mimetype: str
    etag: str = ""


@dataclass(frozen=True, slots=True)
class File:
    """A file that is handed out, under this name."""

    path: Path
    mimetype: str
    name: str


@dataclass(frozen=True, slots=True)
class Rows:
    """A list. `page`: up to so many of its objects after a place ("": from the beginning), each
    with its own place. `reading`: what was read for exactly this question. `columns`: of its table,
    dotted paths into the objects."""

    page: Callable[[str, int], Sequence[tuple[str, object]]]
    reading: Callable[[], Reading]
    columns: Sequence[str] = ()


class ReadingOf(Protocol):
    """Says what was read, see reading.py."""

    def all(self, call: Call) -> Reading: ...
    def case(self, call: Call, case: str) -> Reading: ...
    def entries(self, call: Call, ids: Sequence[str], unwatched: str = "") -> Reading: ...


@dataclass(frozen=True, slots=True)
class Call:
    """One request. `ask`: the same as a page has it, whose actor is the token."""

    ask: Ask
    store: Store  # the record at one moment
    token: Token
    file: DeskFile
    client: str  # from where
    readings: ReadingOf
    args: Mapping[str, str] = field(default_factory=dict)
    body: object = None  # of a POST: the value of its route's type
    once: str = ""  # of a POST: one word for its Idempotency-Key
    form: str = "application/json"  # in which it is to be answered

    @property
    def writer(self) -> Store:
        return self.ask.desk.writer()

    @property
    def sight(self) -> Sight:
        return self.ask.sight

    @property
    def settings(self) -> Settings:
        return self.ask.settings

    @property
    def now(self) -> int:
        return self.ask.now

    @property
    def actor(self) -> Actor:
        return actor_of(self.token)

    def sent(self, kind: type[Sent]) -> Sent:
        """What was sent, of the type that the route has."""
        if not isinstance(self.body, kind):
            raise TypeError(kind)
        return self.body

    def may(self, right: Right) -> bool:
        return right in token_rights(self.ask.signed.person)

    def looked(self, case: str) -> None:
        """A case is shown to the token: that is told, once a day."""
        if case:
            api_tokens.used(self.file, self.token, "looked at a case", self.client, self.now, case)

    def number(self, name: str) -> int | None:
        """A parameter that is a whole number, as its schema has checked."""
        return int(self.args[name]) if name in self.args else None


def actor_of(token: Token) -> Actor:
    """Who acts: whoever made the token, by it."""
    said = f'token {token.id} "{token.title}", made by {token.maker}'
    return Actor(ActorKind.TOKEN, token.maker, said)


@dataclass(frozen=True, slots=True)
class Route:
    """One line of the table. `answer`: the type of what comes back (of a list: of its items), or
    the name of a schema that is kept elsewhere."""

    method: str
    path: str  # "/alerts/{id}"
    handler: Callable[..., Answer | Raw | File | Rows]
    scope: Scope | None  # None: any token
    summary: str
    answer: type | str
    right: Right = Right.SEE
    params: tuple[Param, ...] = ()
    body: type[msgspec.Struct] | None = None
    match: bool = False  # If-Match is needed
    etag: bool = False
    listing: bool = False
    status: int = 200
    forms: tuple[str, ...] = ("application/json",)  # besides, of a list: NDJSON and CSV


def match(call: Call, etag: str) -> None:
    """That it is decided on what was looked at; "*" would say that nobody looked."""
    said = call.ask.request.headers.get("If-Match", "")
    wanted = [each.strip().removeprefix("W/").strip('"') for each in said.split(",")]
    if etag not in wanted:
        raise Wrong("stale", "It is not as it was when you looked. Look again, and decide anew.")


def digest(*parts: object) -> str:
    """A tag of what was looked at."""
    return hashed("\n".join(map(str, parts)))[:32]


def carried_out(
    do: Callable[[], Answer], places: Mapping[str, str] | None = None
) -> Answer:  # fmt: skip
    """What an act came to. Raises Wrong."""
    try:
        return do()
    except ConfigError as error:
        raise of_config(error, places) from error
    except Conflict as error:
        raise Wrong("changed", f"Nothing was done: {error}.") from error
