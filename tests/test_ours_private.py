"""Addresses of our own are sent to nobody and shown by their labels only."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from world.evm_node import HEAD, ME, PEER, Node, coin
from world.evm_node import LOCAL as EVM
from world.home import ALICE, BANK, BOB, SHOP, Scene, bodies, staged
from world.house import TITLES, take_house
from world.listed import take_list
from world.record import new_record
from world.scripted_server import serve

from monitor.app.settings import load
from monitor.chains import encodings
from monitor.demo.world.explorer import Explorer, _Handler
from monitor.demo.world.ledger import AccountLedger, TokenName, UtxoLedger
from monitor.demo.world.moves import Input, Internal, Output, TokenMove, Tx, UtxoTx
from monitor.demo.world.service import Reply
from monitor.demo.world.trongrid import hex41
from monitor.loops.passing import PollWorld
from monitor.loops.poll import Poller
from monitor.loops.pool import SourcePool
from monitor.model import Chain, Entry, SourceConfig, Subject
from monitor.model.facts import BESIDE_US, TO_US
from monitor.model.ports import Source
from monitor.net import sources
from monitor.net.http import Http
from monitor.store.sqlite import Store
from monitor.store.views import Views

NOW = 1_700_100_000
LITECOIN = load.load(Path("/nonexistent"), {}).chains["litecoin"]
LABEL = "Customer 17"
BARE = SHOP.removeprefix("0x")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """All that is asked of explorers here."""
    seen: list[bytes] = []
    true = Explorer.reply

    def reply(self: Explorer, method: str, target: str, body: bytes) -> Reply:
        seen.append(target.encode() + b"\n" + body)
        return true(self, method, target, body)

    monkeypatch.setattr(Explorer, "reply", reply)
    return seen


def own(scene: Scene, *lines: str) -> None:
    home = scene.home
    home.write("customers.csv", "address,label\n" + "".join(f"{line}\n" for line in lines))
    row = {"kind": "csv", "file": "customers.csv", "title": "Our bank", "every": "never",
           "watch": "no", "ours": "yes"}  # fmt: skip
    home.write("config/lists.yaml", {"lists": {"house": row}})
    home.run("lists", "update", "house")


def poller_of(store: Store, chain: Chain, source: Source, at: int) -> Poller:
    """Reads one chain through one source, at a time, with the house's own list in use."""
    world = PollWorld(
        chains={chain.key: chain},
        pools={chain.key: SourcePool(chain, [source], sure_for=0.0)},
        assets={},
        route=lambda _alert, _entry: [],
        clock=lambda: at,
        interval=lambda _subject: 0,
        since_time=lambda _text: None,
        ours=TITLES,
    )
    return Poller(store, world)


def told(scene: Scene) -> dict[str, str]:
    """Everything that anybody was shown, by where it was."""
    found = {f"output {n}": text for n, text in enumerate(scene.home.said)}
    found["log lines"] = scene.home.log()
    for number, mail in enumerate(m.message for m in scene.mail.mails):
        parts = [part.get_content() for part in mail.walk() if not part.is_multipart()]
        texts = [p if isinstance(p, str) else p.decode() for p in parts]
        found[f"mail {number}"] = "\n".join([str(mail["Subject"]), *texts])
    for number, body in enumerate(bodies(scene.hook.seen)):
        found[f"hook {number}"] = json.dumps(body)
    return found


def shown_in(scene: Scene) -> list[str]:
    """Where our own address can be read."""
    return [place for place, text in told(scene).items() if BARE in text.casefold()]


def look_everywhere(scene: Scene) -> None:
    home = scene.home
    for form in ("table", "jsonl", "csv"):
        home.run("transfers", "--format", form)
        home.run("transfers", "--all-legs", "--format", form)
    home.run("alerts", "list")
    for alert in home.alerts():
        home.run("alerts", "show", alert["id"])
    home.run("status", code=None)
    home.run("daily", "--help", code=None)
    home.run("lists", "status")


