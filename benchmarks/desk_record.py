"""An invented record of the size that a busy desk has after two years, for desk.py: written row by
row into a real file, since no chain of that size could be read here.

How much there is of everything grows with the movements; how it is spread is as on real desks: a
tenth of the watched addresses has nine tenths of what moves, and the busiest one a tenth of it.
"""

from __future__ import annotations

import hashlib
import json
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import desk_flow
from common import bitcoin_address, evm_address, tx_hash

DAY = 86_400
USDT = {
    "tron": "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t",
    "ethereum": "0xdac17f958d2ee523a2206206994597c13d831ec7",
}
CHAINS = ("tron", "tron", "tron", "ethereum", "ethereum", "bitcoin")
KINDS = {"tron": "trc20", "ethereum": "erc20"}
HEIGHTS = {"tron": (78_000_000, 3), "ethereum": (24_000_000, 12), "bitcoin": (925_000, 600)}
SOURCES = {"tron": ("trongrid", "tronscan"), "ethereum": ("etherscan", "blockscout"),
           "bitcoin": ("mempool", "blockstream")}  # fmt: skip
LISTS = {"tron": ("native", "internal", "trc20"), "ethereum": ("native", "internal", "erc20"),
         "bitcoin": ("utxo",)}  # fmt: skip
SEVERITIES = ("severe", "high", "medium", "medium", "medium", "low")


def tron_address(name: str) -> str:
    import base58

    return base58.b58encode_check(b"\x41" + hashlib.sha256(name.encode()).digest()[:20]).decode()


MAKE = {"tron": tron_address, "ethereum": evm_address, "bitcoin": bitcoin_address}


@dataclass
class World:
    """What is made, and who is in it. `now`: Unix seconds of the newest movement."""

    movements: int
    now: int
    cases: list[str] = field(default_factory=list)
    watched: list[tuple[str, str, str]] = field(default_factory=list)  # chain, address, case
    entries: dict[tuple[str, str], str] = field(default_factory=dict)  # id, by chain and address


