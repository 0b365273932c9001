"""Which way a chain is read, and what each way costs: by the limits of real plans."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import cast

import pytest

from monitor.app import build
from monitor.app.settings import load
from monitor.decide import way
from monitor.decide.cost import HEAD_CALLS, Taken, cost_of_pass
from monitor.decide.way import Asked, Figures, Offer, Verdict, Weighed
from monitor.model import ISSUER, SourceConfig, Way
from monitor.model.ports import Source, WholeBlocks
from monitor.model.settings import Settings

EVM = frozenset({"native", "erc20", "erc721", "erc1155", ISSUER})
TRACED = EVM | {"internal"}
TOKENS = frozenset({"erc20", "erc721", "erc1155"})


@dataclass(frozen=True)
class Face:
    """Of a source that reads whole blocks: what its costs are worked out from."""

    name: str
    bundles: tuple[frozenset[str], ...]
    block_calls: float
    block_bytes: int
    not_in_blocks: tuple[str, ...] = ()


def face(name: str, lists: frozenset[str], calls: float, size: int) -> WholeBlocks:
    return cast(WholeBlocks, Face(name, (lists,), calls, size))


PUBLIC = face("publicnode-ethereum", EVM, 3, 400_000)  # without traces
OWN = face("my-node", TRACED, 4, 1_500_000)
ARBITRUM = face("publicnode-arbitrum", EVM, 3, 60_000)
TRON = face("trongrid", frozenset({"native", "internal", "trc20", ISSUER}), 2, 500_000)
BITCOIN = face("blockstream", frozenset({"utxo"}), 2, 1_600_000)


@dataclass(frozen=True)
class World:
    settings: Settings
    sources: Mapping[str, Sequence[Source]]

    def asked(
        self, chain: str, number: int, *wholes: WholeBlocks, names: str = "", refused: str = ""
    ) -> Asked:
        """`names`: the sources, in order, without it those of the settings; `refused`: one that
        hands out no list of tokens."""
        by_name = {source.name: source for source in self.sources[chain]}
        asked = [by_name[name] for name in names.split()] or list(by_name.values())
        offers = [Offer.of(s, TOKENS if s.name == refused else ()) for s in asked]
        return Asked(self.settings.chains[chain], number, offers, wholes)

    def weigh(self, asked: Asked, **changed: int) -> Weighed:
        configs = dict(self.settings.sources)
        for name, calls in changed.items():
            configs[name] = replace(configs[name], calls_per_day=calls)
        return way.weigh(asked, configs)

    def choose(self, asked: Asked, now: Way = Way.ADDRESSES) -> Verdict:
        return way.choose(self.weigh(asked), asked.chain.read, now)


@pytest.fixture(name="world", scope="module")
def _world(tmp_path_factory: pytest.TempPathFactory) -> World:
    home = tmp_path_factory.mktemp("home")
    (home / "config").mkdir()
    (home / "config/chains.yaml").write_text(
        "chains:\n  ethereum: {sources: [etherscan, blockscout, my-node, publicnode-ethereum]}\n"
    )
    (home / "config/sources.yaml").write_text(
        "sources:\n  my-node: {kind: evm_rpc, url: 'http://127.0.0.1:8545', rate_per_second: 50}\n"
    )
    keys = {"ETHERSCAN_KEY": "k", "TRONGRID_KEY": "t", "BLOCKSCOUT_KEY": "b"}
    settings = load.load(home, keys)
    return World(settings, build.make_sources(settings, settings.chains, None).by_chain)


FREE = "etherscan publicnode-ethereum"


@pytest.mark.parametrize(
    ("chain", "number", "wholes", "names", "refused", "expected"),
    [
        # A free key's 100,000 calls a day, and a public node that lists nothing of an address.
        ("ethereum", 10, [PUBLIC], FREE, "publicnode-ethereum", "addresses"),
        ("ethereum", 100, [PUBLIC], FREE, "publicnode-ethereum", "blocks publicnode-ethereum"),
        ("ethereum", 1000, [PUBLIC], FREE, "publicnode-ethereum", "blocks publicnode-ethereum"),
        ("ethereum", 1000, [], FREE, "publicnode-ethereum", "addresses"),
        # A node of one's own, with traces.
        ("ethereum", 10, [OWN], "etherscan my-node", "", "addresses"),
        ("ethereum", 1000, [OWN, PUBLIC], "etherscan my-node", "", "blocks my-node"),
        ("ethereum", 1000, [PUBLIC, OWN], "etherscan my-node", "", "blocks my-node"),
        # Alone it has no list of coins by address: its blocks have.
        ("ethereum", 1, [OWN], "my-node", "", "blocks my-node"),
        ("ethereum", 10, [], "my-node etherscan", "", "mixed"),
        # 345,600 blocks a day; 28,800 and two calls each, of 100,000.
        ("arbitrum", 10, [ARBITRUM], "etherscan publicnode-arbitrum", "", "addresses"),
        ("arbitrum", 1000, [ARBITRUM], "etherscan publicnode-arbitrum", "", "mixed"),
        ("tron", 10, [TRON], "trongrid", "", "addresses"),
        ("tron", 1000, [TRON], "trongrid", "", "addresses"),
        # 700 calls an hour.
        ("bitcoin", 5, [BITCOIN], "blockstream", "", "addresses"),
        ("bitcoin", 1000, [BITCOIN], "blockstream", "", "blocks blockstream"),
    ],
)
def test_what_is_taken(
    world: World,
    chain: str,
    number: int,
    wholes: list[WholeBlocks],
    names: str,
    refused: str,
    expected: str,
):
    """Few addresses are asked for one by one; many are read by blocks where these can be kept up
    with, else with tokens by ranges where somebody gives them."""
    found = world.choose(world.asked(chain, number, *wholes, names=names, refused=refused))
    assert f"{found.way} {found.source}".strip() == expected, found.why
    assert found.error == ""
    assert found.why


def only(found: Weighed) -> Figures:
    (blocks,) = found.blocks
    return blocks


def test_what_blocks_cost_does_not_grow_with_addresses(world: World):
    """Calls by address do, and so does the time until something is seen."""
    few, many = (
        world.weigh(world.asked("ethereum", n, OWN, names="etherscan my-node"))
        for n in (10, 100_000)
    )
    assert only(few) == only(many)
    # 7,200 blocks in four calls, and the newest block at each pass.
    assert only(few).calls == {"my-node": 7_200 * 4 + HEAD_CALLS * 86_400 / 20}
    assert only(few).bytes == 7_200 * 1_500_000 + HEAD_CALLS * 86_400 // 20 * way.ANSWER_BYTES
    assert only(few).seen <= 30
    assert few.addresses.seen < 120
    assert many.addresses.seen > 5 * 86_400
    # However many: of the key's day no more than passes may use.
    assert round(many.addresses.share, 3) == 0.9
    assert many.addresses.key == "etherscan"


def test_tron_on_a_free_key_leaves_too_little_beside_its_blocks(world: World):
    """28,800 blocks in two calls are more than half of 100,000 a day; the figures say so, and that
    no list of all addresses is there instead."""
    asked = world.asked("tron", 1000, TRON)
    weighed = world.weigh(asked)
    assert 0.57 < only(weighed).load < 0.6
    said = way.choose(weighed, "auto").why
    assert "blocks take 59% of what may be asked of trongrid, and 50% is the most" in said
    assert "no source is asked for many addresses at once" in said
    assert world.weigh(asked).mixed is None
    bought = world.weigh(asked, trongrid=1_000_000)
    assert way.choose(bought, "auto").way is Way.BLOCKS


def test_a_chain_of_quarter_seconds_cannot_be_kept_up_with(world: World):
    """Arbitrum's blocks take seven times what a public node may be asked, whoever wants them."""
    asked = world.asked("arbitrum", 1000, ARBITRUM, names="etherscan publicnode-arbitrum")
    weighed = world.weigh(asked)
    assert only(weighed).load > 7
    forced = way.choose(weighed, "blocks")
    assert forced.way is Way.MIXED
    assert forced.error.startswith("read: blocks is set, and blocks take 7")


