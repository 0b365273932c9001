"""A source that says no balances, or only old ones, costs neither its lists nor other sources."""

from __future__ import annotations

from dataclasses import replace

import pytest
from test_balance_contract import CASES, Case, Scene, kind, staged
from world.scripted_server import Call, Reply

from monitor.decide.findings import seconded
from monitor.loops.pool import SourcePool
from monitor.loops.witness import BALANCES, Witness
from monitor.model import Subject
from monitor.model.balance import Figure
from monitor.model.errors import RateLimited, Refused, WrongChain
from monitor.model.finding import Finding

ALL = pytest.mark.parametrize("case", CASES, ids=lambda case: case.kind)
REFUSALS = {
    "forbidden": (b'{"message":"Forbidden"}', 403),
    "key": (b'{"status":"0","message":"NOTOK","result":"Invalid API Key"}', 200),
    "page": (b"<html>checking your browser</html>", 200),
    "broken": (b"", 500),
    "nonsense": (b'{"result":', 200),
}


def pool_of(*scenes: Scene) -> SourcePool:
    sources = [scene.source for scene in scenes]
    return SourcePool(scenes[0].case.chain, sources)


@ALL
@pytest.mark.parametrize("name", REFUSALS)
def test_lists_are_read_on_from_a_source_that_refuses_balances(case: Case, name: str) -> None:
    """However often, and it is not asked for balances again and again either."""
    with staged(case) as scene:
        pool = pool_of(scene)
        (source,) = pool.sources
        witness = Witness(pool, lambda: 0)
        asked = dict.fromkeys(case.holdings)
        scene.instead = lambda call: Reply(*REFUSALS[name]) if case.asks(call) else None
        for _ in range(5):
            assert witness.ask(asked, pool.sources).figures == {}
            assert pool.usable(source, everything=False)
            pool.head(source)
        made = len(scene.server.calls)
        said = witness.ask(asked, pool.sources)
        balances = [call for call in scene.server.calls[made:] if case.asks(call)]
        assert len(balances) <= len(case.holdings)
        assert set(said.why) == set(asked)


def test_a_source_that_asks_for_fewer_calls_is_left_alone() -> None:
    case = kind("etherscan")
    with staged(case) as scene:
        pool = pool_of(scene)
        (source,) = pool.sources
        scene.instead = lambda call: Reply(b"", 429) if case.asks(call) else None
        for _ in range(3):
            Witness(pool, lambda: 0).ask(dict.fromkeys(case.holdings), pool.sources)
        assert not pool.usable(source, everything=False)


def test_what_is_refused_beside_the_lists_is_left_alone_by_itself() -> None:
    """Logs for who pays, receipts that nobody has: neither lists nor balances wait for it."""
    with staged(kind("etherscan")) as scene:
        pool = pool_of(scene)
        (source,) = pool.sources
        pool.withheld(source, "events", Refused("not by this plan"))
        assert "not by this plan" in pool.rests(source, "events")
        assert not pool.rests(source, BALANCES)
        assert pool.usable(source, everything=False)
        pool.told(source, "events")
        assert not pool.rests(source, "events")
        pool.withheld(source, "events", WrongChain("another chain"))
        pool.withheld(source, "events", RateLimited("slower", 60.0))
        assert not pool.usable(source, everything=False)
        assert "slower" in pool.rests(source, BALANCES)


def no_calls(call: Call) -> Reply | None:
    return Reply(b"", 404) if call.body is not None else None


def test_whose_figure_may_be_old_is_asked_of_the_next() -> None:
    """Whoever says of which block it is has the word; where nobody does, the old one stands."""
    case = kind("blockscout")
    token = case.holdings[-1]
    with staged(case) as old, staged(case) as new:
        old.instead = no_calls
        pool = SourcePool(case.chain, [Named("old", old), Named("new", new)])
        witness = Witness(pool, lambda: 0)
        figure = witness.ask({token: None}, pool.sources).figures[token]
        assert (figure.source, figure.dated) == ("new", True)
        said = witness.ask({token: None}, pool.sources[:1])
        assert said.figures, said.why
        figure = said.figures[token]
        assert (figure.source, figure.dated) == ("old", False)
        new.instead = lambda _: Reply(b"", 503)
        figure = witness.ask({token: None}, pool.sources).figures[token]
        assert figure.source == "old"


class Named:
    """A source under another name."""

    def __init__(self, name: str, scene: Scene) -> None:
        self.name, self._scene = name, scene

    def __getattr__(self, attribute: str) -> object:
        return getattr(self._scene.source, attribute)

    def balances(self, asked: object, height: int | None) -> object:
        word = self._scene.source.balances(asked, height)
        return replace(word, source=self.name)


@pytest.mark.parametrize("dated", [True, False])
def test_a_figure_that_may_be_old_is_nobodys_second_word(dated: bool) -> None:
    subject = Subject("dev", "0x" + "a" * 40)
    first = Figure(subject, "", 10, 10, 1000, 5, "mine", 0)
    later = replace(first, low=90, high=90, time=2000, dated=dated)
    finding = Finding("B1", subject, "", None, first, -2, 0)
    assert bool(seconded(finding, later, 12).after.second) is dated
