"""Lists of an account that are read only where its balance says that something is missing, as
explorers give them: withdrawals of validators, rewards of blocks. Pure.

Nothing of it is a transaction; rows get the name that `ruled_tx` makes of a withdrawal's index or
a block's height. Recorded are Etherscan's two lists and Blockscout's withdrawals; Blockscout's
form of `getminedblocks` tells no reward (recorded, too), so that it has no such list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from monitor.chains.evm import EVM
from monitor.chains.table import more_of
from monitor.model import Ask, Axis, Chain, Interval, Kind, Transfer
from monitor.model.errors import BadResponse, NotServed, NotYet, Refused
from monitor.model.transfer import ruled_tx
from monitor.net.sources.evm_rows import number_equals, told_address
from monitor.net.sources.evm_system import paid_in_all
from monitor.net.sources.paging import Page, Walk, readable_height, within
from monitor.net.sources.parsing import (
    Parsed,
    RowError,
    fields,
    hex_whole,
    iso_seconds,
    place,
    read_rows,
    whole,
)

GWEI = 10**9
MOST_GWEI = 2**64 - 1  # EIP-4895
PAGES = 11  # of rewards; Etherscan opens ten of 1,000 rows, and the last one says that it ended


def lists_of(chain: Chain, served: Iterable[str]) -> frozenset[str]:
    """Of what an adapter can read on demand what the chain has."""
    return frozenset(served) & {*EVM.streams, *more_of(chain)}


def settled(ask: Ask, chain: Chain) -> Interval | None:
    """Of what is asked for that which is final: these lists are read on no schedule, so that
    nobody would ever see again whether a younger row was replaced. None: nothing yet."""
    hi = min(ask.span.hi, Axis.HEIGHT.final_line(ask.head, chain))
    return Interval(ask.span.lo, hi) if hi >= ask.span.lo else None


def only_these(read: Callable[[], Walk], source: str, what: str) -> Walk:
    """A walk through a list that not everybody has: whoever refuses it, or answers in words that
    are not known, does not serve it. That is no failure of the source."""
    try:
        return read()
    except (Refused, BadResponse) as error:
        raise NotServed(f"{source} does not list {what}: {error}") from None


def fee_rest(source: str, chain: Chain, fee: Transfer, receipt: object) -> Transfer | None:
    """See ports.TellsFees."""
    if receipt is None:
        raise NotYet(f"{source} does not know transaction {fee.tx}")
    paid = paid_in_all(receipt, chain)
    if paid is None:
        raise NotServed(f"{source}: a receipt of {chain.name} may not say all that was paid")
    return rest_of(fee, paid)


def rest_of(fee: Transfer, paid: int) -> Transfer | None:
    """A row of its own: of what is final neither name nor amount are ever changed."""
    if paid <= fee.amount:
        return None
    rest = replace(fee, kind=Kind.FEE_REST, amount=paid - fee.amount, leg="")
    return number_equals([rest])[0]


# -- withdrawals ------------------------------------------------------------------------------


def withdrawal_height(row: object) -> int:
    """Of Etherscan's row or of a Blockscout's."""
    told = fields(row)
    return place(told.get("blockNumber", told.get("block_number")), "blockNumber")


def parse_withdrawals(rows: Iterable[object], chain: Chain, address: str) -> Parsed:
    """Rows of `txsBeaconWithdrawal`, amounts in gwei."""

    def parse(row: Mapping[str, object]) -> Iterator[Transfer]:
        _check_owner(told_address(chain, row.get("address")), address)
        yield withdrawal(
            *(chain, address, whole(row.get("withdrawalIndex"), "withdrawalIndex")),
            whole(row.get("amount"), "amount", MOST_GWEI) * GWEI,
            *(withdrawal_height(row), place(row.get("timestamp"), "timestamp")),
        )

    return _parsed(rows, withdrawal_height, parse)


def parse_items(rows: Iterable[object], chain: Chain, address: str) -> Parsed:
    """Rows of Blockscout's `/withdrawals`, amounts in wei."""

    def parse(row: Mapping[str, object]) -> Iterator[Transfer]:
        receiver = row.get("receiver")
        if receiver is not None:
            _check_owner(told_address(chain, fields(receiver).get("hash")), address)
        yield withdrawal(
            *(chain, address, whole(row.get("index"), "index"), whole(row.get("amount"), "amount")),
            *(withdrawal_height(row), iso_seconds(row.get("timestamp"), "timestamp")),
        )

    return _parsed(rows, withdrawal_height, parse)


