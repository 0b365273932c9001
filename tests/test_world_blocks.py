"""The invented world read block by block, and moved between ways of reading at random moments: the
same must hold at the end as where each address is read for itself (see test_world.py).

Stories are told by seed. `python tests/test_world_blocks.py 0 1000` tells many of them."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import pytest
from test_world import TOKENS, Event, Story, account_past, run, utxo_past
from world.fake_blocks import FakeNode
from world.fake_ledger import FakeLedger, FakeSource
from world.play import BITCOIN, DAY, ISSUED, A, B, Play, native

from monitor.model.config import Way

WAYS = (Way.BLOCKS, Way.ADDRESSES)
Choices = Sequence[tuple[str, tuple[int, ...]]]  # events with the most that each number may be
PAY: Choices = (("pay", (4, 2, 3, 4)),)
FAULT: Choices = (
    *(("fail", (1, 3)), ("lag", (1, 3)), ("delay", (1, 4, 6)), ("hide", (1, 5)), ("omit", (1, 5))),
    *(("spoil", (1, 5)), ("unindexed", (1, 4)), ("expire", (1,)), ("high", (1, 6, 1))),
    *(("finals", (1, 2)), ("forget", (1, 5)), ("double", (1,)), ("abroad", (1,)), ("mend", (1,))),
)
CHAIN: Choices = (
    *(("mine", (4,)), ("mine", (4,)), ("reorg", (2, 3, 1)), ("wait", ()), ("halt", ())),
    ("burst", ()),
)
READ: Choices = (
    *(("poll", ()), ("poll", ()), ("tick", ()), ("tick", ()), ("day", ()), ("crash", (3,))),
    *(("drop", ()), ("join", (1,)), ("leave", (1,)), ("back", ()), ("change", ())),
)
MOVE: Choices = (("move", (1,)), ("restart", ()), ("turn", (0,)))


def one(chance: random.Random, choices: Choices) -> Event:
    name, most = chance.choice(choices)
    return name, tuple(chance.randint(0, each) for each in most)


def story(chance: random.Random, *, moves: bool) -> list[Event]:
    told = []
    for _ in range(chance.randint(4, 9)):
        told += [one(chance, PAY) for _ in range(chance.randint(1, 2))]
        told += [one(chance, FAULT) for _ in range(chance.randint(0, 2))]
        told.append(one(chance, CHAIN))
        told += [one(chance, MOVE)] if moves and chance.random() < 0.5 else []
        told.append(one(chance, READ))
    return told


BY_BLOCKS = range(6)
BETWEEN = (*range(6), 11)
COINS = (*range(6), 16, 37, 131, 169)


class Blocks(Story):
    """A chain that is read block by block, unless it is moved."""

    def move(self, way: int) -> None:
        self.play.way = WAYS[way]

    def restart(self) -> None:
        self.play.die()


def account_story(
    folder: Path, *, lag: int, page: int, most: int, second: int, way: Way = Way.BLOCKS
) -> Blocks:
    """`second`: the explorer beside it hands out blocks too."""
    ledger = FakeLedger(ISSUED)
    one = FakeNode(
        *(ledger, "one"),
        bundles=[["native"], ["internal"], TOKENS, ["issuer"]],
        index_lag=lag,
        page=page,
        many=True,
    )
    one.most = most
    two = (FakeNode if second else FakeSource)(
        *(ledger, "two"),
        bundles=[["native", *TOKENS], ["internal"], ["issuer"]],
        index_lag=6 - lag,
        page=page,
    )
    play = Play(folder, ledger, [one, two])
    play.way, play.lasting = way, True
    return Blocks(play, account_past(play, ledger))


def terms(chance: random.Random) -> dict[str, int]:
    return {
        "lag": chance.choice([0, 3, 6]),
        "page": chance.choice([3, 8, 1000]),
        "most": chance.choice([1, 4, 25]),
        "second": chance.randint(0, 1),
    }


def utxo_story(folder: Path, *, page: int, most: int, way: Way = Way.BLOCKS) -> Blocks:
    ledger = FakeLedger(BITCOIN)
    one = FakeNode(ledger, "one", page=page)
    one.most = most
    play = Play(folder, ledger, [one, FakeSource(ledger, "two", newest_first=True, index_lag=2)])
    play.way, play.lasting = way, True
    return Blocks(play, utxo_past(play, ledger))


def by_blocks(seed: int) -> None:
    chance = random.Random(seed)
    told = story(chance, moves=False)
    run(partial(account_story, **terms(chance)), told)


def between_ways(seed: int) -> None:
    chance = random.Random(seed)
    told = story(chance, moves=True)
    run(partial(account_story, way=chance.choice(WAYS), **terms(chance)), told)


def coins_between_ways(seed: int) -> None:
    chance = random.Random(seed)
    told = story(chance, moves=True)
    bites = {"page": chance.choice([4, 1000]), "most": chance.choice([1, 25])}
    run(partial(utxo_story, way=chance.choice(WAYS), **bites), told)


@pytest.mark.parametrize("seed", BY_BLOCKS)
def test_an_account_chain_by_blocks_ends_as_the_ledger(seed: int) -> None:
    """Record and alerts end as the ledger, and every movement was told once."""
    by_blocks(seed)


@pytest.mark.parametrize("seed", BETWEEN)
def test_an_account_chain_between_ways_ends_as_the_ledger(seed: int) -> None:
    """Moved between ways at any moment: no gap, and nothing told twice."""
    between_ways(seed)


@pytest.mark.parametrize("seed", COINS)
def test_a_chain_of_outputs_between_ways_ends_as_the_ledger(seed: int) -> None:
    """The same with a mempool: unconfirmed, replaced and dropped payments end as they are."""
    coins_between_ways(seed)


def test_what_a_list_hides_below_the_block_of_joining_is_found_for_days(tmp_path: Path) -> None:
    """A history that was read is looked at again a day later, then each time after twice as long,
    and no more once reading by address would not read its end again either."""
    play = account_story(tmp_path, lag=0, page=1000, most=25, second=0).play
    ledger, one = play.ledger, play.sources[0]
    play.trailing = 4 * 24 * int(play.chain.block_time / 2)  # 4 days of a block an hour
    ledger.mine(play.chain.finality + 1)
    tx = ledger.pay(*native(B, A, 7)).hash
    ledger.mine()
    one.hidden = {t.identity for t in ledger.rows() if t.tx == tx}
    began, looks = ledger.now, []
    while (days := (ledger.now - began) / DAY) < 10:
        ledger.mine(idle=True)
        if days > 3:
            play.mend(0)
        asked = len(one.asked)
        play.poll(everything=False)
        looks += [round(days)] if any(a.subjects for a in one.asked[asked:]) and days > 0.5 else []
        ledger.now += 3600
    assert looks == [1, 2, 5]  # it was proven five hours after joining
    assert tx in {row.transfer.tx for row in play.rows()}


def test_what_could_not_be_read_of_a_history_is_tried_again_for_as_long_as_it_takes(
    tmp_path: Path,
) -> None:
    """Daily, also where no list is read again otherwise."""
    play = account_story(tmp_path, lag=0, page=1000, most=25, second=0).play
    play.trailing = 0
    play.ledger.mine(play.chain.finality + 1)
    old = next(t.identity for t in play.ledger.rows() if A in t.parties())
    for source in play.sources:
        source.bad = {old}
    for number in range(12):
        play.poll(everything=False)
        play.ledger.mine(idle=True)
        assert play.open_gaps() == (number < 8), number
        if number == 7:
            for source in play.sources:
                source.heal()
        play.day()
    assert old in {row.transfer.identity for row in play.rows()}


def hunt(tell: Callable[[int], None], seeds: Sequence[int]) -> None:
    for seed in seeds:
        try:
            tell(seed)
        except AssertionError as error:
            print(tell.__name__, seed, "fails:", str(error)[:200], flush=True)
        else:
            print(tell.__name__, seed, "holds", flush=True)


if __name__ == "__main__":
    for each in (by_blocks, between_ways, coins_between_ways):
        hunt(each, range(int(sys.argv[1]), int(sys.argv[2])))
