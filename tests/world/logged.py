"""A record with a past of everything that the log accounts for, and ways to tamper with it."""

from __future__ import annotations

import random
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from monitor.model import Head, Kind, Lookup, Subject
from monitor.model.acts import (
    DAEMON,
    Actor,
    ActorKind,
    CloseCase,
    EraseAsked,
    Erased,
    Take,
)
from monitor.model.acts_trace import Follow
from monitor.model.cases import CaseState
from monitor.model.difference import Difference
from monitor.store import cases, digests, log
from monitor.store.commit import commit
from monitor.store.desk_schema import HELD
from monitor.store.sqlite import Store
from monitor.store.verify import record
from world.book import Book, elsewhere, fee, transfer
from world.listed import take_list
from world.play import TOKEN, A, X
from world.tamper import untriggered

KIM = Actor(ActorKind.CLI, "Kim", "a name given to a command")
ANY = Actor(ActorKind.LINK, "Robin", "the signed link of message M-1")
IN, OUT = transfer(105), transfer(108, tx="0xt2", sender=A, recipient="0xf" + "0" * 39)
COINS = transfer(109, tx="0xt3", kind=Kind.ERC20, contract=TOKEN)
LATE, LAST = transfer(150, tx="0xt4", amount=3), transfer(240, tx="0xt5", amount=4)


def differences(path: Path) -> list[Difference]:
    """What `verify` finds in a record."""
    found: list[Difference] = []
    store = Store(path, readonly=True, older=True)
    try:
        record.verify(store, found.append)
    finally:
        store.close()
    return found


def live(book: Book) -> None:
    """Two cases on one address: movements, a reorganisation, second sources, finality, alerts that
    are taken, closed and taken over, an entry that is retired."""
    live_first(book)
    live_on(book)


def live_first(book: Book) -> None:
    book.watch(case="CASE-1", label="Payroll wallet")
    book.read(head=100)
    book.watch(case="CASE-2", label="Shop of the cousin")
    book.read(IN, head=106)
    book.take([book.batch(IN, head=106), book.batch(IN, head=106, source="two")])
    book.read(elsewhere(IN, 107), OUT, fee(108, tx="0xt2"), COINS, head=110)
    alerts = _alerts(book)
    commit(book.store, KIM, Take(book.now, alerts[:2], "acknowledged", "I call the bank"))


def live_on(book: Book) -> None:
    alerts = _alerts(book)
    commit(book.store, ANY, Take(book.now, alerts[1:3], "acknowledged", "mine", over=True))
    gone = Lookup("two", COINS.tx, False, None, head=Head(112, 0))
    stays = (elsewhere(IN, 107), OUT, fee(108, tx="0xt2"))
    book.take([book.batch(*stays, head=112)], [gone], {("two", 109): "0xother"})
    book.take([book.batch(*stays, head=113, source="two")])
    book.read(*stays, head=140)
    commit(book.store, KIM, Take(book.now, alerts[:1], "closed", "paid back"))
    book.watch(case="CASE-3", label="Third")
    book.read(LATE, head=160)
    book.entries[2] = replace(book.entries[2], retired='2026-11-20 Kim "done"')
    take_list(book.store, book.entries, "list with an end", book.now)
    commit(book.store, KIM, CloseCase(book.now, "CASE-3", "done", CaseState()))
    commit(book.store, KIM, Follow(book.now, Subject("ethereum", X), "CASE-1", "a payer", 60, 9))
    book.read(LAST, head=250, lo=200)


def _alerts(book: Book) -> list[str]:
    return [row["id"] for row in book.store.read("SELECT id FROM alert ORDER BY rowid")]


def erase(store: Store, numbers: list[int], by: Actor = ANY) -> None:
    """As Kim asks for it."""
    now, wish = 1_700_009_999, {"why": "a letter", "rule": "art. 17", "uid": 1}
    stand = cases.changed(store)
    number = commit(store, KIM, EraseAsked(now, numbers, "a letter", "art. 17", 1, stand))
    who = {"kind": KIM.kind.value, "name": KIM.name, "authority": KIM.authority}
    asked = {"number": number, "at": now, **who, **wish}
    commit(store, by, Erased(now, numbers, asked, 2, stand))


def begin_anew(store: Store) -> None:
    """Let the log begin with what the record holds now, as in one of an older version."""
    with store.write() as conn, untriggered(conn):
        for table in ("log_case", "log_text", "log"):
            conn.execute(f"DELETE FROM {table}")
        conn.execute("UPDATE alert_log SET door = '', holder = ''")
        conn.execute("UPDATE alert SET holder = '', holder_door = '', outcome = '', closed = NULL")
        conn.execute(HELD)
        log.append(conn, DAEMON, 1_700_000_000, "begin", digests.begin(conn, 3))


