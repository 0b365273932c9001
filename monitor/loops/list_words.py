"""What people say of an address or an entity of a published list: kept over its versions."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from monitor.chains.address import AddressError, canonical
from monitor.loops.clock import now
from monitor.loops.hands import reason_of
from monitor.loops.lists import Lists
from monitor.model import Entry, Watched
from monitor.model.acts import Actor, Listed, SayOfList
from monitor.model.dates import utc_day
from monitor.model.errors import ConfigError, Problem
from monitor.model.lists import ListConfig, Listing, Publication, Word
from monitor.model.plain import tidy
from monitor.store import listing, taking
from monitor.store.commit import commit
from monitor.watchlist import list_words, listed
from monitor.watchlist.imports.rules import may_insist


@dataclass(frozen=True, slots=True)
class _About:
    """What a word is about. `target`: as it is recorded (model.lists.Word)."""

    version: Publication
    target: str
    shown: str  # for people
    rows: Sequence[Listing]  # all that the list ever said of it
    stored: Sequence[Watched]  # its entries

    @property
    def addresses(self) -> list[str]:
        return list(dict.fromkeys(a for row in self.rows if (a := row.row.judged.address)))

    @property
    def active(self) -> list[Entry]:
        return [watched.entry for watched in self.stored if watched.active]


def set_of_list(
    lists: Lists, symbols: Collection[str], by: Actor, name: str, what: str, pairs: Sequence[str],
    why: str,
) -> str:  # fmt: skip
    """Let an address or an entity be told otherwise than the list's settings say. Returns the
    line to show. Raises ConfigError."""
    config, why = lists.config(name), reason_of(why, "--why")
    channels = lists.router.configs
    values = list_words.read(pairs, lists.chains, channels, symbols)
    with lists.deciding:
        about = _about(lists, name, what, entity=True)
        if not about.addresses:
            raise _problem(what, "cannot be read, so nothing is watched there", "Nothing to set")
        changed = _say(lists, config, about, by, values, why)
    keys = ", ".join(
        f"{key}={_value_said(value)}" if value is not None else f"{key} as the list"
        for key, value in values.items()
    )
    return f"set       {keys} of {about.shown} on list {name}: {_entries(changed)}"


def _value_said(value: object) -> str:
    """As it could be typed: low, USD=1000,ETH=0.5, ethereum,bnb."""
    if isinstance(value, Mapping):
        return ",".join(f"{key}={each}" for key, each in value.items())
    if isinstance(value, list):
        return ",".join(map(str, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) or list_words.AS_SEVERITY


def retire_of_list(lists: Lists, by: Actor, name: str, address: str, why: str) -> str:
    """End the watch of an address that a list holds or held. Raises ConfigError."""
    why = reason_of(why, "--why")
    with lists.deciding:
        about = _about(lists, name, address)
        if not about.active:
            reason = "is retired already" if about.stored else "is not watched for this list"
            raise _problem(address, reason, "Nothing to do")
        ended = f'{utc_day(now())} {by.recorded} "{why}"'
        entries = taking.listed(replace(entry, retired=ended) for entry in about.active)
        _record(lists, about, by, {"retired": True}, why, entries)
    return f"retired   {about.shown} of list {name}: {_entries(entries)}; what was recorded stays"


def not_for_us(lists: Lists, by: Actor, name: str, address: str, why: str) -> str:
    """Let an address that is not watched stay so, whatever the settings of its list will say, until
    it is listed anew. Raises ConfigError."""
    why = reason_of(why, "--why")
    with lists.deciding:
        about = _about(lists, name, address)
        if about.active:
            raise _problem(address, "is watched", "End its watch instead")
        if (about.target, "retired") in listing.words(lists.store, name):
            raise _problem(address, "is known to be not for you", "Nothing to do")
        _record(lists, about, by, {"retired": True}, why, ())
    return f"noted     {about.shown} of list {name} is not watched"


def insist_of_list(lists: Lists, by: Actor, name: str, address: str, why: str) -> str:
    """Watch an address against the rule that refuses it, or although somebody has ended its
    watch. Raises ConfigError."""
    config, why = lists.config(name), reason_of(why, "--why")
    with lists.deciding:
        about = _about(lists, name, address)
        values = {**_against_rules(lists, about), **_against_end(lists, about)}
        if not values:
            raise _problem(address, "is refused by no rule", "Nothing to insist on")
        changed = _say(lists, config, about, by, values, why)
    return f"insisted  {about.shown} of list {name}: {_entries(changed)}"


def _against_rules(lists: Lists, about: _About) -> dict[str, object]:
    """What is said where a rule refuses every row in force. Raises ConfigError where nothing can
    be watched there."""
    rows = [row for row in about.rows if row.until_nr is None] or about.rows
    words = listing.words(lists.store, about.version.list)
    if not all(listed.refused(row, words) for row in rows):
        return {}
    for row in rows:
        if may_insist(row.row.judged.rule) and set(listed.as_judged(row)) & lists.chains.keys():
            return {"insist": True}
    reason = rows[0].row.judged.reason or rows[0].row.judged.rule
    raise _problem(about.shown, f"cannot be watched at all: {tidy(reason, 300)}", "Nothing to do")


def _against_end(lists: Lists, about: _About) -> dict[str, object]:
    """Where somebody ended its watch, or said that it is not for them."""
    said = (about.target, "retired") in listing.words(lists.store, about.version.list)
    return {"retired": None} if not about.active and (about.stored or said) else {}


def _say(
    lists: Lists, config: ListConfig, about: _About, by: Actor, values: Mapping[str, object],
    why: str,
) -> list[Listed]:  # fmt: skip
    """Returns the entries that it makes and changes."""
    name, store, moment = config.name, lists.store, now()
    words = listing.words(store, name)
    for key, value in values.items():
        words.pop((about.target, key), None)
        if value is not None:
            said = (about.target, key, value, moment, by.recorded, why, about.version.nr)
            words[about.target, key] = Word(*said)
    grown = listing.state(store, name).grown
    waits = utc_day(grown) if grown else ""
    entries = lists.makes.changed(config, about.addresses, waits, words=words)
    _record(lists, about, by, values, why, entries)
    return entries


def _record(
    lists: Lists, about: _About, by: Actor, values: Mapping[str, object], why: str,
    entries: Sequence[Listed],
) -> None:  # fmt: skip
    """`about` the entries that there are, and those that it makes."""
    ids = dict.fromkeys([*(w.entry.id for w in about.stored), *(e.id for e in entries)])
    act = SayOfList(now(), about.version, about.target, values, why, entries, [*ids])
    commit(lists.store, by, act)


def _entries(entries: Sequence[Listed]) -> str:
    names = sorted({entry.subject.chain for entry in entries})
    return f"watched on {', '.join(names)}" if names else "no entry changes"


# -- what is meant -----------------------------------------------------------------------------


def _about(lists: Lists, name: str, text: str, *, entity: bool = False) -> _About:
    """An address in any spelling, or (`entity`) the id of an entity. Raises ConfigError."""
    store, text = lists.store, text.strip()
    version = listing.newest(store, name)
    if version is None:
        remedy = "See `fundwatch lists status`"
        raise ConfigError([Problem("NAME", name, "is no list of which a version is here", remedy)])
    rows = listing.of_entity(store, name, text) if entity and text else []
    target, shown = listed.entity_target(text), f"entity {tidy(text, 100)}"
    if not rows:
        forms = [text, *_forms(lists, text)] if text else []
        spelled = listing.spelled(store, name, forms)
        addresses = {row.row.judged.address for row in spelled} - {None}
        if not spelled or len(addresses) > 1:
            raise _unknown(lists, name, text, entity=entity)
        shown = next(iter(addresses), None) or tidy(text, 100)
        target = listed.address_target(shown)
        rows = _all_of(lists, name, spelled)
    known = listing.stored(store, name, [a for row in rows if (a := row.row.judged.address)])
    mine = {row.row.target for row in rows}
    stored = [watched for key, found in known.items() if key in mine for watched in found]
    return _About(version, target, shown, rows, stored)


def _all_of(lists: Lists, name: str, spelled: Sequence[Listing]) -> list[Listing]:
    """Of an address that is one, whatever its spelling; else the rows that are spelled so."""
    addresses = {a for row in spelled if (a := row.row.judged.address)}
    found = listing.histories(lists.store, name, [*addresses])
    return [row for history in found.values() for row in history] or [*spelled]


def _forms(lists: Lists, text: str) -> Iterator[str]:
    for chain in lists.chains.values():
        with suppress(AddressError):
            yield canonical(chain, text)


def _unknown(lists: Lists, name: str, text: str, *, entity: bool) -> ConfigError:
    near = listing.near(lists.store, name, text)
    reason = "is no address or entity of this list" if entity else "is no address of this list"
    hint = f"Did you mean {' or '.join(near)}? " if near else ""
    return _problem(text, reason, f"{hint}`fundwatch lists rows {name}` shows all of them")


def _problem(value: str, reason: str, remedy: str) -> ConfigError:
    return ConfigError([Problem("ADDRESS", tidy(value, 100), reason, remedy)])
