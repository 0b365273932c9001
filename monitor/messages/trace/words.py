"""How a trace is said to people: methods, states and reasons in words, figures as a range or by the
method that a person chose. A figure by a method is "traced by METHOD", and nothing more is claimed
of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from monitor.chains.address import display
from monitor.model import Chain, Subject
from monitor.model.flow import CONSERVING, METHOD_SAID
from monitor.model.plain import (
    amount_said,
    amount_short,
    case_said,
    clean,
    plural,
    quoted,
    tidy,
    unverified,
    utc,
)
from monitor.model.trace import (
    NFT_PARTS,
    USD_UNIT,
    ByMethod,
    Name,
    Node,
    State,
    Stop,
    Sum,
    TracedAsset,
)

METHOD = METHOD_SAID
RULE = {
    "poison": "everything after the first traced receipt is marked: it tells what can be reached, "
    "and never how much",
    "tainted_first": "what is traced is taken to leave first",
    "haircut": "every payment is taken to carry the same share of what is traced",
    "fifo": "what came first is taken to leave first",
    "lifo": "what came last is taken to leave first",
    "libr": "what is not traced is taken to leave first (lowest intermediate balance)",
}
STATE = {
    State.SOURCE: "watched",
    State.QUEUED: "to be read",
    State.FOLLOWED: "followed",
    State.WAITING: "waits for a person",
    State.PARKED: "rests, still watched",
    State.STOPPED: "ends here",
}
REASON = {
    "exchange": "an exchange",
    "mixer": "a mixer",
    "bridge": "a bridge, and its other side is not found",
    "dex": "a place where tokens are swapped",
    "service": "a service, where many people's funds are one",
    "issuer": "the issuer of a token",
    "contract": "a contract that acts for nobody in particular",
    "deposit_address": "a deposit address of an exchange",
    "burn": "destroyed",
    "below_value": "less than is followed (min_usd)",
    "below_share": "a smaller share than is followed (min_share)",
    "hops": "the limit of hops is reached",
    "addresses": "the limit of addresses is reached",
    "calls": "the calls for it ran out",
    "person": "a person ended it",
    "no_outflow": "it was ended before anything had left",
    "nft": "what was paid for an NFT",
    "unpriced": "nobody says what it is worth",
    "incomplete": "it cannot be read",
}


@dataclass(frozen=True, slots=True)
class Page:
    """Where words are shown: how wide, how chains write addresses, and with which method first
    (empty: none is chosen)."""

    columns: int = 100
    chains: Mapping[str, Chain] = field(default_factory=dict)
    method: str = ""

    def address(self, subject: Subject) -> str:
        """In full, as its chain writes it; no address where it is none ("txid:n")."""
        chain = self.chains.get(subject.chain)
        return display(chain, subject.address) if chain else subject.address

    def chain(self, key: str) -> str:
        return tidy(self.chains[key].name if key in self.chains else key, 40)

    def place(self, subject: Subject) -> str:
        return f"{self.address(subject)} on {self.chain(subject.chain)}"


# --- assets and amounts -----------------------------------------------------------------------


def asset_said(asset: TracedAsset) -> str:
    """Its symbol where it is verified; else a claim of its contract, in quotes."""
    contract, _, number = asset.contract.partition("#")
    if number:
        name = tidy(asset.symbol, 32) if asset.verified else unverified("NFT", asset.symbol)
        return f"{name} number {clean(number, 80)} of {contract}"
    return tidy(asset.symbol, 32) if asset.verified else unverified("token", asset.symbol)


def by_rule(method: str, asset: TracedAsset, units: int) -> str:
    """A figure by a method, to the last unit; what can be reached is "yes" or "no", for it is no
    amount: of several sources each would count all of it."""
    if method == "poison":
        return "yes" if units else "no"
    return bare(asset, units)


def short(asset: TracedAsset, units: int) -> str:
    """As a person says it: "about 53,333.33 USDT"."""
    return f"{amount_said(units, _decimals(asset))} {asset_said(asset)}"


def exact(asset: TracedAsset, units: int) -> str:
    """To the last unit: "53,333.333334 USDT"."""
    return f"{bare(asset, units)} {asset_said(asset)}"


def bare(asset: TracedAsset, units: int) -> str:
    return amount_short(units, _decimals(asset))


def _decimals(asset: TracedAsset) -> int | None:
    if "#" in asset.contract:
        return len(str(NFT_PARTS)) - 1
    return asset.decimals if asset.verified or not asset.contract else None


def cents(millionths: int) -> str:
    """Dollars to the cent; what is less is not shown as nothing."""
    if 0 < millionths < USD_UNIT // 100:
        return "less than 0.01"
    rounded = (millionths + 5_000) // 10_000
    return f"{rounded // 100:,}.{rounded % 100:02d}"


def dollars(millionths: int) -> str:
    return f"{cents(millionths)} USD"


def span(figures: ByMethod) -> tuple[int, int]:
    """The lowest and the highest figure of the methods that conserve."""
    found = [figures[method] for method in CONSERVING if method in figures]
    return (min(found), max(found)) if found else (0, 0)


# Beside a lowest and a highest figure: why there are two.
COUNTED = "depending on how mixed money is counted"


def ranged(figures: ByMethod, page: Page, say: Callable[[int], str], unit: str) -> str:
    """By the method that was chosen, with what others come to; without one a range:
    "between 0 and 85,000 USDT, depending on how mixed money is counted"."""
    low, high = span(figures)
    if low == high:
        return f"{say(low)} {unit}"
    between = f"between {say(low)} and {say(high)}"
    if page.method in figures:
        mine = f"{say(figures[page.method])} {unit} traced by {METHOD[page.method]}"
        return f"{mine} ({between}, {COUNTED})"
    return f"{between} {unit}, {COUNTED}"


def sum_said(each: Sum, page: Page) -> str:
    return ranged(each.amount, page, _rounded(each.asset), asset_said(each.asset))


def sum_short(each: Sum, page: Page) -> str:
    """Where it is said beside it that figures are the lowest and highest by method, or by which
    method: "0 to 85,000 USDT", "85,000 USDT (0 to 85,000)"."""
    return _short(each.amount, page, _rounded(each.asset), asset_said(each.asset))


def _short(figures: ByMethod, page: Page, say: Callable[[int], str], unit: str) -> str:
    low, high = span(figures)
    if low == high:
        return f"{say(low)} {unit}"
    if page.method in figures:
        return f"{say(figures[page.method])} {unit} ({say(low)} to {say(high)})"
    return f"{say(low)} to {say(high)} {unit}"


def _rounded(asset: TracedAsset) -> Callable[[int], str]:
    return lambda units: amount_said(units, _decimals(asset))


def usd_said(figures: ByMethod, page: Page) -> str:
    return ranged(figures, page, cents, "USD")


def worth_said(each: Sum, page: Page) -> str:
    """Beside `sum_said`: what it is worth by the newest price on record, else by what it was when
    it left."""
    if each.newest_usd is not None:
        when = f", price of {each.newest_day}" if each.newest_day else ""
        return f"worth {_short(each.newest_usd, page, cents, 'USD')}{when}"
    if each.usd is not None:
        return f"worth {_short(each.usd, page, cents, 'USD')}, when it left"
    return "no price is known"


def minute(at: int | None) -> str:
    """ "2026-11-22 09:14 UTC"."""
    whole = utc(at)
    return f"{whole[:16]} UTC" if at is not None and len(whole) > 16 else whole


def is_any(each: Sum) -> bool:
    """Whether any method that conserves traces some of it."""
    return span(each.amount)[1] > 0


# --- addresses --------------------------------------------------------------------------------


def name_said(name: Name) -> str:
    """What somebody calls it and who: a claim, never a fact."""
    parts = [tidy(name.source, 60), tidy(name.date, 20)]
    sure = f"confidence {name.confidence}" if name.confidence else ""
    by = ", ".join(part for part in (*parts, sure) if part)
    return f"{quoted(name.name, 60)}{f' ({by})' if by else ''}"


def names_said(node: Node) -> str:
    """All of them side by side; where nobody confirmed what they say, that is said first."""
    said = " and ".join(name_said(name) for name in node.names)
    if said and node.stop is not None and not node.stop.confirmed:
        return f"named as {said}, not confirmed"
    return f"named as {said}" if said else ""


def state_said(node: Node) -> str:
    """ "ends here: an exchange"."""
    if node.stop is None:
        return STATE[node.state]
    return f"{STATE[node.state]}: {reason_said(node.stop, node.exchange)}"


def reason_said(stop: Stop, exchange: str = "") -> str:
    said = REASON.get(stop.reason, tidy(stop.reason, 40))
    of = f" ({tidy(exchange, 60)})" if exchange else ""
    return f"{said}{of}{'' if stop.confirmed else ', not confirmed'}"


def detail_said(node: Node) -> str:
    """Why it ends there, where its names do not say that already."""
    detail = tidy(node.stop.detail, 400) if node.stop is not None else ""
    named = detail.removeprefix("named as ")
    return "" if any(named.startswith(tidy(name.name, 60)) for name in node.names) else detail


def read_said(node: Node) -> str:
    """How far it was read; empty of what was not meant to be read."""
    if not node.complete:
        why = "; ".join(tidy(each, 200) for each in node.unread) or "no reason is recorded"
        return f"not completely read ({why}): its figures are bounds"
    return f"read up to {utc(node.covered_to)}" if node.covered_to is not None else ""


def answer(case: str, kind: str, about: int) -> str:
    """The command that answers a question, by its kind."""
    said, by = case_said(case), "--by NAME --note TEXT"
    if kind == "ask_after":
        return f"fundwatch trace approve {said} --next {about} {by}"
    if kind == "limit":
        return f"fundwatch trace limit {said} LIMIT NUMBER {by}"
    if kind == "low_confidence":
        return f"fundwatch trace label ADDRESS --name TEXT --category WORD {by}"
    return f"fundwatch trace approve {said} ADDRESS {by}"


def counted(count: int, word: str, many: str = "") -> str:
    """ "1 address", "3 addresses"."""
    return f"{count:,} {many}" if many and count != 1 else plural(count, word)


def largest(sums: Sequence[Sum]) -> int:
    """USD millionths by the highest method, of what has a price: by this places are ordered."""
    return sum(span(each.newest_usd or each.usd or {})[1] for each in sums)
