"""kill -9 at any moment while a chain is read block by block: nothing lost, nothing twice.

The oracle is the chain itself, a real node, asked in plain calls at the end; the receiver is a
real webhook. Meanwhile blocks are replaced and addresses are added while nobody reads.
With -rP (or when it fails) the test prints its figures:

    python -m pytest tests/test_blocks_kills.py -rP
"""

from __future__ import annotations

import json
import random
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests
from world import chain
from world.evm_feed import EvmFeed
from world.home import HOOK_SECRET, Home, bodies, dev_chain, ids, meanwhile, told, wait_for
from world.older import record_before
from world.parts import Rpc, anvil
from world.scripted_server import Call, Reply, serve
from world.sinks import HttpSink, Request

from monitor.demo.world.explorer import Explorer
from monitor.demo.world.ledger import AccountLedger
from monitor.model.scope import EVERY
from monitor.store import blocks
from monitor.store.schema import VERSION
from monitor.store.sqlite import Store
from monitor.store.watch import PARKED

pytestmark = pytest.mark.real

PAYER = "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266"
FINALITY = 12
LISTS = ("native", "internal", "erc20", "erc721", "erc1155")
PEOPLE = tuple(f"0x{number:02x}" + "d7" * 19 for number in range(1, 13))
FIRST = 3  # of them are watched from the start

Payment = tuple[str, str, int]  # transaction, recipient, amount


@dataclass
class Town:
    """A chain, a home that reads it block by block, and who hears of it."""

    rpc: Rpc
    home: Home
    feed: EvmFeed
    hook: HttpSink
    watched: int = FIRST
    paid: int = 0
    replaced: int = 0  # blocks
    asked: int = 0  # requests to the node by whoever reads
    lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, call: Call) -> Reply:
        self.asked += 1
        reply = requests.post(self.rpc.url, json=call.body, timeout=60)
        return Reply(reply.content, reply.status_code)

    def pay(self, *recipients: str) -> list[str]:
        """A block with these payments."""
        with self.lock:
            sent = []
            for each in recipients:
                self.paid += 1
                wanted = {"from": PAYER, "to": each, "value": hex(10**12 + self.paid)}
                sent.append(str(self.rpc.call("eth_sendTransaction", wanted)))
            self.rpc.call("evm_mine")
            self.feed.sync()
            return sent

    def mine(self, number: int) -> None:
        for _ in range(number):
            self.pay()

    def replace(self, depth: int) -> None:
        """The newest blocks give way to others: what they held did not happen."""
        with self.lock:
            self.rpc.call("anvil_reorg", depth, [])
            self.replaced += depth
            self.feed.sync()

    def watch(self, number: int) -> None:
        self.watched = number
        listed = [
            {"address": each, "chain": "dev", "label": each[:4], "severity": severity}
            for each, severity in zip(PEOPLE[:number], ("severe", "low", "high") * 4, strict=False)
        ]
        self.home.write("watchlist.yaml", {"addresses": listed})

    def read(self, way: str, *sources: str) -> None:
        row = {**dev_chain(*sources, finality=FINALITY), "read": way}
        self.home.write("config/chains.yaml", {"chains": {"dev": row}})

    def truth(self) -> dict[Payment, int]:
        """What the chain holds for those who are watched, with heights."""
        with self.lock:
            head = int(self.rpc.call("eth_blockNumber"), 16)
            asked = [("eth_getBlockByNumber", (hex(h), True)) for h in range(head + 1)]
            found = self.rpc.batch(asked)
        watched = PEOPLE[: self.watched]
        return {
            (tx["hash"], tx["to"], int(tx["value"], 16)): int(block["number"], 16)
            for block in found
            for tx in block["transactions"]
            if tx["to"] in watched
        }

    @contextmanager
    def record(self) -> Iterator[Store]:
        store = Store(self.home.path / "fundwatch.db", readonly=True)
        try:
            yield store
        finally:
            store.close()

    def now_due(self) -> None:
        """Debts that wait to be tried again are tried at once."""
        self.home.sql("UPDATE debt SET due = 0 WHERE history = 1 OR blind")


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    with anvil("--slots-in-an-epoch", "1") as rpc, Explorer() as explorer, HttpSink() as hook:
        ledger = AccountLedger()
        made = Town(rpc, Home(tmp_path / "home"), EvmFeed(rpc, ledger), hook)
        for each in PEOPLE:
            made.pay(each)  # a past
        made.mine(FINALITY + 8)
        explorer.add("dev", ledger, "etherscan", chain_id=31337)
        with serve(made.answer) as server:
            node = {"kind": "evm_rpc", "url": server.url, "rate_per_second": 1000}
            lists = {"kind": "etherscan", "url": explorer.url("dev", "etherscan"), "index_lag": 0,
                     "rate_per_second": 1000, "api_key_env": "EXPLORER_KEY"}  # fmt: skip
            made.home.write("config/sources.yaml", {"sources": {"node": node, "lists": lists}})
            made.home.write("config/settings.yaml", {"every": 2, "prices": "none"})
            made.home.write(".env", f"EXPLORER_KEY=key\nHOOK_SECRET={HOOK_SECRET}\n")
            (made.home.path / ".env").chmod(0o600)
            machine = {"kind": "webhook", "url": hook.url(), "secret_env": "HOOK_SECRET",
                       "allow_private": True}  # fmt: skip
            made.home.write("config/channels.yaml", {"channels": {"hook": machine}})
            made.read("blocks", "node", "lists")
            made.watch(FIRST)
            yield made


