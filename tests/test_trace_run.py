"""Following money as a person does it: the real command on a scripted chain."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from world.home import SCHEMA, Home, dev_chain

from monitor.demo.world.explorer import Explorer
from monitor.demo.world.ledger import AccountLedger
from monitor.demo.world.moves import TokenMove, Tx

USD = "0x" + "11" * 20  # a verified token that is meant to be worth a dollar
FAKE = "0x" + "99" * 20
SOURCE, A, B, C, EXCHANGE, BANK = ("0x" + f"{n:02x}" * 20 for n in range(0xA1, 0xA7))
UNIT = 10**6
ALERT = Draft202012Validator({"$ref": "#/$defs/alert", "$defs": SCHEMA.schema["$defs"]})


@dataclass
class Story:
    """A home that follows what SOURCE pays, on a chain that is written as it goes."""

    home: Home
    ledger: AccountLedger
    explorer: Explorer
    at: int
    count: int = field(default=0)

    def pay(self, sender: str, recipient: str, usd: int, token: str = USD) -> str:
        """A payment in the token; the next block, a minute later."""
        self.count += 1
        self.at += 60
        name = "0x" + hashlib.sha256(f"tx {self.count}".encode()).hexdigest()
        move = TokenMove("ERC-20", token, sender, recipient, usd * UNIT, log_index=0)
        tx = Tx(name, sender, token, 0, nonce=self.count, tokens=(move,))
        self.ledger.mine([tx], self.at)
        return name

    def settle(self) -> None:
        """Enough blocks above all of it."""
        for _ in range(20):
            self.at += 12
            self.ledger.mine((), self.at)

    def run(self, *args: str, code: int | None = 0) -> str:
        self.settle()
        return self.home.run("trace", "run", "C-1", *args, code=code)

    def show(self, *args: str) -> dict[str, list[dict[str, Any]]]:
        """Lines by their type."""
        text = self.home.run("trace", "show", "C-1", "--format", "jsonl", *args)
        found: dict[str, list[dict[str, Any]]] = {"node": [], "edge": [], "total": []}
        for line in map(json.loads, text.splitlines()):
            found[line["type"]].append(line)
        return found

    def traced(self) -> list[dict[str, Any]]:
        """The alerts about the trace, oldest first."""
        found = [alert for alert in self.home.alerts() if "traced" in alert]
        return sorted(found, key=lambda alert: alert["created"])

    def nodes(self) -> dict[str, dict[str, Any]]:
        return {node["address"]: node for node in self.show()["node"]}


@contextmanager
def told(
    tmp_path: Path, follow: Mapping[str, object] | None = None, book: str = "", days: int = 40
) -> Iterator[Story]:
    start = int(time.time()) - days * 86_400
    ledger = AccountLedger(time=start)
    with Explorer() as explorer:
        explorer.add("dev", ledger, "etherscan", chain_id=31337)
        home = Home(tmp_path)
        home.write("config/settings.yaml", {"prices": "none"})
        home.write("config/chains.yaml", {"chains": {"dev": dev_chain("mine")}})
        source = {"kind": "etherscan", "url": explorer.url("dev", "etherscan")}
        source |= {"rate_per_second": 1000}
        home.write("config/sources.yaml", {"sources": {"mine": source}})
        asset = {"symbol": "USDC", "decimals": 6, "source": "us", "date": "2026-01-01"}
        home.write("config/assets.yaml", {"assets": {"dev": {USD: asset}}})
        terms = {"hops": 10} if follow is None else dict(follow)
        entry = {"address": SOURCE, "chain": "dev", "label": "the source"}
        case = {"reason": "a reason", "follow": terms, "addresses": [entry]}
        home.write("watchlist.yaml", {"cases": {"C-1": case}})
        names = f"address,chain,name,category\n{EXCHANGE},dev,Big Exchange,exchange\n"
        home.write("addressbook.csv", book or names)
        yield Story(home, ledger, explorer, start)


def test_what_a_watched_address_pays_is_followed_to_an_exchange(tmp_path: Path) -> None:
    with told(tmp_path) as story:
        story.pay(BANK, SOURCE, 10_000)
        story.pay(BANK, A, 500)
        story.pay(SOURCE, A, 8_000)
        story.pay(A, B, 7_000)
        story.pay(B, EXCHANGE, 6_000)
        said = story.run()
        nodes, found = story.nodes(), story.show()
    assert "nothing is left to follow" in said
    assert (nodes[SOURCE]["state"], nodes[A]["state"]) == ("source", "followed")
    assert (nodes[EXCHANGE]["state"], nodes[EXCHANGE]["stop"]["reason"]) == ("stopped", "exchange")
    assert [nodes[each]["hop"] for each in (SOURCE, A, B, EXCHANGE)] == [0, 1, 2, 3]
    rests = nodes[A]["holds"][0]["amount"]
    assert (rests["libr"], rests["tainted_first"]) == (str(1_500 * UNIT), str(1_000 * UNIT))
    assert {t["difference"] for t in found["total"] if t["method"] != "poison"} == {"0"}


def test_following_is_switched_on_by_a_command(tmp_path: Path) -> None:
    """As a line of the watchlist, by a name and for a reason; what left before counts or not."""
    with told(tmp_path) as story:
        story.pay(BANK, SOURCE, 10_000)
        story.pay(SOURCE, A, 8_000)
        story.pay(A, B, 7_000)
        story.settle()
        plain = (tmp_path / "watchlist.yaml").read_text("utf-8").replace("follow:", "severity: low")
        story.home.write("watchlist.yaml", plain.replace("      hops: 10\n", ""))
        who = ("--by", "M. Ortiz", "--note", "the bank asks where it is")
        said = story.home.run("trace", "follow", "c-1", "--since", "2030-01-31", *who)
        wider = story.home.run("trace", "follow", "C-1", *who)
        story.run()
        nodes, log = story.nodes(), story.home.lines("log", "show", "--format", "jsonl")
        assert story.home.run("verify")
    assert "followed  case C-1: what its 1 watched address paid since 2030-01-31" in said
    assert "since watching began" in wider
    assert nodes[A]["state"] == "followed"
    assert "since: first" in (tmp_path / "watchlist.yaml").read_text("utf-8")
    mine = [row for row in log if row["actor"] and row["actor"]["name"] == "M. Ortiz"]
    assert {row["what"] for row in mine} >= {"list", "entries"}
    assert 'why: "the bank asks where it is"' in mine[0]["actor"]["authority"]


def test_history_is_one_message_and_news_at_an_exchange_is_severe(tmp_path: Path) -> None:
    with told(tmp_path) as story:
        story.pay(BANK, SOURCE, 20_000)
        story.pay(SOURCE, A, 8_000)
        story.run()
        (history,) = story.traced()
        story.at = int(time.time()) + 1  # following was switched on a moment ago
        story.pay(A, EXCHANGE, 3_000)
        story.home.sql("UPDATE scope SET due = 0")
        story.home.sql("UPDATE reading SET ok = 0")
        story.run()
        found = story.traced()
        shown = story.home.run("alerts", "show", found[-1]["id"])
    assert (history["kind"], history["traced"]["turn"]) == ("traced", "history")
    assert history["traced"]["left_usd"] == ["8000", "8000"]
    reached = [each for each in found if each["kind"] == "reached"]
    assert [(r["severity"], r["traced"]["reason"]) for r in reached] == [("severe", "exchange")]
    assert [t["tx"] for t in reached[0]["transfers"]] == [reached[0]["tx"]]
    assert '3,000 USD of case C-1 reached an exchange, "Big Exchange"' in " ".join(shown.split())
    for each in found:
        ALERT.validate(each)


def test_what_is_watched_keeps_its_calls_also_when_a_person_follows(tmp_path: Path) -> None:
    with told(tmp_path) as story:
        story.pay(SOURCE, A, 8_000)
        story.pay(A, B, 7_000)
        source = {"kind": "etherscan", "url": story.explorer.url("dev", "etherscan")}
        source |= {"rate_per_second": 1000, "calls_per_day": 16}
        story.home.write("config/sources.yaml", {"sources": {"mine": source}})
        said = story.run()
        nodes = story.nodes()
    assert "what is watched needs the calls" in said
    assert nodes[A]["state"] == "queued"


def test_what_a_person_says_asks_no_source(tmp_path: Path) -> None:
    """Also where balances may be asked for from then on: whoever says it would wait for sources
    that may hang."""
    with told(tmp_path, {"hops": 10, "calls_per_day": 0}) as story:
        story.pay(BANK, SOURCE, 10_000)
        story.pay(SOURCE, A, 8_000)
        story.run()
        story.explorer.forget_calls()
        by = ("--by", "Ann", "--note", "what rests is to be watched")
        story.home.run("trace", "limit", "C-1", "calls_per_day", "50", *by)
        asked = story.explorer.calls
        story.run()
        after = story.explorer.calls
    assert not asked
    assert after["dev", "etherscan", "tokenbalance"] > 0, "and the next run does"


def test_what_a_reorg_takes_back_has_reached_nobody(tmp_path: Path) -> None:
    """Also where all of it was passed on, so that nothing rests where it came from."""
    with told(tmp_path) as story:
        story.pay(BANK, SOURCE, 10_000)
        story.pay(SOURCE, A, 8_000)
        story.settle()
        story.pay(A, EXCHANGE, 8_000)
        story.home.run("trace", "run", "C-1")
        assert story.nodes()[EXCHANGE]["received"]
        story.ledger.rollback()
        story.pay(A, B, 8_000)
        for _ in range(2):  # a movement that is missing is looked for again before it is gone
            story.home.sql("UPDATE scope SET due = 0")
            story.home.sql("UPDATE reading SET ok = 0")  # a minute is over
            story.run()
        nodes = story.nodes()
    assert EXCHANGE not in nodes
    assert nodes[B]["received"][0]["amount"]["fifo"] == str(8_000 * UNIT)


def test_a_case_that_is_not_followed_any_more_says_so(tmp_path: Path) -> None:
    """On the newest pages of people; a state of the past stays as it was."""
    with told(tmp_path) as story:
        story.pay(SOURCE, A, 8_000)
        story.run()
        watchlist = yaml.safe_load((tmp_path / "watchlist.yaml").read_text("utf-8"))
        before = story.home.run("trace", "show", "C-1")
        day = "2999-01-01"
        then = story.home.run("trace", "show", "C-1", "--as-of", day)
        del watchlist["cases"]["C-1"]["follow"]
        story.home.write("watchlist.yaml", watchlist)
        story.home.run("poll")
        pages = [story.home.run(*words) for words in (("trace", "show", "C-1"), ("seizure", "C-1"))]
        later = story.home.run("trace", "show", "C-1", "--as-of", day)
    assert "NOT FOLLOWED" not in before
    assert all("NOT FOLLOWED ANY MORE" in page for page in pages)
    assert later == then
