"""What Blockscout's REST API reports, to values. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from monitor.model import Chain, Gap, Head, Interval, Kind, Lookup, TokenFacts, Transfer
from monitor.model.errors import BadResponse
from monitor.net.sources.account_rows import height_of
from monitor.net.sources.evm_rows import number_equals, told_address, told_twice
from monitor.net.sources.evm_system import TxFacts
from monitor.net.sources.parsing import (
    Parsed,
    RowError,
    fields,
    gap,
    hash32,
    iso_seconds,
    place,
    read_rows,
    shown,
    text,
    token_facts,
    whole,
)

TYPES = {Kind.ERC20: "ERC-20", Kind.ERC721: "ERC-721", Kind.ERC1155: "ERC-1155"}
KINDS = {written: kind for kind, written in TYPES.items()}
# First block by chain id whose receipts hold a status. Before it Blockscout may call a
# transaction failed only because it has none.
BYZANTIUM = {1: 4_370_000}


def parse_blocks(items: Iterable[object]) -> list[Head]:
    """Blocks of the canonical chain from /api/v2/blocks. Raises BadResponse."""
    try:
        rows = [fields(item) for item in items]
        return [
            Head(
                height=place(row.get("height"), "height"),
                time=iso_seconds(row.get("timestamp"), "timestamp"),
                block_hash=hash32(row.get("hash"), "hash"),
            )
            for row in rows
            if row.get("type", "block") == "block"
        ]
    except RowError as error:
        raise BadResponse(f"a block cannot be read: {error}") from None


def parse_transaction(source: str, tx: str, body: Mapping[str, object], head: Head) -> Lookup:
    """/api/v2/transactions/{hash}. It names no block hash. Raises BadResponse."""
    try:
        reported = hash32(body.get("hash"), "hash")
        number = body.get("block_number", body.get("block"))
        height = None if number is None else place(number, "block_number")
    except RowError as error:
        raise BadResponse(f"{source}: a transaction cannot be read: {error}") from None
    if reported != tx.lower():
        raise BadResponse(f"{source}: answered with another transaction")
    dropped = body.get("result") == "dropped/replaced"
    failed = body.get("status") == "error"
    return Lookup(source, tx, not dropped, None if dropped else height, None, failed, head)


def parse_facts(body: Mapping[str, object]) -> TxFacts:
    """What /api/v2/transactions/{hash} says of payer and fee. It reports no `mint`."""
    fee = body.get("fee")
    reported = fee.get("value") if isinstance(fee, dict) and fee.get("type") == "actual" else None
    try:
        paid = None if reported is None else whole(reported, "fee")
    except RowError:
        paid = None
    kind = body.get("type")
    return TxFacts(kind if isinstance(kind, int) else None, None, paid)


def parse_token_transfers(rows: Sequence[object], chain: Chain) -> Parsed:
    """Rows of /api/v2/addresses/{hash}/token-transfers, legs numbered."""

    def parse(row: Mapping[str, object]) -> Iterator[Transfer]:
        return _token(row, chain)

    parsed = read_rows(rows, token_height, parse)
    tokens = {facts.contract: facts for facts in _facts(reversed(rows), chain)}
    return replace(
        parsed,
        transfers=tuple(number_equals(parsed.transfers)),
        tokens=tuple(tokens.values()),
    )


def token_height(row: object) -> int:
    return place(fields(row).get("block_number"), "block_number")


def below_row(row: object) -> dict[str, int]:
    """The cursor that asks for the rows below one; Blockscout makes the same of a page's
    last row."""
    log_index = place(fields(row).get("log_index"), "log_index")
    return {"block_number": token_height(row), "index": log_index}


def _token(row: Mapping[str, object], chain: Chain) -> Iterator[Transfer]:
    token, total = fields(row.get("token")), fields(row.get("total"))
    kind = KINDS.get(text(row.get("token_type") or token.get("type"), "token_type"))
    if kind is None:
        tx = hash32(row.get("transaction_hash"), "transaction_hash")
        written = shown(row.get("token_type") or token.get("type"))
        raise RowError(f"transaction {tx} moves a token of a kind not known here, {written}")
    amount = 1 if kind is Kind.ERC721 else whole(total.get("value"), "value")
    token_id = None if kind is Kind.ERC20 else str(whole(total.get("token_id"), "token_id"))
    sender, recipient = (
        told_address(chain, fields(row.get(side)).get("hash")) for side in ("from", "to")
    )
    contract = told_address(chain, token.get("address_hash") or token.get("address"))
    if told_twice(chain, contract, sender, recipient):
        return
    yield Transfer(
        chain=chain.key,
        tx=hash32(row.get("transaction_hash"), "transaction_hash"),
        leg="",
        kind=kind,
        sender=sender,
        recipient=recipient,
        amount=amount,
        contract=contract,
        token_id=token_id,
        block_height=token_height(row),
        block_hash=hash32(row.get("block_hash"), "block_hash"),
        time=iso_seconds(row.get("timestamp"), "timestamp"),
        log_index=place(row.get("log_index"), "log_index"),
    )


def _facts(rows: Iterable[object], chain: Chain) -> Iterator[TokenFacts]:
    for row in rows:
        try:
            token = fields(fields(row).get("token"))
            contract = told_address(chain, token.get("address_hash") or token.get("address"))
        except ValueError:
            continue  # reported as a gap already
        yield token_facts(contract, token.get("symbol"), token.get("name"), token.get("decimals"))


def unsure_failures(rows: Iterable[object], chain: Chain) -> Iterator[Gap]:
    """Native rows that are called failed, carry a value and are too old to be believed."""
    end = BYZANTIUM.get(chain.chain_id or 0, 0)
    for row in rows:
        try:
            reported = fields(row)
            height, value = height_of(row), whole(reported.get("value"), "value")
        except ValueError:
            continue  # reported as a gap already
        if height < end and value and reported.get("isError") == "1":
            reason = "Blockscout cannot say whether a transaction this old succeeded"
            yield gap(Interval(height, height), reason, row)