def paying(town: Town, pause: float) -> AbstractContextManager[None]:
    """Blocks go on in the background for the length of the block, each with payments."""
    chance = random.Random(7)
    return meanwhile(
        lambda: town.pay(*(chance.choice(PEOPLE) for _ in range(chance.randint(1, 3)))), pause
    )


def killed(town: Town, chance: random.Random, *commands: str) -> bool:
    """Start one of these and kill it somewhere in its work; False: it was too quick."""
    before = town.asked
    process = town.home.start(chance.choice(commands))
    wait_for(lambda: town.asked > before or process.poll() is not None, 60, town.home.log)
    try:
        process.wait(chance.uniform(0.0, 2.0))
    except subprocess.TimeoutExpired:
        process.kill()
    return process.wait(10) == -signal.SIGKILL


def settle(town: Town) -> None:
    """Everything becomes final, and is read by somebody whom nobody disturbs."""
    for _ in range(2):
        town.home.run("poll")
        town.mine(FINALITY + 3)
        town.now_due()
    town.home.run("poll")


def members(town: Town) -> dict[str, int]:
    """Who is a member, with the block from which on it is."""
    with town.record() as store:
        return blocks.members(store, "dev")


def faults(town: Town) -> dict[str, object]:
    """What is not as the chain has it; empty: nothing."""
    truth, joined = town.truth(), members(town)
    home, watched = town.home, PEOPLE[: town.watched]
    rows = [(r["tx"], r["to"], int(r["amount"])) for r in home.transfers() if r["to"] in watched
            and r["status"] != "orphaned"]  # fmt: skip
    moved = Counter((a["tx"], a["entry"]["address"]) for a in home.alerts()
                    if a["kind"] == "movement")  # fmt: skip
    happened = {(tx, to) for tx, to, _ in truth}
    due = {(tx, to) for (tx, to, _), height in truth.items() if height >= joined[to]}
    corrected = Counter(a["tx"] for a in home.alerts() if a["kind"] == "correction")
    undone = {tx for tx, to in moved if (tx, to) not in happened}
    found: dict[str, object] = {
        "not recorded": set(truth) - set(rows),
        "recorded twice": {row: n for row, n in Counter(rows).items() if n > 1},
        "recorded, and not on the chain": set(rows) - set(truth),
        "not told": due - set(moved),
        "told twice": {each: n for each, n in moved.items() if n > 1},
        "taken back, and not told so once": Counter(undone) - corrected,
        "taken back, and on the chain": corrected - Counter(undone),
        "not final": [
            r["tx"] for r in home.transfers() if r["status"] in ("pending", "provisional")
        ],
        "no members": set(watched) - set(joined),
        "unsent": [d["id"] for d in home.deliveries() if d["state"] != "accepted"],
        "under two names": renamed(town),
        "log": chain.faults_of(home.path / "fundwatch.db"),
        "holes": holes(town, joined),
    }
    alerts = {a["id"] for a in home.alerts() if a["deliveries"]}
    found["not received"] = alerts.difference(*map(alerts_in, town.hook.seen))
    with town.record() as store:
        owed = blocks.owed(store, "dev")
        found["owed"] = owed.history + owed.blind
        due_at = store.read("SELECT address FROM scope WHERE address <> '*' AND due <> ?", [PARKED])
        found["due by themselves"] = [row["address"] for row in due_at]
    return {name: each for name, each in found.items() if each}


