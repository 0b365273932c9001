"""What whole blocks of Tron come to: the node's `getblockbynum` with its
`gettransactioninfobyblocknum`. Pure.

Rows are those of the lists of an address (tron_rows), of all addresses that are looked for.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from monitor.chains import issuers
from monitor.model import Chain, Gap, Interval, Kind, Transfer
from monitor.model.errors import BadResponse
from monitor.net.sources.acts import act_in
from monitor.net.sources.evm_logs import TRANSFER
from monitor.net.sources.evm_rows import number_equals
from monitor.net.sources.parsing import (
    Parsed,
    RowError,
    fields,
    gap,
    items,
    place,
    shown,
    text,
    whole,
)
from monitor.net.sources.tron_contracts import (
    CONTRACTS,
    CREDITS,
    MOVES_NOTHING,
    Common,
    address_of,
    contract_moved,
    value_of,
)
from monitor.net.sources.tron_logs import log_of, token_draft
from monitor.net.sources.tron_rows import SUCCEEDED, contracts_of, hash_of, moved_inside

NO_ROOT = "0" * 64  # of the transactions of a block that has none
_Fields = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Block:
    """A block as it was asked for; `time` in Unix milliseconds, `txs` by hash, in order."""

    height: int
    hash: str
    parent: str
    time: int
    txs: Mapping[str, _Fields]


def parse_block(reported: object, height: int) -> Block | None:
    """The block of this height, None for the empty answer to one that is not there yet. Its hash
    begins with its height, and so does its parent's. Raises BadResponse."""
    if reported == {}:
        return None
    try:
        return _block(fields(reported), height)
    except RowError as error:
        raise BadResponse(f"block {height} cannot be read: {error}") from None


def _block(told: _Fields, height: int) -> Block:
    raw = fields(fields(told.get("block_header")).get("raw_data"))
    block = Block(
        height=place(raw.get("number", 0), "number"),
        hash=hash_of(told.get("blockID"), "blockID"),
        parent=hash_of(raw.get("parentHash"), "parentHash"),
        time=place(raw.get("timestamp", 0), "timestamp"),
        txs=_by_hash(items(told.get("transactions"), "transactions"), "txID"),
    )
    if block.height != height or int(block.hash[:16], 16) != height:
        raise RowError("it is another one than was asked for")
    if height and int(block.parent[:16], 16) != height - 1:
        raise RowError("its parent is not the block below it")
    root = hash_of(raw.get("txTrieRoot"), "txTrieRoot")
    if (root == NO_ROOT) is bool(block.txs):
        raise RowError(f"its header does not go with {len(block.txs)} transactions")
    return block


def parse_infos(reported: object, block: Block) -> Mapping[str, _Fields]:
    """What the block's transactions came to, by hash: one for each, or it is no answer. Raises
    BadResponse."""
    try:
        return _infos([] if reported == {} else items(reported, "results"), block)
    except RowError as error:
        raise BadResponse(f"results of block {block.height} cannot be read: {error}") from None


def _infos(told: Sequence[object], block: Block) -> Mapping[str, _Fields]:
    infos = _by_hash(told, "id")
    if infos.keys() != block.txs.keys():
        raise RowError(f"{len(infos)} results do not go with {len(block.txs)} transactions")
    for info in infos.values():
        at = place(info.get("blockNumber", 0), "blockNumber")
        time = place(info.get("blockTimeStamp", 0), "blockTimeStamp")
        if (at, time) != (block.height, block.time):
            raise RowError("a result is of another block")
    return infos


def _by_hash(rows: Sequence[object], name: str) -> Mapping[str, _Fields]:
    found = {hash_of(row.get(name), name): row for row in map(fields, rows)}
    if len(found) != len(rows):
        raise RowError(f"a {name} comes twice")
    return found


def rows_of(
    chain: Chain, block: Block, infos: Mapping[str, _Fields], members: Collection[str]
) -> Parsed:
    """Every movement of the block that touches a member, and the fees that members paid. A
    transaction that cannot be read is a gap of its block, whoever it is of."""
    drafts: list[Transfer] = []
    gaps: list[Gap] = []
    at = Interval(block.height, block.height)
    topics = {TRANSFER[2:], *(topic[2:] for topic in issuers.topics(chain))}
    for index, (name, tx) in enumerate(block.txs.items()):
        common = Common(chain, name, block.height, block.time // 1000)
        try:
            for draft in _moved(common, tx, infos[name], members, topics):
                drafts.append(replace(draft, block_hash=block.hash, tx_index=index))
        except ValueError as error:
            gaps.append(gap(at, str(error), {"transaction": tx, "result": infos[name]}))
    return Parsed(tuple(number_equals(drafts)), tuple(gaps))


def _moved(
    common: Common, tx: _Fields, info: _Fields, members: Collection[str], topics: Collection[str]
) -> Iterator[Transfer]:
    signed = contracts_of(tx)
    if not signed:
        raise RowError("raw_data.contract is empty")
    contracts = [contract for contract in signed if _told(common, contract, members)]
    for draft in _paid(common, contracts, info):
        if draft.sender in members:
            yield draft
    if _failed(tx, info):
        return
    for draft in (
        *(d for contract in contracts for d in contract_moved(common, contract, {**tx, **info})),
        *moved_inside(common, info),
        *_logged(common, info, topics),
    ):
        if draft.sender in members or draft.recipient in members:
            yield draft


def _told(common: Common, contract: _Fields, members: Collection[str]) -> bool:
    """Whether a node tells what a contract of this type moves. Raises RowError for one that does
    not and names a member, or nobody."""
    kind = text(contract.get("type"), "type")
    if kind in CONTRACTS or kind in CREDITS or kind in MOVES_NOTHING:
        return True
    named = [v for name, v in value_of(contract).items() if name.endswith("address") and v]
    if not named or any(address_of(common.chain, reported) in members for reported in named):
        raise RowError(f"what a {kind} moves is not told by a block")
    return False


def _paid(common: Common, contracts: Sequence[_Fields], info: _Fields) -> Iterator[Transfer]:
    """The fee, of whoever signed the first contract."""
    fee = whole(info.get("fee", 0), "fee")
    for contract in contracts[:1]:
        owner = address_of(common.chain, value_of(contract).get("owner_address"))
        if fee:
            yield common.draft(Kind.FEE, owner, None, fee)


def _failed(tx: _Fields, info: _Fields) -> bool:
    """Whether it moved nothing but its fee. Old blocks do not tell it, their results do; where
    both do, they must agree."""
    told = [fields(ret) for ret in items(tx.get("ret"), "ret")]
    by_block = any(
        ret.get(name) not in SUCCEEDED for ret in told for name in ("contractRet", "code")
    )
    outcome = fields(info.get("receipt", {})).get("result")
    by_result = info.get("result") == "FAILED" or outcome not in SUCCEEDED
    if by_block is not by_result and any(ret.get("contractRet") for ret in told):
        raise RowError(f"block and result do not agree on whether it failed: {shown(outcome)}")
    return by_block or by_result


def _logged(common: Common, info: _Fields, topics: Collection[str]) -> Iterator[Transfer]:
    """Movements of tokens and acts of issuers; other events are not looked at."""
    for index, log in enumerate(map(fields, items(info.get("log"), "log"))):
        first = next(iter(items(log.get("topics"), "topics")), None)
        if first is None or text(first, "topic").lower() not in topics:
            continue
        read = log_of(common.chain, log, index)
        draft = token_draft(common.chain, common.tx, read) or act_in(common.chain, common.tx, read)
        if draft is not None:
            yield replace(draft, block_height=common.height, time=common.time)