# -- tampering -----------------------------------------------------------------------------

EVIDENCE = (
    *("transfer", "sighting", "alert", "alert_transfer", "alert_log"),
    *("entry", "entry_change", "list_version", "case_state", "followed"),
    *("publication", "listing", "list_word"),
    *("trace_word", "trace_profile", "trace_anatomy", "trace_state"),
)
# No act: what an address used of its calls; how a state of a trace is packed.
OF_NONE = ("used", "base")
Tamper = Callable[[sqlite3.Connection, random.Random], str]


def tampered(path: Path, dice: random.Random) -> str:
    """Change a record at one place, as somebody who has the file can; returns what was done."""
    conn = sqlite3.connect(path, isolation_level=None)
    try:
        conn.execute("PRAGMA foreign_keys = OFF")
        while True:
            conn.execute("BEGIN")
            try:
                with untriggered(conn):
                    before = _all(conn)
                    done = dice.choice(WAYS)(conn, dice)
                    changed = _all(conn) != before
            except (sqlite3.IntegrityError, IndexError):
                changed = False  # what the tables themselves refuse, or have nothing for
            if changed:
                conn.execute("COMMIT")
                return done
            conn.execute("ROLLBACK")
    finally:
        conn.close()


def _all(conn: sqlite3.Connection) -> list[object]:
    tables = (*EVIDENCE, "log", "log_text")
    return [row for table in tables for row in conn.execute(f"SELECT * FROM {table} ORDER BY 1, 2")]


def _some(conn: sqlite3.Connection, dice: random.Random, *more: str) -> str:
    """A table that holds something."""
    tables = (*EVIDENCE, *more)
    return dice.choice([t for t in tables if conn.execute(f"SELECT 1 FROM {t}").fetchone()])


def _row(conn: sqlite3.Connection, table: str, dice: random.Random) -> dict[str, object]:
    conn.row_factory = sqlite3.Row
    rows = conn.execute(f"SELECT * FROM {table}").fetchall()
    conn.row_factory = None
    made = {i[1] for i in conn.execute(f"PRAGMA table_xinfo({table})") if i[6]}  # of others
    return {k: v for k, v in dict(dice.choice(rows)).items() if k not in made}


def _other(value: object, dice: random.Random) -> object:
    if isinstance(value, int):
        return value + dice.choice((-1, 1, 1000))
    if value is None:
        return dice.choice((1, "x"))
    text = str(value)
    return dice.choice((text[:-1], f"{text}0", text[:1].swapcase() + text[1:], "0"))


def _where(row: dict[str, object]) -> tuple[str, list[object]]:
    return " AND ".join(f"{name} IS ?" for name in row), list(row.values())


def edit(conn: sqlite3.Connection, dice: random.Random) -> str:
    """One column of one row."""
    table = _some(conn, dice, "log", "log_text")
    row = _row(conn, table, dice)
    column = dice.choice([name for name in row if name not in OF_NONE])
    value = _other(row[column], dice)
    where, values = _where(row)
    conn.execute(f"UPDATE {table} SET {column} = ? WHERE {where}", [value, *values])
    return f"{table}.{column}: {row[column]!r} -> {value!r}"


def delete(conn: sqlite3.Connection, dice: random.Random) -> str:
    table = _some(conn, dice, "log", "log_text")
    row = _row(conn, table, dice)
    where, values = _where(row)
    conn.execute(f"DELETE FROM {table} WHERE {where}", values)
    return f"deleted from {table}: {row}"


def insert(conn: sqlite3.Connection, dice: random.Random) -> str:
    """A copy of a row under another key."""
    table = _some(conn, dice)
    row = _row(conn, table, dice)
    key = [info[1] for info in conn.execute(f"PRAGMA table_info({table})") if info[5]]
    row[key[0]] = _other(row[key[0]], dice)
    if table == "transfer":
        row["leg"] = f"{row['leg']}'"
    names = ", ".join(row)
    conn.execute(
        f"INSERT INTO {table} ({names}) VALUES ({','.join('?' * len(row))})", [*row.values()]
    )
    return f"inserted into {table}: {row}"


def forge(conn: sqlite3.Connection, dice: random.Random) -> str:
    """A text with another number in it, its digest, and the hash of its row."""
    seq = dice.choice(_numbers(conn))
    _rewrite(conn, seq)
    before = conn.execute("SELECT hash FROM log WHERE seq = ?", (seq - 1,)).fetchone()
    (digest,) = conn.execute("SELECT digest FROM log WHERE seq = ?", (seq,)).fetchone()
    made = log.link(seq, before[0] if before else log.GENESIS, digest)
    conn.execute("UPDATE log SET hash = ? WHERE seq = ?", (made, seq))
    return f"forged text {seq} with digest and hash"


