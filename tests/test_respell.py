"""A record of before, in which one Litecoin script had two addresses, goes on as one."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import base58
import pytest
from world.home import Home
from world.record import new_record
from world.scripted_server import Call, Reply, serve

from monitor.model import Axis, Subject
from monitor.model.acts import DAEMON, Respell
from monitor.model.acts_trace import Follow
from monitor.model.scope import ChainWide, Joined
from monitor.store import joined
from monitor.store.commit import commit
from monitor.store.coverage import change_members
from monitor.store.follow import followed
from monitor.store.respell import subjects_of

SCRIPT = bytes.fromhex("77" * 20)
OLD, NEW, OTHER = (
    base58.b58encode_check(bytes([version]) + script).decode()
    for version, script in ((5, SCRIPT), (50, SCRIPT), (50, b"\x11" * 20))
)
START = 1_790_000_000
WHOLE = ChainWide("our-litecoin")


def digest(name: object) -> str:
    return hashlib.sha256(str(name).encode()).hexdigest()


class Litecoin:
    """An Esplora that answers for both spellings of the script and writes the new one."""

    def __init__(self) -> None:
        self.head = 1000
        self.rows: list[dict[str, Any]] = []

    def pay(self, height: int, amount: int) -> None:
        status = {"confirmed": True, "block_height": height, "block_hash": digest(height),
                  "block_time": START + height}  # fmt: skip
        spent = {"scriptpubkey_address": OTHER, "value": amount}
        self.rows.insert(0, {
            "txid": digest(f"tx {height}"), "status": status,
            "vin": [{"txid": digest(f"spent {height}"), "vout": 0, "prevout": spent}],
            "vout": [{"scriptpubkey_address": NEW, "value": amount}],
        })  # fmt: skip

    def __call__(self, call: Call) -> Reply:
        if call.path == "/blocks/tip/hash":
            return Reply(digest(self.head).encode())
        if found := re.match(r"/block-height/(\d+)", call.path):
            return Reply(digest(int(found[1])).encode())
        if call.path.startswith("/block/"):
            return Reply(
                {"id": digest(self.head), "height": self.head, "timestamp": START + self.head}
            )
        if call.path.endswith("/txs/mempool") or "/txs/chain/" in call.path:
            return Reply([])
        if call.path.endswith("/txs/chain"):
            return Reply(self.rows)
        if call.path.startswith("/address/"):
            return Reply({"chain_stats": {"tx_count": len(self.rows)}})
        return Reply(b"not found", 404)


@pytest.fixture
def server() -> Iterator[tuple[Litecoin, str]]:
    chain = Litecoin()
    with serve(chain) as running:
        yield chain, running.url


def chain_yaml(**more: object) -> dict[str, object]:
    litecoin = {"family": "utxo", "native": {"symbol": "LTC", "decimals": 8}, "finality": 6,
                "sources": ["mine"], **more}  # fmt: skip
    return {"chains": {"our-litecoin": litecoin}}


def test_an_old_record_goes_on(tmp_path: Path, server: tuple[Litecoin, str]) -> None:
    """The entry keeps its history, gets its one address, and what was missed is told."""
    chain, url = server
    home = Home(tmp_path)
    home.write("config/settings.yaml", {"prices": "none"})
    home.write("config/chains.yaml", chain_yaml(base58=[48, 5]))
    source = {"kind": "esplora", "url": url, "rate_per_second": 1000}
    home.write("config/sources.yaml", {"sources": {"mine": source}})
    home.write("watchlist.yaml", {"addresses": [
        {"address": OLD, "chain": "our-litecoin", "label": "swap",
         "severity": "high"}]})  # fmt: skip
    chain.pay(900, 5)
    home.run("poll")
    # As the versions before did: the address as it was written, the rows as they were told.
    home.sql("UPDATE transfer SET recipient = ? WHERE recipient = ?", NEW, OLD)
    before = home.sql("SELECT id, added, base_height FROM entry")
    assert home.sql("SELECT subject FROM entry") == [(f"our-litecoin/{OLD}",)]
    chain.pay(1010, 70)
    chain.head = 1020
    home.sql("UPDATE scope SET due = 0")
    home.write("config/chains.yaml", chain_yaml(base58=[48, 50, 5], bech32="ltc"))
    home.run("poll")
    assert home.sql("SELECT key FROM scope") == [(f"our-litecoin/{NEW}",)]
    [(entry, added, base)] = home.sql("SELECT id, added, base_height FROM entry")
    assert (added, base) == before[0][1:]
    assert home.sql("SELECT DISTINCT entry FROM entry_version") == [(entry,)]
    moved = [a for a in home.alerts() if a["kind"] in ("movement", "late")]
    assert [t["amount"] for a in moved for t in a["transfers"]] == ["70"]
    assert home.sql("PRAGMA foreign_key_check") == []
    assert home.sql("SELECT count(*) FROM entry WHERE absent IS NOT NULL") == [(0,)]


def test_memberships_are_taken_back_and_who_follows_goes_on(tmp_path: Path) -> None:
    """What was read chain-wide was not held against the address either. The chain as a whole is no
    address to be spelt."""
    old, new = Subject("our-litecoin", OLD), Subject("our-litecoin", NEW)
    with closing(new_record(tmp_path / "r.db")) as store:
        for subject, case in ((old, "A"), (old, "B"), (new, "B")):
            commit(store, DAEMON, Follow(START, subject, case, "a reason", 60))
        change_members(store, WHOLE, [Joined(old, "utxo", Axis.HEIGHT, 5)], [], 0)
        assert set(subjects_of(store, "our-litecoin")) == {old, new}
        commit(store, DAEMON, Respell(START, [(old, NEW)]))
        assert [(f.subject, f.case) for f in followed(store)] == [(new, "A"), (new, "B")]
        assert joined.members(store, WHOLE) == {}
        assert store.read("PRAGMA foreign_key_check") == []
