"""Published lists for pages of the desk: which somebody may see, how each stands, its rows and what
changed, with what can be done about them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from monitor.chains.address import display
from monitor.loops import list_rows
from monitor.loops.health import list_status
from monitor.loops.list_rows import Standing
from monitor.messages.spreadsheet import csv_line
from monitor.model.desk import Right
from monitor.model.lists import ENTITY, ListConfig, Listing, ListState, Publication, RowState
from monitor.model.plain import tidy
from monitor.store import desk_lists, listing
from monitor.store.desk_lists import History, Wanted
from monitor.watchlist.imports.rules import may_insist
from monitor.web.desk.ask import Ask
from monitor.web.desk.known import address_path

PAGE = 100
ACTS = {
    "take": "Take into case",
    "not_for_us": "Not for us",
    "retire": "Retire",
    "insist": "Insist",
}


# -- which lists -------------------------------------------------------------------------------


def may_see(ask: Ask, name: str) -> bool:
    """A list is seen whole or not at all: what is published by everybody who works, a file of one's
    own by the people of its case. One that left the settings, and our own customers, are for who
    sees all."""
    if ask.sight.cases is None:
        return name in list_status.names(ask.store, ask.settings)
    config = ask.settings.lists.get(name)
    if config is None or config.ours:
        return False
    return name in ask.sight.lists if config.url else ask.sight.sees(config.private_to)


def visible(ask: Ask) -> list[str]:
    return [n for n in list_status.names(ask.store, ask.settings) if may_see(ask, n)]


@dataclass(frozen=True, slots=True)
class Head:
    """A list, and the version in force."""

    name: str
    title: str
    config: ListConfig | None  # None: it is in use no more
    newest: Publication | None
    state: ListState
    error: str
    case: str  # that its entries belong to, where that may be seen

    @property
    def refused(self) -> int:
        return sum(self.newest.refused.values()) if self.newest else 0

    @property
    def use(self) -> str:
        """What is done with it."""
        if self.config is None:
            return "not in use any more; what it made stays watched"
        if self.config.ours:
            return "our own: compared with what is recorded, shown to nobody"
        return "watched" if self.config.watch else "compared, not watched"


def head(ask: Ask, name: str) -> Head:
    config = ask.settings.lists.get(name)
    state = listing.state(ask.store, name)
    return Head(
        name,
        tidy(config.title if config else name, 80),
        config,
        listing.newest(ask.store, name),
        state,
        tidy(state.error if state.failing is not None else "", 400),
        config.case if config and (ENTITY in config.case or ask.sight.sees(config.case)) else "",
    )


# -- rows --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody said of a row."""

    what: str
    name: str
    why: str
    at: int


@dataclass(frozen=True, slots=True)
class Line:
    """A row of a list. `word`: what happened to it; empty: it only stands there."""

    key: str
    word: str
    written: str  # the address as published
    places: tuple[tuple[str, str], ...]  # chain by name, the address's page there
    row: Listing
    state: str
    reason: str
    was: tuple[str, ...]  # what it said before, and says now
    said: tuple[Said, ...]
    looked: str  # how looking back stands; empty: it is not watched
    alert: str
    seen: bool | None  # whether it stands in a movement that may be seen; None: not looked at
    acts: tuple[str, ...] = field(default=())


_STATES = {
    RowState.WATCHED: "watched",
    RowState.LISTED: "not watched",
    RowState.REFUSED: "refused",
    RowState.REMOVED: "not on the list any more",
}


def lines(
    ask: Ask, name: str, rows: Sequence[Listing], words: Mapping[str, Changed] | None = None
) -> list[Line]:
    """Rows as they stand beside the version in force. `words`: what happened to each, by key."""
    newest = listing.newest_nr(ask.store, name)
    found = [*list_rows.standing(ask.store, name, newest, rows)]
    ids = [each for one in found for each in one.entries]
    histories = desk_lists.histories(ask.store, ask.sight, ids)
    seen = _seen(ask, found) if words is not None else None
    return [_line(ask, name, each, (words or {}).get(each.row.key), histories, seen)
            for each in found]  # fmt: skip


def _seen(ask: Ask, found: Iterable[Standing]) -> set[tuple[str, str]]:
    places = [
        (chain, address)
        for each in found
        for chain in each.chains
        if (address := each.row.row.judged.address)
    ]
    return desk_lists.seen(ask.store, ask.sight, places)


def _line(
    ask: Ask,
    name: str,
    it: Standing,
    changed: Changed | None,
    histories: Mapping[str, History],
    seen: set[tuple[str, str]] | None,
) -> Line:
    judged = it.row.row.judged
    address = judged.address or ""
    chains = [c for key in it.chains if (c := ask.settings.chains.get(key))]
    told = [histories[each] for each in it.entries if each in histories]
    return Line(
        key=it.row.key,
        word=changed.word if changed else "",
        written=tidy(it.row.row.published.address, 300),
        places=tuple(
            (chain.name, address_path(chain.key, display(chain, address)))
            for chain in chains
            if address
        ),
        row=it.row,
        state=_STATES[it.state],
        reason=tidy(it.reason, 300),
        was=changed.was if changed else (),
        said=tuple(
            Said(_word_said(key, word.value), tidy(word.name, 80), tidy(word.why, 400), word.at)
            for key, word in sorted(it.words.items())
        ),
        looked=_looked(told),
        alert=next((each.alert for each in told if each.alert), ""),
        seen=None if seen is None or not chains else any((c.key, address) in seen for c in chains),
        acts=_acts(ask, name, it),
    )


