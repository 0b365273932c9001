"""Blocks as bytes, and whose an output is: real ones, the odd forms, and what is made to fool."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st
from world.real_blocks import BITCOIN, HEIGHTS, block_of, core_answer, hash_of, raw_of

from monitor.chains import encodings
from monitor.chains.address import canonical
from monitor.chains.encodings import Script
from monitor.chains.payees import Payees
from monitor.chains.raw_block import RawError, merkle_root, read_block
from monitor.demo.world import utxo_raw
from monitor.demo.world.moves import Input, Output, UtxoTx
from monitor.model import Chain

# Transactions, inputs that spend, outputs; of the second and the last as ../shared/data/INDEX.tsv
# has them.
SIZES = {300025: (461, 1427, 1226), 426884: (409, 6031, 798), 482683: (12, 51, 25),
         702861: (2500, 6517, 6015)}  # fmt: skip
LITECOIN = Chain("litecoin", "Litecoin", "utxo", "LTC", 8, 24, bech32="ltc", base58=(48, 50))
ZCASH = Chain("zcash", "Zcash", "utxo", "ZEC", 8, 100, base58=(7352, 7357))
CASH = Chain("bch", "BCH", "utxo", "BCH", 8, 12, base58=(0, 5), cashaddr="bitcoincash")


@pytest.mark.parametrize("height", HEIGHTS)
def test_real_blocks(height: int) -> None:
    """Each hashes to itself and holds what it is known to hold."""
    block = block_of(height)
    told = (len(block.txs), sum(len(tx.spends) for tx in block.txs),
            sum(len(tx.values) for tx in block.txs))  # fmt: skip
    assert told == SIZES[height]
    assert block.txs[0].spends == []


@pytest.mark.parametrize("height", HEIGHTS)
def test_what_is_cut_or_changed_is_no_block(height: int) -> None:
    """At any length, and with any bit changed of what is read (witnesses are not, and the root
    that proves a block leaves them out)."""
    raw = raw_of(height)
    sizes = [*range(200), len(raw) // 2, len(raw) - 5, len(raw) - 1]
    for size in sizes:
        with pytest.raises(RawError):
            read_block(raw[:size], hash_of(raw))
    for at in (*range(120), len(raw) - 1):
        wrong = bytearray(raw)
        wrong[at] ^= 1
        with pytest.raises(RawError):
            read_block(bytes(wrong), hash_of(raw))
    with pytest.raises(RawError):
        read_block(raw + b"\0", hash_of(raw))


def legacy(number: int, *outputs: tuple[int, bytes], spends: str = "") -> bytes:
    tx = UtxoTx("", (Input(spends or "0" * 64, 0 if spends else 0xFFFFFFFF, None,
                           script=f"{number:08x}"),),
                tuple(Output(None, value, script.hex()) for value, script in outputs))  # fmt: skip
    return utxo_raw.raw_tx(tx)


def _id(raw: bytes) -> str:
    return sha256(sha256(raw).digest()).digest()[::-1].hex()


def block(txs: list[bytes], tail: bytes = b"", version: int = 1, ids: list[str] | None = None,
          between: bytes = b"", count: bytes = b"") -> tuple[bytes, str]:  # fmt: skip
    """A block of these transactions, and its hash."""
    head = bytearray(utxo_raw.header("0" * 64, ids or [_id(tx) for tx in txs], 1_700_000_000, 0))
    head[:4] = version.to_bytes(4, "little")
    raw = bytes(head) + between + (count or bytes([len(txs)])) + b"".join(txs) + tail
    return raw, hash_of(raw)


def test_the_extension_block_of_mweb() -> None:
    """The transaction that stands for it comes last, is hashed without its flag, and what follows
    is another matter; without it nothing may follow."""
    first, plain = legacy(1, (5, b"\x6a")), legacy(2, (4, b"\x6a"), spends="a" * 64)
    hogex = plain[:4] + b"\x00\x08" + plain[4:-4] + b"\x00" + plain[-4:]
    raw, name = block([first, hogex], tail=b"\x01whatever", ids=[_id(first), _id(plain)])
    assert [tx.txid for tx in read_block(raw, name).txs] == [_id(first), _id(plain)]
    raw, name = block([first, plain], tail=b"\x01whatever")
    with pytest.raises(RawError, match="follows"):
        read_block(raw, name)
    inside = plain[:4] + b"\x00\x08" + plain[4:-4] + b"\x01" + plain[-4:]
    with pytest.raises(RawError, match="MWEB"):
        read_block(*block([first, inside], ids=[_id(first), _id(plain)]))


def test_a_header_that_was_mined_with_another_chain() -> None:
    """Dogecoin's: what proves the work stands between header and transactions."""
    tx = legacy(1, (5, b"\x6a"))
    work = legacy(9, (1, b"\x6a")) + b"\x11" * 32 + b"\x01" + b"\x22" * 32 + bytes(4)
    work += b"\x00" + bytes(4) + b"\x33" * 80
    raw, name = block([tx], version=0x620104, between=work)
    assert [t.txid for t in read_block(raw, name).txs] == [_id(tx)]
    # Bitcoin's versions may have that bit by chance.
    assert read_block(*block([tx], version=0x20000104)).txs[0].txid == _id(tx)
    for cut in range(80, len(raw)):
        with pytest.raises(RawError):
            read_block(raw[:cut], name)


def test_a_transaction_twice() -> None:
    """A list that was made longer without a change of its root: CVE-2012-2459."""
    txs = [legacy(1, (5, b"\x6a")), *(legacy(n, (n, b"\x6a"), spends="b" * 64) for n in (2, 3))]
    ids = [_id(tx) for tx in txs]
    assert read_block(*block(txs)).txs[2].txid == ids[2]
    with pytest.raises(RawError, match="twice"):
        read_block(*block([*txs, txs[2]], ids=ids))
    with pytest.raises(RawError):
        merkle_root([])


