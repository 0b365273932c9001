"""watchlist.yaml -> entries, with the line of every mistake; and the difference to the
list that is being watched. Pure: editing the text is in monitor.watchlist.edit."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from monitor.chains.address import AddressError, canonical
from monitor.chains.table import family_of
from monitor.model import Asset, Chain, Entry, Severity, Subject
from monitor.model.errors import Problem
from monitor.model.ids import stable_id
from monitor.watchlist import follow, held, yaml_nodes
from monitor.watchlist.values import EntryReader, case_problem, read_value
from monitor.watchlist.yaml_nodes import Fields, Items, Node, Notes, Text, is_blank

INHERITED = (
    "chain",
    "chains",
    "reason",
    "source",
    "tags",
    "severity",
    "direction",
    "min_amount",
    "tell_when",
    "since",
    "channels",
    "sources",
    "held",
    "holder",
)
BLOCK_KEYS = (
    *("address", "label", "case", "busy", "canary", "retired"),
    *("expected", "planned", *INHERITED),
)
DEFAULT_KEYS = ("follow", *INHERITED)
CASE_KEYS = ("title", "addresses", *DEFAULT_KEYS)
TOP_KEYS = ("version", "timezone", "defaults", "cases", "addresses", "count")


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a watchlist says.

    `entries` holds only entries without any mistake in their own block, their case or the
    defaults; `refused` are the ids of those that would be there but for a mistake. `whole`
    is False when the file cannot be read or contradicts its own `count`: nothing in it may
    be applied then. `blocks` counts the address blocks.
    """

    entries: tuple[Entry, ...]
    timezone: str
    problems: tuple[Problem, ...]
    refused: frozenset[str] = frozenset()
    whole: bool = True
    blocks: int = 0
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """What a new list changes. `missing` entries stay watched; `retired` ones end."""

    added: tuple[Entry, ...] = ()
    changed: tuple[tuple[Entry, Entry], ...] = ()  # (old, new)
    missing: tuple[Entry, ...] = ()
    retired: tuple[Entry, ...] = ()
    refused: tuple[Entry, ...] = ()  # as stored: their new lines hold a mistake
    unchanged: tuple[Entry, ...] = ()


def parse(
    text: bytes | str,
    chains: Mapping[str, Chain],
    file: str = "watchlist.yaml",
    *,
    channels: Collection[str] | None = None,
    assets: Iterable[Asset] | None = None,
    timezones: Collection[str] | None = None,
    sources: Collection[str] | None = None,
) -> Parsed:
    """Read a whole watchlist; never raises for what it holds, all problems come at once.

    `channels`, `assets`, `timezones` and `sources` are the known names; None leaves them unchecked.
    """
    notes = Notes()
    root = yaml_nodes.read(text, file, notes)
    known = None if assets is None else tuple(assets)
    symbols = None if known is None else {asset.symbol for asset in known}
    reader = _Reader(EntryReader(chains, channels, symbols, notes, sources, known), notes)
    if isinstance(root, Fields):
        return reader.run(root, timezones)
    if root is not None and not is_blank(root):
        notes.say(root, "is not a watchlist", "Start with a line  addresses:")
    return Parsed((), "", notes.problems, whole=not notes.found)


def read_block(block: Fields, at: EntryReader) -> tuple[Entry, ...]:
    """The entries of one address block that stands alone; its mistakes go to `at.notes`,
    and a block with any gives none."""
    reader = _Reader(at, at.notes)
    reader._block(block, _Lines(), "")
    return tuple(reader.entries)


def difference(
    stored: Sequence[Entry], parsed: Sequence[Entry], refused: Collection[str] = ()
) -> Difference:
    """Compare the watched list with a new one, by entry id; the line does not count.

    `refused` are Parsed.refused: such entries are neither missing nor changed.
    """
    old = {entry.id: entry for entry in stored}
    new = {entry.id: entry for entry in parsed}
    both = [(old[key], entry) for key, entry in new.items() if key in old]
    ends = [(was, now) for was, now in both if now.retired and not was.retired]
    ended = {now.id for _, now in ends}
    edits = [pair for pair in both if pair[1].id not in ended and _differs(*pair)]
    gone = [entry for entry in stored if entry.id not in new and not entry.retired]
    return Difference(
        added=tuple(e for e in parsed if e.id not in old and not e.retired),
        changed=tuple(edits),
        missing=tuple(e for e in gone if e.id not in refused),
        retired=tuple(now for _, now in ends),
        refused=tuple(e for e in gone if e.id in refused),
        unchanged=tuple(now for was, now in both if not _differs(was, now)),
    )


def _differs(was: Entry, now: Entry) -> bool:
    return replace(was, line=0) != replace(now, line=0)


