"""What the functions of the desk have in common: words that people write, and deciding again where
somebody else was faster."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from monitor.model.desk import Person
from monitor.model.errors import ConfigError, Conflict, Problem
from monitor.model.plain import is_same_name, tidy
from monitor.store import desk
from monitor.store.port import Reader

LONGEST_TEXT = 5000  # characters of a note
LONGEST_WHY = 500
LINES_MOST = 100
TRIES = 5
Done = TypeVar("Done")


def again(decide: Callable[[], Done]) -> Done:
    """Decide and commit; where what it was decided on has changed meanwhile, look again. Raises
    Conflict where that goes on."""
    for _ in range(TRIES - 1):
        try:
            return decide()
        except Conflict:
            continue
    return decide()


def wrong(place: str, value: str, reason: str, remedy: str) -> ConfigError:
    return ConfigError([Problem(place, value[:80], reason, remedy)])


_SAY = {"rule": "Name it", "reference": "Name what shows that it was met"}


def reason(text: str, place: str = "why") -> str:
    """One line. Raises ConfigError where there is none, and where it is longer than is kept:
    nobody's words are cut in silence."""
    shown = tidy(text, LONGEST_TEXT)
    if not shown:
        say = _SAY.get(place, "Say why, in a sentence")
        raise wrong(place, "", "is empty", f"{say}: it is recorded")
    if len(shown) > LONGEST_WHY:
        remedy = f"Write at most {LONGEST_WHY} characters; a note has room for more"
        raise wrong(place, "", f"is too long: {len(shown):,} characters", remedy)
    return shown


def paragraphs(text: str) -> str:
    """A text of several lines, each harmless. Raises ConfigError where nothing is left of it, and
    where it is longer than is kept: nobody's words are cut in silence."""
    if len(text) > LONGEST_TEXT or text.count("\n") > LINES_MOST:
        remedy = f"Write at most {LONGEST_TEXT:,} characters in {LINES_MOST} lines"
        raise wrong("text", "", "is too long", remedy)
    lines = [tidy(line, LONGEST_TEXT) for line in text.splitlines()]
    shown = "\n".join(lines).strip("\n")
    if not shown:
        raise wrong("text", "", "is empty", "Write something")
    return shown


def the_person(store: Reader, name: str) -> Person:
    """Raises ConfigError for somebody whom the desk does not know."""
    if (found := desk.person(store, name)) is not None:
        return found
    like = [each.name for each in desk.people(store) if is_same_name(each.name, name)]
    hint = f"Did you mean {like[0]}?" if like else "See /people, or `fundwatch users list`"
    raise wrong("person", name, "is not known at the desk", hint)
