"""What people and machines see of the record: transfers and alerts with all they need."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from monitor.chains.table import family_of
from monitor.model import (
    OURS,
    Alert,
    AlertKind,
    AlertView,
    Asset,
    Chain,
    DeliveryView,
    Known,
    Subject,
    Transfer,
    TransferView,
    Watched,
)
from monitor.model.balance import Held
from monitor.model.facts import Touched
from monitor.model.lists import ListConfig
from monitor.model.views import ListAge
from monitor.store import alerts, balances, listing, named, trace, veil, watch
from monitor.store.doubts import unchecked
from monitor.store.not_covered import not_covered
from monitor.store.notes import get_note
from monitor.store.port import Fields, Reader
from monitor.store.rows import NOT_TRACED, to_alert, to_row
from monitor.store.unlisted import Unlisted

SUCCESS = (
    "Success not checked yet: nobody has shown a receipt of the transaction so far. It is asked "
    "for again for a day; if it failed, a correction follows."
)


@dataclass(frozen=True)
class Views:
    """Builds views of the record. May be shared by threads: each call reads for itself."""

    store: Reader
    chains: Mapping[str, Chain]
    assets: Mapping[tuple[str, str], Asset]
    book: Mapping[tuple[str, str], Known] = field(default_factory=dict)
    # Says what each was worth, or why that is not known.
    valued: Callable[[Sequence[TransferView]], list[TransferView]] = list
    lists: Mapping[str, ListConfig] = field(default_factory=dict)  # that give names
    by_hand: Collection[str] = ()  # lists that are only asked for by command
    # Lists of our own addresses, which are shown by their labels only: what people call each.
    ours: Mapping[str, str] = field(default_factory=dict)

    # -- transfers ---------------------------------------------------------------------

    def transfers(
        self,
        *,
        chain: str | None = None,
        address: str | None = None,
        tx: str | None = None,
        all_legs: bool = False,
    ) -> Iterator[TransferView]:
        """Transfers that touch an entry (or all of them), oldest first, in chunks."""
        where, params = ["1"], list[object]()
        for clause, value in (("chain = ?", chain), ("tx = ?", tx)):
            if value is not None:
                where.append(clause)
                params.append(value)
        if address is not None:
            where.append("? IN (sender, recipient)")
            params.append(address)
        if not all_legs:
            where.append(
                "EXISTS (SELECT 1 FROM scope s JOIN entry e ON e.subject = s.key "
                "WHERE s.chain = t.chain AND s.address IN (t.sender, t.recipient))"
            )
        keys = self.store.read(
            f"SELECT id FROM transfer t WHERE {' AND '.join(where)} "
            "ORDER BY coalesce(time, 9e18), block_height, tx_index, log_index, id",
            params,
        )
        for start in range(0, len(keys), 2000):
            yield from _Look(self).by_id([row["id"] for row in keys[start : start + 2000]])

    # -- alerts ------------------------------------------------------------------------

    def alert_ids(
        self, *, state: str | None = None, entry: str | None = None, tx: str | None = None
    ) -> list[str]:
        """Ids of alerts, oldest first."""
        where, params = ["1"], list[object]()
        for clause, value in (("state = ?", state), ("entry = ?", entry), ("tx = ?", tx)):
            if value is not None:
                where.append(clause)
                params.append(value)
        sql = f"SELECT id FROM alert WHERE {' AND '.join(where)} ORDER BY created, rowid"
        return [row["id"] for row in self.store.read(sql, params)]

    def rows(self, ids: Sequence[int]) -> list[TransferView]:
        """Transfers in the order of their numbers in the record, which all have to be there."""
        return _Look(self).by_id(ids)

    def alerts(self, ids: Sequence[str], *, brief: bool = False) -> list[AlertView]:
        """Views in the order of the ids, without unknown ones. `brief`: enough for a line each."""
        return _Look(self).alerts(ids, brief)


class _Look:
    """One look at the record: what several views share is read once, and only what they need."""

    def __init__(self, views: Views) -> None:
        self.store, self.chains, self.assets = views.store, views.chains, views.assets
        self._views = views
        self._restored: dict[str, int] = json.loads(get_note(self.store, "restored") or "{}")
        self._on: dict[Subject, tuple[Watched, ...]] = {}  # entries by subject
        self._heads: dict[str | None, int | None] = {}
        self._limits: dict[str, tuple[str, ...]] = {}  # what is not covered, by entry
        self._veil: dict[str, str] = {}  # what stands for our own addresses
        self._ages: dict[str, ListAge] = {}  # of published lists, by name
        self._unlisted = Unlisted(self.store)

    def by_id(self, ids: Sequence[int], touched: Iterable[Touched] = ()) -> list[TransferView]:
        """`touched`: what alerts say of our own addresses in these rows."""
        rows = {
            row["id"]: row
            for row in self.store.read_in("SELECT * FROM transfer WHERE id IN ({})", ids)
        }
        self._learn_entries(rows.values())
        self._draw_veil(rows.values(), touched)
        self._unlisted.learn(map(to_row, rows.values()))
        said: dict[int, list[tuple[str, int]]] = {}
        for row in self.store.read_in(
            "SELECT transfer, source, min(at) AS at FROM sighting WHERE transfer IN ({}) "
            "GROUP BY transfer, source ORDER BY at",
            ids,
        ):
            said.setdefault(row["transfer"], []).append((row["source"], row["at"]))
        tokens = self._tokens({row["contract"] for row in rows.values() if row["contract"]})
        views = [self._transfer(rows[i], tuple(said.get(i, ())), tokens) for i in ids]
        return self._views.valued(views)

    def _draw_veil(self, rows: Iterable[Fields], touched: Iterable[Touched]) -> None:
        """Over our own addresses in these rows, but for those that somebody watches besides."""
        watched = {subject.address for subject, on in self._on.items() if on}
        found = veil.veil(self.store, self._views.ours, rows, touched)
        self._veil |= {address: said for address, said in found.items() if address not in watched}

    def _tokens(self, contracts: Iterable[str]) -> dict[tuple[str, str], Fields]:
        found = self.store.read_in("SELECT * FROM token WHERE contract IN ({})", contracts)
        return {(row["chain"], row["contract"]): row for row in found}

    def _learn_entries(self, rows: Iterable[Fields]) -> None:
        """Read the entries on the addresses of these transfers, retired ones too."""
        pairs = ((row["chain"], row[side]) for row in rows for side in ("sender", "recipient"))
        subjects = {Subject(chain, party) for chain, party in pairs if party is not None}
        left = subjects - self._on.keys()
        self._on |= dict.fromkeys(left, ()) | watch.entries_of(self.store, left)

    def _transfer(
        self,
        row: Fields,
        said: tuple[tuple[str, int], ...],
        tokens: Mapping[tuple[str, str], Fields],
    ) -> TransferView:
        stored = to_row(row)
        transfer = stored.transfer
        symbol, decimals, verified = self._asset(transfer.chain, transfer.contract, tokens)
        if transfer.kind.nft:
            decimals = 0
        entries = [
            w.entry
            for party in dict.fromkeys(transfer.parties())
            for w in self._on[Subject(transfer.chain, party)]
        ]
        return TransferView(
            row=veil.veiled(stored, self._veil),
            symbol=symbol,
            decimals=decimals,
            verified=verified,
            entries=tuple(entries),
            directions={e.id: transfer.side(e.subject.address).value for e in entries},
            sources=said,
            unlisted=self._unlisted.by(stored, said),
            asset=self.assets.get((transfer.chain, transfer.contract or "")),
            issuer=self._issuer(transfer),
        )

    def _issuer(self, transfer: Transfer) -> str:
        chain = self.chains.get(transfer.chain) if transfer.kind.act else None
        issuer = chain.issuer_of(transfer.contract) if chain else None
        return issuer.name if issuer else ""

    def _asset(
        self, chain: str, contract: str | None, tokens: Mapping[tuple[str, str], Fields]
    ) -> tuple[str, int | None, bool]:
        if contract is None:
            known = self.chains.get(chain)
            return (known.symbol, known.decimals, True) if known else ("", None, False)
        asset = self.assets.get((chain, contract))
        if asset is not None:
            return asset.symbol, asset.decimals, True
        told = tokens.get((chain, contract))
        return (told["symbol"] or "", told["decimals"], False) if told else ("", None, False)

    def alerts(self, ids: Sequence[str], brief: bool) -> list[AlertView]:
        rows = {
            row["id"]: row
            for row in self.store.read_in("SELECT * FROM alert WHERE id IN ({})", ids)
        }
        told = {row["id"]: to_alert(row) for row in rows.values()}
        wanted = {alert.entry_id for alert in told.values() if alert.entry_id}
        wanted |= {each.entry for alert in told.values() for each in alert.facts.on_lists}
        named = watch.entries(self.store, wanted)
        linked: dict[str, list[int]] = {}
        for row in self.store.read_in(
            "SELECT alert, transfer FROM alert_transfer WHERE alert IN ({}) ORDER BY transfer", ids
        ):
            linked.setdefault(row["alert"], []).append(row["transfer"])
        touched = [each for alert in told.values() for each in alert.facts.ours]
        by_id = {
            v.row.id: v
            for v in self.by_id(sorted({t for found in linked.values() for t in found}), touched)
        }
        found = [
            self._alert(told[i], rows[i], named, tuple(by_id[t] for t in linked.get(i, ())))
            for i in ids
            if i in rows
        ]
        return found if brief else [self._whole(each, rows[each.alert.id], named) for each in found]

    def _alert(
        self,
        told: Alert,
        row: Fields,
        named: Mapping[str, Watched],
        transfers: tuple[TransferView, ...],
    ) -> AlertView:
        alert = replace(told, rows=tuple(t.row.transfer.identity for t in transfers))
        alert = veil.facts(alert, self._veil)
        lists = alert.facts.on_lists
        watched = named.get(alert.entry_id or "")
        chain = self.chains.get(alert.chain or "")
        legs = self._legs(alert, chain, transfers)
        return AlertView(
            *(alert, row["state"], chain, self.chains),
            entry=watched.entry if watched else None,
            added=watched.added if watched else None,
            transfers=transfers,
            all_legs=legs,
            names=self._names(alert, legs),
            holder=alerts.held_said(row),
            head_height=self._head(alert.chain),
            thread=alert.amends,
            told_at=self._told_at(alert.amends),
            again=self._again(alert, transfers),
            also=tuple(
                named[each.entry].entry
                for each in lists
                if each.entry in named and each.entry != alert.entry_id
            ),
            lists={each.origin.list: self._age(each.origin.list) for each in lists},
        )

    def _whole(self, view: AlertView, row: Fields, named: Mapping[str, Watched]) -> AlertView:
        alert, watched = view.alert, named.get(view.alert.entry_id or "")
        return replace(
            view,
            not_covered=(*self._unchecked(alert), *self._not_covered(watched)),
            deliveries=self._deliveries(alert.id),
            acknowledged=alerts.history_said(self.store, row),
            held=self._held(alert, watched),
            trace=trace.pictured(self.store, alert),
        )

    def _held(self, alert: Alert, watched: Watched | None) -> tuple[Held, ...]:
        if watched is None or alert.kind is not AlertKind.HISTORY:
            return ()
        subject = watched.entry.subject
        found = balances.of_subjects(self.store, [subject]).get(subject, ())
        return tuple(held for held in found if held.verified)

    def _age(self, name: str) -> ListAge:
        if name not in self._ages:
            asked = name not in self._views.by_hand
            config = self._views.lists.get(name)
            age = listing.age(self.store, name, asked=asked)
            self._ages[name] = replace(age, private_to=config.private_to if config else None)
        return self._ages[name]

    def _again(self, alert: Alert, transfers: tuple[TransferView, ...]) -> tuple[int, int] | None:
        """Whether it happened before the record was restored, and may have been told then."""
        times = [t.row.transfer.time for t in transfers if t.row.transfer.time is not None]
        if not self._restored or not times:
            return None
        at, of = self._restored["at"], self._restored["of"]
        return (at, of) if alert.created >= at >= min(times) else None

    def _legs(
        self, alert: Alert, chain: Chain | None, transfers: tuple[TransferView, ...]
    ) -> tuple[TransferView, ...]:
        """On UTXO chains a mail shows the whole transaction, not only the entry's part."""
        if chain is None or not family_of(chain).atomic or alert.tx is None:
            return transfers
        keys = self.store.read(
            "SELECT id FROM transfer WHERE chain = ? AND tx = ?", [chain.key, alert.tx]
        )
        found = self.by_id([k["id"] for k in keys], alert.facts.ours)
        return tuple(sorted(found, key=_leg_order))

    def _names(self, alert: Alert, legs: Iterable[TransferView]) -> dict[str, Known]:
        found: dict[str, Known] = {}
        others = self._other_alerts(alert)
        legs = list(legs)
        listed = self._by_lists(legs)
        for view in legs:
            chain = view.row.transfer.chain
            for address in view.row.transfer.parties():
                if address.startswith(OURS):
                    found[address] = Known(address.removeprefix(OURS), ours=True)
                    continue
                watched = self._on[Subject(chain, address)]
                entry = named.speaker(watched, alert.entry_id or "", others)
                if entry is not None:
                    found[address] = Known(
                        *(entry.label, entry.case, True, entry.id, others.get(entry.id)),
                        list=entry.origin.title if entry.origin else "",
                        also=() if entry.origin else named.titles_of(watched),
                    )
                elif (known := self._in_book(chain, address, listed)) is not None:
                    found[address] = known
        return found

    def _by_lists(self, legs: Sequence[TransferView]) -> Mapping[tuple[str, str], Known]:
        parties = ((v.row.transfer.chain, a) for v in legs for a in v.row.transfer.parties())
        return named.gather(self.store, self.chains, self._views.lists, parties)

    def _in_book(
        self, chain: str, address: str, listed: Mapping[tuple[str, str], Known]
    ) -> Known | None:
        """Your own address book first, then published lists, then the shipped one."""
        book = self._views.book
        known = book.get((chain, address)) or book.get(("", address))
        if known is None or known.shipped:
            return listed.get((chain, address)) or known
        return known

    def _other_alerts(self, alert: Alert) -> dict[str, str]:
        if alert.tx is None:
            return {}
        rows = self.store.read(
            "SELECT id, entry FROM alert WHERE tx = ? AND id <> ? AND amends IS NULL "
            f"AND {NOT_TRACED}",
            [alert.tx, alert.id],
        )
        return {row["entry"]: row["id"] for row in rows if row["entry"]}

    def _unchecked(self, alert: Alert) -> tuple[str, ...]:
        if alert.tx is None or not unchecked(self.store, alert.chain or "", alert.tx):
            return ()
        return (SUCCESS,)

    def _not_covered(self, watched: Watched | None) -> tuple[str, ...]:
        if watched is None:
            return ()
        entry = watched.entry
        if entry.id not in self._limits:
            self._limits[entry.id] = not_covered(self.store, entry, self.chains)
        return self._limits[entry.id]

    def _deliveries(self, alert_id: str) -> tuple[DeliveryView, ...]:
        rows = self.store.read(
            "SELECT r.channel, d.recipient, d.state, d.attempts, d.last_error, d.accepted_at "
            "FROM route r LEFT JOIN delivery d ON d.message = r.message "
            "WHERE r.alert = ? AND r.channel <> '' ORDER BY r.channel, d.recipient",
            [alert_id],
        )
        return tuple(
            DeliveryView(
                row["channel"],
                row["state"] or "waiting",
                row["attempts"] or 0,
                row["recipient"] or "",
                row["last_error"] or "",
                row["accepted_at"],
            )
            for row in rows
        )

    def _head(self, chain: str | None) -> int | None:
        if chain not in self._heads:
            self._heads[chain] = self._read_head(chain)
        return self._heads[chain]

    def _read_head(self, chain: str | None) -> int | None:
        rows = self.store.read(
            "SELECT max(r.complete_to) AS head FROM reading r JOIN scope s ON s.key = r.scope "
            "WHERE s.chain = ? AND r.axis = 'height'",
            [chain],
        )
        return None if rows[0]["head"] is None else int(rows[0]["head"])

    def _told_at(self, alert_id: str | None) -> int | None:
        rows = self.store.read(
            "SELECT min(d.accepted_at) AS at FROM route r JOIN delivery d ON d.message = r.message "
            "WHERE r.alert = ?",
            [alert_id],
        )
        return None if rows[0]["at"] is None else int(rows[0]["at"])


def _leg_order(view: TransferView) -> tuple[bool, int]:
    name, _, number = view.row.transfer.leg.partition(":")
    return (name != "in", int(number) if number.isdecimal() else 0)
