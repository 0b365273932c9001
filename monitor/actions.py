"""What commands change: carried out by the daemon when one runs, else by the command."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from monitor import __version__, inbox, messages, outbox, watchlist_edit
from monitor.app import Fundwatch, now
from monitor.chains import AddressError, canonical
from monitor.errors import ConfigError, Problem
from monitor.model import AlertView, Chain, ChannelConfig, Entry, Watched
from monitor.settings import Settings, shipped_config
from monitor.store import Store, journal, post, watch
from monitor.watchlist_file import ListFile


def table(desk: Fundwatch) -> dict[str, inbox.Action]:
    """Every change by its name. Each returns the line to show."""

    def set_state(ids: Sequence[str], state: str, name: str, note: str) -> str:
        return _set_state(desk, ids, state, name, note)

    def replay(ids: Sequence[str], dead: bool) -> str:
        wanted = [r["message"] for r in post.deliveries(desk.store, "dead")] if dead else ids
        known = {r["message"] for r in post.deliveries(desk.store)}
        unknown = [i for i in wanted if i not in known]
        if unknown:
            problem = Problem(
                "message", unknown[0], "there is none", "See `fundwatch deliveries list`"
            )
            raise ConfigError([problem])
        count = post.replay(desk.store, list(dict.fromkeys(wanted)), now())
        desk.deliver(everything=True)
        return f"replayed  {count} deliveries; see `fundwatch deliveries list`"

    def test_channel(name: str) -> str:
        answers = outbox.send_test(desk.post(), name)
        remedy = "Correct config/channels.yaml, then try again"
        problems = [
            Problem(f"channel {name}", "", f"{answer.recipient}: {answer.words}", remedy)
            for answer in answers
            if not answer.good
        ]
        if problems:
            raise ConfigError(problems)
        journal.put_note(desk.store, f"test:{name}", str(now()))
        return "\n".join(f"accepted  {each.recipient}: {each.words}" for each in answers)

    def retire(entry_id: str, name: str, why: str, day: str) -> str:
        return _retire(desk, entry_id, name, why, day)

    def note_backup(path: str) -> str:
        journal.put_note(desk.store, "backup", json.dumps({"at": now(), "path": path}))
        return ""

    return {
        "set_state": set_state,
        "replay": replay,
        "test_channel": test_channel,
        "retire": retire,
        "note_backup": note_backup,
    }


def _set_state(desk: Fundwatch, ids: Sequence[str], state: str, name: str, note: str) -> str:
    """Of single alerts, or of all alerts of a message that are not so far yet."""
    lines = []
    for given in ids:
        told = journal.alerts_of_message(desk.store, given)
        if not told:
            journal.set_state(desk.store, given, state, name, note, now())
            lines.append(f"{state:<9} {given} by {name}")
            continue
        taken = journal.take(desk.store, told, state, name, note, now())
        left = f", {len(told) - len(taken)} were so or closed before" if taken != told else ""
        lines.append(f"{state:<9} {len(taken)} of {len(told)} alerts of {given} by {name}{left}")
    return "\n".join(lines)


def the_entry(store: Store, wanted: str, chains: Mapping[str, Chain]) -> Watched:
    """The one entry with this id; else the one watched with this address or label, else the
    one retired. Raises ConfigError where there is none, or more than one."""
    entries = watch.all_entries(store)
    named = [w for w in entries if w.entry.id == wanted]
    like = [w for w in entries if _is_meant(w.entry, wanted, chains)]
    found = named or [w for w in like if w.active] or like
    if len(found) == 1:
        return found[0]
    why, remedy = "is no entry", "`fundwatch watchlist list` shows the id of each (E-...)"
    if found:
        why = f"is meant by {len(found)} entries"
        remedy = "Name one by its id: " + ", ".join(w.entry.id for w in found[:5])
    raise ConfigError([Problem("ENTRY", wanted, why, remedy)])


def _is_meant(entry: Entry, wanted: str, chains: Mapping[str, Chain]) -> bool:
    chain = chains.get(entry.subject.chain)
    try:
        address = canonical(chain, wanted) if chain else wanted
    except AddressError:
        address = wanted
    return address == entry.subject.address or (bool(wanted) and wanted == entry.label)


def _retire(desk: Fundwatch, entry_id: str, name: str, why: str, day: str) -> str:
    """In the file where the entry still stands there; else in the record alone."""
    found = the_entry(desk.store, entry_id, desk.settings.chains)
    entry_id = found.entry.id
    if not found.active:
        raise ConfigError([Problem("ENTRY", entry_id, "is retired already", "Nothing to do")])
    if entry_id in {w.entry.id for w in watch.absent_entries(desk.store)}:
        ended = replace(found.entry, retired=f'{day} {name} "{why}"')
        watch.retire(desk.store, ended, now())
        return f"retired   {entry_id}; it was missing from the file already"
    listed = ListFile.read(desk.home)
    listed.replace(
        watchlist_edit.retire(
            listed.text, desk.settings.chains, entry_id, when=day, name=name, why=why
        )
    )
    desk.reload()
    return f"retired   {entry_id}; what was recorded stays"


def as_text(view: AlertView, store: Store, home: Path, settings: Settings, at: int) -> str:
    """An alert as its mail says it, for the terminal."""
    rendered = messages.render(
        [view],
        channel=ChannelConfig("terminal", "email"),
        allowed_cases=None,
        message_id="",
        now=at,
        timezone=journal.get_note(store, "timezone") or settings.timezone,
        version=__version__,
        templates=messages.environment(
            home / "config" / "templates", shipped_config() / "templates"
        ),
    )
    return f"{rendered.subject}\n\n{rendered.text}"
