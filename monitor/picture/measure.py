"""Sums of a trace, by method, and how they are said: in its one asset, in USD where all of it is
priced, else by asset with widths as shares of what left the sources."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from monitor.model.flow import CONSERVING
from monitor.model.plain import MAX_DECIMALS, amount_said, amount_short, clean, tidy
from monitor.model.trace import NFT_PARTS, ByMethod, Edge, Sum, Trace, TracedAsset

Book = tuple[str, str]  # chain and contract: what is added up together
Say = Callable[[int, int | None], str]
USD_DECIMALS = 6


@dataclass(slots=True)
class Tally:
    """What was added up, by asset and in USD."""

    assets: dict[Book, TracedAsset] = field(default_factory=dict)
    amounts: dict[Book, dict[str, int]] = field(default_factory=dict)
    usd: dict[str, int] = field(default_factory=dict)

    def add(self, asset: TracedAsset, by: ByMethod, usd: ByMethod | None, sign: int = 1) -> None:
        book = (asset.chain, asset.contract)
        self.assets.setdefault(book, asset)
        _add(self.amounts.setdefault(book, {}), by, sign)
        _add(self.usd, usd or {}, sign)

    def add_sums(self, sums: Iterable[Sum]) -> Tally:
        for each in sums:
            self.add(each.asset, each.amount, each.usd)
        return self

    def only(self, book: Book) -> Tally:
        """One asset of it."""
        if book not in self.amounts:
            return Tally()
        return Tally({book: self.assets[book]}, {book: dict(self.amounts[book])})

    def join(self, other: Tally, sign: int = 1) -> Tally:
        for book, by in other.amounts.items():
            self.assets.setdefault(book, other.assets[book])
            _add(self.amounts.setdefault(book, {}), by, sign)
        _add(self.usd, other.usd, sign)
        return self


def _add(into: dict[str, int], by: Mapping[str, int], sign: int) -> None:
    for method, units in by.items():
        into[method] = into.get(method, 0) + sign * units


@dataclass(frozen=True, slots=True)
class Measure:
    """`methods`: those that count; one where a person has chosen. `unit`: the one asset of the
    trace, or "usd", or "share"."""

    methods: tuple[str, ...]
    unit: TracedAsset | str
    weights: Mapping[Book, Fraction]  # of a base unit, where it is measured in shares

    def span(self, by: ByMethod) -> tuple[int, int]:
        figures = [by.get(method, 0) for method in self.methods]
        return min(figures), max(figures)

    def width(self, tally: Tally) -> tuple[float, float]:
        """The lowest and the highest figure by method, in the picture's one measure."""
        each = [self._width(tally, method) for method in self.methods]
        return float(min(each)), float(max(each))

    def _width(self, tally: Tally, method: str) -> Fraction:
        if self.unit == "usd":
            return Fraction(tally.usd.get(method, 0))
        amounts = tally.amounts.items()
        units = (by.get(method, 0) * self.weights.get(book, 0) for book, by in amounts)
        return Fraction(sum(units))

    def is_nothing(self, tally: Tally) -> bool:
        """By every method that counts; in any asset."""
        return not any(by.get(m) for by in tally.amounts.values() for m in self.methods)

    def is_zero(self, tally: Tally) -> bool:
        """As `is_nothing`, in the unit that is shown."""
        if self.unit == "usd":
            return self.span(tally.usd) == (0, 0)
        return self.is_nothing(tally)

    def of_one(self, asset: TracedAsset) -> Measure:
        """The measure of one asset."""
        return Measure(self.methods, asset, {(asset.chain, asset.contract): Fraction(1)})

    def by_asset(self) -> Measure:
        """The same with a figure for each asset."""
        return Measure(self.methods, "share", self.weights)

    def ranked(self, *tallies: Tally) -> list[Book]:
        """Assets of which there is anything, the largest first."""
        largest: dict[Book, Fraction] = {}
        for tally in tallies:
            for book, by in tally.amounts.items():
                most = max((abs(by.get(m, 0)) for m in self.methods), default=0)
                size = most * self.weights.get(book, Fraction(0))
                if most:
                    largest[book] = max(largest.get(book, Fraction(0)), size)
        return sorted(largest, key=lambda book: (-largest[book], book))

    def exact(self, tally: Tally) -> tuple[str, ...]:
        """To the last unit: one figure, or one for each asset."""
        return self._lines(tally, exactly)

    def short(self, tally: Tally) -> tuple[str, ...]:
        """As `exact`, as people read it."""
        return self._lines(tally, shortly)

    def _lines(self, tally: Tally, say: Say) -> tuple[str, ...]:
        if self.unit == "usd":
            return (said(self.span(tally.usd), USD_DECIMALS, "USD", say),)
        nothing = "0" if isinstance(self.unit, str) else f"0 {symbol(self.unit)}"
        return tuple(self._line(tally, book, say) for book in self.ranked(tally)) or (nothing,)

    def _line(self, tally: Tally, book: Book, say: Say) -> str:
        asset, span = tally.assets[book], self.span(tally.amounts[book])
        return said(span, decimals(asset), symbol(asset), say)


