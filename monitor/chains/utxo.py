"""Bitcoin and chains of its kind: coins lie in outputs, addresses stand for scripts."""

from __future__ import annotations

import re

import base58

from monitor.chains import encodings, scripts, sinks
from monitor.chains.family import AddressError, Family, Form
from monitor.model import Chain

_AGAIN = "Copy the address again from its source"
_SLIP = (
    "Its checksum fits all the same: a letter was added or left out in typing (a q before the "
    "last p, for example). Copy the address again from its source"
)
_LIKE = re.compile(r"(bc1[0-9a-z]{11,71}|[13][1-9A-HJ-NP-Za-km-z]{25,34})\Z")
_LIKE_TEST = re.compile(r"(tb1|bcrt1)[0-9a-z]{11,71}\Z", re.IGNORECASE)
_TEST_BASE58 = frozenset({111, 196})
_TEST_HRP = frozenset({"tb", "bcrt"})
_BURN = frozenset(
    {
        "1BitcoinEaterAddressDontSendf59kuE",
        "1CounterpartyXXXXXXXXXXXXXXXUWLpVr",
        "1111111111111111111114oLvT2",
    }
)


def canonical(chain: Chain, text: str) -> str:
    """Bech32 in lower case, base58 as explorers write it today (a Litecoin script that was
    written 3... is written M...)."""
    if scripts.is_public_key(text):
        raise AddressError("is a public key, not an address", _of_key(chain, text))
    lowered = text.lower()
    hrp = lowered.rpartition("1")[0]
    looks_segwit = bool(hrp) and (lowered.startswith("bc1") or hrp == chain.bech32)
    if not looks_segwit:
        try:
            return _base58(chain, text)
        except AddressError:
            if chain.bech32 is not None or not _is_segwit(text):
                raise
    try:
        hrp = encodings.segwit(text).hrp
    except encodings.EncodingError as error:
        raise AddressError(str(error), _SLIP if error.slip else _AGAIN) from None
    if chain.bech32 is not None and hrp != chain.bech32:
        raise AddressError(f"is not an address of {chain.name}")
    return lowered


def _base58(chain: Chain, text: str) -> str:
    try:
        payload = base58.b58decode_check(text)
    except ValueError:
        raise AddressError(f"is not an address of {chain.name}, or its checksum is wrong") from None
    allowed = scripts.versions(chain)
    if len(payload) != 21 or (allowed and payload[0] not in allowed):
        raise AddressError(f"is not an address of {chain.name}")
    return scripts.as_written_today(chain, text, payload)


def _is_segwit(text: str) -> bool:
    try:
        encodings.segwit(text)
    except encodings.EncodingError:
        return False
    return True


def _of_key(chain: Chain, text: str) -> str:
    """What to write instead of a public key."""
    found = scripts.addresses_of_key(chain, text)
    if not found:
        return "Write the addresses that its owner uses"
    listed = " or ".join(found)
    return (
        f"Write the addresses of this key that matter: {listed}. What was paid to the bare key "
        "itself stands on no address's page at explorers"
    )


def _form(chain: Chain, text: str) -> Form:
    try:
        written = canonical(chain, text)
    except AddressError:
        return Form.FOREIGN
    own = bool(chain.base58) and written.lower() == text.lower()
    return Form.PREFERRED if own else Form.LEGACY


def _resembles(_: Chain, text: str) -> bool:
    return text[:1] in ("1", "3", "b", "l")


def _nobodys(address: str) -> str:
    return sinks.BURNT if address in _BURN else scripts.anybodys(address)


def _is_test(chain: Chain) -> bool:
    return chain.bech32 in _TEST_HRP or bool(_TEST_BASE58.intersection(chain.base58))


def _respells(chain: Chain) -> bool:
    return bool(scripts.respelt(chain))


def _elsewhere(_: Chain) -> str:
    return "Other addresses of the same owner; Lightning; other chains."


UTXO = Family(
    key="utxo",
    called="Bitcoin",
    streams={"utxo": "Inputs and outputs"},
    atomic=True,
    signer_pays=False,
    can_fail=False,
    canonical=canonical,
    form=_form,
    resembles=_resembles,
    nobodys=_nobodys,
    not_listed=("outputs to bare public keys and bare multisig",),
    hints={
        "a Bitcoin address": _LIKE,
        "an address of a Bitcoin test network": _LIKE_TEST,
    },
    anybodys=scripts.anybodys,
    is_test=_is_test,
    respells=_respells,
    elsewhere=_elsewhere,
    keys=frozenset({"bech32", "base58"}),
)