def _word_said(key: str, value: object) -> str:
    if key == "retired":
        return "not watched"
    if key == "insist":
        return "watched against the rule"
    shown = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return f"{key.replace('_', ' ')}: {tidy(shown, 80)}"


def _looked(told: Sequence[History]) -> str:
    if not told:
        return ""
    over = sum(each.over for each in told)
    if over == len(told):
        return "looked back" if any(each.alert for each in told) else "looked back: nothing told"
    return "looking back" if len(told) == 1 else f"looking back: {over} of {len(told)} done"


def _acts(ask: Ask, name: str, it: Standing) -> tuple[str, ...]:
    """What whoever asks may do about it."""
    judged, config = it.row.row.judged, ask.settings.lists.get(name)
    if not ask.signed.may(Right.WORK) or not judged.address or (config and config.ours):
        return ()
    ended = "retired" in it.words
    insists = (judged.rule and "insist" not in it.words and may_insist(judged.rule)) or ended
    return tuple(
        act
        for act, offered in (
            ("take", bool(it.chains)),
            ("not_for_us", not it.entries and not ended and it.state is not RowState.REMOVED),
            ("retire", bool(it.entries)),
            ("insist", bool(not it.entries and insists and config and config.watch)),
        )
        if offered
    )


# -- changes -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Changed:
    """`word`: added | removed | changed | moved to another owner | not readable."""

    word: str
    was: tuple[str, ...] = ()


def changes(
    ask: Ask, name: str, old: Publication, new: Publication, after: str
) -> tuple[list[Line], str]:
    """A page of what differs, and the key after which the next one comes; "": this is the last."""
    found: list[tuple[Listing, Listing | None, str]] = []
    for change in listing.changes(ask.store, name, old.nr, new.nr, after, PAGE + 1):
        it = change.new or change.old
        assert it is not None
        found.append((it, change.old if change.new else None, change.word))
        if len(found) > PAGE:
            break
    more = len(found) > PAGE
    found = found[:PAGE]
    rows = [it for it, _, _ in found]
    moved = desk_lists.moved(ask.store, name, rows, old.nr, new.nr)
    words = {it.key: _changed(it, was, word, moved.get(it.row.target)) for it, was, word in found}
    return lines(ask, name, rows, words), rows[-1].key if more else ""


def _changed(it: Listing, was: Listing | None, word: str, other: Listing | None) -> Changed:
    if word != "removed" and not it.row.judged.address:
        return Changed(f"{word}, not readable", _differs(was, it) if was else ())
    if other is not None:
        how = "now listed for" if word == "removed" else "before listed for"
        return Changed("moved to another owner", (f"{how} {_owner(other)}",))
    return Changed(word, _differs(was, it) if was else ())


def _owner(it: Listing) -> str:
    entity = it.row.published.entity
    return tidy(f"{entity.name or 'nobody by name'} ({entity.id or 'no id'})", 160)


_FIELDS = ("address", "ticker", "network", "label")


def _differs(was: Listing, now: Listing) -> tuple[str, ...]:
    """What it said, and says now, field by field."""
    old, new = was.row.published, now.row.published
    pairs = [(each, str(getattr(old, each)), str(getattr(new, each))) for each in _FIELDS]
    pairs += [
        ("name", old.entity.name, new.entity.name),
        ("programs", ", ".join(old.entity.programs), ", ".join(new.entity.programs)),
        ("listed since", was.since, now.since),
        ("chains", ", ".join(was.row.judged.chains), ", ".join(now.row.judged.chains)),
        ("refused by", was.row.judged.rule, now.row.judged.rule),
    ]
    return tuple(
        f"{what}: {tidy(one, 120) or 'nothing'} before, {tidy(other, 120) or 'nothing'} now"
        for what, one, other in pairs
        if one != other
    )


def page_of(ask: Ask, name: str, nr: int, wanted: Wanted, after: str) -> tuple[list[Line], str]:
    """A page of rows, and the key after which the next one comes."""
    rows = desk_lists.rows(ask.store, name, nr, wanted, after, PAGE + 1)
    more, rows = len(rows) > PAGE, rows[:PAGE]
    return lines(ask, name, rows), rows[-1].key if more else ""


def row_of(ask: Ask, name: str, key: str) -> Line | None:
    """One row, as it stands in the newest version that has it."""
    found = desk_lists.row(ask.store, name, key)
    return lines(ask, name, [found])[0] if found else None


# -- as a file ---------------------------------------------------------------------------------

COLUMNS = (
    *("list", "version", "change", "address", "chains", "entity", "name", "programs", "label"),
    *("listed_since", "listed_until", "place", "state", "refused_by", "reason", "what_changed"),
    "history",
)


def csv_lines(name: str, version: Publication, pages: Iterable[Sequence[Line]]) -> Iterator[str]:
    """The header, and every row."""
    yield csv_line(COLUMNS)
    for page in pages:
        for each in page:
            yield csv_line(_cells(name, version, each))


def _cells(name: str, version: Publication, it: Line) -> list[object]:
    published, judged = it.row.row.published, it.row.row.judged
    chains = " ".join(chain for chain, _ in it.places)
    return [
        *(name, version.sha256, it.word, it.written, chains, published.entity.id),
        *(tidy(published.entity.name), tidy(" ".join(published.entity.programs))),
        *(tidy(published.label), it.row.since, it.row.until, tidy(published.place), it.state),
        *(judged.rule, it.reason, "; ".join(it.was), it.looked),
    ]
