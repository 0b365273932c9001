"""Bitcoin and chains of its kind: coins lie in outputs, addresses stand for scripts.

What differs among them is data of the chain's row: `bech32` (its human-readable part), `base58`
(versions of a key's hash, then of a script's), `cashaddr` (its prefix, where addresses are
written so and base58 is the older form).
"""

from __future__ import annotations

import re
from functools import lru_cache

from monitor.chains import encodings, scripts, sinks
from monitor.chains.encodings import EncodingError, Script
from monitor.chains.family import AddressError, Family, Form, Stream
from monitor.chains.sinks import Sink
from monitor.model import Axis, Chain

_SLIP = (
    "Its checksum fits all the same: a letter was added or left out in typing (a q before the "
    "last p, for example). Copy the address again from its source"
)
_LONGEST_BASE58 = 36  # characters, one of them by mistake; Solana's have 43 and any beginning
_BASE58 = "[1-9A-HJ-NP-Za-km-z]"
_BARE_CASHADDR = re.compile(r"[qpzr][02-9ac-hj-np-z]{39,}\Z")
_HINTS = {
    "a Bitcoin address": rf"(bc1[0-9a-z]{{11,71}}|[13]{_BASE58}{{25,34}})\Z",
    "an address of a Bitcoin test network": r"(?i:tb1|bcrt1)[0-9a-z]{11,71}\Z",
    "a Litecoin address": rf"(ltc1[0-9a-z]{{11,71}}|[LM]{_BASE58}{{33}})\Z",
    "a Dogecoin address": rf"D[5-9A-HJ-NP-U]{_BASE58}{{32}}\Z",
    "a Dash address": rf"X{_BASE58}{{33}}\Z",
    "a Zcash address": rf"t[13]{_BASE58}{{33}}\Z",
    "a Bitcoin Cash address": r"(bitcoincash:)?[qpzr][02-9ac-hj-np-z]{41,}\Z",
}
# Bytes that Bitcoin Cash's scripts hash to, the longer one since 2023: the encoding knows more.
# https://github.com/bitjson/p2sh32
_HASHES = {Script.P2PKH: (20,), Script.P2SH: (20, 32)}
_TEST_BASE58 = frozenset({111, 196})
_TEST_HRP = frozenset({"tb", "bcrt", "tltc", "rltc"})
# The hash of a key under Zcash's other name for it, which shielded coins are not paid to:
# https://zips.z.cash/zip-0320
_TEX, _TEX_KEY = "tex", 0x1CB8
_BURNT = frozenset(
    encodings.base58check(address).hash
    for address in (
        "1BitcoinEaterAddressDontSendf59kuE",
        "1CounterpartyXXXXXXXXXXXXXXXUWLpVr",
        "1111111111111111111114oLvT2",
    )
)
# What somebody wrote into an address: to find a key for it would take more than 2^64 tries.
_BURN = re.compile(r"EaterAddress|BurnAddress|BurnBurnBurn|([1-9A-HJ-NP-Za-km-z])\1{11}")


def canonical(chain: Chain, text: str) -> str:
    """As explorers write it today: bech32 in small letters, cashaddr with its prefix, else
    base58 (a Litecoin script that was written 3... is written M...)."""
    if scripts.is_public_key(text):
        raise AddressError("is a public key, not an address", _of_key(chain, text))
    lowered = text.lower()
    hrp = lowered.rpartition("1")[0]
    if chain.cashaddr and (":" in text or len(text) > 40):
        return _cashaddr(chain, text)
    if hrp == _TEX and _TEX_KEY in chain.base58:
        return _tex(text)
    begins = hrp and (lowered.startswith("bc1") or hrp == chain.bech32)
    if not begins or scripts.of_base58(text) is not None:  # L... may go on with tc1
        try:
            return _base58(chain, text)
        except AddressError:
            if chain.bech32 is not None or not _is_segwit(text):
                raise
    try:
        hrp = encodings.segwit(text).hrp
    except EncodingError as error:
        raise _fault(error) from None
    if chain.bech32 != hrp and (chain.bech32 is not None or chain.base58):
        raise AddressError(f"is not an address of {chain.name}")
    return lowered


def _fault(error: EncodingError) -> AddressError:
    return AddressError(str(error), _SLIP if error.slip else "")


def _cashaddr(chain: Chain, text: str) -> str:
    try:
        script, digest = encodings.cashaddr(text, chain.cashaddr)
    except EncodingError as error:
        reason = f"is not an address of {chain.name}: it {error}"
        raise AddressError(reason, _SLIP if error.slip else "") from None
    if len(digest) not in _HASHES[script]:
        raise AddressError(f"holds a hash of {len(digest)} bytes, which no script has", _SLIP)
    return encodings.encode_cashaddr(chain.cashaddr, script, digest)


