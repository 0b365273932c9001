"""The real poll loop and a real record over an invented chain, and what must hold at the end.

`Play` has one method for every event of the invented world. `settle` ends all lies, lets
everything become final and reads one trailing window again; `check` then holds the record
against the ledger.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from monitor.chains.table import streams_of
from monitor.decide.concern import is_new
from monitor.loops.debts import Debts
from monitor.loops.passing import PassReport, PollWorld
from monitor.loops.poll import Poller
from monitor.loops.pool import SourcePool
from monitor.model import (
    LIVE_STATUSES,
    Alert,
    AlertKind,
    Asset,
    Axis,
    Baseline,
    Chain,
    Entry,
    Interval,
    Issuer,
    Kind,
    Row,
    Status,
    Subject,
    Transfer,
    intervals,
)
from monitor.model.config import Way
from monitor.model.difference import Difference
from monitor.model.errors import BadResponse, RateLimited, Refused, StoreError, Unavailable
from monitor.model.facts import INCLUDED, REPLACED, SEEN, UNSEEN, Correction, of_kind
from monitor.model.plan import Signal
from monitor.model.scope import EVERY, ChainWide
from monitor.net.sources import whole_of
from monitor.store import watch
from monitor.store.coverage import stream_states
from monitor.store.incidents import incident_list
from monitor.store.port import Fields
from monitor.store.rows import to_alert, to_row
from monitor.store.sqlite import Store
from monitor.store.verify.record import verify
from world.fake_ledger import FakeLedger, FakeSource, Move, Tx
from world.listed import take_list
from world.record import new_record

DAY = 86_400
LAG = 6  # blocks that a source here is behind at most
ETHEREUM = Chain("ethereum", "Ethereum", "evm", "ETH", 18, 4, block_time=10)
BITCOIN = Chain("bitcoin", "Bitcoin", "utxo", "BTC", 8, 4, block_time=10)
TRON = Chain("tron", "Tron", "tron", "TRX", 6, 4, block_time=10)
A, B, X, Y = (f"0x{letter * 40}" for letter in "abde")
TOKEN, FAKE = (f"0x{digit * 40}" for digit in "12")
ISSUED = replace(ETHEREUM, issuers=(Issuer(TOKEN, "Mint", "COIN", ("tether",)),))
COIN = Asset("ethereum", TOKEN, "USDT", 6)

ERRORS = (
    Unavailable("no answer"),
    RateLimited("too many calls", 1.0),
    Refused("the key is wrong"),
    BadResponse("HTML came"),
)
HIGH = (1, 3, 5, 9, 60, 10**6, 10**12)
STARTS = (AlertKind.MOVEMENT, AlertKind.LATE, AlertKind.ACTIVITY)
GONE = ("reversed", REPLACED, UNSEEN)
DOWN = (*GONE, "unconfirmed again")

# What the record promises never to do, as a database that refuses to do it.
_GUARDS = """
CREATE TRIGGER keep_final BEFORE UPDATE ON transfer WHEN OLD.status IN ('final', 'superseded')
BEGIN SELECT RAISE(ABORT, 'a final row was edited'); END;
CREATE TRIGGER keep_identity BEFORE UPDATE OF chain, tx, leg, kind, sender, recipient, amount,
  contract, token_id ON transfer
