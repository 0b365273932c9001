"""A movement that was reversed and its correction are closed in one form, both at once or in one
proposal; and nobody closes along what is in other hands."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from werkzeug.test import Client
from world.book import Book
from world.desk_open import TOKEN, Open, client
from world.deskbook import CAT, NOW, ON, alert_of, as_home, verified_book

from monitor.loops.desk import work
from monitor.model import Alert, AlertKind, Lane, Severity
from monitor.model.acts import DAEMON, Tell
from monitor.model.desk import Person, Role, Sight
from monitor.model.facts import BACK, Correction
from monitor.store import alerts, desk
from monitor.store.commit import commit

ALL = Sight(None, loose=True)


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    with verified_book(tmp_path) as made:
        as_home(made)
        yield made


@pytest.fixture
def browser(book: Book) -> Iterator[Client]:
    guard = Open(person=Person("bob", Role.ANALYST, enrolled=1), cases=("C",))
    with client(book.store.path.parent, guard) as made:
        yield made


def corrected(book: Book, severity: Severity, name: str, state: str = "reversed") -> str:
    """A correction of the movement that was told so urgently."""
    told = alerts.of_ids(book.store, [alert_of(book, severity.value)])
    (first,) = told.values()
    commit(
        book.store,
        DAEMON,
        Tell(NOW, [
            Alert(name, AlertKind.CORRECTION, Lane.NEWS, severity, NOW, chain=first.chain,
                  tx=first.tx, entry_id=first.entry_id, amends=first.id,
                  facts=Correction(state=state)),
        ]),
    )  # fmt: skip
    return first.id


def close(browser: Client, alert: str, **form: str) -> tuple[int, str]:
    fields = {"token": TOKEN, "why": "the chain took it back", "outcome": "reversed", "once": alert}
    said = browser.post(f"/alert/{alert}/close", data=fields | form)
    return said.status_code, said.text


def states(book: Book, *ids: str) -> list[str]:
    found = alerts.states(book.store, ids)
    return [found[each] for each in ids]


def test_a_correction_closes_with_its_movement(book: Book, browser: Client) -> None:
    """Medium ones at once; severe ones in one proposal, which whoever is second closes whole."""
    medium = corrected(book, Severity.MEDIUM, "A-CORR-1")
    form = browser.get("/alert/A-CORR-1?do=close").text
    assert f'name="with" value="{medium}" checked' in form
    assert 'name="with"' not in browser.get(f"/alert/{medium}?do=close").text
    for _ in range(2):  # a double click
        assert close(browser, "A-CORR-1", **{"with": medium})[0] == 303
    assert states(book, "A-CORR-1", medium) == ["closed", "closed"]
    severe = corrected(book, Severity.SEVERE, "A-CORR-2")
    for _ in range(2):
        assert close(browser, "A-CORR-2", **{"with": severe})[0] == 303
    (made,) = desk.proposals(book.store, ALL, "waiting")
    assert {*made.alerts} == {"A-CORR-2", severe}
    assert states(book, "A-CORR-2", severe) == ["open", "open"]
    assert severe in browser.get(f"/proposal/{made.id}").text
    work.answer(book.store, ON, CAT, made.id, True, "", NOW + 9)
    assert states(book, "A-CORR-2", severe) == ["closed", "closed"]


def test_nothing_is_closed_along_that_somebody_else_has_or_that_does_count(
    book: Book, browser: Client
) -> None:
    high = corrected(book, Severity.HIGH, "A-CORR-3", BACK)
    assert 'name="with"' not in browser.get("/alert/A-CORR-3?do=close").text
    assert close(browser, "A-CORR-3", **{"with": high})[0] == 404
    medium = corrected(book, Severity.MEDIUM, "A-CORR-1")
    assert close(browser, "A-CORR-1", **{"with": high})[0] == 404, "another alert than its own"
    work.take(book.store, CAT, [medium], NOW + 1)
    assert 'name="with"' not in browser.get("/alert/A-CORR-1?do=close").text
    code, text = close(browser, "A-CORR-1", **{"with": medium})
    assert code == 409
    assert f"{medium} is in other hands by now" in text
    assert states(book, "A-CORR-1", medium) == ["open", "acknowledged"]
    said = {"with": medium, "outcome": "no_action"}  # ticked, but another reason
    assert close(browser, "A-CORR-1", **said)[0] == 303
    assert states(book, "A-CORR-1", medium) == ["closed", "acknowledged"]
