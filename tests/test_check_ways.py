"""What `check` says of the ways to read a chain: figures, which is taken, what blocks show."""

from pathlib import Path

import pytest
from test_check import checked, flat, well
from world.home import ALICE, BOB, Home, Scene, configured, dev_chain, staged

BLOCK = 5  # calls at most: chain id, newest and final block; and then of the block itself


def with_node(scene: Scene, read: str = "auto", **more: object) -> None:
    """The chain has a node beside its explorer, both of the same ledger."""
    scene.pay((ALICE, BOB))
    scene.ledger.mine()
    scene.ledger.mine()
    well(scene)
    scene.explorer.add("dev", scene.ledger, "evm_rpc", chain_id=31337)
    node = configured(scene.explorer, "evm_rpc", **more)
    node.pop("api_key_env")
    rows = {"mine": configured(scene.explorer), "node": node}
    scene.home.write("config/sources.yaml", {"sources": rows})
    chain = {**dev_chain("mine", "node"), "read": read, "block_time": 12}
    scene.home.write("config/chains.yaml", {"chains": {"dev": chain}})


def reading(home: Home, *, offline: bool = False) -> tuple[int, list[str]]:
    """Exit code and the lines of READING."""
    code, lines = checked(home, offline=offline)
    first = next(n for n, line in enumerate(lines) if line.startswith("READING"))
    last = next(n for n, line in enumerate(lines) if line.startswith("PRICES"))
    return code, lines[first:last]


def test_each_way_has_a_line_of_figures_and_the_one_taken_stands_first(tmp_path: Path):
    """Two addresses stay by address; the blocks of the node are weighed beside them."""
    with staged(tmp_path) as scene:
        with_node(scene)
        code, lines = reading(scene.home)
        assert code == 0
        head, taken, *others = lines
        assert head.split() == [
            "READING",
            "calls/day",
            "budget",
            "used",
            "MB/day",
            "seen",
            "within",
        ]
        assert taken.split()[:4] == ["ok", "dev", "2", "addresses"]
        assert [line.split()[1] for line in others[:2]] == ["mixed", "blocks"]
        assert "which is soon enough" in flat(lines)
        # 7,200 blocks a day, and a pass every 2 seconds asks for the newest one in 4 calls.
        blocks = next(line for line in others if "blocks node" in line).split()
        assert 7_200 < int(blocks[3].replace(",", "")) - 4 * 43_200 < 7_200 * 4


@pytest.mark.parametrize(
    ("lacks", "said"),
    [
        ((), "calls inside transactions: by trace_block"),
        (("trace_block",), "calls inside transactions: by debug_traceBlockByHash"),
    ],
)
def test_how_a_node_shows_calls_inside_is_found_out(
    tmp_path: Path, lacks: tuple[str, ...], said: str
):
    """A block is read for nobody, in few calls, and nothing of an address is asked of the node."""
    with staged(tmp_path) as scene:
        with_node(scene, "blocks")
        scene.explorer.knobs("dev", "evm_rpc").lacks = frozenset(lacks)
        code, lines = reading(scene.home)
        assert code == 0
        assert lines[1].split()[:4] == ["ok", "dev", "blocks", "node"]
        assert said in flat(lines)
        assert "read: blocks is set" in flat(lines)
        assert "do not show" not in flat(lines)


def test_a_node_without_traces_is_told_with_what_its_blocks_lack(tmp_path: Path):
    """Coins that contracts move are not seen: a warning, and the node's own word on it; where
    nothing was asked it is only not known."""
    with staged(tmp_path) as scene:
        with_node(scene, "blocks")
        missing = {"trace_block", "debug_traceBlockByHash", "debug_traceBlockByNumber"}
        scene.explorer.knobs("dev", "evm_rpc").lacks = frozenset(missing)
        _, lines = reading(scene.home)
        text = flat(lines)
        assert "calls inside transactions: the node does not show them" in text
        assert "WARN dev blocks of node do not show: internal" in text
        offline = flat(reading(scene.home, offline=True)[1])
        assert "It is not known yet whether the node shows calls inside transactions" in offline
        assert "WARN" not in offline


def test_blocks_that_nobody_hands_out_are_a_fail(tmp_path: Path):
    """It is said what happens meanwhile, and how to mend it."""
    with staged(tmp_path) as scene:
        well(scene)
        chain = {**dev_chain("mine"), "read": "blocks"}
        scene.home.write("config/chains.yaml", {"chains": {"dev": chain}})
        code, lines = reading(scene.home)
        assert code == 1
        text = flat(lines)
        assert "FAIL dev read: blocks is set, and no source of this chain hands out whole" in text
        assert "it is read by address meanwhile" in text
        assert "name a source that can" in text


def test_blocks_that_cannot_be_read_are_told_and_not_counted_on(tmp_path: Path):
    """Other lists of the same node may be served all the same."""
    with staged(tmp_path) as scene:
        with_node(scene, "blocks")
        scene.explorer.knobs("dev", "evm_rpc").lacks = frozenset({"eth_getBlockByNumber"})
        code, lines = reading(scene.home)
        assert code == 1
        assert "dev whole blocks cannot be read:" in flat(lines)
        assert "FAIL dev read: blocks is set, and" in flat(lines)


def test_what_is_asked_for_it_is_little(tmp_path: Path):
    """And nothing where a chain is read by address because somebody said so."""
    with staged(tmp_path) as scene:
        with_node(scene)
        checked(scene.home)
        many = scene.explorer.calls.total()
        scene.explorer.forget_calls()
        with_node(scene, "addresses")
        checked(scene.home)
        assert 0 < many - scene.explorer.calls.total() <= 2 * BLOCK


def test_a_way_that_does_not_exist_has_no_line_and_a_share_above_all_is_no_ok(tmp_path: Path):
    """A node of Bitcoin's kind lists nothing by address; its rate is its limit."""
    home = Home(tmp_path)
    chain = {"name": "Test", "family": "utxo", "block_time": 150, "finality": 6, "read": "blocks",
             "native": {"symbol": "BTC", "decimals": 8}, "bech32": "bc",
             "base58": [0, 5], "sources": ["node"]}  # fmt: skip
    home.write("config/chains.yaml", {"chains": {"btc-test": chain}})
    address = "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"
    home.write("watchlist.yaml", {"addresses": [{"address": address, "chain": "btc-test"}]})
    home.write("config/settings.yaml", {"every": 2, "prices": "none"})
    for rate, word, share in ((3, "ok", "67%"), (1, "WARN", "201%")):
        node = {"kind": "utxo_rpc", "url": "http://127.0.0.1:19443", "rate_per_second": rate}
        home.write("config/sources.yaml", {"sources": {"node": node}})
        _, lines = reading(home, offline=True)
        (line,) = (each for each in lines if "calls/day" not in each and "% of" in each)
        assert line.split()[0] == word
        assert f"{share} of it" in line
