"""What published lists say of an address: who it is, since when, by which version.

A publisher's text stands in quotes, like whatever others claim; ids and programs stand as they
are where they look like ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from monitor.messages.sheets import parts
from monitor.messages.sheets.parts import (
    Item,
    Section,
    name_said,
    publishers,
    section,
)
from monitor.model import AlertView, Entry, Origin
from monitor.model.facts import MOST_NAMED, OnList
from monitor.model.lists import is_late
from monitor.model.plain import case_said, clean, plural, quoted, utc

NAMED = 3  # lists that a sentence names
SHOWN = 20  # entries that a message names
_CODE = re.compile(r"[A-Za-z0-9][\w#/-]{0,39}\Z", re.ASCII)


def own(view: AlertView) -> OnList | None:
    """What the list said then of which the alert's entry comes; None: a person's entry. A view
    without its facts of then has what is true now."""
    entry = view.entry
    if entry is None or entry.origin is None:
        return None
    found = (each for each in view.alert.facts.on_lists if each.entry == entry.id)
    return next(found, OnList(entry.id, entry.origin, entry.case))


def others(view: AlertView) -> list[OnList]:
    """What lists said of the address beside that."""
    mine = view.entry.id if view.entry else ""
    return [each for each in view.alert.facts.on_lists if each.entry != mine]


# --- words -----------------------------------------------------------------------------------


def lists_name(origin: Origin) -> str:
    """ "OFAC's list"."""
    return parts.lists_name(origin.title or origin.list)


def stood(origin: Origin) -> str:
    """ "on the list since 2023-04-24"; of what is not on it any more from when to when."""
    since = _day(origin.since) + (" or before" if origin.at_least else "")
    if origin.until:
        return f"was on {lists_name(origin)} from {since} to {_day(origin.until)}; not on it now"
    return f"on the list since {since}"


def code(text: str) -> str:
    """An id or a program of a publisher."""
    return text if _CODE.match(text) else quoted(clean(text, 40), 40)


def who(origin: Origin) -> str:
    """ "OFAC 42498, DPRK3"."""
    named = " ".join(filter(None, (name_said(origin.title or origin.list), _id(origin))))
    programs = [code(each) for each in origin.programs[:5]]
    rest = len(origin.programs) - len(programs)
    return ", ".join((named, *programs, *([f"{rest} more programs"] if rest > 0 else [])))


def _day(text: str) -> str:
    return text if re.fullmatch("[0-9-]{4,10}", text) else quoted(clean(text, 20), 20)


def _id(origin: Origin) -> str:
    return code(origin.entity) if origin.entity else ""


def also(view: AlertView) -> str:
    """Where else the address stands, for a sentence: "also on OFAC-42498"."""
    found = others(view)
    still = [_short(each) for each in found if not each.origin.until]
    once = [_short(each) for each in found if each.origin.until]
    return "; ".join(
        f"{word} {_counted(names)}"
        for word, names in (("also on", still), ("once on", once))
        if names
    )


def _short(each: OnList) -> str:
    return case_said(each.case) if each.case else lists_name(each.origin)


def _counted(names: Sequence[str]) -> str:
    different = list(dict.fromkeys(names))
    rest = len(different) - NAMED
    return ", ".join(different[:NAMED]) + (f" and {rest} more" if rest > 0 else "")


def off(view: AlertView) -> str:
    """That the entry's list does not name the address any more, for nobody: every message of
    it begins so."""
    mine = own(view)
    if mine is None or not mine.origin.until:
        return ""
    still = (each.origin for each in others(view) if not each.origin.until)
    return "" if any(each.list == mine.origin.list for each in still) else stood(mine.origin)


def begun(view: AlertView, sentence: str) -> str:
    """The first sentence of a message of this alert."""
    said = off(view)
    return f"{said}: {sentence}" if said else sentence


def begun_of(views: Sequence[AlertView], sentence: str) -> str:
    """The same for several; where they say different things, each says its own below."""
    said = list(dict.fromkeys(map(off, views)))
    if not all(said):
        return sentence
    if len(said) == 1:
        return f"{said[0]}: {sentence}"
    names = dict.fromkeys(lists_name(mine.origin) for v in views if (mine := own(v)))
    return f"was on {' and '.join(names)}; not on it now: {sentence}"


def late(views: Iterable[AlertView], now: int) -> tuple[str, ...]:
    """The lists that could not be had or read for a day, one sentence each."""
    found: dict[str, str] = {}
    for view in views:
        for each in view.alert.facts.on_lists:
            age = view.lists.get(each.origin.list)
            if age is None or age.missing is None or not is_late(age.missing, now):
                continue
            day = f"is from {_day(age.day)}" if age.day else "was never had"
            found[each.origin.list] = (
                f"{lists_name(each.origin)} {day}: no newer one could be had or read since "
                f"{utc(age.missing)}."
            )
    rest = len(found) - NAMED
    more = f"So with {plural(rest, 'more list')}: fundwatch lists status."
    return (*[*found.values()][:NAMED], *([more] if rest > 0 else ()))


# --- parts of a message ------------------------------------------------------------------------


def own_items(view: AlertView) -> list[Item]:
    """For the part about whose address it is."""
    mine = own(view)
    return [] if mine is None else [Item(f"{who(mine.origin)}, {stood(mine.origin)}"), *_by(mine)]


def _by(each: OnList) -> list[Item]:
    """By which version."""
    if not each.sha256:
        return []
    version = f"By {lists_name(each.origin)} of {_day(each.day)}"
    return [Item(f"{version}, SHA-256 {clean(each.sha256[:12])}", style="note")]


def also_section(view: AlertView) -> Section | None:
    found = others(view)
    items = [item for each in found[:SHOWN] for item in _named(each)]
    rest = len(found) - SHOWN
    least = "At least " if len(found) >= MOST_NAMED - 1 else ""
    more = Item(f"{least}{rest:,} more: fundwatch alerts show.", style="note") if rest > 0 else None
    name = "ONCE ON" if all(each.origin.until for each in found) else "ALSO ON"
    return section(name, *items, more)


def _named(each: OnList) -> list[Item]:
    name = publishers(each.origin.name, 80) if each.origin.name else "no name"
    return [
        Item(f"{_short(each)}: {name}", style="row"),
        Item(f"{who(each.origin)}, {stood(each.origin)}"),
        *_by(each),
    ]


def entry_words(entry: Entry) -> str:
    """Of an entry, as a table has it; empty for a person's."""
    return f"{who(entry.origin)}, {stood(entry.origin)}" if entry.origin else ""