def alerts_in(request: Request) -> list[str]:
    """Which alerts a message tells. Its signature is good for five minutes, and not looked at."""
    return [alert["id"] for alert in json.loads(request.body)["data"]["alerts"]]


def renamed(town: Town) -> list[str]:
    """Alerts that were told under more than one message id."""
    names: dict[str, set[str]] = {}
    for request in town.hook.seen:
        for alert in alerts_in(request):
            names.setdefault(alert, set()).add(request.headers["webhook-id"])
    return [alert for alert, mine in names.items() if len(mine) > 1]


def holes(town: Town, joined: dict[str, int]) -> list[str]:
    """Members whose lists are not read as one stretch from the first block to the proven line."""
    with town.record() as store:
        state = blocks.reading_of(store, "dev")
        assert state is not None
        assert state.head is not None
        line, found = state.proven_to, []
        assert line == state.head - FINALITY
        for address in joined:
            spans = store.read(
                "SELECT stream, lo, hi FROM list_coverage WHERE subject = ? "
                "AND axis = 'height' ORDER BY stream, lo",
                [f"dev/{address}"],
            )
            for name in LISTS:
                end = -1
                for row in spans:
                    if row["stream"] == name and row["lo"] <= end + 1:
                        end = max(end, row["hi"])
                if end < line:
                    found.append(f"{address} {name}: read to {end}, not {line}")
        return found


@pytest.mark.parametrize("kills", [4, pytest.param(40, marks=pytest.mark.slow)])
def test_random_kills(town: Town, kills: int) -> None:
    """Also while it was down: blocks replaced, an address added; and nobody but a look beside."""
    chance, done, starts = random.Random(kills), 0, 0
    for _ in range(3 * kills):
        starts += 1
        with paying(town, 0.1):
            done += killed(town, chance, "poll", "run", "run")
        assert chain.faults_of(town.home.path / "fundwatch.db") == []
        if chance.random() < 0.3:
            town.replace(chance.randint(1, FINALITY - 4))
        if chance.random() < 0.3 and town.watched < len(PEOPLE):
            town.watch(town.watched + 1)
        if done == kills:
            break
    meanwhile = len(town.hook.seen)
    settle(town)
    repeats = Counter(ids(town.hook.seen))
    print(f"{done} kills in {starts} starts, {town.paid} payments, {town.replaced} blocks "
          f"replaced, {town.watched} watched, {meanwhile} messages meanwhile, "
          f"{sum(repeats.values()) - len(repeats)} repeats")  # fmt: skip
    assert done == kills
    assert town.home.sql("PRAGMA integrity_check") == [("ok",)]
    assert faults(town) == {}
    assert town.hook.seen
    town.home.run("verify")
    assert sum(repeats.values()) - len(repeats) <= kills


def test_a_backup_from_before_is_restored(town: Town, tmp_path: Path) -> None:
    """What it knew is not told again; what it did not know comes again under its old name; who was
    a member is one."""
    town.home.run("poll")
    town.pay(*PEOPLE[:FIRST])
    town.home.run("poll")
    known = set(told(town.hook.seen))
    town.home.run("backup", str(tmp_path / "copy.db"))
    before = members(town)
    town.watch(FIRST + 1)
    for _ in range(5):
        town.pay(*PEOPLE[: FIRST + 1])
    town.home.run("poll")
    town.replace(3)
    town.pay(*PEOPLE[: FIRST + 1])
    town.home.run("restore", str(tmp_path / "copy.db"))
    assert killed(town, random.Random(1), "run")
    town.home.run("poll")
    assert {each: members(town)[each] for each in before} == before
    settle(town)
    # Alerts of one message may come in another company now: alerts keep their names.
    assert faults(town).keys() <= {"under two names"}
    times = told(town.hook.seen)
    assert {alert: times[alert] for alert in known} == dict.fromkeys(known, 1)
    assert max(times.values()) <= 2
    town.home.run("verify")


