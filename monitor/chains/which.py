"""Which chains of a table an address may be of, by its encoding alone: as `names.from_encoding`,
for lists of a million. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from monitor.chains import scripts
from monitor.chains.family import Form
from monitor.chains.names import is_test
from monitor.chains.table import family_of
from monitor.model import Chain

_HEX = re.compile(r"(?:0[xX])?[0-9a-fA-F]{40}\Z")
_LONG_HEX = re.compile(r"(?:0x)?41[0-9a-fA-F]{40}\Z")  # Tron's, as its programs pass it on
_TEX = "tex"  # Zcash's other name for a key's hash
_LONGEST, _BASE58_MOST = 90, 40  # characters: of bech32, of base58 addresses


class Fits(NamedTuple):
    """Chains whose addresses a text may be, in the order of their table. `own`: written as the
    chain's own programs do; `older`: another spelling; `tests`: of test networks; `shared`: those
    of Ethereum's kind, which have the same accounts. `common`: many chains that are none of the
    table write theirs so too, as those of base58 of Bitcoin's kind."""

    own: tuple[str, ...] = ()
    older: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()
    common: bool = False

    @property
    def all(self) -> tuple[str, ...]:
        return self.own + self.older + self.tests + self.shared


class Which:
    """Of one table of chains."""

    def __init__(self, chains: Mapping[str, Chain]) -> None:
        self._chains = chains
        shared = [k for k, c in chains.items() if c.family == "evm"]
        tests = {k for k, c in chains.items() if is_test(c)}
        self._tests = tests
        self._evm = Fits(
            older=tuple(k for k, c in chains.items() if c.family == "tron" and k not in tests),
            tests=tuple(k for k in shared if k in tests),
            shared=tuple(k for k in shared if k not in tests),
        )
        self._hex = self._fits({k: Form.LEGACY for k, c in chains.items() if c.family == "tron"})
        # A row that tells no versions takes those of others.
        self._loose = [k for k, c in chains.items() if c.family == "utxo" and not c.base58]
        self._words: dict[str, list[str]] = {}
        for key, chain in chains.items():
            if chain.bech32:
                self._words.setdefault(chain.bech32, []).append(key)
        self._words[_TEX] = [k for k, c in chains.items() if c.family == "utxo"]
        self._cash = [key for key, chain in chains.items() if chain.cashaddr]
        self._by_version: dict[bytes, Fits] = {}

    def fits(self, text: str) -> Fits:
        """The checksum of letters of Ethereum's kind is not looked at here."""
        if text.isdigit():  # a number, and no more likely an account than seven in a billion
            return Fits()
        if _HEX.match(text):
            return self._evm
        if _LONG_HEX.match(text):
            return self._hex
        decoded = scripts.of_base58(text) if len(text) <= _BASE58_MOST else None
        if decoded is not None:
            return self._of_version(decoded.version, text)
        word = text[:_LONGEST].lower().rpartition("1")[0]
        if word in self._words:
            return self._asked(text, [*self._words[word], *self._loose])
        if ":" in text or len(text) > _BASE58_MOST:
            return self._asked(text, [*self._cash, *self._loose])
        return Fits()

    def _of_version(self, version: bytes, text: str) -> Fits:
        if version not in self._by_version:
            found = self._asked(text, list(self._chains))
            common = any(self._chains[key].family == "utxo" for key in found.all)
            self._by_version[version] = found._replace(common=common)
        return self._by_version[version]

    def _asked(self, text: str, keys: Sequence[str]) -> Fits:
        chains = {key: self._chains[key] for key in keys}
        return self._fits({key: family_of(c).form(c, text) for key, c in chains.items()})

    def _fits(self, forms: Mapping[str, Form]) -> Fits:
        real = {k: form for k, form in forms.items() if k not in self._tests}
        return Fits(
            own=tuple(k for k, form in real.items() if form is Form.PREFERRED),
            older=tuple(k for k, form in real.items() if form is Form.LEGACY),
            tests=tuple(
                k for k, form in forms.items() if k in self._tests and form is not Form.FOREIGN
            ),
        )
