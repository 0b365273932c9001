"""A small record for the desk's pages, written row by row: two cases that share a counterparty and
a payment, hostile names, an address of our own. Whatever belongs to case B holds a canary."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monitor.model import Entry, Kind, Severity, Subject, Transfer, account_leg
from monitor.model.ids import stable_id
from monitor.store.guard import BEGUN, DATABASE
from monitor.store.rows import TRANSFER_COLUMNS, entry_terms, transfer_params
from world.record import new_record
from world.sample_alerts import btc_address

DAY = 86_400
T0 = 1_793_491_200  # 2026-11-01 00:00:00 UTC
A, B, MIDDLE, SHOP, EVE, OUR = ("0x" + two * 20 for two in ("a1", "b2", "c3", "d4", "e5", "f6"))
COIN_A, COIN_B, COIN_C = (btc_address(word) for word in ("of A", "of B", "change"))
USDT = "0xdac17f958d2ee523a2206206994597c13d831ec7"
TOKEN = "0x" + "66" * 20  # nobody verified it
HOSTILE = "=1+1<script>alert(1)</script>"
CANARY = "Zebrafinch-77"


@dataclass
class Made:
    """The home folder, and what stands in its record."""

    home: Path
    both: str = ""  # a transaction between A and B
    only_b: str = ""  # one of B alone
    to_us: str = ""  # from A to an address of our own
    alert_a: str = ""
    alert_b: str = ""
    entry_a: str = ""
    entry_b: str = ""
    friend_of_b: str = "0x" + "b7" * 20
    followed: str = "0x" + "b8" * 20  # for case B
    canary: str = CANARY
    spent: str = "f" * 64  # on Bitcoin, from COIN_A to COIN_B


def tx_of(number: int) -> str:
    return f"0x{number:064x}"


def made(home: Path) -> Made:
    """Such a home folder."""
    world = Made(home)
    (home / "config").mkdir(parents=True)
    own = {"kind": "text", "file": "ours.txt", "ours": True, "title": "Our customers"}
    (home / "config/lists.yaml").write_text(json.dumps({"lists": {"customers": own}}), "utf-8")
    (home / "config/settings.yaml").write_text(json.dumps({"web": {"desk": True}}), "utf-8")
    (home / "ours.txt").write_text("", "utf-8")
    (home / "watchlist.yaml").write_text('{"addresses": []}', "utf-8")
    store = new_record(home / DATABASE)
    (home / BEGUN).touch()
    with store.write() as conn:
        _entries(conn, world)
        _movements(conn, world)
        _alerts(conn, world)
        _other(conn, world)
    store.close()
    return world


def _entries(conn: Any, world: Made) -> None:
    said = {
        A: ("case-a", "Wallet of A", "Named in a complaint", "order of court A"),
        B: ("case-b", f"Wallet {CANARY}", f"Reason {CANARY}", f"order {CANARY}"),
        EVE: ("case-a", "<img src=x onerror=alert(1)>", "'; DROP TABLE entry; --", HOSTILE),
    }
    for address, (case, label, reason, source) in said.items():
        subject = Subject("ethereum", address)
        name = stable_id("E", "ethereum", address, case)
        entry = Entry(name, subject, label, case, reason, source, severity=Severity.HIGH)
        _scope(conn, subject)
        conn.execute(
            "INSERT INTO entry (id, subject, case_id, terms, added, base_height, base_time, "
            "base_head_time, history, brought) VALUES (?,?,?,?,?,1,1,1,'told','')",
            (name, subject.key, case, entry_terms(entry), T0),
        )
        if address == A:
            world.entry_a = name
        if address == B:
            world.entry_b = name


def _scope(conn: Any, subject: Subject) -> None:
    conn.execute(
        "INSERT INTO scope (key, chain, address) VALUES (?,?,?)",
        (subject.key, subject.chain, subject.address),
    )


class _Pen:
    """Writes movements, each in a transaction of its own."""

    def __init__(self, conn: Any) -> None:
        self.conn, self.number = conn, 0

    def move(
        self, sender: str | None, recipient: str | None, amount: int, kind: Kind = Kind.NATIVE,
        contract: str | None = None, *, status: str = "final", late: bool = False,
        time: int | None = None, token_id: str | None = None,
    ) -> str:  # fmt: skip
        self.number += 1
        number = self.number
        pending = status == "pending"
        at = None if pending else time if time is not None else T0 + DAY * 10 + number
        leg = account_leg(kind, contract, token_id, sender, recipient, amount, 0)
        row = Transfer(
            *("ethereum", tx_of(number), leg, kind, sender, recipient, amount, contract),
            token_id=token_id, block_height=None if pending else 25_000_000 + number,
            block_hash=None if pending else f"0x{number:064x}", time=at, pending=pending,
        )  # fmt: skip
        marks = ",".join("?" * 20)
        self.conn.execute(
            f"INSERT INTO transfer (id, {TRANSFER_COLUMNS}, status, late, first_seen) "
            f"VALUES ({marks})",
            (number, *transfer_params(row), status, int(late), T0 + number),
        )
        for source in ("etherscan", "blockscout"):
            self.conn.execute(
                "INSERT INTO sighting VALUES (?,?,?,?,?)",
                (number, source, f"{number}", T0 + number, "a" * 64),
            )
        return row.tx


def _movements(conn: Any, world: Made) -> None:
    pen = _Pen(conn)
    for number in range(1, 201):  # four at one time
        payer = f"0x{number:040x}"
        at = T0 + (number // 4) * 6 * 3600
        pen.move(payer, A, number * 10**6, Kind.ERC20, USDT, time=at, late=number == 7)
    for _ in range(20):
        pen.move(A, None, 21_000, Kind.FEE)
    for number in range(6):
        pen.move(f"0x{number + 900:040x}", A, 0, Kind.ERC20, USDT)
    for _ in range(2):
        pen.move(EVE, A, 2**255, Kind.ERC20, TOKEN)
    for amount in (3, 4, 5):
        pen.move(A, SHOP, amount * 10**18)
    pen.move(A, A, 10**18)
    pen.move(A, EVE, 7, status="pending")
    pen.move(A, EVE, 9, status="orphaned")
    pen.move(EVE, A, 1, Kind.ERC721, TOKEN, token_id="12")
    pen.move(A, None, 0, Kind.FROZEN, USDT)
    world.to_us = pen.move(A, OUR, 2 * 10**18)
    pen.move(A, MIDDLE, 11)
    pen.move(B, MIDDLE, 12)
    world.both = pen.move(A, B, 13)
    world.only_b = pen.move(B, world.friend_of_b, 14)
    pen.move(world.friend_of_b, world.followed, 15)


def _alerts(conn: Any, world: Made) -> None:
    for letter, tx, entry, lane in (
        ("A", world.both, world.entry_a, "news"),
        ("B", world.both, world.entry_b, "news"),
        ("Q", world.to_us, world.entry_a, "quiet"),
    ):
        name = stable_id("A", letter)
        title = CANARY if letter == "B" else ""
        conn.execute(
            "INSERT INTO alert (id, kind, lane, severity, created, chain, tx, entry, direction, "
            "lane_reason, title, facts, audience) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)",
            (name, "movement", lane, "high", T0 + 20 * DAY, "ethereum", tx, entry, "out", "",
             title, "{}", "desk"),
        )  # fmt: skip
        conn.execute(
            "INSERT INTO alert_transfer SELECT ?, id FROM transfer WHERE tx = ?", (name, tx)
        )
        if letter == "A":
            world.alert_a = name
        if letter == "B":
            world.alert_b = name


def _other(conn: Any, world: Made) -> None:
    conn.execute("INSERT INTO token VALUES (?,?,?,?,?)", ("ethereum", TOKEN, HOSTILE, HOSTILE, 0))
    followed = Subject("ethereum", world.followed)
    _scope(conn, followed)
    conn.execute(
        "INSERT INTO followed (subject, case_id, why, since, every, calls) VALUES (?,?,?,?,?,?)",
        (followed.key, "case-b", CANARY, T0, 3600, None),
    )
    conn.execute(
        "INSERT INTO listing (list, key, from_nr, says, since, at_least, place, published_as, "
        "ticker, network, entity, name, programs, label, chain, chains, address, rule, reason, "
        "warning) VALUES ('customers','k',1,'s','2026-01-01',0,'line 1',?,'','','','','[]',"
        "'Customer 17','ethereum','[\"ethereum\"]',?,'','','')",
        (OUR, OUR),
    )
    _coins(conn, world)
    key = f"ethereum/{A}"
    for stream in ("native", "internal", "erc20"):
        for source in ("etherscan", "blockscout"):
            conn.execute(
                "INSERT INTO coverage VALUES (?,?,?,?,?,?,?)",
                (key, stream, source, "height", 1, 25_001_000, T0),
            )
        conn.execute(
            "INSERT INTO reading (scope, stream, tried, ok, source, axis, complete_to, "
            "complete_time) VALUES (?,?,?,?,?,?,?,?)",
            (key, stream, T0, T0 + 21 * DAY, "etherscan", "height", 25_001_000, T0 + 21 * DAY),
        )


def _coins(conn: Any, world: Made) -> None:
    """A watches one end of a transaction of Bitcoin, B the other."""
    for address, case in ((COIN_A, "case-a"), (COIN_B, "case-b")):
        subject = Subject("bitcoin", address)
        name = stable_id("E", "bitcoin", address, case)
        label = CANARY if case == "case-b" else "Coins of A"
        _scope(conn, subject)
        conn.execute(
            "INSERT INTO entry (id, subject, case_id, terms, added, base_height, base_time, "
            "base_head_time, history, brought) VALUES (?,?,?,?,?,1,1,1,'told','')",
            (name, subject.key, case, entry_terms(Entry(name, subject, label, case)), T0),
        )
    legs = [
        (Kind.UTXO_IN, COIN_A, None, 100_000),
        (Kind.UTXO_OUT, None, COIN_B, 60_000),
        (Kind.UTXO_OUT, None, COIN_C, 39_000),
    ]
    for number, (kind, sender, recipient, amount) in enumerate(legs):
        row = Transfer(
            *("bitcoin", world.spent, f"{kind.value}|{number}", kind, sender, recipient, amount),
            block_height=900_000, block_hash="0" * 64, time=T0,
        )  # fmt: skip
        marks = ",".join("?" * 18)
        conn.execute(
            f"INSERT INTO transfer ({TRANSFER_COLUMNS}, status, first_seen) VALUES ({marks})",
            (*transfer_params(row), "final", T0),
        )
