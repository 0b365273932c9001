"""Whether a block's transactions are those of its header: the root of the tree in which they stand,
worked out anew. Pure. https://ethereum.github.io/yellowpaper (appendices B and D), EIP-2718, 2930,
1559, 4844, 7702.

It takes some seventeen millionths of a second a transaction, more than all else that is done with
it: for blocks of which nothing else proves how many there are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from monitor.net.sources.evm_rlp import Item, headed, keccak256, rlp, whole
from monitor.net.sources.parsing import RowError, fields, hash32, hex_whole, items

Node = tuple[Sequence[int], bytes]  # what is left of a key, half a byte each, and its value


_NO_ONE = (None, "0x0", "0x", "0x" + 64 * "0")  # signed
SURE = 3  # blocks of which none fitted, after which it is known that a chain's headers say nothing


class OtherKind(ValueError):
    """A transaction of a kind that is written in a way of its chain's own."""


class Roots:
    """Of one node: what its headers say of its lists of transactions. Blocks with a transaction
    that nobody signed are a kind of their own: some chains make such ones beside their blocks."""

    def __init__(self) -> None:
        # By kind: whether the root can be worked out of what the node hands out.
        self._fit: dict[bool, bool] = {}
        self._odd: Counter[bool] = Counter()

    @property
    def unknown(self) -> bool:
        """Whether no block was looked at yet that could show it."""
        return not self._fit

    @property
    def silent(self) -> bool:
        """Whether headers of some blocks say nothing."""
        return not all(self._fit.values())

    def doubt(self, header: Mapping[str, object], txs: Sequence[Mapping[str, object]]) -> bool:
        """Whether these are, as far as can be known, not a header's transactions."""
        kind = _is_own(txs)
        if not txs or self._fit.get(kind) is False:
            return False
        try:
            told = hash32(header.get("transactionsRoot"), "transactionsRoot")
            fits = transactions_root(txs) == told
        except (OtherKind, RowError):
            return False
        if fits:
            self._fit[kind] = True
        return not fits

    def stay(self, txs: Sequence[Mapping[str, object]]) -> bool:
        """That a block does not fit its header, however often it is asked for: whether that is
        the block's fault. Else nothing can be known of its kind."""
        kind = _is_own(txs)
        if kind not in self._fit:
            self._odd[kind] += 1
            if self._odd[kind] >= SURE:
                self._fit[kind] = False
        return self._fit.get(kind, False)


def _is_own(txs: Sequence[Mapping[str, object]]) -> bool:
    return any(tx.get("r") in _NO_ONE and tx.get("s") in _NO_ONE for tx in txs)


def transactions_root(txs: Sequence[Mapping[str, object]]) -> str:
    """Of transactions as a node hands them out, in the order of their block. Raises OtherKind,
    RowError."""
    pairs = [(_halves(rlp(whole(at))), written(tx)) for at, tx in enumerate(txs)]
    return "0x" + keccak256(_tree(sorted(pairs))).hex()


def written(tx: Mapping[str, object]) -> bytes:
    """A transaction as its hash is made of it."""
    kind = hex_whole(tx["type"], "type") if tx.get("type") is not None else 0
    if kind == 0:
        names = ("nonce", "gasPrice", "gas", "to", "value", "input", "v", "r", "s")
        return rlp([_of(tx, name) for name in names])
    if kind not in _FIELDS:
        raise OtherKind(f"type {kind}")
    parity = tx.get("yParity") or tx.get("v")
    signed = [_bare({"v": parity}, "v"), _bare(tx, "r"), _bare(tx, "s")]
    return bytes([kind]) + rlp([*(_of(tx, name) for name in _FIELDS[kind]), *signed])


_FEES = ("maxPriorityFeePerGas", "maxFeePerGas")
_CALL = ("gas", "to", "value", "input", "accessList")
_FIELDS: Mapping[int, Sequence[str]] = {
    1: ("chainId", "nonce", "gasPrice", *_CALL),
    2: ("chainId", "nonce", *_FEES, *_CALL),
    3: ("chainId", "nonce", *_FEES, *_CALL, "maxFeePerBlobGas", "blobVersionedHashes"),
    4: ("chainId", "nonce", *_FEES, *_CALL, "authorizationList"),
}


def _of(tx: Mapping[str, object], name: str) -> Item:
    if name in ("to", "input"):
        return _bytes(tx.get(name) or "0x", name)
    if name == "accessList":
        return [_entry(each) for each in items(tx.get(name), name)]
    if name == "blobVersionedHashes":
        return [_bytes(each, name) for each in items(tx.get(name), name)]
    if name == "authorizationList":
        return [_authorized(each) for each in items(tx.get(name), name)]
    return _bare(tx, name)


def _entry(told: object) -> Item:
    entry = fields(told)
    keys = items(entry.get("storageKeys"), "storageKeys")
    return [_bytes(entry.get("address"), "address"), [_bytes(key, "key") for key in keys]]


def _authorized(told: object) -> Item:
    each = dict(fields(told))
    each["yParity"] = each.get("yParity") or each.get("v")
    address = _bytes(each.get("address"), "address")
    ends = [_bare(each, name) for name in ("nonce", "yParity", "r", "s")]
    return [_bare(each, "chainId"), address, *ends]


def _bytes(told: object, name: str) -> bytes:
    if not isinstance(told, str) or not told.startswith("0x"):
        raise RowError(f"{name} is not hex")
    try:
        return bytes.fromhex(told[2:])
    except ValueError:
        raise RowError(f"{name} is not hex") from None


def _bare(row: Mapping[str, object], name: str) -> bytes:
    """A number without leading zeros: nothing for zero."""
    return whole(hex_whole(row.get(name), name))


# -- the tree: hexary, keys by half bytes --------------------------------------------------------


def _halves(key: bytes) -> list[int]:
    return [half for each in key for half in (each >> 4, each & 15)]


def _tree(nodes: Sequence[Node]) -> bytes:
    """The encoded node above these, which are in the order of their keys."""
    if not nodes:
        return rlp(b"")
    if len(nodes) == 1:
        ((path, value),) = nodes
        return rlp([_packed(path, leaf=True), value])
    first, last = nodes[0][0], nodes[-1][0]
    shared = next((n for n, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), None)
    if shared is None:
        shared = min(len(first), len(last))
    if shared:
        below = _tree([(path[shared:], value) for path, value in nodes])
        return headed(0xC0, rlp(_packed(first[:shared], leaf=False)) + _linked(below))
    branches = [b"\x80"] * 16
    own = b""
    at = 0
    if not nodes[0][0]:
        own, at = nodes[0][1], 1
    while at < len(nodes):
        half, end = nodes[at][0][0], at
        while end < len(nodes) and nodes[end][0][0] == half:
            end += 1
        branches[half] = _linked(_tree([(path[1:], value) for path, value in nodes[at:end]]))
        at = end
    return headed(0xC0, b"".join(branches) + rlp(own))


def _linked(node: bytes) -> bytes:
    """A node as the one above it names it: itself, or its digest."""
    return node if len(node) < 32 else rlp(keccak256(node))


def _packed(path: Sequence[int], *, leaf: bool) -> bytes:
    odd = len(path) % 2
    halves = [2 * leaf + odd, *([] if odd else [0]), *path]
    return bytes(16 * high + low for high, low in zip(halves[::2], halves[1::2], strict=True))
