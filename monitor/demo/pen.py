"""Writes the transactions of the demo's account chains."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from monitor.demo.world.moves import Internal, TokenMove, Tx


class Pen:
    """Writes transactions of one account chain; hashes follow from their order."""

    def __init__(self, chain: str) -> None:
        self._chain = chain
        self._count = 0

    def pay(self, sender: str, to: str, value: int) -> Tx:
        return self._tx(sender, to, value, "0x", (), ())

    def call(
        self,
        sender: str,
        contract: str,
        *moves: TokenMove,
        value: int = 0,
        inner: tuple[Internal, ...] = (),
    ) -> Tx:
        """A contract call with the token movements and inner payments that it causes."""
        top = Internal(sender, contract, value, path="", input="0xa9059cbb")
        return self._tx(sender, contract, value, "0xa9059cbb", (top, *inner), moves)

    def token(self, contract: str, sender: str, to: str, amount: int) -> Tx:
        """A plain token payment."""
        return self.call(sender, contract, TokenMove("ERC-20", contract, sender, to, amount))

    def _tx(
        self,
        sender: str,
        to: str,
        value: int,
        data: str,
        internals: tuple[Internal, ...],
        moves: Iterable[TokenMove],
    ) -> Tx:
        self._count += 1
        digest = hashlib.sha256(f"fundwatch demo/{self._chain}/{self._count}".encode()).hexdigest()
        tron = self._chain == "tron"
        gas = 21000 if data == "0x" else 84_000
        tokens = tuple(
            TokenMove(m.standard, m.contract, m.sender, m.recipient, m.amount, place, m.token_id)
            for place, m in enumerate(moves, self._count * 10)
        )
        return Tx(
            hash=digest if tron else "0x" + digest,
            sender=sender,
            to=to,
            value=value,
            gas_used=(268_000 if data == "0x" else 13_844_850) if tron else gas,
            gas_price=1 if tron else 2 * 10**9,
            gas=gas * 2,
            nonce=self._count,
            input=data,
            internals=internals,
            tokens=tokens,
        )
