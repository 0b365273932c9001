"""The demo's story: its files are valid, its chains tell what its beats promise."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.app.settings import load
from monitor.demo import cast, story
from monitor.demo.world.explorer import Explorer
from monitor.demo.world.moves import TokenMove
from monitor.model import Ask, Interval
from monitor.net.http import Http
from monitor.net.sources import build, http_options
from monitor.watchlist import entries

NOW = 1_795_000_000


def played() -> tuple[story.World, list[str]]:
    """The world after its last beat, at exactly the chain times that the script names."""
    world = story.ledgers(NOW)
    titles: list[str] = []
    clock = iter([NOW + beat.at for beat in story.BEATS])
    story.play(world, lambda: next(clock), lambda beat: titles.append(beat.title))
    return world, titles


def test_home_files_hold_no_mistake(tmp_path: Path, explorer: Explorer) -> None:
    """Settings, address book, tokens and watchlist of the demo home load without a problem."""
    story.serve(explorer, story.ledgers(NOW))
    config = tmp_path / "config"
    config.mkdir()
    (config / "sources.yaml").write_text(cast.sources_yaml(explorer))
    (config / "chains.yaml").write_text(cast.chains_yaml())
    (config / "assets.yaml").write_text(cast.assets_yaml())
    (tmp_path / "addressbook.csv").write_text(cast.addressbook_csv())
    loaded = load.load(tmp_path, {})
    for chain in cast.STYLES:
        assert loaded.chains[chain].sources == (f"demo-{chain}",)
    assert ("tron", cast.USDT_TRON) in loaded.assets
    own = [known for known in loaded.addressbook.values() if not known.shipped]
    assert len(own) == 9
    parsed = entries.parse(cast.watchlist_yaml(), loaded.chains)
    assert parsed.problems == ()
    assert len(parsed.entries) == 7


def test_history_lies_deep_and_in_the_past() -> None:
    """Before the first beat every movement is final and no block is younger than now."""
    world = story.ledgers(NOW)
    finality = {"bitcoin": 6, "ethereum": 65, "polygon": 128, "tron": 19}
    for chain, ledger in world.all().items():
        heights = range(ledger.first_height, ledger.head.height + 1)
        newest = max(h for h in heights if (b := ledger.block(h)) and b.txs)
        assert ledger.head.height - newest >= finality[chain]
        assert ledger.head.time < NOW


def test_same_story_every_time() -> None:
    """Two plays give the same blocks, so that the demo can be shown and told beforehand."""
    first, titles = played()
    second, _ = played()
    assert len(titles) == len(story.BEATS)
    for chain, ledger in first.all().items():
        assert ledger.head.hash == second.all()[chain].head.hash


def test_reversed_payment_is_gone_and_nothing_else() -> None:
    """The reorg takes the doomed payment only: what came before it stays."""
    world, _ = played()
    paid = [r.tx for r in world.ethereum.records("native", cast.HARBOUR) if r.tx.to == cast.BUYER]
    assert paid == []
    sent = [r.item for r in world.ethereum.records("token", cast.PAYROLL) if r.height > 21_400_010]
    moved = [(m.contract, m.amount) for m in sent if isinstance(m, TokenMove)]
    assert moved == [
        (cast.USDT, 90_000_000_000),
        (cast.USDC, 89_910_000_000),
        (cast.ART, 1),
        (cast.USDC, 80_000_000_000),
    ]


def test_money_adds_up() -> None:
    """Nobody on the watchlist spends what the story has not given before."""
    world, _ = played()
    assert world.bitcoin.mempool == {}
    savings = world.bitcoin.records("utxo", cast.SAVINGS)[-1].tx
    assert savings.fee == 20_000
    for ledger, contract, holder in (
        (world.tron, cast.USDT_TRON, cast.CASH_OUT),
        (world.ethereum, cast.USDT, cast.PAYROLL),
        (world.ethereum, cast.USDC, cast.PAYROLL),
        (world.polygon, cast.USDC_POLYGON, cast.PAYOUT),
        (world.polygon, cast.USDC_POLYGON, cast.LANDING),
        (world.ethereum, cast.USDC, cast.COOK),
    ):
        left = 0
        for record in ledger.records("token", holder):
            move = record.item
            assert isinstance(move, TokenMove)
            if move.contract == contract:
                left += move.amount if move.recipient == holder else -move.amount
                assert left >= 0


@pytest.mark.parametrize("chain", sorted(cast.STYLES))
def test_times_never_run_backwards(chain: str) -> None:
    """Every block names its parent and is younger than it, replaced ones included."""
    ledger = played()[0].all()[chain]
    above = ledger.head
    while (below := ledger.block(above.height - 1)) is not None:
        assert above.parent == below.hash
        assert above.time > below.time
        above = below


def test_every_source_can_read_it(tmp_path: Path, explorer: Explorer) -> None:
    """The real adapters accept the demo's chains as the ones they claim to be, and read each
    entry's whole history without a gap."""
    world = played()[0]
    story.serve(explorer, world)
    (tmp_path / "config").mkdir()
    (tmp_path / "config/sources.yaml").write_text(cast.sources_yaml(explorer))
    (tmp_path / "config/chains.yaml").write_text(cast.chains_yaml())
    loaded = load.load(tmp_path, {})
    for entry in entries.parse(cast.watchlist_yaml(), loaded.chains).entries:
        chain = loaded.chains[entry.subject.chain]
        config = loaded.sources[chain.sources[0]]
        options = http_options(config, chain)
        source = build(config, chain, Http(config.name, options.base_url))
        source.identify()
        head = source.head()
        top = source.axis.top(head)
        for streams in source.bundles:
            batch = source.fetch(Ask((entry.subject,), streams, Interval(0, top), head))
            assert (batch.gaps, batch.rest) == ((), None)
