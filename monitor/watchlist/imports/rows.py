"""Rows of a list that others have written -> what the watchlist would take of them, and why
not the rest. Pure: the rows come from monitor.watchlist.imports.tables."""

from __future__ import annotations

import datetime
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from monitor.chains import keys
from monitor.chains.address import AddressError, canonical, display
from monitor.chains.names import ChainNames, Unclear, from_encoding
from monitor.chains.which import Which
from monitor.messages.spreadsheet import csv_line
from monitor.model import Asset, Chain, Entry
from monitor.model.errors import Problem
from monitor.watchlist.entries import BLOCK_KEYS, read_block
from monitor.watchlist.imports import spoilt, wrecks
from monitor.watchlist.imports.cells import ListRow, ListTable, Value
from monitor.watchlist.imports.poison import CONTRACT, Poison
from monitor.watchlist.imports.publisher import Said
from monitor.watchlist.spliced import Line
from monitor.watchlist.values import CHOICES, EntryReader, read_value
from monitor.watchlist.yaml_nodes import Fields, Items, Node, Notes, Text

_TERMS = tuple(k for k in BLOCK_KEYS if k not in {"address", "chain", "chains", "case", "retired"})


_LEAVE = ("Leave it out", "Leave it out; who wants it all the same writes it into watchlist.yaml")
REASONS = ("refused_because", "refused_line")  # columns that a list of refused rows has more


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for a whole import: the names that a watchlist may use (as EntryReader has
    them), the chains of rows that name none, and lines for rows that lack them."""

    chains: Mapping[str, Chain]
    channels: Collection[str] | None = None
    symbols: Collection[str] | None = None
    given: tuple[str, ...] = ()
    lines: Mapping[str, str] = field(default_factory=dict)
    quieter: bool = False  # also take what makes an address tell less, see quieter()
    poison: Poison = field(default_factory=lambda: Poison({}))
    assets: Collection[Asset] | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """A row that is taken: the lines of its block, and the entries that it makes."""

    number: int
    block: Mapping[str, Line]
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that is not taken, with every reason. `asks`: for want of a chain."""

    row: ListRow
    problems: tuple[Problem, ...]
    asks: bool = False


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """What an import would do. `present` and `repeated` count entries that are on the list,
    or in the file, already under the same case; `remarks` are sentences for people. `quieter`:
    see quieter(); taken with the rows, or left out of them, as Terms says."""

    taken: tuple[Taken, ...] = ()
    refused: tuple[Refused, ...] = ()
    present: int = 0
    repeated: int = 0
    remarks: tuple[str, ...] = ()
    quieter: Mapping[str, int] = field(default_factory=dict)  # what rows ask for -> how many

    @property
    def entries(self) -> tuple[Entry, ...]:
        return tuple(entry for taken in self.taken for entry in taken.entries)


def plan(table: ListTable, listed: Iterable[Entry], terms: Terms) -> ImportPlan:
    """Decide every row of a table against the entries that the watchlist holds."""
    work = _Work(table.unit, terms, {entry.id: entry for entry in listed})
    for row in table.rows:
        work.take(row)
    return ImportPlan(
        tuple(work.taken),
        tuple(work.refused),
        work.present,
        work.repeated,
        tuple(work.remarks()),
        dict(work.quieter.most_common()),
    )


def quieter(values: Mapping[str, Value]) -> dict[str, str]:
    """Lines of a row that make its address tell less, or nobody: line -> what it asks for. In
    a list of strangers they would let it silence itself."""
    found = {name: value for name in _QUIETER if (value := values.get(name))}
    loud = {name for name, word in _LOUD.items() if _folded(found.get(name)) == word}
    return {name: _asked(name, found[name]) for name in found if name not in loud}


# Of held funds less is told of what comes in, and of what was announced.
_HELD = ("held", "holder", "expected", "planned")
_QUIETER = (
    *("retired", "canary", "min_amount", "direction", "tell_when", "channels", "sources"),
    *_HELD,
)
_LOUD = {"direction": "both", "tell_when": "seen"}  # the words that take nothing away
_SHORT = ("direction", "tell_when")  # lines whose value is one of a few words


def _folded(value: Value | None) -> str:
    return value.casefold() if isinstance(value, str) else ""


def _asked(name: str, value: Value) -> str:
    return f"{name}: {_folded(value)[:20]}" if name in _SHORT else name


def refused_rows(refused: Sequence[Refused]) -> Iterable[str]:
    """The rows not taken as CSV lines, every cell as it was written, with the reason behind:
    to be mended and imported again."""
    names = list(dict.fromkeys(name for each in refused for name in each.row.original))
    names = [name for name in names if name not in REASONS]
    yield csv_line([*names, *REASONS])
    for each in refused:
        why = "; ".join(f"{p.reason}. {p.remedy}" for p in each.problems)
        cells = [each.row.original.get(name, "").strip() for name in names]
        yield csv_line([*cells, why, each.row.number])


class _NotTaken(Exception):
    """Why a row is refused: its problems without their place."""

    def __init__(self, problems: Sequence[Unclear | Problem]) -> None:
        super().__init__()
        self.problems = problems