def make(home: Path, movements: int) -> World:
    """A home folder with such a record. The same number makes the same record, but for its
    times."""
    from monitor.store.guard import BEGUN, DATABASE
    from monitor.store.sqlite import Store

    world = World(movements, int(time.time()))
    world.cases = [f"2026-{number:04d}" for number in range(max(4, movements // 20_000))]
    settings = {"web": {"desk": True}, "timezone": "Europe/Zurich"}
    (home / "config").mkdir(parents=True, exist_ok=True)
    (home / "config/settings.yaml").write_text(json.dumps(settings), "utf-8")
    silent = {"chains": {chain: {"sources": []} for chain in MAKE}}  # nothing is asked of anybody
    (home / "config/chains.yaml").write_text(json.dumps(silent), "utf-8")
    (home / "watchlist.yaml").write_text('{"addresses": []}', "utf-8")
    store = Store(home / DATABASE, create=True)
    (home / BEGUN).touch()
    with store.long_work():
        _who(store, world)
        _entries(store, world)
        _movements(store, world)
        _alerts(store, world)
        _reading(store, world)
        desk_flow.take(store, world.cases, world.now)
    store.close()
    return world


def _who(store: Any, world: World) -> None:
    people = [("m.ortiz", "lead"), ("a.keller", "analyst"), ("r.guest", "reader")]
    with store.write() as conn:
        conn.executemany(
            "INSERT INTO person (name, role, added, enrolled) VALUES (?, ?, 1, 1)", people
        )
        conn.executemany(
            "INSERT INTO member (case_id, person, since) VALUES (?, ?, 1)",
            [(case, "a.keller") for case in world.cases[::3]]
            + [(case, "r.guest") for case in world.cases[:1]],
        )


def _entries(store: Any, world: World) -> None:
    """Of persons, a case each; and a hundred times as many of a published list."""
    from monitor.model import Entry, Origin, Severity, Subject
    from monitor.model.ids import stable_id
    from monitor.store.rows import entry_terms

    dice = random.Random(1)
    rows, scopes = [], []
    many = max(12, world.movements // 800)
    for number in range(many):
        chain, case = CHAINS[number % len(CHAINS)], world.cases[number % len(world.cases)]
        address = MAKE[chain](f"watched {number}")
        world.watched.append((chain, address, case))
        entry = Entry(
            stable_id("E", chain, address, case), Subject(chain, address), f"Wallet {number}",
            case, "Named in the freezing order", "order of the court",
            severity=Severity(dice.choice(SEVERITIES)),
        )  # fmt: skip
        world.entries[chain, address] = entry.id
        scopes.append((entry.subject.key, chain, address))
        rows.append((entry.id, entry.subject.key, case, entry_terms(entry), 400))
    for number in range(max(10, world.movements // 100)):
        chain = CHAINS[number % len(CHAINS)]
        address = MAKE[chain](f"listed {number}")
        origin = Origin("ofac", "OFAC", f"OFAC-{number}", f"Listed person {number}")
        entry = Entry(
            stable_id("E", chain, address, "ofac"), Subject(chain, address), f"Listed {number}",
            severity=Severity.SEVERE, origin=origin,
        )  # fmt: skip
        scopes.append((entry.subject.key, chain, address))
        rows.append((entry.id, entry.subject.key, "", entry_terms(entry), 600))
    with store.write() as conn:
        conn.executemany("INSERT INTO scope (key, chain, address) VALUES (?,?,?)", scopes)
        conn.executemany(
            "INSERT INTO entry (id, subject, case_id, terms, added, base_height, base_time, "
            "base_head_time, history, brought) VALUES (?,?,?,?,?,1,1,1,'told','')",
            [(*row[:4], world.now - row[4] * DAY) for row in rows],
        )


def _movements(store: Any, world: World) -> None:
    from monitor.store.rows import TRANSFER_COLUMNS

    marks = ",".join("?" * (len(TRANSFER_COLUMNS.split(",")) + 3))
    step = 50_000
    for start in range(0, world.movements, step):
        rows = list(_rows(world, start, min(start + step, world.movements)))
        with store.write() as conn:
            conn.executemany(
                f"INSERT INTO transfer (id, {TRANSFER_COLUMNS}, status, first_seen) "
                f"VALUES ({marks})",
                rows,
            )
            conn.executemany(
                "INSERT INTO sighting VALUES (?,?,?,?,?)",
                [
                    (row[0], source, str(row[10]), row[-1], "0" * 64)
                    for row in rows
                    for source in SOURCES[row[1]][: 1 + row[0] % 2]
                ],
            )


def _rows(world: World, start: int, end: int) -> Iterator[tuple[Any, ...]]:
    """Movements in the order of their times, which is not quite that of their numbers."""
    dice = random.Random(start)
    span = 730 * DAY
    for number in range(start, end):
        place = int(len(world.watched) * dice.random() ** 3)
        chain, mine, _ = world.watched[place]
        # Some payers come again and again, most once.
        known = dice.random() < 0.6
        name = f"of {place} {int(dice.paretovariate(0.8))}" if known else f"once {number}"
        other = MAKE[chain](name[:24])
        if dice.random() < 0.02:
            other = world.watched[dice.randrange(len(world.watched))][1]
            if (chain, other) not in world.entries:
                other = MAKE[chain](name[:24])
        at = world.now - span + span * number // world.movements + dice.randrange(3600)
        height = HEIGHTS[chain][0] - (world.now - at) // HEIGHTS[chain][1]
        final = "final" if at < world.now - 1800 else "provisional"
        tx = tx_hash(chain, number)
        tx = tx if chain != "ethereum" else f"0x{tx}"
        out = dice.random() < 0.4
        sender, recipient = (mine, other) if out else (other, mine)
        amount = str(int(10 ** dice.uniform(5, 12)))
        kind, contract = KINDS.get(chain, "utxo_out"), USDT.get(chain)
        if chain == "bitcoin":
            kind = "utxo_in" if out else "utxo_out"
            sender, recipient = (mine, None) if out else (None, mine)
        elif dice.random() < 0.25:
            kind, contract = "native", None
        elif out and dice.random() < 0.4:
            kind, contract, recipient, amount = "fee", None, None, str(dice.randrange(10**6))
        yield (
            number + 1, chain, tx, f"{kind}|{number}", kind, contract, None, sender, recipient,
            amount, height, f"{height:064x}", at, 0, number % 300, None, None, final, at + 40,
        )  # fmt: skip


def _alerts(store: Any, world: World) -> None:
    """One of twenty movements is told; the newest are open, some of them somebody has."""
    dice = random.Random(2)
    told = store.read(
        "SELECT id, chain, tx, time, sender, recipient FROM transfer WHERE id % 20 = 0 ORDER BY id"
    )
    alerts, links, logs, routes, messages = [], [], [], [], []
    fresh = len(told) - max(5, len(told) // 40)
    for number, row in enumerate(told):
        mine = next(a for a in (row["sender"], row["recipient"])
                    if (row["chain"], a) in world.entries)  # fmt: skip
        way = "out" if mine == row["sender"] else "in"
        quiet = dice.random() < 0.3
        holder = "" if number > fresh and dice.random() < 0.6 else "a.keller"
        state = "open" if not holder else "acknowledged" if number > fresh else "closed"
        name, at = f"A-{number:012d}", row["time"] + 60
        alerts.append((
            name, "movement", "quiet" if quiet else "news", dice.choice(SEVERITIES), at,
            row["chain"], row["tx"], world.entries[row["chain"], mine], way, "", "", "{}", "desk",
            state, holder, "expected" if state == "closed" else "",
            at + 7200 if state == "closed" else None,
        ))  # fmt: skip
        links.append((name, row["id"]))
        if not quiet:
            message = f"M-{number // 3 if number % 4 else number}"
            messages.append((message, "desk-mail", "", "alone", at, "{}"))
            routes.append((name, "desk-mail", "group" if number % 4 else "alone", message))
        if holder:
            logs.append((f"L{number}", name, at + 300, "acknowledged", holder, "looked at"))
    with store.write() as conn:
        conn.executemany(
            "INSERT INTO alert (id, kind, lane, severity, created, chain, tx, entry, direction, "
            "lane_reason, title, facts, audience, state, holder, outcome, closed) "
            "VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
            alerts,
        )
        conn.executemany("INSERT INTO alert_transfer VALUES (?, ?)", links)
        conn.executemany("INSERT OR IGNORE INTO message VALUES (?,?,?,?,?,?)", messages)
        conn.executemany("INSERT INTO route VALUES (?,?,?,?)", routes)
        conn.executemany(
            "INSERT INTO alert_log (id, alert, at, state, name, note) VALUES (?,?,?,?,?,?)", logs
        )


def _reading(store: Any, world: World) -> None:
    """What was read of each address, and what it holds."""
    covered, readings, balances = [], [], []
    for number, (chain, address, _) in enumerate(world.watched):
        key, (top, _pace) = f"{chain}/{address}", HEIGHTS[chain]
        for stream in LISTS[chain]:
            for source in SOURCES[chain][: 1 + number % 2]:
                covered.append((key, stream, source, "height", 1, top, world.now))
            blind = stream == "internal" and number % 9 == 0
            error = "no configured source lists it" if blind else None
            readings.append((key, stream, world.now, None if blind else world.now,
                             SOURCES[chain][0], "height", top, world.now, error,
                             world.now - DAY if blind else None))  # fmt: skip
        balances.append((key, "", world.now, "reconciled", "", "", 6, 1, top, top, world.now,
                         "0", "0", SOURCES[chain][0], "", world.now))  # fmt: skip
    with store.write() as conn:
        conn.executemany("INSERT INTO coverage VALUES (?,?,?,?,?,?,?)", covered)
        conn.executemany(
            "INSERT INTO reading (scope, stream, tried, ok, source, axis, complete_to, "
            "complete_time, error, failing) VALUES (?,?,?,?,?,?,?,?,?,?)",
            readings,
        )
        conn.executemany(
            "INSERT INTO balance (subject, contract, at, state, reason, symbol, decimals, "
            "verified, low, high, time, amount, recorded, source, second, due) "
            "VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
            balances,
        )