def test_a_person_may_ask_for_blocks_that_are_only_just_kept_up_with(world: World):
    """Tron's on a free key: more than is taken by itself, less than there is. Where nobody hands
    blocks out it is said, and the chain is read by address meanwhile."""
    weighed = world.weigh(world.asked("tron", 1000, TRON))
    assert way.choose(weighed, "blocks").way is Way.BLOCKS
    assert way.choose(weighed, "addresses").way is Way.ADDRESSES
    nobody = way.choose(world.weigh(world.asked("tron", 1000)), "blocks")
    assert nobody.way is Way.ADDRESSES
    assert nobody.error == "read: blocks is set, and no source of this chain hands out whole blocks"


def test_more_bytes_a_second_than_anybody_should_send_are_not_taken(world: World):
    """Of a node of one's own they are."""
    big = 15_000_000
    public = world.asked("ethereum", 1000, face("publicnode-ethereum", EVM, 3, big))
    assert "108,035 MB a day" in world.choose(public).why
    assert world.choose(public).way is not Way.BLOCKS
    own = world.asked("ethereum", 1000, face("my-node", TRACED, 3, big))
    assert world.choose(own).way is Way.BLOCKS


@pytest.mark.parametrize(
    ("chain", "wholes", "names", "refused"),
    [
        ("ethereum", [PUBLIC], FREE, "publicnode-ethereum"),
        ("ethereum", [PUBLIC], FREE, ""),
        ("ethereum", [OWN], "etherscan my-node", ""),
        ("ethereum", [OWN], "blockscout my-node", ""),
        ("arbitrum", [ARBITRUM], "etherscan publicnode-arbitrum", ""),
        ("tron", [TRON], "trongrid", ""),
        ("bitcoin", [BITCOIN], "blockstream", ""),
    ],
)
def test_a_chain_at_the_border_stays_as_it_is(
    world: World, chain: str, wholes: list[WholeBlocks], names: str, refused: str
):
    """Whatever the number of addresses, what is chosen once is chosen again; and the numbers at
    which a growing list leaves a way and a shrinking one comes back to it lie apart."""
    numbers = [1, 2, 3, 5, 8, *range(10, 400, 3), 1000, 10_000]
    weighed = {
        n: world.weigh(world.asked(chain, n, *wholes, names=names, refused=refused))
        for n in numbers
    }
    for n, each in weighed.items():
        for now in Way:
            once = way.choose(each, "auto", now).way
            assert way.choose(each, "auto", once).way is once, (n, now)
    up, down = Way.ADDRESSES, way.choose(weighed[10_000], "auto", Way.BLOCKS).way
    grown, shrunk = [], []
    for n in numbers:
        up = way.choose(weighed[n], "auto", up).way
        grown.append(up)
    for n in reversed(numbers):
        down = way.choose(weighed[n], "auto", down).way
        shrunk.append(down)
    for found in (grown, shrunk):
        changes = sum(one is not other for one, other in pairwise(found))
        assert changes <= 2
    shrunk.reverse()
    for target in {*grown} - {Way.ADDRESSES}:
        if target in shrunk and Way.ADDRESSES in shrunk:
            assert numbers[shrunk.index(target)] < numbers[grown.index(target)]