@dataclass(frozen=True, slots=True)
class _Lines:
    """The readable lines of one block, and whether any line of it was refused."""

    values: Mapping[str, Any] = field(default_factory=dict)
    broken: bool = False

    def under(self, upper: _Lines) -> _Lines:
        """These lines on top of inherited ones; thresholds are merged asset by asset, and what
        is asked of following name by name."""
        merged = {**upper.values, **self.values}
        if "min_amount" in merged:
            amounts = (upper.values.get("min_amount", {}), self.values.get("min_amount", {}))
            merged["min_amount"] = {**amounts[0], **amounts[1]}
        if "follow" in merged:
            merged["follow"] = follow.under(self.values.get("follow"), upper.values.get("follow"))
        return _Lines(merged, upper.broken or self.broken)


@dataclass(slots=True)
class _Reader:
    at: EntryReader
    notes: Notes
    cases: dict[str, _Lines] = field(default_factory=dict)
    seen: dict[str, int] = field(default_factory=dict)  # entry id -> line
    entries: list[Entry] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    blocks: int = 0

    def run(self, root: Fields, timezones: Collection[str] | None) -> Parsed:
        self._known_keys(root, TOP_KEYS, "a watchlist")
        timezone = self._timezone(root.get("timezone"), timezones)
        self._version(root.get("version"))
        defaults = self._lines(root.get("defaults"), DEFAULT_KEYS, "defaults")
        cases = self._cases(root.get("cases"), defaults)
        for case, node in cases:
            self._blocks(node, self.cases[case], case)
        self._blocks(root.get("addresses"), defaults, "")
        count, agrees = self._count(root.get("count"))
        return Parsed(
            tuple(self.entries),
            timezone,
            self.notes.problems,
            frozenset(self.refused),
            agrees,
            self.blocks,
            count,
        )

    def _known_keys(self, node: Fields, allowed: Collection[str], where: str) -> None:
        for key, _ in node.pairs:
            if key.text == "follow" and key.text not in allowed:
                remedy = "Write it among the lines of the case, or under  defaults:"
                self.notes.say(key, "holds for a case, never for one address", remedy)
            elif key.text not in allowed:
                self.notes.unknown(key, allowed, where)

    def _timezone(self, node: Node | None, known: Collection[str] | None) -> str:
        if node is None:
            return ""
        if not isinstance(node, Text) or (known is not None and node.text not in known):
            near = yaml_nodes.closest(node.text, known or ()) if isinstance(node, Text) else None
            remedy = f"Did you mean {near}?" if near else "Write it like Europe/Zurich"
            self.notes.say(node, "is not a known time zone", remedy)
            return ""
        return node.text

    def _version(self, node: Node | None) -> None:
        if node is not None and not (isinstance(node, Text) and node.text == "1"):
            self.notes.say(node, "is not a version that this program reads", "Write  version: 1")

    def _count(self, node: Node | None) -> tuple[int | None, bool]:
        """(the number given, whether the file agrees with it)."""
        if node is None:
            return None, True
        if not isinstance(node, Text) or not re.fullmatch(r"[0-9]{1,9}", node.text):
            self.notes.say(node, "is not a number of address blocks", f"Write {self.blocks}")
            return None, False
        agrees = int(node.text) == self.blocks
        if not agrees:
            self.notes.say(
                node,
                f"does not fit: the file holds {self.blocks} address blocks, so it may have "
                "been saved only in part; nothing in it was taken",
                f"If the file is complete, write  count: {self.blocks}",
            )
        return int(node.text), agrees

    def _lines(self, node: Node | None, allowed: Collection[str], where: str) -> _Lines:
        """Read the lines of one block that are in the table of values."""
        if node is None or is_blank(node):
            return _Lines()
        if not isinstance(node, Fields):
            self.notes.say(node, f"{where}: needs lines of the form  name: value", "Indent them")
            return _Lines(broken=True)
        self._known_keys(node, allowed, where)
        values: dict[str, Any] = {}
        both = node.get("chain"), node.get("chains")
        if both[0] is not None and both[1] is not None:
            self.notes.say(both[1], "stands beside chain:", "Keep one of the two", value="chains")
        for key, value in node.pairs:
            if key.text in allowed and key.text != "addresses":
                name = "chains" if key.text == "chain" else key.text
                read = read_value(key.text, value, self.at)
                values.update({} if read is None else {name: read})
        return _Lines(values, self.notes.within(node, without=node.get("addresses")))

    def _cases(self, node: Node | None, defaults: _Lines) -> list[tuple[str, Node | None]]:
        if node is None or is_blank(node):
            return []
        if not isinstance(node, Fields):
            self.notes.say(node, "cases: needs a name and lines below it", "See the example file")
            return []
        found = []
        for name, block in node.pairs:
            problem = case_problem(name.text)
            if problem:
                self.notes.say(name, problem, "Shorten or correct it", value=name.text)
            lines = self._lines(block, CASE_KEYS, f"case {name.text}").under(defaults)
            self.cases[name.text] = replace(lines, broken=lines.broken or bool(problem))
            inner = block.get("addresses") if isinstance(block, Fields) else None
            found.append((name.text, inner))
        return found

    def _blocks(self, node: Node | None, upper: _Lines, case: str) -> None:
        if node is None or is_blank(node):
            return
        if not isinstance(node, Items):
            self.notes.say(
                node, "addresses: needs a list", "Start each block with a dash:  - address: ..."
            )
            return
        for item in node.items:
            self.blocks += 1
            if isinstance(item, Fields):
                self._block(item, upper, case)
            else:
                self.notes.say(item, "is not an address block", "Write  - address: ...")

    def _block(self, node: Fields, upper: _Lines, case: str) -> None:
        own = self._lines(node, BLOCK_KEYS, "an address block")
        named = own.values.get("case", case)
        if case and named != case:
            self.notes.say(
                node.get("case") or node,
                f"stands under case {case}",
                "Delete this line, or move the block",
            )
        merged = own.under(self.cases.get(named, upper))
        written = node.get("address")
        if written is None:
            self.notes.say(node, "has no address", "Add a line  address: 0x...")
        if own.values.get("canary") and node.get("since") is None:
            remedy = "Add a line  since:  with today's date"
            self.notes.say(node, "is a canary whose whole long history would be read", remedy)
        if "chains" not in merged.values and not merged.broken:
            self.notes.say(node, "has no chain", "Add a line  chain: ethereum")
        if isinstance(written, Text) and "address" in own.values and "chains" in merged.values:
            self._entries(node, written, merged, named)

    def _entries(self, node: Fields, written: Text, lines: _Lines, case: str) -> None:
        ready = []
        chains = lines.values["chains"]
        self._one_height(node, lines, chains)
        held.check(node, lines.values, self.notes)
        for key in chains:
            subject = self._subject(written, self.at.chains[key])
            if subject is None:
                continue
            entry_id = stable_id("E", case, subject.chain, subject.address)
            first = self.seen.setdefault(entry_id, node.line)
            if first != node.line:
                self._twice(written, key, case, first)
            entry = _entry(entry_id, subject, lines.values, case, node.line)
            ready.append(held.with_terms(entry, node, self.at))
        if lines.broken or self.notes.within(node):
            self.refused.update(entry.id for entry in ready if self.seen[entry.id] == node.line)
        else:
            self.entries.extend(ready)

    def _one_height(self, node: Fields, lines: _Lines, chains: Sequence[str]) -> None:
        asked = lines.values.get("follow") or {}
        written = (
            (lines.values.get("since", "first"), node.get("since") or node),
            (asked.get("since", "first"), node),
        )
        for since, place in written:
            if len(chains) > 1 and since.isdigit():
                self.notes.say(
                    place,
                    "is a block, which means another day on every chain",
                    "Write a day like 2023-01-31",
                    value=since,
                )

    def _subject(self, written: Text, chain: Chain) -> Subject | None:
        text = written.text.strip()
        if any(c.isspace() for c in text):
            self.notes.say(written, "has a space inside", "Delete the space")
        else:
            try:
                subject = Subject(chain.key, canonical(chain, text))
            except AddressError as error:
                self.notes.say(written, error.reason, error.remedy)
                return None
            why = _nobody_watches(chain, subject.address)
            if not why:
                return subject
            self.notes.say(written, why, "Delete the block")
        return None

    def _twice(self, written: Text, chain: str, case: str, first: int) -> None:
        where = f"in case {case}" if case else "without a case"
        self.notes.say(
            written,
            f"is on the list twice for {chain} {where} (first on line {first})",
            f"Keep one of the two blocks, line {first} or line {written.line}",
        )


def _nobody_watches(chain: Chain, address: str) -> str:
    """Why it makes no sense for anybody; or empty."""
    family = family_of(chain)
    sink = family.nobodys(address) if address == family.zero else None
    return sink.reason if sink else family.anybodys(address)


def _entry(
    entry_id: str, subject: Subject, values: Mapping[str, Any], case: str, line: int
) -> Entry:
    return Entry(
        id=entry_id,
        subject=subject,
        label=values.get("label", ""),
        case=case,
        reason=values.get("reason", ""),
        source=values.get("source", ""),
        tags=values.get("tags", ()),
        severity=values.get("severity", Severity.MEDIUM),
        direction=values.get("direction", "both"),
        min_amount=values.get("min_amount", {}),
        tell_when=values.get("tell_when", "confirmed"),
        since=values.get("since", "first"),
        channels=values.get("channels"),
        sources=values.get("sources", ()),
        busy=values.get("busy", False),
        canary=values.get("canary", 0),
        retired=values.get("retired", ""),
        title=values.get("title", ""),
        line=line,
        held=values.get("held", ""),
        holder=values.get("holder", "") if values.get("held") else "",
        follow=None if values.get("canary") or not case else follow.terms(values.get("follow")),
    )