def test_nobody_is_asked_about_our_own_and_nobody_is_shown_it(
    tmp_path: Path, asked: list[bytes]
) -> None:
    """A payment to one of ours, one from it, and what had been recorded before the list came."""
    with staged(tmp_path) as scene:
        own(scene, f"{SHOP},{LABEL}")
        scene.home.said.clear()
        out, _ = scene.pay((ALICE, SHOP), (SHOP, BOB))
        scene.pay((BANK, ALICE))
        scene.home.run("poll")
        look_everywhere(scene)
        assert BARE.encode() not in b"\n".join(asked).lower()
        assert any(ALICE.removeprefix("0x").encode() in each.lower() for each in asked)
        assert shown_in(scene) == []
        news = [a for a in scene.home.alerts() if a["tx"] == out]
        assert [(a["severity"], a["kind"]) for a in news] == [("severe", "movement")]
        assert news[0]["transfers"][0]["to"] == f"ours:{LABEL}"
        assert news[0]["ours"][0]["label"] == LABEL
        (past,) = scene.alerts("notice", "TOUCHES US")
        assert past["severity"] == "severe"
        assert len(past["transfers"]) == 1  # of the ledger's own past
        texts = told(scene)
        mails = [text for place, text in texts.items() if place.startswith("mail")]
        ours = [text for text in mails if LABEL in text]
        assert ours
        assert all("[Fundwatch SEVERE] TOUCHES US" in text for text in ours)


def test_check_counts_them_and_says_which_are_watched_too(tmp_path: Path) -> None:
    with staged(tmp_path) as scene:
        own(scene, f"{SHOP},{LABEL}", f"{BOB},Hot wallet")
        said = " ".join(scene.home.run("check", "--offline", code=None).split())
        assert "PRIVACY 2 addresses of ours (house): shown to nobody" in said
        assert "1 address of ours is watched too" in said
        assert BARE not in said.casefold()


def test_who_left_is_shown_to_nobody_either(tmp_path: Path) -> None:
    with staged(tmp_path) as scene:
        own(scene, f"{SHOP},{LABEL}", f"{'0x' + 'e' * 40},Customer 18")
        scene.pay((ALICE, SHOP))
        scene.home.run("poll")
        scene.home.write("customers.csv", f"address,label\n{'0x' + 'e' * 40},Customer 18\n")
        scene.home.run("lists", "update", "house", "--accept-shrunk")
        (later,) = scene.pay((ALICE, SHOP))
        scene.home.run("poll")
        scene.home.said.clear()
        look_everywhere(scene)
        assert shown_in(scene) == []
        (alert,) = [a for a in scene.home.alerts() if a["tx"] == later]
        assert alert["severity"] == "high"
        assert "ours" not in alert


@pytest.mark.parametrize("style", ["blockbook", "esplora"])
def test_a_whole_transaction_is_read_without_a_word_about_ours(
    style: str, tmp_path: Path, asked: list[bytes]
) -> None:
    """One of ours is paid by, and pays in beside, a watched address: told, shown by its label."""
    chain = replace(LITECOIN, key="mine")
    me, mine, other = (
        encodings.encode_base58check(bytes([chain.base58[0]]), bytes([n]) * 19 + b"x")
        for n in (1, 2, 3)
    )
    ledger = UtxoLedger(time=NOW - 200 * 150, block_time=150)
    for _ in range(chain.finality + 5):
        ledger.mine()
    with Explorer() as explorer, closing(new_record(tmp_path / "f.db")) as store:
        explorer.add("c", ledger, style)
        config = SourceConfig("mine", style, explorer.url("c", style), rate_per_second=1000)
        source = sources.build(config, chain, Http("mine", config.url, attempts=1))
        take_list(store, [Entry("E", Subject("mine", me), case="C")], "list", NOW)
        take_house(store, NOW, {mine: LABEL})
        poller = poller_of(store, chain, source, NOW)
        assert not poller.run_pass(everything=True).unread
        ledger.mine([spent("1", [me], [mine, other])])
        ledger.mine([spent("2", [me, mine], [other])])
        ledger.mine([spent("3", [other], [me, mine])])
        assert not poller.run_pass(everything=True).unread
        assert mine.encode() not in b"\n".join(asked)
        assert me.encode() in b"\n".join(asked)
        seen = Views(store, {"mine": chain}, {}, ours=TITLES)
        told = {v.alert.tx: v for v in seen.alerts(seen.alert_ids()) if v.alert.tx}
        ways = {tx[0]: [t.way for t in v.alert.facts.ours] for tx, v in told.items() if tx}
        assert ways == {"1": [TO_US], "2": [BESIDE_US], "3": []}
        parties = {p for v in told.values() for leg in v.all_legs
                   for p in leg.row.transfer.parties()}  # fmt: skip
        assert mine not in parties
        assert f"ours:{LABEL}" in parties


def spent(name: str, payers: list[str], payees: list[str]) -> UtxoTx:
    ins = (Input("f" * 64, 10 * int(name) + n, Output(p, 100)) for n, p in enumerate(payers))
    return UtxoTx(name * 64, tuple(ins), tuple(Output(p, 40) for p in payees))


