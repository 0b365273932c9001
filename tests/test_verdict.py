"""Whether Fundwatch is well: one verdict, by the words of it and by a real record."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest
import requests
from world.home import (
    ALICE,
    BOB,
    SHOP,
    Scene,
    configured,
    dev_chain,
    entry,
    staged,
    stop,
    wait_for,
    watchlist,
)
from world.parts import free_port
from world.sinks import answer

from monitor.app.fundwatch import Fundwatch
from monitor.app.home import open_home
from monitor.loops.health import vitals
from monitor.loops.health.verdict import Blind, Lists, Start, Verdict, Vitals, judge
from monitor.model.status import State
from monitor.store import notes
from monitor.store.sqlite import Store

WELL = Vitals(now=10_000, running=True, counts={State.COMPLETE: 3}, channels=1)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"running": False}, "no Fundwatch runs"),
        ({"silent": "no sign of life for 2 min"}, "no sign of life for 2 min"),
        ({"record": "disk full"}, "the record cannot be written: disk full"),
        ({"stuck": ["poll"]}, "no progress of poll"),
        ({"overdue": 601}, "nothing has been read for 10 min"),
        (
            {"blind": (Blind("Dev", 2, 1, 9000),)},
            "1 entry on Dev cannot be read, since 16 min",
        ),
        (
            {"start": Start(912, 412, 201, 100, 200)},
            "500 entries of 912 not read for the first time after 3 min, expected were 100 s",
        ),
        ({"behind": ["Dev"]}, "do not get their turn on Dev"),
        ({"faults": ["deliver"]}, "parts of Fundwatch fail: deliver"),
        ({"channels": 0}, "no channel is set up: nobody is told"),
        ({"deaf": {"desk": 121}}, "every channel for desk refuses messages, since 2 min"),
        ({"late": 901}, "messages have waited to be sent for 15 min"),
        ({"dead": 1}, "1 message was given up"),
        ({"off": ["hook"]}, "switched off: hook"),
    ],
)
def test_each_of_these_is_not_well_and_says_so(change: dict[str, object], words: str) -> None:
    """One reason at a time, in words; several are all said."""
    found = judge(replace(WELL, **change))  # type: ignore[arg-type]
    assert not found.well
    assert words in found.words
    both = judge(replace(WELL, **{"off": ["x"], "dead": 2, **change}))  # type: ignore[arg-type]
    assert len(both.reasons) >= 2


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, "well: 3 of 3 entries fully read"),
        ({"counts": {}}, "well: no address is watched"),
        (
            {
                "counts": {State.COMPLETE: 1, State.BLIND: 2, State.BEHIND: 1},
                "lists": Lists(blind="native on dev"),
                "blind": (Blind("Dev", 2, 0, 9990),),
            },
            "well: 1 of 4 entries fully read, 2 partly or wholly blind (native on dev), 1 behind",
        ),
        (
            {"lists": Lists(unserved="internal on dev")},
            "well: 3 of 3 entries fully read; no source covers internal on dev",
        ),
        (
            {
                "counts": {State.BEHIND: 3},
                "lists": Lists(unserved="all lists on two", below="native on dev"),
            },
            "well: 0 of 3 entries fully read, 3 behind; no source covers all lists on two, nor "
            "what moved in native on dev before an address joined",
        ),
        (
            {
                "counts": {State.COMPLETE: 1, State.DORMANT: 2},
                "lists": Lists(shown="internal on dev (lists is asked what moved)"),
                "followed": 5,
            },
            "well: 1 of 3 entries fully read, 2 dormant; balances alone show internal on dev "
            "(lists is asked what moved); 5 followed",
        ),
        ({"counts": {State.BEHIND: 1}}, "well: 0 of 1 entry fully read, 1 behind"),
        (
            {
                "start": Start(912, 412, 3460, 8000, 16_000),
                "lists": Lists(below="native and internal on dev"),
            },
            "left; no source covers what moved in native and internal on dev before an address",
        ),
        ({"deaf": {"desk": 120}}, "well: "),
        (
            {"start": Start(912, 412, 3460, 8000, 16_000)},
            "starting: 412 of 912 read, about 69 min left",
        ),
        ({"start": Start(912, 0, 60, 7260, 14_520)}, "starting: 0 of 912 read, about 2 h 0 min"),
    ],
)
def test_each_of_these_is_well_and_still_says_what_is_missing(
    change: dict[str, object], words: str
) -> None:
    """What passes by itself, a first reading in its time, and limits are told, not rung."""
    found = judge(replace(WELL, **change))  # type: ignore[arg-type]
    assert found.well
    assert words in found.words


def now() -> int:
    return int(time.time())


def read_all(app: Fundwatch, scene: Scene) -> None:
    scene.home.sql("UPDATE scope SET due = 0")
    for each in app.pools.values():
        each.forget_heads()
    app.poll(everything=False)


def verdict(app: Fundwatch, at: int | None = None) -> Verdict:
    return vitals.look(app.store, app.settings, at or now(), running=True)


def test_entries_of_any_severity_that_go_blind_make_it_not_well(tmp_path: Path) -> None:
    """One of two chains dies: within the hold that is told, beyond it it is not well; and it is
    well again once it is read."""
    with staged(tmp_path, contacted=False) as scene:
        scene.explorer.add("two", scene.ledger, "etherscan", chain_id=31338)
        knobs = scene.explorer.knobs("two", "etherscan")
        second = {**dev_chain("other"), "chain_id": 31338}
        scene.home.write(
            "config/chains.yaml", {"chains": {"dev": dev_chain("mine"), "two": second}}
        )
        other = {**configured(scene.explorer), "url": scene.explorer.url("two", "etherscan")}
        del other["api_key_env"]
        rows = {"mine": configured(scene.explorer), "other": other}
        scene.home.write("config/sources.yaml", {"sources": rows})
        scene.home.write("config/settings.yaml", {"every": 2, "prices": "none", "hold_minutes": 1})
        low = entry(SHOP, chain="two", severity="low")
        scene.home.write("watchlist.yaml", watchlist(entry(ALICE), entry(BOB), low))
        scene.ledger.mine(time=now())
        with open_home(tmp_path, {}) as app:
            app.reload()
            app.poll(everything=True)
            assert verdict(app).words == "well: 3 of 3 entries fully read"
            knobs.fail_next = 10**6
            read_all(app, scene)
            assert verdict(app).well
            assert "1 partly or wholly blind (all lists on two)" in verdict(app).words
            late = verdict(app, now() + 70)
            assert "1 entry on two cannot be read, since" in late.words
            assert not late.well
            knobs.fail_next = 0
            for each in app.pools.values():
                each._rest_until.clear()
            read_all(app, scene)
            assert verdict(app).words == "well: 3 of 3 entries fully read"


def test_a_list_that_was_never_read_is_a_start_that_does_not_end(tmp_path: Path) -> None:
    """Nothing answers from the first day on: starting, then not well."""
    with staged(tmp_path, contacted=False) as scene:
        scene.explorer.knobs("dev", "etherscan").fail_next = 10**6
        with open_home(tmp_path, {}) as app:
            app.reload()
            app.poll(everything=False)
            assert "starting: 0 of 2 read" in verdict(app).words
            assert verdict(app).well
            late = verdict(app, now() + vitals.LEAST_START + 5)
            assert "2 entries of 2 not read for the first time" in late.words


def test_a_hold_is_never_shorter_than_two_rounds(tmp_path: Path) -> None:
    """With a round of an hour one missed round is no blindness, whatever is set."""
    with staged(tmp_path) as scene:
        settings = {"every": 3600, "prices": "none", "hold_minutes": 1}
        scene.home.write("config/settings.yaml", settings)
        scene.ledger.mine(time=now())
        with open_home(tmp_path, {}) as app:
            app.reload()
            read_all(app, scene)
            scene.home.sql("UPDATE reading SET failing = ? WHERE stream = 'native'", now())
            scene.home.sql("UPDATE scope SET due = ?", now() + 10_000)
            assert verdict(app, now() + 7100).well
            assert "2 entries on dev cannot be read" in verdict(app, now() + 7300).words


def test_channels_that_all_refuse_make_it_not_well(tmp_path: Path) -> None:
    """A message that fails is rescheduled and never late: what counts is that nobody of an
    audience has accepted anything since; one acceptance is enough to be well again."""
    with staged(tmp_path) as scene:
        scene.hook.default = answer(500)
        scene.mail.rcpt.update(dict.fromkeys(("desk@example.org", "deputy@example.org"), "451 4.7"))
        scene.pay((ALICE, SHOP))
        with open_home(tmp_path, {}) as app:
            app.reload()
            read_all(app, scene)
            app.deliver(everything=True)
            assert verdict(app).well
            late = verdict(app, now() + 130)
            assert "every channel for desk refuses messages" in late.words
            assert "every channel for operations refuses messages" in late.words
            scene.hook.default = answer(204)
            app.deliver(everything=True)
            assert "refuses" not in verdict(app, now() + 130).words


def test_without_any_channel_it_is_not_well(tmp_path: Path) -> None:
    """Everything is read and nobody would be told of it."""
    with staged(tmp_path) as scene:
        scene.home.write("config/channels.yaml", {})
        with open_home(tmp_path, {}) as app:
            app.reload()
            read_all(app, scene)
            assert "no channel is set up" in verdict(app).words


def test_every_place_says_the_same(tmp_path: Path) -> None:
    """/healthz, /metrics, `status --healthy` and the JSON of `status`; /livez says only that the
    process works."""
    port = free_port()
    with staged(tmp_path) as scene:
        settings = {"every": 2, "prices": "none", "hold_minutes": 1}
        scene.home.write("config/settings.yaml", {**settings, "listen": f"127.0.0.1:{port}"})
        scene.ledger.mine(time=now())

        def page(path: str) -> requests.Response:
            return requests.get(f"http://127.0.0.1:{port}{path}", timeout=10)

        with scene.home.daemon() as process:
            wait_for(lambda: page("/healthz").text.startswith("well: 2 of 2"), 30, scene.home.log)
            assert scene.home.run("status", "--healthy") == page("/healthz").text
            scene.explorer.knobs("dev", "etherscan").fail_next = 10**6
            wait_for(lambda: "partly or wholly blind" in page("/healthz").text, 60, scene.home.log)
            scene.home.sql("UPDATE reading SET failing = failing - 100 WHERE failing IS NOT NULL")
            wait_for(lambda: page("/healthz").status_code == 503, 60, scene.home.log)
            assert "2 entries on dev cannot be read" in page("/healthz").text
            assert "fundwatch_healthy 0.0" in page("/metrics").text
            said = scene.home.run("status", "--healthy", code=1)
            assert "2 entries on dev cannot be read" in said
            assert "NOT WELL: 2 entries on dev" in scene.home.run("status")
            assert (page("/livez").status_code, page("/livez").text) == (200, "alive\n")
            assert stop(process) == 0


def test_a_look_costs_little_at_many_entries(tmp_path: Path) -> None:
    """Ten times the entries cost about ten times as many steps of SQLite: no query of the
    verdict looks through one table for each row of another."""
    steps = [_steps(tmp_path / str(count), count) for count in (200, 2000)]
    assert steps[1] < 12 * steps[0]


def _steps(home: Path, count: int) -> int:
    """Thousands of steps of SQLite's machine that one look takes."""
    home.mkdir()
    with staged(home) as scene, open_home(home, {}) as app:
        app.reload()
        scene.home.sql(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) "
            "INSERT INTO scope (key, chain, address) SELECT 'dev/x' || i, 'dev', 'x' || i FROM n",
            count,
        )
        terms = scene.home.sql("SELECT terms FROM entry LIMIT 1")[0][0]
        scene.home.sql(
            "INSERT INTO entry (id, subject, case_id, terms, added, base_height, history) "
            "SELECT 'E-' || key, key, '', ?, 1, 1, 'told' FROM scope WHERE key LIKE 'dev/x%'",
            terms,
        )
        for stream in ("native", "erc20"):
            scene.home.sql(
                "INSERT INTO reading (scope, stream, tried, ok, failing, error, complete_time) "
                "SELECT key, ?, 1, 1, 1, 'x', 1 FROM scope WHERE key LIKE 'dev/x%'",
                stream,
            )
        notes.put_note(app.store, "round", "2 2")
        ticks = 0

        def tick() -> int:
            nonlocal ticks
            ticks += 1
            return 0

        store = Store(app.store.path, readonly=True)
        store._conn.set_progress_handler(tick, 100)
        assert f"{count} entries on dev cannot be read" in vitals.look(
            store, app.settings, now(), running=True
        ).words.replace(",", "")
        store.close()
        return ticks
