"""Many alerts of one entry, and payments worth next to nothing: who shares a message.

Nothing is left out and nothing is made quiet by it: an alert waits for minutes at most, has
its line in the message that it shares, and machines are told at once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from monitor.decide.worth import of
from monitor.messages.objects import MAX_ALERTS
from monitor.messages.sheets.parts import trusted
from monitor.model import AlertKind, AlertView, ChannelConfig, Direction, TransferView
from monitor.model.errors import StoreError
from monitor.store import owing
from monitor.store.owing import Owed, Unsent
from monitor.store.port import Store
from monitor.store.views import Views

log = logging.getLogger("fundwatch.outbox")

MANY = 20  # messages about one entry in WINDOW; further alerts of it share one
MOST = 1000  # alerts in one message
LOOK_AT = 500  # alerts looked at in one go
WINDOW = 600  # seconds: for MANY, and between two messages about next to nothing
PAUSE = 60  # seconds between two messages that a crowd shares
PASS = 120  # seconds for which a crowd waits for the end of the reading that brings it
# Worth next to nothing: below a dollar, or without a price so few coins that no coin known
# makes a dollar of them.
DUST_USD, DUST_COINS = Decimal(1), Decimal("0.00001")
CENT = Decimal("0.01")  # of what is a dollar by its name
_SHARING = frozenset({"alone", "prompt", "group", "dust"})
_PAID = frozenset({AlertKind.MOVEMENT, AlertKind.LATE})


@dataclass(frozen=True)
class Crowds:
    """Sorts what is owed to people. `judged`: alerts known not to be dust, kept between
    rounds, so that none is looked at twice. `meanwhile` is called between the parts of what
    takes long."""

    store: Store
    views: Views
    people: Mapping[str, ChannelConfig]  # channels that are not machines
    now: int
    everything: bool  # do not wait for more of a crowd to come
    judged: set[str] = field(default_factory=set)
    meanwhile: Callable[[], None] = lambda: None

    def sort(self, unsent: Sequence[Unsent]) -> tuple[list[Owed], list[Unsent]]:
        """What shares messages now, and what is told as usual. What waits is in neither."""
        shared: list[Owed] = []
        rest: list[Unsent] = []
        mine: list[Unsent] = []
        for each in self._flooding(unsent):
            may = each.channel in self.people and each.form in _SHARING and not each.sending
            (mine if may else rest).append(each)
        dust = self._dust(mine)
        for (channel, case, entry), group in _by_entry(mine).items():
            told = owing.told_of(self.store, channel, case, entry, self.now - WINDOW, self.now)
            small = [each for each in group if each.alert in dust]
            large = [each for each in group if each.alert not in dust]
            if small and not told.dust:
                shared += _chunks(small, "dust")
            if large and (told.crowd or len(large) + told.single > MANY):
                if self.everything or not self._holds(large, told):
                    shared += self._crowd(large, first=not told.single and not told.crowd)
            else:
                rest += large
        return shared, rest

    def _flooding(self, unsent: Sequence[Unsent]) -> list[Unsent]:
        """All but what waits until the last message of a flood to a machine is full, or until
        the reading that brings it ends."""
        groups = _by_entry(each for each in unsent if each.channel not in self.people)
        waits: set[Unsent] = set()
        for (_, _, entry), group in groups.items() if not self.everything else ():
            left = group[len(group) - len(group) % MAX_ALERTS :]
            if len(group) > MANY and left and self.now - left[0].created < PASS:
                waits.update(left if owing.is_read_now(self.store, entry) else ())
        return [each for each in unsent if each not in waits]

    def _holds(self, group: Sequence[Unsent], told: owing.Told) -> bool:
        """Whether more of a crowd is to come that would share the message."""
        oldest = min(each.created for each in group)
        reading = self.now - oldest < PASS and owing.is_read_now(self.store, group[0].entry)
        return len(group) < MOST and (reading or self.now - told.crowd < PAUSE)

    def _crowd(self, group: Sequence[Unsent], *, first: bool) -> list[Owed]:
        """The first and the largest alone, the others together."""
        largest = self._largest(group) if len(group) > MANY else None
        alone = [each for at, each in enumerate(group) if (at == 0 and first) or each is largest]
        others = [each for each in group if each not in alone]
        return [*(_owed([each], "alone") for each in alone), *_chunks(others, "crowd")]

    def _largest(self, group: Sequence[Unsent]) -> Unsent | None:
        if not group[0].entry:
            return None
        try:
            sizes = {
                view.alert.id: _size(view) for view in self._views([each.alert for each in group])
            }
        except StoreError:
            raise
        except Exception:  # a row that cannot be shown must not hold back the others
            log.exception("the largest of %d alerts could not be found", len(group))
            return None
        return max(group, key=lambda each: sizes.get(each.alert, (Decimal(0), Decimal(0))))

    def _views(self, alerts: Sequence[str]) -> Iterator[AlertView]:
        for start in range(0, len(alerts), LOOK_AT):
            if start:
                self.meanwhile()
            yield from self.views.alerts(alerts[start : start + LOOK_AT])

    # -- next to nothing ---------------------------------------------------------------

    def _dust(self, unsent: Sequence[Unsent]) -> set[str]:
        """Alerts about incoming payments worth next to nothing, told so in the record."""
        known = {each.alert for each in unsent if each.form == "dust"}
        asked = {
            each.alert: each
            for each in unsent
            if each.incoming and each.alert not in known and each.alert not in self.judged
        }
        if not asked:
            return known
        try:
            found = {view.alert.id for view in self._views(list(asked)) if is_dust(view)}
        except StoreError:
            raise
        except Exception:  # told as usual
            log.exception("%d alerts could not be looked at", len(asked))
            found = set()
        self.judged.update(set(asked) - found)
        owing.mark_dust(self.store, found, self.people)
        return known | found


def is_dust(view: AlertView) -> bool:
    """Whether an alert is about verified assets that came in and are worth next to nothing.
    What has no price is so only where no coin known would be worth more."""
    alert, entry = view.alert, view.entry
    if alert.facts.ours:
        return False
    if alert.kind not in _PAID or alert.direction is not Direction.IN or entry is None:
        return False
    rows = [each for each in view.transfers if not each.row.transfer.kind.fee]
    mine = [each for each in rows if each.row.transfer.recipient == entry.subject.address]
    if not mine or len(mine) != len(rows):
        return False
    return all(map(_is_known, mine)) and _is_little(mine)


def _is_known(row: TransferView) -> bool:
    return trusted(row) and row.decimals is not None and not row.row.transfer.kind.nft


def _is_little(rows: Iterable[TransferView]) -> bool:
    total = Decimal(0)
    for row in rows:
        worth = of(row)
        if worth is not None:
            total += worth
        elif _coins(row) > (CENT if _is_dollar(row) else DUST_COINS):
            return False
    return total < DUST_USD


def _is_dollar(row: TransferView) -> bool:
    """Verified, and by its name a dollar: without a price a cent of it is a cent."""
    return row.symbol.upper() in {"USDT", "USDC", "DAI", "USDE", "PYUSD", "FDUSD", "TUSD", "BUSD"}


def _coins(row: TransferView) -> Decimal:
    return Decimal(row.row.transfer.amount).scaleb(-(row.decimals or 0))


def _size(view: AlertView) -> tuple[Decimal, Decimal]:
    """To find the largest: by worth, and where there is no price by coins of verified assets."""
    rows = [row for row in view.transfers if _is_known(row)]
    worth = sum((of(row) or Decimal(0) for row in rows), Decimal(0))
    return worth, max(map(_coins, rows), default=Decimal(0))


# -- owed ------------------------------------------------------------------------------------


def _by_entry(unsent: Iterable[Unsent]) -> dict[tuple[str, str, str], list[Unsent]]:
    found: dict[tuple[str, str, str], list[Unsent]] = {}
    for each in unsent:
        found.setdefault(each.place, []).append(each)
    return found


def _chunks(group: Sequence[Unsent], form: str) -> list[Owed]:
    return [_owed(group[i : i + MOST], form) for i in range(0, len(group), MOST)]


def _owed(group: Collection[Unsent], form: str) -> Owed:
    first = next(iter(group))
    urgent = any(each.urgent for each in group)
    return Owed(first.channel, first.case, form, urgent, tuple(each.alert for each in group))
