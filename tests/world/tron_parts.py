"""Tron, and addresses and transactions on it by number."""

from __future__ import annotations

import base58

from monitor.model import Chain

TRON = Chain("tron", "Tron", "tron", "TRX", 6, 19, block_time=3.0)


def b58(number: int) -> str:
    return base58.b58encode_check(b"\x41" + number.to_bytes(20, "big")).decode()


def hex41(address: str) -> str:
    return base58.b58decode_check(address).hex()


def tx_id(number: int) -> str:
    return f"{number:064x}"
