"""The other side of a bridge: which movement on the other chain a deposit became. Pure.

Sure is what has the same key in the logs of both transactions. Where the logs of the other side
cannot be had, or a bridge writes no key, the event names the recipient and amount and time have to
fit one movement alone. Without an event there are only guesses: leads, which nobody follows
without a yes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from monitor.analysis.trace.assets import Assets, amount_of, is_nft, key_of
from monitor.analysis.trace.reading import COUNTED, Reading
from monitor.analysis.trace.steps import Sent, Step
from monitor.model import Subject, Transfer
from monitor.model.flow import Turned
from monitor.model.plain import utc
from monitor.model.trace import USD_UNIT, Crossing, Lead, TracedAsset

Key = tuple[str, str, str]  # chain, tx, leg

WINDOW = 3600  # seconds in which value arrives, where nothing but amount and time says so
SLOW = 14 * 24 * 3600  # the same out of a rollup: a week at least, and somebody has to fetch it
LOOKED = 7 * 24 * 3600  # in which a transaction is looked at for the key
EARLY = 60  # clocks of chains differ ...
EARLY_LINKED = 600  # ... and a key says more than they do
LEAST, LEAST_SMALL = Fraction(95, 100), Fraction(90, 100)  # of what was sent; fees are flat
MOST = Fraction(102, 100)  # of what was exchanged on the way
SMALL = 100 * USD_UNIT
_STABLE = (USD_UNIT * 98 // 100, USD_UNIT * 102 // 100)
_EXCHANGES = ("THORChain", "deBridge")  # what comes out may be something else
_ROLLUPS = ("Arbitrum bridge", "Optimism bridge", "Polygon PoS bridge")


@dataclass(frozen=True, slots=True)
class Match:
    """A movement that is the other side. `sure`: the key says so."""

    row: Transfer
    rule: str
    sure: bool

    @property
    def key(self) -> Key:
        return (self.row.chain, self.row.tx, self.row.leg)


@dataclass(frozen=True, slots=True)
class Answer:
    """`ask`: a transaction of the recipient whose logs have to be seen first."""

    match: Match | None = None
    ask: str = ""


def other_side(sent: Sent, book: Reading, taken: Collection[Key]) -> Answer:
    """What a deposit became, by the rows of whom it names. `taken`: rows that are the other side
    of something else already."""
    to = sent.to
    if to is None or to not in book.tracked:
        return Answer()
    came = [row for row in _arrivals(to, book) if _key(row) not in taken]
    link = sent.crossing.link
    if link:
        linked = _linked(sent, to, came, book)
        if linked is not None:
            return Answer(linked)
    fitting = [row for row in came if _fits(row, sent, book.assets)]
    if link:
        for row in fitting:
            late = _time(row) - sent.step.time
            if -EARLY_LINKED <= late <= LOOKED and _place(row) not in book.known.anatomies:
                return Answer(ask=row.tx)
        fitting = [row for row in fitting if _unsaid(row, book)]
    window = SLOW if _leaves_rollup(sent) else WINDOW
    fitting = [row for row in fitting if -EARLY <= _time(row) - sent.step.time <= window]
    return Answer(_by_amount(sent, fitting[0], book)) if len(fitting) == 1 else Answer()


def _arrivals(to: Subject, book: Reading) -> list[Transfer]:
    """What came to it and carries value, in order of time."""
    rows = (row.transfer for row in book.known.rows(to).rows if row.status in COUNTED)
    found = [
        row
        for row in rows
        if row.recipient == to.address != row.sender
        and row.time is not None
        and amount_of(row)
        and not is_nft(key_of(row))
        and book.assets.carries(row.chain, key_of(row))
    ]
    return sorted(found, key=lambda row: (_time(row), row.tx, row.leg))


def _linked(sent: Sent, to: Subject, came: Sequence[Transfer], book: Reading) -> Match | None:
    for row in came:
        anatomy = book.known.anatomies.get(_place(row))
        if anatomy is None or _time(row) < sent.step.time - EARLY_LINKED:
            continue
        for release in anatomy.crossings:
            same = not release.deposit and release.link == sent.crossing.link
            if same and release.recipient in ("", to.address):
                paid = [other for other in came if _place(other) == _place(row)]
                return _by_link(sent, _paid(paid, release), book)
    return None


def _paid(rows: Sequence[Transfer], release: Crossing) -> Transfer:
    """Which of a transaction's movements the release is: what it says, else the largest of what
    came first."""

    def far(row: Transfer) -> tuple[bool, bool, int, str]:
        wrong = release.amount is not None and amount_of(row) != release.amount
        other = bool(release.token) and (row.contract or "") != release.token
        return (wrong, other, -amount_of(row), row.leg)

    return min(rows, key=far)


def _by_link(sent: Sent, row: Transfer, book: Reading) -> Match:
    bridge, chain = sent.crossing.bridge, book.known.chains[row.chain].name
    return Match(
        row,
        f"{bridge}: {row.tx} on {chain} paid it out. The same key stands in the logs of both "
        f"transactions: {sent.crossing.link}. {_times(sent, row, book)}",
        sure=True,
    )


def _times(sent: Sent, row: Transfer, book: Reading) -> str:
    here, there = (book.known.chains[chain].name for chain in (sent.step.chain, row.chain))
    return (
        f"It went in at {utc(sent.step.time)} by the clock of {here}, "
        f"and came out at {utc(_time(row))} by that of {there}."
    )


def _by_amount(sent: Sent, row: Transfer, book: Reading) -> Match:
    why = "the link was not checked" if sent.crossing.link else "the bridge writes no key to check"
    return Match(
        row,
        f"{sent.crossing.bridge}: the event names the recipient; amount and time fit "
        f"{row.tx} on {book.known.chains[row.chain].name} alone; {why}. "
        f"{_times(sent, row, book)}",
        sure=False,
    )


def _unsaid(row: Transfer, book: Reading) -> bool:
    """Whether nobody could tell its logs, though they were asked for."""
    anatomy = book.known.anatomies.get(_place(row))
    return anatomy is not None and not anatomy.source


def _leaves_rollup(sent: Sent) -> bool:
    return sent.crossing.bridge in _ROLLUPS and sent.crossing.domain == "1"


# --- whether amounts fit ------------------------------------------------------------------------


def _fits(row: Transfer, sent: Sent, assets: Assets) -> bool:
    if sent.crossing.expected is not None and amount_of(row) == sent.crossing.expected:
        return True
    asset, amount = _sent(sent, assets)
    if sent.crossing.bridge in _EXCHANGES:
        return _same_worth(row, asset, amount, sent.step.time, assets)
    return _share(row, asset, amount, sent.step.time, assets) is not None


def _same_worth(row: Transfer, asset: TracedAsset, amount: int, time: int, assets: Assets) -> bool:
    """Nearly: what was exchanged on the way cost something, and prices move meanwhile."""
    gave = assets.worth(asset.chain, asset.contract, amount, time)
    came = assets.worth(row.chain, key_of(row), amount_of(row), _time(row))
    if not gave or came is None:
        return False
    return LEAST_SMALL <= Fraction(came, gave) <= MOST


def _sent(sent: Sent, assets: Assets) -> tuple[TracedAsset, int]:
    """What went into the bridge: what the event says, or what the address gave."""
    step, crossing = sent.step, sent.crossing
    if crossing.token and crossing.amount and assets.carries(step.chain, crossing.token):
        return assets.of(step.chain, crossing.token), crossing.amount
    if isinstance(step.flow, Turned) and step.got is not None and step.got_amount:
        return step.got, step.got_amount
    return step.asset, step.amount


def _share(
    row: Transfer, asset: TracedAsset, amount: int, time: int, assets: Assets
) -> Fraction | None:
    """How much of what was sent came, where it is the same kind of money and not too little."""
    came = assets.of(row.chain, key_of(row))
    if asset.decimals is None or came.decimals is None or not amount:
        return None
    if not _same_kind(asset, came, time, assets):
        return None
    share = Fraction(amount_of(row) * 10**asset.decimals, amount * 10**came.decimals)
    worth = assets.worth(asset.chain, asset.contract, amount, time)
    least = LEAST_SMALL if worth is not None and worth < SMALL else LEAST
    return share if least <= share <= 1 else None


def _same_kind(one: TracedAsset, other: TracedAsset, time: int, assets: Assets) -> bool:
    """The same symbol, a wrapped coin being the coin, or a dollar each."""
    if not (one.verified and other.verified):
        return False
    if _symbol(one, assets) == _symbol(other, assets):
        return True
    return _dollar(one, time, assets) and _dollar(other, time, assets)


def _symbol(asset: TracedAsset, assets: Assets) -> str:
    """ "USDC.e" is USDC, and the wrapped coin the coin."""
    if assets.wrapped(asset):
        asset = assets.of(asset.chain, "")
    return asset.symbol.upper().partition(".")[0]


def _dollar(asset: TracedAsset, time: int, assets: Assets) -> bool:
    if asset.decimals is None:
        return False
    worth = assets.worth(asset.chain, asset.contract, 10**asset.decimals, time)
    return worth is not None and _STABLE[0] <= worth <= _STABLE[1]


# --- guesses ------------------------------------------------------------------------------------


def lead(step: Step, book: Reading) -> Lead | None:
    """Where what went to a bridge that wrote nothing may have come out: at the same address of
    another chain that is read, where one movement alone fits best."""
    found = sorted(_guesses(step, book), key=lambda guess: (-guess[0], _key(guess[1])))
    if not found or (len(found) > 1 and found[0][0] == found[1][0]):
        return None
    closeness, row = found[0]
    late = _time(row) - step.time
    return Lead(
        step.tx,
        Subject(row.chain, row.recipient or ""),
        f"A guess: {late} seconds after {step.tx} on {step.chain} went to a bridge, {row.tx} "
        f"brought nearly as much to the same address on {row.chain} "
        f"(score {float(closeness / len(found)):.2f}, of {len(found)} that fit). "
        "It is followed only if a person says so.",
    )


def _guesses(step: Step, book: Reading) -> Iterator[tuple[Fraction, Transfer]]:
    """With how near amount and time are, from 0 to 1."""
    if step.sender is None:
        return
    for chain in sorted(book.known.chains):
        subject = Subject(chain, step.sender.address)
        if chain == step.chain or subject not in book.tracked:
            continue
        for row in _arrivals(subject, book):
            late = _time(row) - step.time
            share = _share(row, step.asset, step.amount, step.time, book.assets)
            if 0 <= late <= WINDOW and share is not None:
                yield share * (1 - Fraction(late, 2 * WINDOW)), row


def _time(row: Transfer) -> int:
    return row.time or 0


def _key(row: Transfer) -> Key:
    return (row.chain, row.tx, row.leg)


def _place(row: Transfer) -> tuple[str, str]:
    return (row.chain, row.tx)
