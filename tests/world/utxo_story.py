"""A short story of one address on a UTXO chain, and a server that tells it."""

from __future__ import annotations

from monitor.demo.world.blockbook import Blockbook
from monitor.demo.world.ledger import UtxoLedger
from monitor.demo.world.moves import Input, Output, UtxoTx
from monitor.demo.world.service import Request
from monitor.model import Chain, Head
from world.scripted_server import Call, Reply

CHAIN = Chain("test", "Test", "utxo", "COIN", 8, 6, bech32="bc", base58=(0, 5))
ME = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"  # the example of BIP-173
PEER = "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"
HEIGHT = 40
TIME = 1_700_000_000
HEAD = Head(HEIGHT, TIME + 600 * HEIGHT)
# (height, what each input of mine spends, what each output pays me) of every transaction
STORY = (
    (3, (), (500, 40)),
    (3, (), (7,)),
    (9, (500,), (100,)),
    (9, (40, 7), ()),
    (20, (), (9, 9)),
    (21, (100,), (50,)),
    (39, (9,), (1,)),
)


def tx_of(number: int) -> str:
    return f"{number:064x}"


def _tx(number: int, spent: tuple[int, ...], paid: tuple[int, ...]) -> UtxoTx:
    """Beside mine, an input and an output of somebody else, and a text."""
    inputs = [Output(ME, value) for value in spent] + [Output(PEER, 1000)]
    return UtxoTx(
        tx_of(number),
        tuple(Input("ee" * 32, 10 * number + n, out) for n, out in enumerate(inputs)),
        (*(Output(ME, v) for v in paid), Output(PEER, 3), Output(None, 0, "6a", "op_return")),
    )


def ledger() -> UtxoLedger:
    made = UtxoLedger(time=TIME)
    txs = [(height, _tx(n, *rest)) for n, (height, *rest) in enumerate(STORY)]
    for height in range(HEIGHT + 1):
        made.mine(tx for at, tx in txs if at == height)
    return made


def expected() -> set[tuple[str, str, int | None, int]]:
    """(tx, leg, block, amount) of every transfer of the story."""
    rows: set[tuple[str, str, int | None, int]] = set()
    for number, (height, spent, paid) in enumerate(STORY):
        sides = {"in": (*spent, 1000), "out": (*paid, 3, 0)}
        for side, values in sides.items():
            rows |= {(tx_of(number), f"{side}:{n}", height, v) for n, v in enumerate(values)}
    return rows


class BlockbookServer:
    """The story as the local explorer tells it."""

    def __init__(self) -> None:
        self._service = Blockbook(ledger())

    def __call__(self, call: Call) -> Reply:
        query = {name.lower(): value for name, value in call.query.items()}
        reply = self._service.answer(Request(call.method, call.path, query))
        return Reply(reply.body, reply.status)