def test_a_record_of_the_version_before_is_read_by_blocks(town: Town) -> None:
    """Its chain had members of single lists, whom a node read all at once."""
    town.read("auto", "node", "lists")
    town.home.run("poll")
    town.pay(*PEOPLE[:FIRST])
    town.home.run("poll")
    lists = town.home.sql("SELECT DISTINCT stream FROM joined")
    assert ("erc20",) in lists
    assert (EVERY,) not in lists
    schema_9(town.home.path / "fundwatch.db")
    town.pay(*PEOPLE[:FIRST])
    town.read("blocks", "node", "lists")
    town.watch(FIRST + 1)
    for _ in range(4):
        with paying(town, 0.1):
            killed(town, random.Random(2), "run", "poll")
    settle(town)
    assert town.home.sql("PRAGMA user_version") == [(VERSION,)]
    assert town.home.sql("SELECT DISTINCT stream FROM joined WHERE until_place IS NULL") == [
        (EVERY,)
    ]
    assert faults(town) == {}
    town.home.run("verify")


def schema_9(path: Path) -> None:
    """The same record as the version before wrote it."""
    old = path.with_suffix(".old")
    db = record_before("m010_blocks", old)
    db.conn.execute("ATTACH ? AS new", (str(path),))
    triggers = db.conn.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
    for name, _ in (kept := triggers.fetchall()):
        db.conn.execute(f"DROP TRIGGER {name}")
    for table in db.table_names():
        if table.startswith(("sqlite_", "_sqlite_")):
            continue
        theirs = {row[1] for row in db.conn.execute(f"PRAGMA new.table_info({table})")}
        names = ", ".join(c.name for c in db[table].columns if c.name in theirs)  # type: ignore[union-attr]
        db.conn.execute(f"DELETE FROM main.{table}")
        db.conn.execute(f"INSERT INTO main.{table} ({names}) SELECT {names} FROM new.{table}")
    for _, sql in kept:
        db.conn.execute(sql)
    db.conn.commit()
    db.conn.execute("DETACH new")
    db.conn.execute("PRAGMA journal_mode = WAL")
    db.close()
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    old.replace(path)


def heard(town: Town) -> set[str]:
    """Transactions that the receiver was told of."""
    return {
        alert.get("tx", "") for body in bodies(town.hook.seen) for alert in body["data"]["alerts"]
    }


DAY = 86_400
TIMES = ("reading: tried", "reading: ok", "reading: failing", "scope: due", "scope: deep",
         "debt: due", "touched: due")  # fmt: skip


@pytest.mark.parametrize("days", [1, -1])
def test_the_clock_is_set_by_a_day(town: Town, days: int) -> None:
    """Back (what was read was read tomorrow) or forward: members are not due by themselves, what
    is paid is told at once, and the second look at histories comes within a day."""
    town.home.run("poll")
    town.mine(FINALITY + 3)
    town.now_due()
    town.home.run("poll")
    for each in TIMES:
        table, column = each.split(": ")
        town.home.sql(
            f"UPDATE {table} SET {column} = {column} + ? WHERE {column} BETWEEN 1 AND ?",
            *(days * DAY, PARKED - 1),
        )
    paid = town.pay(*PEOPLE[:FIRST])
    with town.home.daemon():
        wait_for(lambda: set(paid) <= heard(town), 60, town.home.log)
    assert ("set back" in town.home.log()) == (days > 0)
    late = town.home.sql("SELECT max(due) FROM debt WHERE history = 2")[0][0]
    assert days < 0 or DAY - 600 < late - time.time() <= DAY
    settle(town)
    assert faults(town) == {}


def test_looking_and_polling_beside_the_daemon(town: Town) -> None:
    """Whoever looks sees how far the chain is read; a second reader is refused."""
    town.home.run("poll")
    with town.home.daemon(), paying(town, 0.1):
        seen = []
        for _ in range(4):
            told_so = json.loads(town.home.run("status", "--json", code=None))
            seen.append(told_so["chains"]["dev"]["reading"]["covered_to"])
            town.home.run("poll", code=75)
    assert seen == sorted(seen)
    assert seen[-1] > seen[0]
    settle(town)
    assert faults(town) == {}