@pytest.mark.parametrize("style", ["trongrid", "blockscout", "etherscan"])
def test_accounts_are_read_without_a_word_about_ours(
    style: str, tmp_path: Path, asked: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Coins and tokens, also by contracts, both ways: ours stands in no address, body or header of
    what is asked, in neither spelling, and in nothing that is shown."""
    true = _Handler._headers

    def headers(self: _Handler) -> dict[str, str]:
        found = true(self)
        asked.append(repr(found).encode())
        return found

    monkeypatch.setattr(_Handler, "_headers", headers)
    tron = style == "trongrid"
    key = "tron" if tron else "ethereum"
    chain = load.load(Path("/nonexistent"), {}).chains[key]
    me, mine, token = (_account(n, tron=tron) for n in (1, 2, 3))
    first = {"first_height": 80_000_000} if tron else {}
    ledger = AccountLedger(tron=tron, time=NOW - 3600, block_time=3 if tron else 12, **first)
    ledger.tokens[token] = TokenName("USDT", "Tether USD", 6)
    for _ in range(40):
        ledger.mine()
    with Explorer() as explorer, closing(new_record(tmp_path / "f.db")) as store:
        explorer.add("c", ledger, style, chain_id=None if tron else 1)
        config = SourceConfig(
            "mine", style, explorer.url("c", style), rate_per_second=1000, index_lag=0
        )
        take_list(store, [Entry("E", Subject(key, me), case="C")], "list", NOW)
        take_house(store, NOW, {mine: LABEL})

        def read(at: int) -> None:
            source = sources.build(config, chain, Http("mine", config.url, attempts=1))
            world = PollWorld(
                chains={key: chain},
                pools={key: SourcePool(chain, [source], sure_for=0.0)},
                assets={},
                route=lambda _alert, _entry: [],
                clock=lambda: at,
                interval=lambda _subject: 0,
                since_time=lambda _text: None,
                ours=TITLES,
            )
            assert not Poller(store, world).run_pass(everything=True).unread

        read(NOW)
        name = "{:064x}" if tron else "0x{:064x}"
        sent, came = (TokenMove("ERC-20", token, *way, 7) for way in ((me, mine), (mine, me)))
        ledger.mine([Tx(name.format(1), me, mine, 5)])
        ledger.mine([Tx(name.format(2), mine, me, 6)])
        ledger.mine([Tx(name.format(3), me, token, 0, tokens=(sent,))])
        inner = (Internal(mine, me, 5, path="0"),)
        ledger.mine([Tx(name.format(4), mine, token, 0, tokens=(came,), internals=inner)])
        read(NOW + 3600)
        text = b"\n".join(asked).lower()
        spellings = [mine, mine.removeprefix("0x"), *([hex41(mine)[2:]] if tron else [])]
        assert not [each for each in spellings if each.lower().encode() in text]
        assert me.lower().encode() in text
        seen = Views(store, {key: chain}, {}, ours=TITLES)
        alerts = [v for v in seen.alerts(seen.alert_ids()) if v.alert.tx]
        touched = sorted((v.alert.tx or "")[-1] for v in alerts if v.alert.facts.ours)
        assert touched == ["1", "2", "4"]  # the third is of a token that nobody has verified
        assert len(alerts) == 4
        assert mine not in repr(alerts)


def _account(number: int, *, tron: bool) -> str:
    digest = bytes([number]) * 20
    return encodings.encode_base58check(b"\x41", digest) if tron else f"0x{digest.hex()}"


def test_a_node_is_asked_for_logs_without_a_word_about_ours(tmp_path: Path) -> None:
    node = Node()
    with serve(node) as server, closing(new_record(tmp_path / "f.db")) as store:
        config = SourceConfig("node", "evm_rpc", server.url, rate_per_second=1000)
        take_list(store, [Entry("E", Subject("local", ME), case="C")], "list", NOW)
        take_house(store, NOW, {PEER: LABEL})

        def read(at: int) -> None:
            source = sources.build(config, EVM, Http("node", config.url, attempts=1))
            poller_of(store, EVM, source, at).run_pass(everything=True)

        read(HEAD.time)
        node.logs, node.newest = [coin(7, block=HEAD.height + 5)], HEAD.height + 50
        read(HEAD.time + 3600)
        assert [row["sender"] for row in store.read("SELECT sender FROM transfer")] == [PEER]
        text = json.dumps([[c.path, c.query, c.body, dict(c.headers)] for c in server.calls])
        assert ME[2:] in text.lower()
        assert PEER[2:] not in text.lower()
