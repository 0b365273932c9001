"""Addresses and chains that no explorer can list, because the chain hides what moves there: to be
refused with the reason, and not as if they were mistyped. Pure."""

from __future__ import annotations

import re
from typing import NamedTuple


class Unseen(NamedTuple):
    """Why nothing can be watched there, and what can be written instead."""

    reason: str
    remedy: str
    chain: str = ""  # its key, also where it is none of config/chains.yaml


_TRANSPARENT = (
    "Write the transparent addresses (t1..., t3...) of the same owner, where one is known"
)
_BY_FORM = (
    (
        re.compile(r"(zs1[02-9ac-hj-np-z]{50,90}|zc\w{90,95})\Z", re.IGNORECASE),
        Unseen(
            "is a shielded address of Zcash: what moves there is encrypted, and nobody sees it "
            "without the owner's viewing key",
            _TRANSPARENT,
            "zcash",
        ),
    ),
    (
        re.compile(r"u1[02-9ac-hj-np-z]{50,500}\Z", re.IGNORECASE),
        Unseen(
            "is a unified address of Zcash: most of what moves there is encrypted, and nobody "
            "sees it without the owner's viewing key",
            _TRANSPARENT,
            "zcash",
        ),
    ),
    (
        re.compile(r"ltcmweb1[02-9ac-hj-np-z]{50,150}\Z", re.IGNORECASE),
        Unseen(
            "is an address inside Litecoin's MWEB, where addresses and amounts are hidden",
            "Write the owner's addresses outside of it (ltc1..., L..., M...)",
            "litecoin",
        ),
    ),
    (
        re.compile(r"[48]\w{94}(\w{11})?\Z", re.ASCII),
        Unseen(
            "is a Monero address: that chain hides who pays whom and how much, so no explorer "
            "can list it",
            "Leave it out",
            "monero",
        ),
    ),
)
# What people call chains of that kind -> the key.
_NAMES = {
    **dict.fromkeys(("monero", "xmr"), "monero"),
    **dict.fromkeys(("wownero", "wow"), "wownero"),
    **dict.fromkeys(("haven", "xhv"), "haven"),
    **dict.fromkeys(("mobilecoin", "mob"), "mobilecoin"),
    **dict.fromkeys(("oxen", "loki"), "oxen"),
    **{name: name for name in ("beam", "grin", "dero", "mimblewimblecoin")},
}


def by_form(address: str) -> Unseen | None:
    """Why an address can be watched by nobody; None: that is not known of its form."""
    return next((why for form, why in _BY_FORM if form.match(address)), None)


def by_name(chain: str) -> Unseen | None:
    """The same of a chain, by its name in small letters without signs."""
    if chain not in _NAMES:
        return None
    reason = "hides who pays whom and how much, so no explorer can list its addresses"
    return Unseen(reason, "Leave it out", _NAMES[chain])