def test_of_a_source_for_several_chains_the_first_one_takes_its_part(world: World):
    """What one chain's blocks take of a plan is not there for another's: both are half of it."""
    configs = {
        "plan": SourceConfig("plan", "evm_rpc", "https://rpc.example", None, 100, None, 60_000)
    }
    explorer = {"etherscan": world.settings.sources["etherscan"]}
    whole = face("plan", TRACED, 4, 400_000)
    by_name = {source.name: source for source in world.sources["ethereum"]}
    asked = [
        Asked(
            replace(world.settings.chains["ethereum"], key=key),
            1000,
            [by_name["etherscan"]],
            [whole],
        )
        for key in ("one", "two")
    ]
    found = way.of_all(asked, configs | explorer)
    assert [verdict.way for _, verdict in found.values()] == [Way.BLOCKS, Way.ADDRESSES]
    assert "blocks take 98% of what may be asked of plan" in found["two"][1].why


def test_a_pass_over_blocks_makes_no_call_for_an_address(world: World):
    """Regular calls are the newest block, and those of blocks as time goes by; the interval is not
    stretched by the number of addresses, and a second chain's is."""
    sources = {"ethereum": world.sources["ethereum"], "tron": world.sources["tron"]}
    chain = world.settings.chains["ethereum"]
    ways = {"ethereum": Taken.of(Way.BLOCKS, OWN, chain)}

    def cost(ethereum: int, tron: int, asleep: int = 0):
        numbers = {"ethereum": ethereum, "tron": tron}
        asked = (numbers, sources, world.settings.sources, {"ethereum": asleep}, ways)
        return cost_of_pass(*asked)

    small, large = cost(1, 0), cost(1_000_000, 0, 50_000)
    assert small == large
    assert (large.calls, large.interval) == ({"my-node": HEAD_CALLS}, 20)
    assert large.running == {"my-node": 4 / 12}
    assert large.a_second(20) == {"my-node": HEAD_CALLS / 20 + 4 / 12}
    assert cost(1_000_000, 100).interval == cost(0, 100).interval > 60
    assert cost(0, 0).running == {}