def parse_header(
    block: Mapping[str, object], chain: Chain, address: str, height: int, time: int
) -> Iterator[Transfer]:
    """What a node's block says that validators withdrew to an address. Raises RowError."""
    told = block.get("withdrawals")
    if told is None:
        return
    if not isinstance(told, list):
        raise RowError("withdrawals is not a list")
    for each in map(fields, told):
        if told_address(chain, each.get("address")) == address:
            index, amount = (hex_whole(each.get(name), name) for name in ("index", "amount"))
            yield withdrawal(chain, address, index, amount * GWEI, height, time)


def withdrawal(
    chain: Chain, address: str, index: int, wei: int, height: int, time: int
) -> Transfer:
    return _ruled(Kind.WITHDRAWAL, chain, address, index, wei, height, time)


# -- rewards ----------------------------------------------------------------------------------


def reward_height(row: object) -> int:
    return place(fields(row).get("blockNumber"), "blockNumber")


def parse_rewards(rows: Iterable[object], chain: Chain, address: str) -> Parsed:
    """Rows of `getminedblocks`: what the maker of a block got, its tips among it."""

    def parse(row: Mapping[str, object]) -> Iterator[Transfer]:
        height, wei = reward_height(row), whole(row.get("blockReward"), "blockReward")
        if wei:
            at = place(row.get("timeStamp"), "timeStamp")
            yield _ruled(Kind.REWARD, chain, address, height, wei, height, at)

    return _parsed(rows, reward_height, parse)


def tips(
    block: Mapping[str, object],
    receipts: Iterable[Mapping[str, object]],
    chain: Chain,
    height: int,
    time: int,
) -> Iterator[Transfer]:
    """What the maker of a block got, by its header and the receipts of all of its transactions:
    what they paid above the base fee, which is burned. Raises RowError, also where the block was
    made by work, for which its maker got more."""
    if hex_whole(block.get("difficulty") or "0x0", "difficulty"):
        raise RowError("it was made by work, and what that is paid is not worked out")
    burned = hex_whole(block.get("baseFeePerGas") or "0x0", "baseFeePerGas")
    wei = 0
    for receipt in receipts:
        used, price = (hex_whole(receipt.get(n), n) for n in ("gasUsed", "effectiveGasPrice"))
        wei += used * max(0, price - burned)
    if wei:
        maker = told_address(chain, block.get("miner"))
        yield _ruled(Kind.REWARD, chain, maker, height, wei, height, time)


def walk_rewards(page_of: Callable[[int], Page], span: Interval) -> Walk:
    """The rows of a span from a list of which only pages can be asked for, in an order that the
    recorded answer does not keep: all of it, to a page without rows."""
    rows: list[object] = []
    for number in range(1, PAGES + 1):
        page = page_of(number)
        if not page.rows:
            return Walk(tuple(within(rows, span, reward_height)), span, None)
        rows += [row for row in page.rows if row not in rows]
        heights = [h for row in page.rows if (h := readable_height(row, reward_height)) is not None]
        falling = heights == sorted(heights, reverse=True) and len(set(heights)) > 1
        if falling and heights[-1] < span.lo:
            return Walk(tuple(within(rows, span, reward_height)), span, None)
    raise NotServed(f"it made more blocks than {PAGES - 1} pages hold")


# -- of both ----------------------------------------------------------------------------------


def numbered(drafts: Iterable[Transfer]) -> list[Transfer]:
    """A number has one movement, however often it is listed."""
    return number_equals({t.tx: t for t in drafts}.values())


def cursor_below(row: object) -> Mapping[str, object]:
    """What asks Blockscout for the withdrawals below one. Raises ValueError."""
    return {"index": str(whole(fields(row).get("index"), "index"))}


def _ruled(
    kind: Kind, chain: Chain, address: str, number: int, wei: int, height: int, time: int
) -> Transfer:
    return Transfer(
        chain=chain.key,
        tx=ruled_tx(kind, number),
        leg="",
        kind=kind,
        sender=None,
        recipient=address,
        amount=wei,
        block_height=height,
        time=time,
    )


def _parsed(
    rows: Iterable[object],
    height_of: Callable[[object], int],
    parse: Callable[[Mapping[str, object]], Iterator[Transfer]],
) -> Parsed:
    parsed = read_rows(rows, height_of, parse)
    return replace(parsed, transfers=tuple(numbered(parsed.transfers)))


def _check_owner(told: str, address: str) -> None:
    if told != address:
        raise RowError("a row of another address than was asked for")