def forge_all(conn: sqlite3.Connection, dice: random.Random) -> str:
    """A text, and every hash after it: the chain holds, the record shows it."""
    seq = dice.choice([each for each in _numbers(conn) if _MAKES.search(_text(conn, each))])
    _rewrite(conn, seq)
    _relink(conn)
    return f"forged text {seq} and every hash after it"


def swap(conn: sqlite3.Connection, dice: random.Random) -> str:
    """Two texts with their salts."""
    one, two = dice.sample(_numbers(conn), 2)
    _swap(conn, "log_text", one, two)
    return f"swapped texts {one} and {two}"


def reorder(conn: sqlite3.Connection, dice: random.Random) -> str:
    """Two rows of the chain with their texts."""
    one, two = dice.sample(_numbers(conn), 2)
    for table in ("log", "log_text"):
        _swap(conn, table, one, two)
    return f"reordered {one} and {two}"


def renumber(conn: sqlite3.Connection, dice: random.Random) -> str:
    """A row of the chain taken out, and the rest moved up with hashes that hold."""
    seq = dice.choice([each for each in _numbers(conn) if _MAKES_ROWS.search(_text(conn, each))])
    for table in ("log_case", "log_text", "log"):
        conn.execute(f"DELETE FROM {table} WHERE seq = ?", (seq,))
        conn.execute(f"UPDATE {table} SET seq = -seq WHERE seq > ?", (seq,))
        conn.execute(f"UPDATE {table} SET seq = -seq - 1 WHERE seq < 0")
    _relink(conn)
    return f"took {seq} out of the chain and closed it"


# What shows in the record when it is missing or another.
_MAKES_ROWS = re.compile('"what":"(rows|publication|listing|word)"')
_MAKES = re.compile(
    '"what":"(rows|alerts|baselines|publication|listing|entries|word|trace (word|facts|state))"'
)
WAYS: tuple[Tamper, ...] = (
    *(edit, edit, edit, edit, delete, delete, insert),
    *(forge, forge_all, swap, reorder, renumber),
)


def cut(path: Path, rows: int) -> None:
    """Take the newest rows off the log, texts and all."""
    conn = sqlite3.connect(path, isolation_level=None)
    try:
        with untriggered(conn):
            (last,) = conn.execute("SELECT max(seq) FROM log").fetchone()
            for table in ("log_case", "log_text", "log"):
                conn.execute(f"DELETE FROM {table} WHERE seq > ?", (last - rows,))
    finally:
        conn.close()


def _numbers(conn: sqlite3.Connection) -> list[int]:
    return [row[0] for row in conn.execute("SELECT seq FROM log")]


def _text(conn: sqlite3.Connection, seq: int) -> str:
    return str(conn.execute("SELECT text FROM log_text WHERE seq = ?", (seq,)).fetchone()[0])


def _rewrite(conn: sqlite3.Connection, seq: int) -> None:
    salt, text = conn.execute("SELECT salt, text FROM log_text WHERE seq = ?", (seq,)).fetchone()
    forged = text.replace('"final"', '"missing"').replace("0xt", "0xu").replace("1", "2")
    conn.execute("UPDATE log_text SET text = ? WHERE seq = ?", (forged, seq))
    conn.execute("UPDATE log SET digest = ? WHERE seq = ?", (log.digest_of(salt, forged), seq))


def _relink(conn: sqlite3.Connection) -> None:
    before = log.GENESIS
    for seq, digest in conn.execute("SELECT seq, digest FROM log ORDER BY seq").fetchall():
        before = log.link(seq, before, digest)
        conn.execute("UPDATE log SET hash = ? WHERE seq = ?", (before, seq))


@contextmanager
def relinked(conn: sqlite3.Connection) -> Iterator[None]:
    """Texts can be changed: digests and hashes are worked out anew, as the owner can."""
    with untriggered(conn):
        yield
        for seq, salt, text in conn.execute("SELECT seq, salt, text FROM log_text").fetchall():
            if text is not None:
                digest = log.digest_of(salt, text)
                conn.execute("UPDATE log SET digest = ? WHERE seq = ?", (digest, seq))
        _relink(conn)
    conn.commit()


def _swap(conn: sqlite3.Connection, table: str, one: int, two: int) -> None:
    for old, new in ((one, -1), (two, one), (-1, two)):
        conn.execute(f"UPDATE {table} SET seq = ? WHERE seq = ?", (new, old))