def test_blocks_leave_passes_a_part_of_what_a_source_allows(world: World):
    """An hour of 700 calls of which blocks take 600 has none left for other passes than a tenth."""
    config = {"blockstream": replace(world.settings.sources["blockstream"], calls_per_hour=700)}
    chain = replace(world.settings.chains["bitcoin"], block_time=6)
    ways = {"bitcoin": Taken.of(Way.BLOCKS, face("blockstream", frozenset({"utxo"}), 1, 1), chain)}
    sources = {"bitcoin": [s for s in world.sources["bitcoin"] if s.name == "blockstream"]}
    found = cost_of_pass({"bitcoin": 5}, sources, config, {}, ways)
    assert found.interval == int(HEAD_CALLS / (700 / 3600 * 0.9 * 0.1)) + 1
    assert found.narrowest == "blockstream"


def test_chains_that_share_a_key_win_by_another_way_together(world: World):
    """Each has its part of the key: none waits for the others to leave it."""
    names = "etherscan my-node"
    ethereum = world.asked("ethereum", 1000, names=names)
    chains = [replace(ethereum, chain=replace(ethereum.chain, key=key)) for key in ("one", "two")]
    found = way.of_all(chains, world.settings.sources)
    alone = world.weigh(ethereum)
    for weighed, verdict in found.values():
        assert verdict.way is Way.MIXED
        assert weighed.addresses.allows == pytest.approx(2 * alone.addresses.allows, abs=2)
        assert weighed.mixed is not None
        assert alone.mixed is not None
        assert weighed.mixed.allows == pytest.approx(2 * alone.mixed.allows, abs=2)


def test_a_chain_of_rare_blocks_is_looked_at_by_its_own_pace(world: World) -> None:
    """Ten times between two blocks and no more often than passes are made: what the arithmetic
    counts is what passes make."""
    asked = world.asked("bitcoin", 1000, BITCOIN, names="blockstream")
    weighed, verdict = way.of_all([asked], world.settings.sources)["bitcoin"]
    assert verdict.way is Way.BLOCKS
    found = verdict.figures(weighed)
    taken = Taken.of(Way.BLOCKS, BITCOIN, asked.chain)
    cost = cost_of_pass(
        {"bitcoin": 1000}, {"bitcoin": world.sources["bitcoin"]}, world.settings.sources, {},
        {"bitcoin": taken},
    )  # fmt: skip
    assert (taken.pace, cost.pace, found.every, found.seen) == (60, 60, 60, 61)
    an_hour = cost.a_second(cost.interval)["blockstream"] * 3600
    assert an_hour == pytest.approx(found.calls["blockstream"] / 24)
    assert an_hour == pytest.approx(60 * HEAD_CALLS + 6 * 2)
    assert found.share == pytest.approx(an_hour / 700)
    litecoin = world.settings.chains["litecoin"]
    assert Taken.of(Way.BLOCKS, BITCOIN, litecoin).pace == 0, "passes are no closer"
    assert Taken.of(Way.BLOCKS, BITCOIN, asked.chain, 5).pace == 0, "somebody set it"