def test_where_a_coinbase_stands() -> None:
    """First, and nowhere else."""
    first, other = legacy(1, (5, b"\x6a")), legacy(2, (4, b"\x6a"), spends="a" * 64)
    with pytest.raises(RawError, match="coinbase"):
        read_block(*block([other, first]))
    with pytest.raises(RawError, match="coinbase"):
        read_block(*block([first, legacy(2, (5, b"\x6a"))]))


@pytest.mark.parametrize("number", [b"\xfd\xff\xff", b"\xfe" + b"\xff" * 4, b"\xff" + b"\xff" * 8])
def test_counts_beyond_all_measure(number: bytes) -> None:
    """Of transactions, inputs, outputs, bytes and witnesses: refused before anything is made."""
    tx = legacy(1, (5, b"\x6a"))
    told = [tx[:4] + number + tx[5:], tx[:41] + number + tx[42:], tx[:50] + number + tx[51:],
            tx[:59] + number + tx[60:],
            tx[:4] + b"\x00\x01" + tx[4:-4] + number + tx[-4:],
            tx[:4] + b"\x00\x01" + tx[4:-4] + b"\x01" + number + tx[-4:]]  # fmt: skip
    for each in told:
        with pytest.raises(RawError):
            read_block(*block([each]))
    with pytest.raises(RawError):
        read_block(*block([tx], count=number))


@given(st.binary(max_size=300))
def test_any_bytes_after_a_header(data: bytes) -> None:
    """Nothing but a RawError comes of them."""
    head = raw_of(482683)[:80]
    with pytest.raises(RawError):
        read_block(head + data, hash_of(head))


@given(st.binary(max_size=60))
def test_other_chains_headers(data: bytes) -> None:
    """What does not hash to the block that was asked for is not read."""
    with pytest.raises(RawError, match="hash to the block"):
        read_block(data + bytes(80), "00" * 32)


# -- whose an output is ----------------------------------------------------------------------

P2PKH, P2SH = b"\x76\xa9\x14%s\x88\xac", b"\xa9\x14%s\x87"


@given(st.binary(min_size=20, max_size=20), st.binary(min_size=32, max_size=32),
       st.integers(1, 16), st.binary(min_size=2, max_size=40))  # fmt: skip
def test_addresses_as_they_are_written(
    short: bytes, long: bytes, version: int, program: bytes
) -> None:
    """Each is the canonical one, and encodes the script's own bytes."""
    scripts = [P2PKH % short, P2SH % short, b"\0\x14" + short, b"\0\x20" + long,
               bytes([0x50 + version, len(program)]) + program]  # fmt: skip
    for chain in (BITCOIN, LITECOIN, ZCASH, CASH):
        payees = Payees(chain)
        for n, script in enumerate(scripts):
            address = payees.address(script)
            assert (address is None) == (n > 1 and chain.bech32 is None)
            if address is not None:
                assert canonical(chain, address) == address
    assert encodings.segwit(Payees(BITCOIN).address(scripts[4]) or "").program == program
    assert Payees(CASH).address(b"\xaa\x20" + long + b"\x87") == encodings.encode_cashaddr(
        "bitcoincash", Script.P2SH, long
    )


@given(st.binary(max_size=60))
def test_no_address_is_made_of_other_scripts(script: bytes) -> None:
    """And nothing is raised over them."""
    for chain in (BITCOIN, ZCASH, CASH):
        address = Payees(chain).address(script)
        assert address is None or canonical(chain, address) == address


def test_scripts_that_stand_for_no_address() -> None:
    """Bare keys and bare multisig, data, programs of lengths that there are not."""
    key = bytes.fromhex("02" + "ab" * 32)
    for script in (b"", b"\x21" + key + b"\xac", b"\x51\x21" + key + b"\x51\xae", b"\x6a\x04abcd",
                   b"\0\x15" + bytes(21), b"\x4f\x14" + bytes(20), b"\x51" + bytes(1)):  # fmt: skip
        assert Payees(BITCOIN).address(script) is None


def test_outputs_with_tokens() -> None:
    """CashTokens stand before the script that they are locked by; only in front of it once."""
    mine = P2PKH % bytes(range(20))
    address = Payees(CASH).address(mine)
    category = b"\xef" + b"\x07" * 32
    for prefix in (b"\x10\xfd\xe8\x03", b"\x62\x04abcd", b"\x72\x02ab\x05", b"\x20"):
        assert Payees(CASH).address(category + prefix + mine) == address
        assert Payees(BITCOIN).address(category + prefix + mine) is None
        assert Payees(CASH).address(category + prefix + category + prefix + mine) is None
    assert Payees(CASH).address(category) is None
    assert Payees(CASH).address(category + b"\x60\xff" + b"\xff" * 8 + mine) is None
    assert Payees(CASH).address((category + b"\x20") * 30_000) is None


def test_addresses_of_real_outputs() -> None:
    """As Bitcoin Core says them of the blocks that were recorded of it."""
    answer = core_answer("block_with_transactions__rpc_response_getblock_000000001c920d495e1eeef2"
                         "452b6d1c6c229a919b28196c103ecffebabee141_2.json")  # fmt: skip
    payees, seen = Payees(BITCOIN), 0
    for tx in answer["tx"]:
        for output in tx["vout"]:
            script = output["scriptPubKey"]
            if script["type"] == "pubkeyhash":
                assert [payees.address(bytes.fromhex(script["hex"]))] == script["addresses"]
                seen += 1
    assert seen == 2
