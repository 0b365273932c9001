"""What commands change: carried out by the daemon when one runs, else by the command."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from monitor import __version__
from monitor.app.fundwatch import Fundwatch
from monitor.app.settings.load import shipped_config
from monitor.loops import deliver, find, hands, inbox
from monitor.loops.clock import now
from monitor.messages import layout, render
from monitor.model import AlertView, ChannelConfig
from monitor.model.errors import ConfigError, Problem
from monitor.model.settings import Settings
from monitor.store import notes, outbox, watch
from monitor.store.sqlite import Store
from monitor.watchlist import edit
from monitor.watchlist.file import ListFile


def table(app: Fundwatch) -> dict[str, inbox.Action]:
    """Every change by its name. Each returns the line to show."""

    def set_state(
        ids: Sequence[str], state: str, name: str, note: str, take_over: bool = False
    ) -> str:
        return _set_state(app, ids, state, name, note, take_over)

    def replay(ids: Sequence[str], dead: bool) -> str:
        wanted = [r.message for r in outbox.deliveries(app.store, "dead")] if dead else ids
        wanted = find.message_ids(app.store, wanted)
        count = outbox.replay(app.store, wanted, now())
        app.deliver(everything=True)
        what = "delivery" if count == 1 else "deliveries"
        return f"replayed  {count:,} {what}; see `fundwatch deliveries list`"

    def test_channel(name: str) -> str:
        answers = deliver.send_test(app.post(), name)
        remedy = "Correct config/channels.yaml, then try again"
        problems = [
            Problem(f"channel {name}", "", f"{answer.recipient}: {answer.words}", remedy)
            for answer in answers
            if not answer.good
        ]
        if problems:
            raise ConfigError(problems)
        notes.put_note(app.store, f"test:{name}", str(now()))
        return "\n".join(f"accepted  {each.recipient}: {each.words}" for each in answers)

    def retire(entry_id: str, name: str, why: str, day: str) -> str:
        return _retire(app, entry_id, name, why, day)

    def note_backup(path: str) -> str:
        notes.put_note(app.store, "backup", json.dumps({"at": now(), "path": path}))
        return ""

    return {
        "set_state": set_state,
        "replay": replay,
        "test_channel": test_channel,
        "retire": retire,
        "note_backup": note_backup,
    }


def _set_state(
    app: Fundwatch, ids: Sequence[str], state: str, name: str, note: str, over: bool
) -> str:
    """Of single alerts, or of all alerts of a message that are free."""
    hands.name_of(name), hands.note_of(note, state)  # said before what is wrong with the ids
    problems: list[Problem] = []
    given: list[tuple[str, list[str]]] = []
    for each in ids:
        try:
            found = find.alert_ids(app.store, each)
        except ConfigError as error:
            problems += error.problems
            continue
        one = len(found) == 1 and found[0] in (each.strip(), find.spelled_id(each))
        given.append((found[0] if one else find.spelled_id(each), found))
    if problems:
        raise ConfigError(problems)
    return hands.take(app.store, given, state, name, note, now(), over=over)


def _retire(app: Fundwatch, entry_id: str, name: str, why: str, day: str) -> str:
    """In the file where the entry still stands there; else in the record alone."""
    name, why = hands.name_of(name), hands.reason_of(why, "--why")
    found = find.the_entry(app.store, entry_id, app.settings.chains)
    entry_id = found.entry.id
    if not found.active:
        raise ConfigError([Problem("ENTRY", entry_id, "is retired already", "Nothing to do")])
    if entry_id in {w.entry.id for w in watch.absent_entries(app.store)}:
        ended = replace(found.entry, retired=f'{day} {name} "{why}"')
        watch.retire(app.store, ended, now())
        return f"retired   {entry_id}; it was missing from the file already"
    listed = ListFile.read(app.home)
    listed.replace(
        edit.retire(listed.text, app.settings.chains, entry_id, when=day, name=name, why=why)
    )
    app.reload()
    return f"retired   {entry_id}; what was recorded stays"


def as_text(view: AlertView, store: Store, home: Path, settings: Settings, at: int) -> str:
    """An alert as its mail says it, for the terminal."""
    rendered = render.render(
        [view],
        channel=ChannelConfig("terminal", "email"),
        allowed_cases=None,
        message_id="",
        now=at,
        timezone=notes.get_note(store, "timezone") or settings.timezone,
        version=__version__,
        templates=layout.environment(home / "config" / "templates", shipped_config() / "templates"),
    )
    return render.on_screen(rendered)
