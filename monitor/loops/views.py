"""What people see of the record, with what each movement was worth by the prices held now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from monitor.decide import worth
from monitor.model import Chain, Price, TransferView
from monitor.model.settings import Settings
from monitor.store import prices
from monitor.store.port import Reader
from monitor.store.prices import Moment
from monitor.store.views import Views


def views_of(store: Reader, settings: Settings) -> Views:
    """By these settings."""
    valued = Valuer(store, settings.chains, asked=bool(settings.prices))
    lists = {name: config for name, config in settings.lists.items() if not config.ours}
    ours = {name: config.title for name, config in settings.lists.items() if config.ours}
    book = settings.addressbook
    by_hand = {name for name, config in settings.lists.items() if config.every is None}
    chains, assets = settings.chains, settings.assets
    return Views(store, chains, assets, book, valued, lists, by_hand=by_hand, ours=ours)


@dataclass(frozen=True, slots=True)
class Valuer:
    """Gives each transfer the price that counts for it, or the reason why none does."""

    store: Reader
    chains: Mapping[str, Chain]
    asked: bool  # whether any price source is

    def __call__(self, views: Sequence[TransferView]) -> list[TransferView]:
        barred = [self._barred(view) for view in views]
        counts = self._counting({_moment(v) for v, no in zip(views, barred, strict=True) if not no})
        lost = prices.given_up(self.store, (m for m, price in counts.items() if price is None))
        begun = prices.since(self.store) or 0
        found = []
        for view, no in zip(views, barred, strict=True):
            price = None if no else counts[_moment(view)]
            why = no or self._why(view, lost=_moment(view) in lost, begun=begun)
            found.append(replace(view, price=price, unpriced="" if price else why))
        return found

    def _counting(self, moments: set[Moment]) -> dict[Moment, Price | None]:
        known = prices.around(self.store, moments, worth.DAILY_TOLERANCE)
        return {m: worth.nearest(known.get(m[:2], ()), m[2]) for m in moments}

    def _barred(self, view: TransferView) -> str:
        transfer = view.row.transfer
        chain = self.chains.get(transfer.chain)
        return worth.unpriceable(chain, transfer.contract, transfer.kind, verified=view.verified)

    def _why(self, view: TransferView, *, lost: bool, begun: int) -> str:
        if not self.asked:
            return worth.SWITCHED_OFF
        if lost:
            return worth.NO_PRICE
        return worth.BEFORE if view.row.first_seen < begun else worth.NOT_YET


def _moment(view: TransferView) -> Moment:
    transfer = view.row.transfer
    return transfer.chain, transfer.contract or "", worth.moment(view)
