"""What a published address comes to: its chain, its canonical form, or by which rule it is refused.

The encoding decides; what the publisher says of coin and chain only chooses among what it leaves
open. Nothing is put right in silence. Pure.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from monitor.chains import keys
from monitor.chains.family import AddressError
from monitor.chains.table import family_of
from monitor.chains.which import Fits, Which
from monitor.model import Chain
from monitor.model.lists import ALL, LONGEST, Judged, Published, Row
from monitor.model.plain import quoted
from monitor.watchlist.imports import wrecks
from monitor.watchlist.imports.poison import Poison
from monitor.watchlist.imports.publisher import NOTHING_SAID, Publisher, Said

_ETHEREUM = "ethereum"  # read for every account of its kind
# Older addresses of the second are the first's own: one key, two ways to write it.
_BITCOIN, _CASH = "bitcoin", "bitcoin-cash"
_INVISIBLE = frozenset({"Cf", "Cc", "Cs"})
_TICKER = 40  # characters of it that are shown
_KEPT = 1000  # different words on accounts
_Placed = tuple[str | Judged, str, tuple[str, ...]]


@dataclass(frozen=True)
class Judge:
    """For one list. `wanted`: its `chains` (model.lists.ListConfig)."""

    chains: Mapping[str, Chain]
    wanted: str | tuple[str, ...]
    poison: Poison
    _which: Which = field(init=False, repr=False)
    _publisher: Publisher = field(init=False, repr=False)
    _accounts: dict[tuple[bool, Fits, Said], _Placed] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        symbols = frozenset(asset.symbol for asset in self.poison.assets.values())
        object.__setattr__(self, "_which", Which(self.chains))
        object.__setattr__(self, "_publisher", Publisher(self.chains, symbols))

    def row(self, published: Published) -> Row:
        """Both together. A private key is kept by nobody: what is published of it is hidden."""
        judged = self.judge(published)
        if judged.rule == wrecks.PRIVATE:
            published = replace(published, address=keys.shown(published.address, LONGEST))
        return Row(published, judged)

    def judge(self, row: Published) -> Judged:
        """Never raises: what cannot be read is refused, with a rule and a reason."""
        if row.fault:
            return Judged(rule="unreadable", reason=f"{row.fault[0]}. {row.fault[1]}")
        said = self._publisher.said(row.network, row.ticker)
        text, warning = _tidied(row.address)
        fits = self._which.fits(text)
        if not fits.shared and not fits.all:  # of a long list nearly all are accounts
            if " " in text:
                text, fits, warning = self._joined(text)
            if not fits.all:
                return self._wreck(text, said)
        found = self._judged(text, fits, said)
        return replace(found, warning=_and(warning, found.warning)) if warning else found

    # -- what it is ---------------------------------------------------------------------------

    def _joined(self, text: str) -> tuple[str, Fits, str]:
        """A text that spaces have split, as one, where a checksum holds for the whole."""
        whole = "".join(text.split())
        fits = self._which.fits(whole)
        letters = whole[2:] if fits.shared else ""
        if fits.shared and letters in (letters.lower(), letters.upper()):
            fits = Fits()
        if not fits.all:
            return text, fits, ""
        return whole, fits, "it was published with a space inside, and its checksum fits"

    def _wreck(self, text: str, said: Said) -> Judged:
        why = wrecks.of(text, said, self.chains)
        reason = f"{why.reason}. {why.remedy}" if why.remedy else why.reason
        return Judged(why.chain or None, rule=why.rule, reason=reason)

    def _judged(self, text: str, fits: Fits, said: Said) -> Judged:
        own, warning, chains = self._placed(text, fits, said)
        if isinstance(own, Judged):
            return own
        key = chains[0] if chains else own
        chain = self.chains[key]
        try:
            address = family_of(chain).canonical(chain, _hexed(text, fits))
        except AddressError:
            return self._wreck(text, said)
        sink = self.poison.rule(chain, address)
        if sink is not None:
            return Judged(key, chains or (own,), address, sink.rule, sink.reason)
        if not chains:
            reason = f"is of {chain.name}, which  chains:  of the list leaves out"
            return Judged(own, (own,), address, "chain not chosen", reason)
        warning = _and(warning, self.poison.warning(address))
        twin = None if fits.shared else self._twin(chains, address)
        return Judged(key, chains, address, warning=warning, twin=twin)

    def _twin(self, chains: tuple[str, ...], address: str) -> str | None:
        """How another of these chains writes it, where that is another way."""
        others = (family_of(self.chains[k]).canonical(self.chains[k], address) for k in chains[1:])
        return next((each for each in others if each != address), None)

    def _placed(self, text: str, fits: Fits, said: Said) -> _Placed:
        """(the chain that it is of, or why there is none; what to warn of; where it is watched)."""
        if not fits.shared:
            return self._place(text, fits, said)
        alike = (_is_bare(text), fits, said)  # nothing else of an account says where
        found = self._accounts.get(alike)
        if found is None:
            found = self._place(text, fits, said)
            if len(self._accounts) < _KEPT:
                self._accounts[alike] = found
        return found

    def _place(self, text: str, fits: Fits, said: Said) -> _Placed:
        own, warning = self._own(text, fits, said)
        return own, warning, () if isinstance(own, Judged) else self._wanted(own, fits, said)

    def _own(self, text: str, fits: Fits, said: Said) -> tuple[str | Judged, str]:
        """(the chain that it is of, or why there is none; what to warn of)."""
        if fits.shared:
            return self._account(text, fits, said)
        real = fits.own or fits.older
        named = [key for key in said.keys if key in fits.all and (key != _CASH or key in real)]
        named = named or ([] if real else [key for key in fits.tests if key in self.wanted])
        if named:
            return named[0], ""
        if not real:
            return _of_tests(fits), ""
        if fits.common and said.other and said.other.parted not in real:
            reason = f"was published for {said.other.name}, which is not covered"
            return Judged(said.other.key, rule="chain not covered", reason=reason), ""
        if len(real) > 1:
            fit = ", ".join(self.chains[key].name for key in real)
            reason = f"fits several chains ({fit}), and nothing says which is meant"
            return Judged(rule="several chains", reason=reason), ""
        return real[0], self._contradiction(real[0], text, fits, said)

    def _account(self, text: str, fits: Fits, said: Said) -> tuple[str, str]:
        """Of Ethereum's kind: one key holds it on every such chain."""
        bare = _is_bare(text)
        trons = [key for key in said.keys if key in fits.older]
        if bare and trons:
            return trons[0], "it was published in hex, as programs of Tron write it"
        named = [key for key in said.keys if key in (*fits.shared, *fits.tests)]
        own = named[0] if named else self._plain_account(fits)
        warning = "" if named else self._contradiction(own, text, fits, said)
        if bare:
            warning = _and(warning, "it was published without 0x at its start")
        return own, warning

    def _plain_account(self, fits: Fits) -> str:
        return _ETHEREUM if _ETHEREUM in fits.shared else fits.shared[0]

    def _contradiction(self, own: str, text: str, fits: Fits, said: Said) -> str:
        """A word on a publisher who says something else than the encoding."""
        if said is NOTHING_SAID:
            return ""
        name, words = self.chains[own].name, quoted(said.words, _TICKER)
        if said.other is not None and said.other.parted == own:
            other = said.other.name
            return f"it was published for {other}, which is not read; its key holds {name} too"
        if own == _BITCOIN and _CASH in said.keys and _CASH in fits.older:
            cash = self.chains[_CASH]
            other = family_of(cash).canonical(cash, text)
            return (
                f"it was published for {cash.name} and is written as {name} writes addresses: "
                f"both are its key's, on {cash.name} as {other}"
            )
        if (
            said.other is not None
            or said.hidden is not None
            or (said.keys and own not in said.keys)
        ):
            return f"it was published as {words}; by its form it is of {name}"
        if said.words and not said.keys:
            return f"it was published as {words}, which is no chain known here"
        if said.token and not family_of(self.chains[own]).zero:
            token = quoted(said.token, _TICKER)
            return f"it was published for {token}: tokens on {name} are not read, only its coins"
        return ""

    # -- where it is watched ------------------------------------------------------------------

    def _wanted(self, own: str, fits: Fits, said: Said) -> tuple[str, ...]:
        """On which chains, its own first; none: the list chose others."""
        found = [own]
        if own == _BITCOIN and _CASH in fits.older:
            found += [key for key in said.keys if key == _CASH]
        if own in fits.shared:
            found += [key for key in said.keys if key in fits.shared]
            found.append(self._plain_account(fits))
            if self.wanted == ALL:
                found += [key for key in fits.shared if self.chains[key].sources]
        if isinstance(self.wanted, str):
            return tuple(dict.fromkeys(found))
        possible = [*found, *fits.shared, *fits.tests] if fits.shared else found
        chosen = [key for key in dict.fromkeys(possible) if key in self.wanted]
        others = () if fits.shared else (*fits.own, *fits.older)
        return tuple(chosen or [key for key in self.wanted if key in others])


def _of_tests(fits: Fits) -> Judged:
    reason = f"belongs to a test network ({', '.join(fits.tests)})"
    return Judged(fits.tests[0], rule="test network", reason=reason)


def _tidied(text: str) -> tuple[str, str]:
    """(the text without what nobody sees, a word on it)."""
    if text.isascii() and text.isprintable():
        return text.strip(), ""
    seen = "".join(c for c in text if unicodedata.category(c) not in _INVISIBLE)
    lost = len(text.strip()) - len(seen.strip())
    plain = " ".join(seen.split())
    return plain, "it was published with characters in it that nobody sees" if lost else ""


def _hexed(text: str, fits: Fits) -> str:
    return f"0x{text}" if fits.shared and _is_bare(text) else text


def _is_bare(text: str) -> bool:
    """Of the digits of an account: without what tells that they are hex."""
    return text[:2].lower() != "0x"


def _and(one: str, other: str) -> str:
    return f"{one}; {other}" if one and other else one or other
