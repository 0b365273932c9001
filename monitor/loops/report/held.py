"""What the record holds of a case beside movements, alerts and the trace, a line each."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict

from monitor import __version__
from monitor.chains.within import addresses_in
from monitor.loops.report.members import Workshop
from monitor.loops.report.mine import Mine
from monitor.messages.balances import to_handed
from monitor.messages.objects import json_text
from monitor.messages.spreadsheet import csv_line
from monitor.messages.trace.words import METHOD, RULE
from monitor.model.desk import Sight
from monitor.model.flow import METHODS
from monitor.model.plain import rfc3339
from monitor.store import answers as kept
from monitor.store import balance_figures, case_file, desk, requests
from monitor.store.answers import Answer
from monitor.store.verify.foreign import Foreign

WITHHELD = "(withheld: it names another case, or an address of the house)"
MOST_ANSWERS = 1 << 30  # bytes of bodies that go out; of the others the digest


def time_said(at: int | None) -> str:
    return rfc3339(at) or ""


def _seconds(value: object) -> int | None:
    """A time as a row has it."""
    return value if isinstance(value, int) else None


def objects(found: Iterable[Mapping[str, object]]) -> Iterator[str]:
    return (f"{json_text(each)}\n" for each in found)


class Safe:
    """Puts other words in the place of a text that names another case or an address of the house,
    and counts them."""

    def __init__(self, mine: Mine) -> None:
        self._mine, self.withheld = mine, 0
        with mine.store.look() as conn:
            self._foreign = Foreign.of(conn, mine.case)

    def of(self, told: Mapping[str, object]) -> dict[str, object]:
        return {key: self._value(value) for key, value in told.items()}

    def _value(self, value: object) -> object:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return self.of(value)
        if isinstance(value, list | tuple):
            return [self._value(each) for each in value]
        return value

    def text(self, text: str) -> str:
        if text and (self._foreign.named_in(text) or self._mine.names_ours(text)):
            self.withheld += 1
            return WITHHELD
        return text


# -- what people decided -------------------------------------------------------------------------


def decisions(mine: Mine) -> Iterator[dict[str, object]]:
    """What was said at its alerts, then proposals with what became of them, whom people asked,
    clocks. A text or name that is empty was erased."""
    sight = Sight(frozenset({mine.case}))
    for said in case_file.alert_words(mine.store, mine.case):
        yield {"type": "alert", **said, "at": time_said(_seconds(said["at"]))}
    for each in desk.proposals(mine.store, sight, case=mine.case):
        yield {
            "type": "proposal",
            "id": each.id,
            "at": time_said(each.at),
            "kind": each.kind,
            "name": each.name,
            "door": each.door,
            "text": each.text,
            "digest": each.digest,
            "why": each.why,
            "eyes": each.eyes.value,
            "alerts": [*each.alerts],
            "state": each.state.value,
            "ended": time_said(each.ended),
            "ended_by": each.ended_by,
            "said": each.said,
        }
    yield from _requests(mine, sight)
    for clock in desk.clocks(mine.store, sight, case=mine.case):
        yield {
            "type": "clock",
            "id": clock.id,
            "title": str(clock.terms.get("title", "")),
            "source": str(clock.terms.get("source", "")),
            "started": time_said(clock.started),
            "due": clock.due,
            "name": clock.name,
            "why": clock.why,
            "state": clock.state,
            "ended": time_said(clock.ended),
            "ended_by": clock.ended_by,
            "said": clock.said,
        }


def _requests(mine: Mine, sight: Sight) -> Iterator[dict[str, object]]:
    """Who was asked to keep funds from moving, and what came of it."""
    for each in requests.requests(mine.store, sight, mine.case):
        yield {
            "type": "request",
            "id": each.id,
            "at": time_said(each.at),
            "chain": each.subject.chain,
            "address": each.subject.address,
            "role": each.role,
            "to": each.to,
            "named_by": each.named_by,
            "figures": requests.figures(each.basis),
            "text": each.text,
            "digest": each.digest,
            "name": each.name,
            "door": each.door,
        }
        for step in each.steps:
            yield {
                **asdict(step),
                "type": "request step",
                "at": time_said(step.at),
                "happened": time_said(step.happened),
                "stage": step.stage.value,
            }


def notes(mine: Mine) -> Iterator[dict[str, object]]:
    for each in desk.remarks(mine.store, Sight(frozenset({mine.case})), case=mine.case):
        yield {**asdict(each), "at": time_said(each.at)}


# -- what it rests on ----------------------------------------------------------------------------


def entries(mine: Mine) -> Iterator[dict[str, object]]:
    """Every entry with its versions, then who is followed for the case."""
    by_entry: dict[object, list[dict[str, object]]] = {}
    for version in case_file.versions(mine.store, mine.case):
        at = time_said(_seconds(version["at"]))
        told = {"number": version["nr"], "at": at, "terms": version["terms"]}
        by_entry.setdefault(version["entry"], []).append({**told, "watchlist": version["file"]})
    watched = set()
    for each in mine.entries:
        entry = each.entry
        watched.add(entry.subject.key)
        yield {
            "type": "entry",
            "id": entry.id,
            "chain": entry.subject.chain,
            "address": entry.subject.address,
            "label": entry.label,
            "reason": entry.reason,
            "source": entry.source,
            "severity": entry.severity.value,
            "since": entry.since,
            "added": time_said(each.added),
            "active": each.active,
            "retired": entry.retired or None,
            "versions": by_entry.get(entry.id, []),
        }
    for subject in case_file.subjects(mine.store, mine.case):
        if subject.key not in watched:
            yield {"type": "followed", "chain": subject.chain, "address": subject.address}


def lists(mine: Mine) -> Iterator[dict[str, object]]:
    names = {each.entry.origin.list for each in mine.entries if each.entry.origin}
    for row in case_file.publications(mine.store, sorted(names)):
        told = {key: time_said(_seconds(row[key])) for key in ("fetched", "taken")}
        yield {"type": "list version", **row, **told, "refused": json.loads(str(row["refused"]))}


def coverage(mine: Mine) -> Iterator[str]:
    """A table: what was read, what could not be, and how each list stands."""
    columns = ("what", "chain", "address", "list", "source", "axis", "from", "to", "at", "why")
    yield csv_line(columns)
    store, case = mine.store, mine.case
    for row in case_file.coverage(store, case):
        yield csv_line(("read", *_place(row["subject"]), *(row[k] for k in _SPAN), None, None))
    for row in case_file.gaps(store, case):
        span = (row["axis"], row["lo"], row["hi"])
        yield csv_line(
            ("gap", *_place(row["subject"]), row["stream"], None, *span, None, row["reason"])
        )
    for row in case_file.lists(store, case):
        stands = "not read" if row["failing"] is not None or row["ok"] is None else "stands"
        where = (*_place(row["subject"]), row["stream"], row["source"], row["axis"])
        yield csv_line(
            (stands, *where, None, row["complete_to"], time_said(row["ok"]), row["error"])
        )


_SPAN = ("stream", "source", "axis", "lo", "hi")


def _place(key: str) -> tuple[str, str]:
    chain, _, address = key.partition("/")
    return chain, address


def balances(mine: Mine) -> Iterator[dict[str, object]]:
    return (to_handed(each) for each in balance_figures.of_case(mine.store, mine.case))


def settings_said(mine: Mine) -> dict[str, object]:
    """How it was set, without anything that is secret: of sources the name alone."""
    settings = mine.settings
    used = {key.split("/", 1)[0] for key in mine.keys}
    return {
        "version": __version__,
        "chains": {
            key: {
                "name": chain.name,
                "coin": chain.symbol,
                "decimals": chain.decimals,
                "finality_blocks": chain.finality,
                "sources": [*chain.sources],
            }
            for key, chain in sorted(settings.chains.items())
            if key in used
        },
        "chain_names": {key: chain.name for key, chain in sorted(settings.chains.items())},
        "hold_seconds": settings.hold,
        "hold_severe_seconds": settings.hold_severe,
        "escalate_after_seconds": settings.escalate_after,
        "retention_years": settings.retention_years,
        "second_person": settings.web.second_person.value if settings.web.on else None,
    }


def method() -> Iterator[str]:
    yield (
        "Where an address holds funds of several origins, no record says which of them it paid on. "
        "Each method answers by a rule, over the same recorded movements, in the order of the "
        "chain, in whole base units. What left the watched addresses equals what rests, ended, "
        "waits, went into fees and conversions, by every method but the first.\n\n"
    )
    for name in METHODS:
        yield f"{METHOD[name]}: {RULE[name]}.\n"
    yield (
        "\nA movement counts where a source reported it and no other proved that it did not "
        "happen; the table of movements has those that did not stand too, with their status. "
        "Values in USD are amount times the nearest recorded price, with its source and time; "
        "nothing is taken to be worth 1.\n"
        "Names are claims of their source. An explorer's answer is not signed by anybody: that the "
        "chain says the same shows only by asking others.\n"
    )


# -- kept answers --------------------------------------------------------------------------------


class Answers:
    """What sources answered about the movements of the case, as far as a body shows nothing that
    another case asked for, and no address of the house."""

    def __init__(self, mine: Mine, ids: frozenset[int]) -> None:
        self._mine, self._ids = mine, ids
        self._room = MOST_ANSWERS
        self._there: dict[str, str] = {}  # by digest of a body: its file
        self._out = self._pruned = self._withheld = 0

    @property
    def counts(self) -> tuple[int, int, int]:
        return self._out, self._pruned, self._withheld

    def fill(self, shop: Workshop) -> None:
        found = case_file.answers(self._mine.store, self._ids)
        shop.lines("answers.jsonl", objects(self._told(shop, *each) for each in found))

    def _told(self, shop: Workshop, chain: str, answer: Answer) -> dict[str, object]:
        foreign = self._asks_for_others(chain, answer)
        name = None if foreign else self._body(shop, answer)
        request = None if foreign else json.loads(answer.request)
        return {
            "file": name,
            "withheld": name is None and not answer.pruned,
            "chain": chain,
            "source": answer.source,
            "at": time_said(answer.at),
            "request": request,
            "status": answer.status,
            "sha256": answer.sha256,
            "body_sha256": answer.body_sha256,
            "size": answer.size,
            "part_of_a_block": answer.extract,
            "why": answer.why,
            "deleted": answer.pruned,
        }

    def _asks_for_others(self, chain: str, answer: Answer) -> bool:
        """Whether the request names an address that another case watches, or what is kept of a
        block matched for one."""
        store = self._mine.store
        keys = {f"{chain}/{each}" for each in addresses_in(answer.request)}
        if case_file.watched(store, keys) - self._mine.keys or self._mine.names_ours(
            answer.request
        ):
            return True
        return answer.extract and not case_file.transfers_of(store, answer.id) <= self._ids

    def _body(self, shop: Workshop, answer: Answer) -> str | None:
        if answer.pruned:
            self._pruned += 1
            return None
        if answer.body_sha256 in self._there:
            return self._there[answer.body_sha256]
        raw = kept.body(self._mine.store, answer.body_sha256) if answer.size <= self._room else None
        if raw is None or self._mine.names_ours(raw.decode("utf-8", "replace")):
            self._withheld += 1
            return None
        name = f"answers/{answer.body_sha256[:32]}.body"
        shop.data(name, raw)
        self._room -= len(raw)
        self._out += 1
        self._there[answer.body_sha256] = name
        return name