def said(span: tuple[int, int], places: int | None, name: str, say: Say) -> str:
    """ "1,200 USDT", "1,200 to 3,400 USDT"."""
    low, high = (say(units, places) for units in span)
    return f"{low} {name}" if low == high else f"{low} to {high} {name}"


def exactly(units: int, places: int | None) -> str:
    """Without zeros at the end, but for cents: "1,200", "12.50"."""
    text = amount_short(units, places)
    return f"{text}0" if text[-2:-1] == "." else text


def shortly(units: int, places: int | None) -> str:
    sign, text = "-" * (units < 0), amount_said(abs(units), places)
    text = text.replace("about ", "≈ ").replace("less than ", "< ")
    return sign + (f"{text}0" if text[-2:-1] == "." else text)


def symbol(asset: TracedAsset) -> str:
    """A verified name; of others in quotes what the contract calls itself."""
    claimed = clean(asset.symbol, 12)
    unknown = f'"{claimed}"' if claimed else "of an unverified token"
    name = tidy(asset.symbol, 16) if asset.verified else unknown
    piece = asset.contract.partition("#")[2]
    return f"of NFT {name} #{clean(piece, 12)}" if piece else name


def decimals(asset: TracedAsset) -> int | None:
    """None: whole base units, as everywhere of a token whose own word is all that there is."""
    if "#" in asset.contract:
        return len(str(NFT_PARTS)) - 1
    if asset.contract and not asset.verified:
        return None
    known = asset.decimals is not None and 0 <= asset.decimals <= MAX_DECIMALS
    return asset.decimals if known else None


def measure_of(trace: Trace) -> Measure:
    methods = (trace.method,) if trace.method else CONSERVING
    sums = [s for node in trace.nodes for s in (*node.received, *node.left, *node.holds)]
    sums += [edge.got for edge in trace.edges if edge.got]
    assets = {(s.asset.chain, s.asset.contract): s.asset for s in sums}
    assets |= {(e.asset.chain, e.asset.contract): e.asset for e in trace.edges}
    if len(assets) == 1:
        (book,) = assets
        return Measure(methods, assets[book], {book: Fraction(1)})
    priced = all(s.usd is not None for s in sums) and all(e.usd is not None for e in trace.edges)
    return Measure(methods, "usd" if priced and sums else "share", _weights(trace, methods))


def _weights(trace: Trace, methods: tuple[str, ...]) -> Mapping[Book, Fraction]:
    """What a base unit of each asset is: of what left the sources in it; of an asset that only
    conversions brought, of what was given for it."""
    by = methods[0] if len(methods) == 1 else "haircut"
    gone: dict[Book, int] = {}
    verified = any(each.asset.verified for n in trace.nodes if n.hop == 0 for each in n.left)
    sources = {node.subject for node in trace.nodes if node.hop == 0}
    for node in trace.nodes:
        for each in node.left if node.subject in sources else ():
            if verified and not each.asset.verified and each.asset.contract:
                continue  # a token of nobody's word is no wider than its line
            book = (each.asset.chain, each.asset.contract)
            gone[book] = gone.get(book, 0) + each.amount.get(by, 0)
    weights = {book: Fraction(1, units) for book, units in gone.items() if units > 0}
    for edge in trace.edges:
        _weigh(edge, by, weights)
    return weights


def _weigh(edge: Edge, by: str, weights: dict[Book, Fraction]) -> None:
    if edge.got is None:
        return
    book, paid = (edge.got.asset.chain, edge.got.asset.contract), edge.traced.get(by, 0)
    given, units = weights.get((edge.asset.chain, edge.asset.contract)), edge.got.amount.get(by, 0)
    if given and paid and units and book not in weights:
        weights[book] = given * paid / units
