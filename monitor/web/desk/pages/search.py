"""One box for whatever somebody holds in their hand: an address in any spelling, a transaction, the
number of an alert or a message, a case, an entry, a name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import quote

from werkzeug import Response

from monitor.chains.address import display
from monitor.loops.find import spelled_id, subjects
from monitor.model import Subject
from monitor.model.errors import ConfigError
from monitor.model.plain import case_said, tidy
from monitor.store import desk_find
from monitor.store.desk_find import EntryHit
from monitor.store.desk_names import Names
from monitor.web.desk.address_found import seen
from monitor.web.desk.ask import Ask
from monitor.web.desk.known import address_path, chain_said, names_for, tx_path

LONGEST = 200  # characters that are looked for
LEAST = 3  # characters of a part of a name


@dataclass(frozen=True, slots=True)
class Hit:
    """Something that was found."""

    kind: str
    shown: str
    href: str
    note: str = ""
    exact: bool = True
    mono: bool = False


@dataclass(frozen=True, slots=True)
class Spelling:
    """As an address of what somebody's words were taken."""

    found: tuple[Subject, ...]
    chains: tuple[str, ...]  # names of chains on which it is one
    why: str  # where it is none: the reason


def find(ask: Ask) -> Response:
    """GET /find?q="""
    wanted = tidy(
        ask.request.args.get("q", ""), LONGEST
    )  # what was pasted may hold what nobody sees
    if not wanted:
        return ask.page("find.html.j2", "Find", "find", q="", hits=[], spelling=None)
    spelling = _spelling(ask, wanted)
    hits = list({hit.href: hit for hit in reversed([*_exact(ask, wanted, spelling)])}.values())[
        ::-1
    ]
    if len(hits) == 1:
        return ask.go(hits[0].href)
    if not hits and len(wanted) >= LEAST:
        hits = list({hit.href: hit for hit in _near(ask, wanted)}.values())
    return ask.page("find.html.j2", "Find", "find", q=wanted, hits=hits, spelling=spelling)


def _spelling(ask: Ask, wanted: str) -> Spelling:
    """By the spelling alone, whatever the record holds."""
    chains = ask.settings.chains
    try:
        found = tuple(subjects(chains, wanted))
    except ConfigError as error:
        problem = error.problems[0]
        return Spelling((), (), f"{problem.reason}. {problem.remedy}".rstrip(". ") + ".")
    return Spelling(found, tuple(chains[each.chain].name for each in found), "")


def _exact(ask: Ask, wanted: str, spelling: Spelling) -> Iterator[Hit]:
    store, sight, name = ask.store, ask.sight, spelled_id(wanted)
    for form in dict.fromkeys((wanted, name)):
        if desk_find.is_alert(store, sight, form):
            yield Hit("Alert", form, f"/alert/{quote(form)}")
        if desk_find.is_message(store, sight, form):
            yield Hit("Message", form, f"/g/{quote(form)}")
        if desk_find.is_proposal(store, sight, form):
            yield Hit("Proposal", form, f"/proposal/{quote(form)}")
        if (entry := desk_find.entry(store, sight, form)) is not None:
            yield _of_entry("Entry", entry)
    folded = wanted.casefold()
    cases = desk_find.cases(store, sight)
    yield from (_of_case(case) for case in cases if case.casefold() == folded)
    yield from _recorded(ask, spelling.found)
    bare = wanted.rpartition("/")[2].rpartition(":")[2].strip()
    plain = bare.lower().removeprefix("0x")
    forms = list(dict.fromkeys((bare, plain, f"0x{plain}")))
    chains = desk_find.chains(store)
    removed = [chain for chain in chains if chain not in ask.settings.chains]
    yield from _recorded(ask, (Subject(chain, form) for chain in removed for form in forms))
    for chain, tx in desk_find.transactions(store, sight, chains, forms):
        said = f"on {chain_said(ask.settings, chain)}"
        yield Hit("Transaction", tx, tx_path(chain, tx), said, mono=True)
    for entry in desk_find.labelled(store, sight):
        if entry.label and _folded(entry.label) == _folded(wanted):
            yield _of_entry("Entry", entry)


def _recorded(ask: Ask, subjects: Iterable[Subject]) -> Iterator[Hit]:
    """Those of these addresses of which something is recorded that may be shown."""
    names = names_for(ask.store, ask.settings, ask.sight)
    for subject in subjects:
        if (hit := _of_address(ask, names, subject)) is not None:
            yield hit


def _of_address(ask: Ask, names: Names, subject: Subject, note: str = "", *, exact: bool = True
                ) -> Hit | None:  # fmt: skip
    """None: nothing is recorded of it, or nothing that may be shown."""
    if seen(ask, names, subject) is None:
        return None
    chain, place = ask.settings.chains.get(subject.chain), chain_said(ask.settings, subject.chain)
    note = f"{note}, on {place}" if note else f"on {place}"
    # Of a chain that is configured no more it stands as it is recorded.
    shown = tidy(subject.address, 120) if chain is None else display(chain, subject.address)
    href = address_path(subject.chain, subject.address)
    return Hit("Address", shown, href, note, exact, mono=True)


def _near(ask: Ask, wanted: str) -> Iterator[Hit]:
    """What holds the words in its name."""
    folded = _folded(wanted)
    for case in desk_find.cases(ask.store, ask.sight):
        if folded in _folded(case):
            yield _of_case(case, exact=False)
    number = 0
    for entry in desk_find.labelled(ask.store, ask.sight):
        if folded in _folded(entry.label):
            yield _of_entry("Entry", entry, exact=False)
            number += 1
            if number == desk_find.MOST:
                break
    yield from _named(ask, folded)


def _named(ask: Ask, folded: str) -> Iterator[Hit]:
    """Addresses of the record by what the address book and published lists call them."""
    names = names_for(ask.store, ask.settings, ask.sight)
    said = {
        (chain, address): tidy(known.label, 80)
        for (chain, address), known in ask.settings.addressbook.items()
        if folded in _folded(known.label)
    }
    keys = list(said.items())[: desk_find.MOST]
    for name, label, address in desk_find.listed(ask.store, list(names.lists), folded):
        keys.append((("", address), f"{tidy(label, 80)}, by {tidy(names.lists[name].title, 40)}"))
    for (chain, address), note in keys:
        for key in [chain] if chain in ask.settings.chains else _chains_of(ask, address):
            subject = Subject(key, address)
            if (hit := _of_address(ask, names, subject, note, exact=False)) is not None:
                yield hit


def _chains_of(ask: Ask, address: str) -> list[str]:
    return [subject.chain for subject in _spelling(ask, address).found]


def _of_case(case: str, *, exact: bool = True) -> Hit:
    return Hit("Case", case_said(case), f"/c/{quote(case, safe='')}", "", exact)


def _of_entry(kind: str, entry: EntryHit, *, exact: bool = True) -> Hit:
    case = f"case {case_said(entry.case)}" if entry.case else "no case"
    ended = "" if entry.active else ", watch ended"
    note = f"{entry.subject.address}, {case}{ended}"
    label = tidy(entry.label, 80) or "no label"
    path = address_path(entry.subject.chain, entry.subject.address)
    return Hit(kind, f"{entry.id} {label}", path, note, exact)


def _folded(text: str) -> str:
    return tidy(text, LONGEST).casefold()