BEGIN SELECT RAISE(ABORT, 'an identity was edited'); END;
CREATE TRIGGER keep_rows BEFORE DELETE ON transfer
BEGIN SELECT RAISE(ABORT, 'a row was deleted'); END;
CREATE TRIGGER keep_sightings BEFORE DELETE ON sighting
BEGIN SELECT RAISE(ABORT, 'a sighting was deleted'); END;
CREATE TRIGGER keep_alerts BEFORE DELETE ON alert
BEGIN SELECT RAISE(ABORT, 'an alert was deleted'); END;
"""


@dataclass(frozen=True)
class Final:
    """How a story ends."""

    rows: Mapping[tuple[str, str, str], Status]
    told: set[tuple[str, tuple[str, str, str]]]  # which rows to which entry
    read: Mapping[tuple[str, str], tuple[Interval, ...]]


class Play:
    """One invented world with its record. Events are methods; addresses are plain texts."""

    def __init__(self, folder: Path, ledger: FakeLedger, sources: Sequence[FakeSource]) -> None:
        self.ledger = ledger
        self.chain = ledger.chain
        self.sources = list(sources)
        self.operators: dict[str, str] = {}  # by source, where one runs several
        self.entries: list[Entry] = []
        self.every = 0  # seconds between two readings of an address
        self.trailing = 2 * DAY  # seconds that are read again daily
        self.way = Way.ADDRESSES  # how the chain is read from the next pass on
        self.read_blocks = False  # it was read by blocks at some time
        self.lasting = False  # passes are those of one process, until it dies
        self._living: Poller | None = None
        self.store = new_record(folder / "fundwatch.db")
        self.store.read("PRAGMA synchronous = OFF")  # nothing here is killed for real
        _script(self.store, _GUARDS)

    # -- events ------------------------------------------------------------------------

    def watch(self, address: str, **terms: object) -> Entry:
        """Take an entry into the watchlist; the others stay."""
        number = len(self.entries)
        subject = Subject(self.chain.key, address)
        entry = Entry(f"E{number}", subject, label=f"L{number}", case="C", **terms)  # type: ignore[arg-type]
        self.entries.append(entry)
        take_list(self.store, self.entries, f"list {number}", self.ledger.now)
        return entry

    def watch_all(self, addresses: Sequence[str]) -> None:
        """Take one list with an entry for each of these addresses."""
        subjects = [Subject(self.chain.key, address) for address in addresses]
        self.entries = [Entry(f"E{n}", s, case="C") for n, s in enumerate(subjects)]
        take_list(self.store, self.entries, "list of all", self.ledger.now)

    def away(self, *addresses: str) -> None:
        """Retire the entries on these addresses."""
        self._list(dict.fromkeys(addresses, '2023-12-01 Ann "done"'))

    def back(self) -> None:
        """List again whatever was retired."""
        self._list({e.subject.address: "" for e in self.entries if e.retired})

    def _list(self, retired: Mapping[str, str]) -> None:
        self.entries = [
            replace(e, retired=retired.get(e.subject.address, e.retired)) for e in self.entries
        ]
        self.ledger.now += 1  # another version of the list
        take_list(self.store, self.entries, f"list at {self.ledger.now}", self.ledger.now)

    def drop(self) -> None:
        """A pass that dies when the chain-wide reading is committed: what went first is."""
        self.crash("coverage", f"WHEN NEW.scope = '{ChainWide(self.chain.key).key}' ")

    def turn(self, source: int) -> None:
        """A source takes many addresses in one ask from now on, or does so no longer."""
        self.sources[source].many = not self.sources[source].many

    def poll(self, *, everything: bool = True) -> PassReport:
        """One pass of a fresh process, or of one that lasts; what is owed to addresses that are
        read by blocks comes after it."""
        self.ledger.now += 1
        poller = self._living or self.poller()
        self._living = poller if self.lasting else None
        poller.world.pools[self.chain.key].way = self.way
        self.read_blocks |= self.way is Way.BLOCKS
        poller.world.pools[self.chain.key].forget_heads()
        report = poller.run_pass(everything=everything)
        self._pay_debts(poller.world)
        return report

    def _pay_debts(self, world: PollWorld) -> None:
        reader = Poller(self.store, world)
        debts = Debts(
            self.store,
            replace(world, interval=lambda _subject: max(self.every, 1)),
            lambda subjects, most: reader.run_pass(everything=True, only=subjects, calls=most),
            {},
            dict,
        )
        debts.work(60)

    def die(self) -> None:
        """The process that lasts is no more."""
        self._living = None

    def poller(self) -> Poller:
        wholes = [whole for source in self.sources if (whole := whole_of(source)) is not None]  # type: ignore[arg-type]
        pool = SourcePool(self.chain, self.sources, operators=self.operators, wholes=wholes)
        return Poller(
            self.store,
            PollWorld(
                chains={self.chain.key: self.chain},
                pools={self.chain.key: pool},
                assets={("ethereum", TOKEN): COIN},
                route=lambda _alert, _entry: [],
                clock=lambda: self.ledger.now,
                interval=lambda _subject: self.every,
                since_time=lambda _text: None,
                trailing_seconds=self.trailing,
                sleep=lambda _seconds: None,
            ),
        )

    def crash(self, table: str, when: str = "") -> None:
        """A pass that dies while it commits, then starts again from the file."""
        _script(
            self.store,
            f"CREATE TRIGGER crash BEFORE INSERT ON {table} {when}"
            "BEGIN SELECT RAISE(ABORT, 'killed'); END;",
        )
        try:
            self.poll()
        except StoreError as error:
            if "killed" not in str(error):
                raise
            self.die()
        finally:
            _script(self.store, "DROP TRIGGER crash;")

    def day(self) -> None:
        self.ledger.now += DAY + 1

    def fail(self, source: int, error: int) -> None:
        self.sources[source].error = ERRORS[error]

    def lag(self, source: int, states: int) -> None:
        self.sources[source].stale = states

    def delay(self, source: int, stream: int, blocks: int) -> None:
        """A list behind its head, within what the source declares."""
        chosen = self.sources[source]
        name = streams_of(self.chain)[stream % len(streams_of(self.chain))]
        chosen.delay[name] = min(blocks, chosen.index_lag)

    def hide(self, source: int, back: int) -> None:
        self.sources[source].hidden |= self._recent(back)

    def omit(self, source: int, back: int) -> None:
        self.sources[source].omit_once |= self._recent(back)

    def forget(self, source: int, back: int) -> None:
        """A source that knows nothing of transactions that it told, although their block is
        where it was: neither its list nor its look-ups."""
        self.sources[source].forgotten |= {tx for _, tx, _ in self._recent(back)}

    def double(self, source: int) -> None:
        """Every row of its lists comes twice."""
        self.sources[source].doubled = True

    def spoil(self, source: int, back: int) -> None:
        self.sources[source].bad |= self._recent(back)

    def unindexed(self, source: int, stream: int) -> None:
        streams = streams_of(self.chain)
        self.sources[source].not_yet.add(streams[stream % len(streams)])

    def expire(self, source: int) -> None:
        self.sources[source].epoch += 1

    def high(self, source: int, amount: int, nameless: int) -> None:
        """A newest block that is not there yet, too high by little, much or beyond reason."""
        self.sources[source].high = HIGH[amount]
        self.sources[source].nameless = bool(nameless)

    def finals(self, source: int, word: int) -> None:
        """A false word on what is final: all, or next to nothing."""
        self.sources[source].final = (0, 10**6, -30)[word]

    def abroad(self, source: int) -> None:
        """Its answers are those of another chain, on which the same addresses are paid."""
        other = FakeLedger(self.chain, self.ledger.now - 500, first=10**6)
        for number in range(40):
            if number % 9 == 0 and self.chain.family != "utxo":
                other.pay(*native(X, A, 10**6 + number))
            other.mine()
        self.sources[source].abroad = other

    def come_home(self) -> None:
        for source in self.sources:
            source.abroad = None

    def has_shown_its_chain(self, source: int) -> bool:
        name = self.sources[source].name
        return bool(self._query("SELECT 1 FROM block_word WHERE source = ? AND height = 0", name))

    def incidents(self) -> dict[str, Signal]:
        """What operations or the desk are told of now, by the kind of incident."""
        found = incident_list(self.store, open_only=True)
        return {i.signal.key.partition(":")[0]: i.signal for i in found}

    def burst(self) -> None:
        self.ledger.burst(60)

    def mend(self, source: int) -> None:
        self.sources[source].heal()

    def _recent(self, back: int) -> set[tuple[str, str, str]]:
        """A late row that touches a watched address; a UTXO transaction is told as a whole."""
        rows = [*self.ledger.rows()[-40:], *self.ledger.pending()]
        watched = {e.subject.address for e in self.entries}
        near = [t for t in rows if watched & set(t.parties())]
        if not near:
            return set()
        chosen = near[-1 - back % len(near)]
        whole = self.chain.family == "utxo"
        return {t.identity for t in rows if t == chosen or (whole and t.tx == chosen.tx)}

    # -- the end -----------------------------------------------------------------------

    def settle(self) -> None:
        """End the lies, let all become final, read the trailing window once more."""
        self.back()
        for source in self.sources:
            source.heal()
        if self._living:  # the machine's clock, by which sources rest, stands still here
            self._living.world.pools[self.chain.key]._rest_until.clear()
        deepest = max(s.index_lag for s in self.sources)
        if self.chain.family != "utxo":
            self.ledger.mine()  # what waits unseen would be neither recorded nor not
        self.ledger.mine(self.chain.finality + deepest + 1, idle=True)
        for _ in range(4):
            self.ledger.mine(idle=True)
            self.ledger.now += DAY + 1
            with self.store.write() as conn:
                conn.execute("UPDATE scope SET deep = 0")
            self.poll()

    def check(self) -> None:
        self.check_rows()
        self.check_coverage()
        for entry in self.entries:
            self.check_alerts(entry)
        self.check_log()
        assert not self.open_gaps(), "a gap stayed open"

    def open_gaps(self) -> bool:
        return bool(self._query("SELECT 1 FROM gap WHERE closed IS NULL"))

    def check_log(self) -> None:
        """The record is what its log says; that this play has guards of its own is no matter."""
        found: list[Difference] = []
        verify(self.store, found.append)
        assert [each for each in found if each.check != "schema"] == []

    def served_streams(self) -> set[str]:
        return {s for source in self.sources for b in source.bundles for s in b - source.never}

    def expected(self) -> dict[tuple[str, str, str], Transfer]:
        """What the record must hold of the ledger, by identity."""
        watched = {e.subject.address for e in self.entries}
        served = self.served_streams()
        rows = self.ledger.rows()
        if self.chain.family == "utxo":
            rows += self.ledger.pending()
            touched = {t.tx for t in rows if watched & set(t.parties())}
            return {t.identity: t for t in rows if t.tx in touched}
        return {
            t.identity: t
            for t in rows
            if watched & set(t.parties())
            and t.kind.stream in served
            and not (t.kind is Kind.FEE and t.sender not in watched)
        }

    def rows(self) -> list[Row]:
        return [to_row(r) for r in self._query("SELECT * FROM transfer")]

    def check_rows(self) -> None:
        """Every movement is recorded once with its true place; nothing else is live."""
        live = {r.transfer.identity: r for r in self.rows() if r.status in LIVE_STATUSES}
        wanted = self.expected()
        assert not wanted.keys() - live.keys(), f"missed: {wanted.keys() - live.keys()}"
        assert not live.keys() - wanted.keys(), f"invented: {live.keys() - wanted.keys()}"
        for identity, row in live.items():
            told, true = row.transfer, wanted[identity]
            assert told.amount == true.amount
            assert told.time == true.time, f"{identity}: {told} is not {true}"
            assert told.block_height in (true.block_height, None)
            assert told.block_hash in (true.block_hash, None)
            assert row.status is (Status.PENDING if true.pending else Status.FINAL)
        rest = {r.status for r in self.rows()} - LIVE_STATUSES
        assert rest <= {Status.ORPHANED}

    def check_coverage(self) -> None:
        """Nothing counts as covered that its source did not show in full. Of whole blocks another
        one may have shown some, from which the newest descends."""
        claims: dict[tuple[str, str, str], list[Interval]] = {}
        for source in self.sources:
            for s in source.served:
                for name in (source.name, "*"):
                    claims.setdefault((s.subject, s.stream, name), []).append(s.span)
        for row in self._query("SELECT * FROM coverage"):
            blocks = self.read_blocks and row["scope"] == ChainWide(self.chain.key).key
            for subject, span in self._whose(row):
                whose = "*" if blocks else row["source"]
                shown = claims.get((subject, row["stream"], whose), [])
                left = intervals.subtract(span, shown)
                assert not left, f"{row['stream']} {span} of {subject} was never shown"

    def _whose(self, row: Fields) -> list[tuple[str, Interval]]:
        """The addresses to which a piece of coverage counts, each with its part."""
        span = Interval(row["lo"], row["hi"])
        if row["scope"] != ChainWide(self.chain.key).key:
            return [(row["scope"], span)]
        memberships = self._query(
            "SELECT subject, from_place AS lo, coalesce(until_place, ?) AS hi FROM joined "
            "WHERE scope = ? AND stream IN (?, ?) AND axis = ?",
            *(span.hi, row["scope"], row["stream"], EVERY, row["axis"]),
        )
        parts = [
            (each["subject"], intervals.intersect(span, Interval(each["lo"], each["hi"])))
            for each in memberships
            if each["lo"] <= each["hi"]
        ]
        return [(subject, part) for subject, part in parts if part is not None]

    def alerts(self, entry: Entry) -> list[Alert]:
        found = []
        for row in self._query("SELECT * FROM alert WHERE entry = ? ORDER BY rowid", entry.id):
            told = self._query(
                "SELECT chain, tx, leg FROM transfer t JOIN alert_transfer x "
                "ON x.transfer = t.id WHERE x.alert = ?",
                row["id"],
            )
            found.append(to_alert(row, tuple((t["chain"], t["tx"], t["leg"]) for t in told)))
        return found

    def baseline(self, entry: Entry) -> Baseline:
        (watched,) = [w for w in watch.all_entries(self.store) if w.entry.id == entry.id]
        assert watched.baseline is not None
        return watched.baseline

    def check_alerts(self, entry: Entry) -> None:
        """One thread for every hit, none for history, rows told once, reversals corrected."""
        alerts, baseline = self.alerts(entry), self.baseline(entry)
        by_tx: dict[str, list[Alert]] = {}
        for alert in alerts:
            for tx in {alert.tx} if alert.tx else {i[1] for i in alert.rows}:
                by_tx.setdefault(tx, []).append(alert)
        assert sum(a.kind is AlertKind.HISTORY for a in alerts) == 1
        hits: dict[str, set[tuple[str, str, str]]] = {}
        for t in self.expected().values():
            ready = not t.pending or entry.tell_when == "seen"
            if entry.subject.address in t.parties() and is_new(t, baseline) and ready:
                hits.setdefault(t.tx, set()).add(t.identity)
        status = {r.transfer.identity: r.status for r in self.rows()}
        for tx, identities in hits.items():
            assert tx in by_tx, f"no alert for {tx}"
            assert identities <= {i for a in by_tx[tx] for i in a.rows}, f"{tx}: rows not told"
        for tx, told in by_tx.items():
            self._check_thread(tx, told, status)
            if any(a.kind in STARTS for a in told):
                assert tx in hits or self._was_new(tx, baseline), f"alert for history {tx}"

    def _was_new(self, tx: str, baseline: Baseline) -> bool:
        """It was news at some place that it had."""
        places = self.ledger.places.get(tx, set())
        return any(
            height is None or height > baseline.height or (time or 0) > baseline.time
            for height, time in places
        )

    def _never_left(self, tx: str) -> bool:
        """It was mined once and no reorganisation ever touched its block."""
        return sum(height is not None for height, _ in self.ledger.places[tx]) == 1

    def _check_thread(
        self, tx: str, told: Sequence[Alert], status: dict[tuple[str, str, str], Status]
    ) -> None:
        starts = [a for a in told if a.kind in STARTS]
        summary = [a for a in told if a.kind is AlertKind.HISTORY]
        assert len(starts) <= 1, f"{tx}: {len(starts)} alerts start a thread"
        assert starts or summary, f"{tx}: nothing starts the thread"
        roots = {a.id for a in (*starts, *summary)}
        assert all(a.amends in roots for a in told if a.id not in roots)
        news = [i for a in told if a.kind is not AlertKind.CORRECTION for i in a.rows if i[1] == tx]
        assert len(news) == len(set(news)), f"{tx}: a row was told twice"
        standing = {t.identity for t in self.ledger.rows()}
        for identity in news:
            states = [
                of_kind(a.facts, Correction).state
                for a in told
                if a.kind is AlertKind.CORRECTION and identity in a.rows
            ]
            down = [s in DOWN for s in states]
            gone = status[identity] is Status.ORPHANED
            assert gone == bool(states and states[-1] in GONE), (
                f"{identity} is {status[identity]}, told: {states}"
            )
            again = [s for s, t in pairwise(states) if s == t]
            assert not again, f"{identity}: corrected twice in the same way: {states}"
            if identity in standing and self._never_left(tx):
                # As long as it waited it may have been forgotten, and is told so.
                rest = set(states) - {UNSEEN, SEEN, INCLUDED}
                assert not rest, f"{identity} always stood in its block, told: {states}"
            if identity in standing:
                assert REPLACED not in states, f"{identity} happened, told: {states}"
            assert not down or down[0], f"{identity}: 'included again' before it was reversed"

    def final(self) -> Final:
        """What has become of it: rows with their states, what was told of each transaction to
        each entry, and what counts as read of each address, on whatever way it was read."""
        standing = {r.transfer.identity: r.status for r in self.rows() if r.status in LIVE_STATUSES}
        told = {
            (entry.id, identity)
            for entry in self.entries
            for alert in self.alerts(entry)
            for identity in alert.rows
            if identity in standing
        }
        subjects = dict.fromkeys(entry.subject for entry in self.entries)
        # Above that the lags of the sources differ.
        line = self.ledger.view.head.height - self.chain.finality - LAG
        read = {
            (subject.address, stream): intervals.clip(
                state.covered.get(Axis.HEIGHT, ()), [Interval(0, line)]
            )
            for subject in subjects
            for stream, state in stream_states(self.store, subject, self.ledger.now).items()
        }
        return Final(standing, told, read)

    # -- looking in --------------------------------------------------------------------

    def _query(self, sql: str, *params: object) -> list[Fields]:
        return self.store.read(sql, params)

    def dump(self) -> dict[str, list[tuple[object, ...]]]:
        """Everything that a plan commits."""
        tables = ("transfer", "sighting", "coverage", "gap", "alert", "alert_transfer", "reading")
        bases = "SELECT id, base_height FROM entry ORDER BY id"
        found = {t: [tuple(r) for r in self._query(f"SELECT * FROM {t}")] for t in tables}
        return {**found, "entry": [tuple(r) for r in self._query(bases)]}


def _script(store: Store, sql: str) -> None:
    with store.write() as conn:
        for statement in sql.replace("END;", "END;\x00").split("\x00"):
            if statement.strip():
                conn.execute(statement)


# -- transactions of account chains ------------------------------------------------------


def native(sender: str, recipient: str, amount: int) -> tuple[Move, ...]:
    return (Move(Kind.NATIVE, sender, recipient, amount), Move(Kind.FEE, sender, None, 21))


def internal(sender: str, recipient: str, amount: int) -> tuple[Move, ...]:
    return (
        Move(Kind.FEE, Y, None, 30),
        Move(Kind.INTERNAL, sender, recipient, amount),
    )


def token(sender: str, recipient: str, amount: int, contract: str = TOKEN) -> tuple[Move, ...]:
    return (
        Move(Kind.FEE, sender, None, 50),
        Move(Kind.ERC20, sender, recipient, amount, contract),
    )


def act(sender: str, _recipient: str, amount: int) -> tuple[Move, ...]:
    """The token's issuer freezes an address and destroys what is there; a third party pays."""
    return (
        Move(Kind.FEE, Y, None, 30),
        Move(Kind.FROZEN, sender, None, 0, TOKEN),
        Move(Kind.DESTROYED, sender, None, amount, TOKEN),
    )


def swap(sender: str, recipient: str, amount: int) -> tuple[Move, ...]:
    """Coins out, tokens back, and two equal token transfers: several lists tell parts."""
    twin = Move(Kind.ERC20, recipient, sender, amount, TOKEN)
    return (
        *native(sender, recipient, amount),
        Move(Kind.INTERNAL, recipient, sender, amount + 1),
        twin,
        twin,
        Move(Kind.ERC721, recipient, sender, 1, FAKE, "7"),
    )


def utxo_tx(
    ledger: FakeLedger, sender: str, recipient: str, amount: int, instead: Tx | None = None
) -> Tx:
    """One input, a payment and the change. `instead`: it spends the same coins as this one."""
    return ledger.pay(
        Move(Kind.UTXO_IN, sender, None, amount + 10),
        Move(Kind.UTXO_OUT, None, recipient, amount),
        Move(Kind.UTXO_OUT, None, sender, 9),
        instead=instead,
    )
