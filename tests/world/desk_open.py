"""The desk over a home folder, for a person who is let in without signing in: for tests of pages,
which are not about the way in."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from werkzeug import Response
from werkzeug.exceptions import Forbidden
from werkzeug.test import Client

from monitor.app.settings.load import load
from monitor.decide.desk.rights import sight
from monitor.loops.views import views_of
from monitor.model.desk import Person, Role
from monitor.store import notes
from monitor.store.deskfile import FILE, DeskFile
from monitor.store.guard import DATABASE
from monitor.store.sqlite import Store
from monitor.web.desk.ask import Ask, Route, Signed
from monitor.web.desk.guard import Guard
from monitor.web.desk.site import Desk

LEAD = Person("m.ortiz", Role.LEAD, enrolled=1)
TOKEN = "the-token-of-this-session"


@dataclass
class Open(Guard):
    """Lets in whoever it is told; `person` and `cases` may be changed between requests."""

    person: Person = LEAD
    cases: Collection[str] = ()
    lists: Collection[str] = ()  # those that everybody can read

    def admit(self, ask: Ask, route: Route) -> Ask | Response:
        me = Signed(self.person, sight(self.person, self.cases, self.lists), "s-1", "test", TOKEN)
        if route.right is not None and not me.may(route.right):
            raise Forbidden
        return replace(ask, me=me)


@contextmanager
def desk(home: Path, guard: Open) -> Iterator[Desk]:
    """The real application over the record of a home folder."""
    settings = load(home, {})
    Guard.__init__(guard, settings.web, DeskFile(home / FILE))
    made = Desk(
        lambda: Store(home / DATABASE, readonly=True),
        settings,
        guard,
        lambda store: views_of(store, settings),
        lambda: Store(home / DATABASE),
        lambda store: notes.get_note(store, "timezone") or settings.timezone,
    )
    try:
        yield made
    finally:
        made.close()


@contextmanager
def client(home: Path, guard: Open) -> Iterator[Client]:
    """What a browser would ask with."""
    with desk(home, guard) as made:
        yield Client(made)