@dataclass(slots=True)
class _Work:
    unit: str
    terms: Terms
    listed: Mapping[str, Entry]
    taken: list[Taken] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    present: int = 0
    repeated: int = 0
    ours: dict[str, tuple[int, Entry]] = field(default_factory=dict)  # id -> row number
    other_terms: list[str] = field(default_factory=list)
    other_case: list[str] = field(default_factory=list)
    titles: dict[str, str] = field(default_factory=dict)
    lost_titles: list[str] = field(default_factory=list)
    quieter: Counter[str] = field(default_factory=Counter)
    shared: list[str] = field(default_factory=list)
    names: ChainNames = field(init=False)
    which: Which = field(init=False)
    cases_of: dict[str, list[str]] = field(init=False)  # subject -> cases on the list

    def __post_init__(self) -> None:
        self.names = ChainNames(self.terms.chains, self.terms.symbols or ())
        self.which = Which(self.terms.chains)
        self.cases_of = {}
        for entry in self.listed.values():
            if not entry.retired:
                self.cases_of.setdefault(entry.subject.key, []).append(entry.case)
            self.titles.setdefault(entry.case, entry.title)

    def take(self, row: ListRow) -> None:
        try:
            block, entries = self._read(row)
        except _NotTaken as error:
            place = f"{self.unit} {row.number}"
            problems = tuple(
                Problem(place, keys.shown(p.value, _SHOWN), p.reason, p.remedy)
                for p in error.problems
            )
            asks = any(isinstance(p, Unclear) and p.asks for p in error.problems)
            self.refused.append(Refused(row, problems, asks))
            return
        fresh = tuple(entry for entry in entries if self._is_new(row, entry))
        if fresh:
            self.quieter.update(quieter(row.values).values())
            block |= self._title(row, fresh[0].case)
            self.taken.append(Taken(row.number, _for_chains(block, fresh), fresh))

    def _read(self, row: ListRow) -> tuple[dict[str, Line], tuple[Entry, ...]]:
        """The block of one row, and its entries. Raises _NotTaken."""
        if row.fault:
            raise _NotTaken([Unclear(*row.fault)])
        left_out = () if self.terms.quieter else quieter(row.values)
        kept = {name: value for name, value in row.values.items() if name not in left_out}
        values = {**self.terms.lines, **kept}
        written = values.get("address", "")
        address = written if isinstance(written, str) else ""
        why = spoilt.by_form(address, self.terms.chains)
        if why:
            raise _NotTaken([Unclear(address, why.reason, why.remedy)])
        keys = self._chains(address, values)
        block: dict[str, Line] = {"address": address, "chains": keys}
        block |= {name: _line(name, values[name]) for name in BLOCK_KEYS if _is_term(name, values)}
        # Who wants a canary looks for an address that strangers pay all the time.
        warning = "" if values.get("canary") else self._somebodys(address, keys)
        notes = Notes()
        terms = self.terms
        at = EntryReader(terms.chains, terms.channels, terms.symbols, notes, assets=terms.assets)
        entries = read_block(_fields(block, row.number), at)
        if "title" in values:
            read_value("title", _node(values["title"], row.number), at)
        if notes.found:
            raise _NotTaken(notes.problems)
        self._not_retired(entries)
        if warning:
            self.shared.append(f"{self.unit} {row.number} ({warning})")
        return block, entries

    def _chains(self, address: str, values: Mapping[str, Value]) -> tuple[str, ...]:
        """As the row names them, else by its coin, else by the address. Raises _NotTaken."""
        named: tuple[str, ...] | Unclear = ()
        if values.get("chain"):
            named = self.names.keys(_joined(values["chain"]))
        if named == () and values.get("ticker"):
            named = self.names.of_ticker(_joined(values["ticker"]))
        if named == () and not self.which.fits(address).all:
            why = wrecks.of(address, Said(), self.terms.chains)
            named = Unclear(address, why.reason, why.remedy or "Leave it out")
        if named == ():
            named = from_encoding(address, self.terms.chains, self.terms.given)
        if isinstance(named, Unclear):
            raise _NotTaken([named])
        return named

    def _somebodys(self, address: str, keys: Sequence[str]) -> str:
        """What to warn of, where it is watched all the same. Raises _NotTaken."""
        warning = ""
        for key in keys:
            chain = self.terms.chains[key]
            try:
                form = canonical(chain, address)
            except AddressError:
                continue  # told with its line when the block is read
            sink = self.terms.poison.rule(chain, form)
            if sink is not None and not (self.terms.quieter and sink.rule == CONTRACT):
                raise _NotTaken([Unclear(address, sink.reason, _LEAVE[sink.rule == CONTRACT])])
            warning = warning or self.terms.poison.warning(form)
        return warning

    def _not_retired(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            old = self.listed.get(entry.id)
            if old is not None and old.retired and not entry.retired:
                where = f"watchlist.yaml line {old.line}"
                remedy = f"To watch it again delete  retired:  of {where}"
                reason = f"is on the list and retired ({old.retired})"
                raise _NotTaken([Unclear(entry.subject.address, reason, remedy)])

    def _is_new(self, row: ListRow, entry: Entry) -> bool:
        old, here = self.listed.get(entry.id), self.ours.get(entry.id)
        if old is None and here is None:
            self.ours[entry.id] = (row.number, entry)
            cases = self.cases_of.get(entry.subject.key)
            if cases:
                shown = ", ".join(case or "no case" for case in cases)
                self.other_case.append(f"{self.unit} {row.number} ({shown})")
            return True
        self.present += old is not None
        self.repeated += old is None
        first = old or (here[1] if here else entry)
        changed = [k for k in _TERMS if k in row.values and getattr(first, k) != getattr(entry, k)]
        if changed:
            where = "the list" if old else f"{self.unit} {here[0] if here else 0}"
            self.other_terms.append(f"{self.unit} {row.number} ({', '.join(changed)}; see {where})")
        return False

    def _title(self, row: ListRow, case: str) -> dict[str, Line]:
        """The title of a case that the list does not know yet; one that cannot be kept is
        remembered."""
        title = str(row.values.get("title", ""))
        if not title:
            return {}
        known = self.titles.setdefault(case, title) if case else ""
        if known != title:
            self.lost_titles.append(f"{self.unit} {row.number}")
        return {"title": title} if known == title else {}

    def remarks(self) -> Iterable[str]:
        if self.other_case:
            yield (
                f"{_entries(self.other_case)} watched under another case too; each case gets "
                f"its own alerts: {_some(self.other_case)}"
            )
        if self.other_terms:
            yield (
                f"{_entries(self.other_terms)} there already with other words, which stay as "
                f"they are (edit them by hand): {_some(self.other_terms)}"
            )
        if self.shared:
            yield f"taken, but somebody should look at them: {_some(self.shared)}"
        if self.lost_titles:
            yield f"a case has one title; another one was not taken: {_some(self.lost_titles)}"


def _entries(found: Sequence[str]) -> str:
    return "1 entry is" if len(found) == 1 else f"{len(found):,} entries are"


def _some(found: Sequence[str]) -> str:
    rest = f" and {len(found) - 10:,} more" if len(found) > 10 else ""
    return ", ".join(found[:10]) + rest


# -- one row ---------------------------------------------------------------------------------

_SHOWN = 100  # characters of a value


def _is_term(name: str, values: Mapping[str, Value]) -> bool:
    return name not in {"address", "chain", "chains"} and bool(values.get(name))


def _line(name: str, value: Value) -> Line:
    """A value in the watchlist's own spelling where people and spreadsheets have others."""
    if not isinstance(value, str):
        return value
    if name in CHOICES:
        return value.casefold()
    return _day(value) if name == "since" else value


def _day(text: str) -> str:
    """A day as 2023-01-31, where its form leaves no doubt; else the text as it is."""
    text = re.sub(r"[T ]00:00(:00(\.0+)?)?Z?\Z", "", text)
    parts = re.fullmatch(r"([0-9]{1,2})([./])([0-9]{1,2})\2([0-9]{4})", text)
    if parts is None:
        return text
    first, second = int(parts[1]), int(parts[3])
    if parts[2] == "/" and first <= 12 and second <= 12 and first != second:
        return text
    day, month = (second, first) if parts[2] == "/" and second > 12 else (first, second)
    try:
        return datetime.date(int(parts[4]), month, day).isoformat()
    except ValueError:
        return text


def _joined(value: Value) -> str:
    return value if isinstance(value, str) else "; ".join(value)


def _for_chains(block: Mapping[str, Line], entries: Sequence[Entry]) -> dict[str, Line]:
    """The block for those of its chains that are new."""
    keys = tuple(entry.subject.chain for entry in entries)
    rest = {k: v for k, v in block.items() if k != "chains"}
    return {"address": rest.pop("address"), **_chain_line(keys), **rest}


def _chain_line(keys: tuple[str, ...]) -> dict[str, Line]:
    return {"chain": keys[0]} if len(keys) == 1 else {"chains": keys}


def shown_address(taken: Taken, chains: Mapping[str, Chain]) -> str:
    """The address with the capitals that guard it against slips."""
    forms = {display(chains[e.subject.chain], e.subject.address) for e in taken.entries}
    return forms.pop() if len(forms) == 1 else str(taken.block["address"])


def blocks(found: ImportPlan, chains: Mapping[str, Chain]) -> list[Mapping[str, Line]]:
    """What monitor.watchlist.edit.add_many writes."""
    return [{**each.block, "address": shown_address(each, chains)} for each in found.taken]


def _fields(block: Mapping[str, Line], line: int) -> Fields:
    pairs = tuple((Text("", line, line, name), _node(value, line)) for name, value in block.items())
    return Fields("", line, line, 0, False, pairs)


def _node(value: Line, line: int) -> Node:
    if isinstance(value, str):
        return Text("", line, line, value)
    if isinstance(value, Mapping):
        return _fields(value, line)
    return Items("", line, line, 0, False, tuple(Text("", line, line, item) for item in value))