def _tex(text: str) -> str:
    try:
        _, digest = encodings.bech32m(text)
    except EncodingError as error:
        raise _fault(error) from None
    if len(digest) != 20:
        raise AddressError(f"holds {len(digest)} bytes; its kind has 20", _SLIP)
    return encodings.encode_base58check(scripts.version(_TEX_KEY), digest)


def _base58(chain: Chain, text: str) -> str:
    found = scripts.of_base58(text)
    if found is None:
        raise AddressError(f"is not an address of {chain.name}, or its checksum is wrong")
    allowed = scripts.versions(chain)
    says_none = not (allowed or chain.cashaddr) and len(found.version) == 1
    if found.version not in allowed and not says_none:
        raise AddressError(f"is not an address of {chain.name}")
    today = scripts.respelt(chain).get(found.version, found.version)
    if chain.cashaddr:
        script = Script.P2SH if today == scripts.version(chain.base58[-1]) else Script.P2PKH
        return encodings.encode_cashaddr(chain.cashaddr, script, found.hash)
    if today == found.version:
        return text
    return encodings.encode_base58check(today, found.hash)


def _is_segwit(text: str) -> bool:
    try:
        encodings.segwit(text)
    except EncodingError:
        return False
    return True


def _of_key(chain: Chain, text: str) -> str:
    """What to write instead of a public key."""
    found = dict.fromkeys(canonical(chain, a) for a in scripts.addresses_of_key(chain, text))
    if not found:
        return "Write the addresses that its owner uses"
    listed = " or ".join(found)
    return (
        f"Write the addresses of this key that matter: {listed}. What was paid to the bare key "
        "itself stands on no address's page at explorers"
    )


def _form(chain: Chain, text: str) -> Form:
    """A chain whose row does not tell its versions takes those of others: it says nothing."""
    found = scripts.of_base58(text)
    if found is not None and chain.base58:
        if found.version not in scripts.versions(chain):
            return Form.FOREIGN
        older = chain.cashaddr or found.version in scripts.respelt(chain)
        return Form.LEGACY if older else Form.PREFERRED
    try:
        canonical(chain, text)
    except AddressError:
        return Form.FOREIGN
    return Form.PREFERRED if chain.base58 or chain.cashaddr else Form.LEGACY


def _resembles(chain: Chain, text: str) -> bool:
    base58 = len(text) <= _LONGEST_BASE58 and text.startswith(_letters(chain))
    bare = bool(chain.cashaddr and _BARE_CASHADDR.match(text.lower()))
    return base58 or bare or text.lower().startswith(_words(chain))


def _words(chain: Chain) -> tuple[str, ...]:
    found = ((chain.bech32, "1"), (chain.cashaddr, ":"))
    return tuple(f"{word}{end}" for word, end in found if word)


@lru_cache(maxsize=200)
def _letters(chain: Chain) -> tuple[str, ...]:
    """What base58 addresses of the chain begin with, where they are its own form."""
    if chain.cashaddr:
        return ()
    bounds = ((scripts.version(n), bytes([fill]) * 20) for n in chain.base58 for fill in (0, 255))
    return tuple({encodings.encode_base58check(v, digest)[: len(v)] for v, digest in bounds})


def _nobodys(address: str) -> Sink | None:
    segwit, program = scripts.decoded(address)
    if segwit is None and (program in _BURNT or _BURN.search(address)):
        return sinks.BURN
    why = scripts.anybodys(address)
    if why:
        return Sink("anybody's", why)
    return sinks.PLACEHOLDER if len(program) > 2 and len(set(program)) == 1 else None


def _is_test(chain: Chain) -> bool:
    return chain.bech32 in _TEST_HRP or bool(_TEST_BASE58.intersection(chain.base58))


def _respells(chain: Chain) -> bool:
    return bool(chain.cashaddr or scripts.respelt(chain))


def _elsewhere(chain: Chain) -> str:
    """Lightning needs segwit."""
    lightning = "Lightning; " if chain.bech32 else ""
    return f"Other addresses of the same owner; {lightning}other chains."


UTXO = Family(
    key="utxo",
    called="Bitcoin",
    axis=Axis.HEIGHT,
    streams={"utxo": Stream("Inputs and outputs", "inputs, outputs")},
    atomic=True,
    signed="",
    can_fail=False,
    amount_max=2**63 - 1,  # an output has so many bits: https://en.bitcoin.it/wiki/Transaction
    canonical=canonical,
    form=_form,
    resembles=_resembles,
    nobodys=_nobodys,
    not_listed=("outputs to bare public keys and bare multisig",),
    hints={words: re.compile(like) for words, like in _HINTS.items()},
    anybodys=scripts.anybodys,
    is_test=_is_test,
    respells=_respells,
    elsewhere=_elsewhere,
)
