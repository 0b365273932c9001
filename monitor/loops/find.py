"""What people type, in every spelling that our mails, tables and files show: case of letters,
with or without 0x, with the chain before it. What nothing is known of is an error, never
"nothing found": a false "nothing moved" is the worst answer."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from monitor.chains.address import AddressError, canonical
from monitor.chains.names import ChainNames, is_written_so
from monitor.chains.table import family_of
from monitor.model import Chain, Entry, Subject, Watched
from monitor.model.errors import ConfigError, Problem
from monitor.store import alerts, outbox, transfers, watch
from monitor.store.port import Reader
from monitor.watchlist.yaml_nodes import closest

# Crockford's base 32, as our ids are written, leaves out what is taken for another sign.
_MISREAD = str.maketrans("OIL", "011")


def unknown(place: str, value: str, reason: str, remedy: str) -> ConfigError:
    return ConfigError([Problem(place, value, reason, remedy)])


# -- chains ------------------------------------------------------------------------------


def chain_key(chains: Mapping[str, Chain], text: str, place: str = "--chain") -> str:
    """ "Ethereum", "ETH", "eip155:1", "ethereum" -> "ethereum". Raises ConfigError."""
    key = _key(chains, text)
    if key is None:
        if hidden := ChainNames(chains).hidden(text):
            raise unknown(place, text, hidden.reason, hidden.remedy)
        near = closest(text.strip(), chains)
        hint = f"Did you mean {near}? " if near else ""
        known = f"{hint}Known: {', '.join(chains)}"
        raise unknown(place, text, "is not a chain of config/chains.yaml", known)
    return key


def _key(chains: Mapping[str, Chain], text: str) -> str | None:
    plain = text.strip()
    return plain if plain in chains else ChainNames(chains).key(plain)


def is_watched(store: Reader, key: str) -> bool:
    """Whether any address of a chain is or was on the list."""
    return watch.is_listed(store, key)


# -- addresses ---------------------------------------------------------------------------


def subjects(chains: Mapping[str, Chain], text: str, chain: str | None = None) -> list[Subject]:
    """What an address may mean, on one chain or on any. Raises ConfigError for what is no
    address there; "tron:T...", "eip155:1:0x..." name their chain themselves."""
    named, address = _split(chains, text)
    if named and chain and named != chain:
        raise unknown("--address", text, f"names another chain than --chain {chain}", "Drop one")
    only = chain or named
    found, wrong = [], []
    for key, each in chains.items():
        if only in (None, key):
            try:
                found.append(Subject(key, canonical(each, family_of(each).forgiving(address))))
            except AddressError as error:
                wrong.append((not family_of(each).resembles(each, address), error))
    if not found:
        _, why = min(wrong, key=lambda pair: pair[0])
        raise unknown("--address", text, why.reason, why.remedy)
    return found


def _split(chains: Mapping[str, Chain], text: str) -> tuple[str | None, str]:
    words = text.split()
    if len(words) == 3 and words[1] == "on":  # as `watchlist list` shows it
        words = [words[2], words[0]]
    # As notices show it: "ethereum 0x...".
    written = ":".join(words) if len(words) == 2 else text.strip()
    if is_written_so(written, chains):  # bitcoincash:q... of a chain by another name
        return None, written
    # "eip155:1:0x..." and "bitcoin-cash:bitcoincash:q...": either may have a sign of its own.
    for head, _, rest in (written.rpartition(":"), written.partition(":")):
        if head and (key := _key(chains, head)):
            return key, rest.strip()
    if ":" in written:
        head = written.rpartition(":")[0]
        raise unknown("--address", text, f'begins with "{head}", which is no chain we know',
                      f"Known: {', '.join(chains)}")  # fmt: skip
    return None, written


def known_address(
    store: Reader, chains: Mapping[str, Chain], text: str, chain: str | None = None
) -> str:
    """The canonical form of an address that the record knows: watched, or one side of a
    movement; also that of an entry, by its id or label. Raises ConfigError for one that it
    does not know."""
    named = [w.entry.subject for w in watch.all_entries(store) if _is_named(w.entry, text)]
    known = [each for each in named if chain in (None, each.chain)] or [
        each for each in subjects(chains, text, chain) if transfers.is_recorded(store, each)
    ]
    forms = list(dict.fromkeys(each.address for each in known))
    if not forms:
        where = f" on {chains[chain].name}" if chain else ""
        raise unknown(
            "--address", text, f"is not watched and in no recorded movement{where}",
            "Compare it with its source; `fundwatch watchlist list` shows what is watched",
        )  # fmt: skip
    if len(forms) > 1:
        names = ", ".join(dict.fromkeys(each.chain for each in known))
        raise unknown("--address", text, f"means different addresses ({names})", "Add --chain")
    return forms[0]


# -- transactions ------------------------------------------------------------------------


def known_tx(store: Reader, chains: Mapping[str, Chain], text: str) -> str:
    """The hash as the record has it. Raises ConfigError for one that it does not know."""
    head, _, rest = text.strip().rpartition(":")
    given = rest if head and _key(chains, head) else text.strip().rpartition("/")[2]  # of a link
    bare = given.lower().removeprefix("0x")
    forms = list(dict.fromkeys((given, bare, f"0x{bare}")))
    if recorded := transfers.recorded_tx(store, forms):
        return recorded
    raise unknown(
        "--tx", text, "is no transaction of the record",
        "Compare it with its source, all of it; what touches no watched address is not recorded",
    )  # fmt: skip


# -- entries -----------------------------------------------------------------------------


def entries(store: Reader, chains: Mapping[str, Chain], wanted: str) -> list[Watched]:
    """Entries with this id; else those with this address or label. Raises ConfigError where
    there is none."""
    every = watch.all_entries(store)
    found = [w for w in every if w.entry.id == spelled_id(wanted)]
    found = found or [w for w in every if _is_meant(w.entry, wanted, chains)]
    if not found:
        remedy = "`fundwatch watchlist list` shows the id of each (E-...)"
        raise unknown("ENTRY", wanted, "is no entry", remedy)
    return found


def the_entry(store: Reader, wanted: str, chains: Mapping[str, Chain]) -> Watched:
    """As `entries`, where only one is meant; one that is watched before one that is retired."""
    every = entries(store, chains, wanted)
    found = [w for w in every if w.active] or every
    if len(found) > 1:
        remedy = "Name one by its id: " + ", ".join(w.entry.id for w in found[:5])
        raise unknown("ENTRY", wanted, f"is meant by {len(found)} entries", remedy)
    return found[0]


def _is_meant(entry: Entry, wanted: str, chains: Mapping[str, Chain]) -> bool:
    if _is_named(entry, wanted):
        return True
    if entry.subject.chain not in chains:
        return wanted.strip() == entry.subject.address
    try:
        return entry.subject in subjects(chains, wanted)
    except ConfigError:
        return False


def _is_named(entry: Entry, wanted: str) -> bool:
    """Whether this is the id or the label of an entry, whatever the size of the letters; the
    label also with its case, as mails and tables show it."""
    forms = (entry.label, f"{entry.label} (case {entry.case})", f"{entry.label} ({entry.case})")
    same = entry.label.strip() and _folded(wanted) in map(_folded, forms)
    return bool(same) or entry.id == spelled_id(wanted)


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())


# -- alerts and messages -----------------------------------------------------------------


def spelled_id(text: str) -> str:
    """An id of ours as it is stored: "a-45yj-dk5q-m7h2 " -> "A-45YJ-DK5Q-M7H2"."""
    upper = "".join(text.split()).upper()
    prefix, dash, rest = upper.partition("-")
    made_by_us = re.fullmatch(r"[0-9A-Z]{4}(-[0-9A-Z]{4}){2}", rest)
    return f"{prefix}{dash}{rest.translate(_MISREAD)}" if made_by_us else upper


def alert_ids(store: Reader, given: str) -> list[str]:
    """The alert with this id, or all alerts of the message with it. Raises ConfigError."""
    for form in dict.fromkeys((given.strip(), spelled_id(given))):
        if alerts.is_alert(store, form):
            return [form]
        if told := alerts.alerts_of_message(store, form):
            return told
    raise unknown("alert", given, "is no alert and no message", "See `fundwatch alerts list`")


def message_ids(store: Reader, given: Sequence[str]) -> list[str]:
    """The messages with these ids; of an alert's id, the messages that told it. Raises
    ConfigError that names every unknown one."""
    found: list[str] = []
    problems = []
    for each in given:
        told = outbox.sent_of(store, each.strip()) or outbox.sent_of(store, spelled_id(each))
        found += told
        if not told:
            remedy = "See `fundwatch deliveries list`"
            problems.append(Problem("message", each, "is no message and no alert", remedy))
    if problems:
        raise ConfigError(problems)
    return list(dict.fromkeys(found))
