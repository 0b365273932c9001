"""What pages of the desk take over a record of a million movements, for four people at once, beside
the same questions in plain SQL; and what that does to the pace of the poll loop, which works on the
same record meanwhile. Each part in a process of its own.

python benchmarks/desk.py [--movements 1000000] [--requests 60] [--passes 6] [--keep FOLDER]
    [--json FILE]

Each of the four opens a page a second, which is quick reading; or the next one as soon as they have
the last ("no pause"), which no person does: then the four wait for each other.
"""

from __future__ import annotations

import http.client
import json
import logging
import multiprocessing
import random
import socket
import sqlite3
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import desk_record
from common import Explorer, Measured, Usage, addresses, arguments, explorer, measured, show, start

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

READERS = 4
POLLED = 100  # addresses of the chain that is polled meanwhile
ROWS = 10  # of each
_FRESH = multiprocessing.get_context("spawn")


# -- the home folder ---------------------------------------------------------------------------


def prepare(home: Path, movements: int, url: str) -> None:
    """The record, and beside it a chain whose addresses are polled. A record that is there already
    is used again."""
    if not (home / "fundwatch.db").exists():
        desk_record.make(home, movements)
    own = {"family": "evm", "chain_id": 31337, "finality": 12, "sources": ["mine"],
           "read": "addresses", "native": {"symbol": "ETH", "decimals": 18}}  # fmt: skip
    silent = {chain: {"sources": []} for chain in desk_record.MAKE}
    source = {"kind": "etherscan", "url": url, "rate_per_second": 100_000}
    rows = [{"address": a, "chain": "dev", "label": f"polled {n}", "case": "polled"}
            for n, a in enumerate(addresses("etherscan", POLLED))]  # fmt: skip
    files = {
        "config/chains.yaml": {"chains": {**silent, "dev": own}},
        "config/sources.yaml": {"sources": {"mine": source}},
        "config/settings.yaml": {"web": {"desk": True, "listen": f"127.0.0.1:{_free_port()}"}},
        "watchlist.yaml": {"addresses": rows},
    }
    for name, content in files.items():
        (home / name).write_text(json.dumps(content), "utf-8")
    with closing(sqlite3.connect(home / "fundwatch.db")) as conn:
        conn.execute("UPDATE scope SET due = ? WHERE chain <> 'dev'", (2**61,))  # never
        conn.commit()


def as_in_the_file(home: Path) -> None:
    """The entries of the invented record stand in no watchlist: nothing is made of that here."""
    with closing(sqlite3.connect(home / "fundwatch.db", timeout=30)) as conn:
        conn.execute("UPDATE entry SET absent = NULL WHERE absent IS NOT NULL")
        conn.commit()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


# -- the real server, in a process of its own ----------------------------------------------------


def _serve(pipe: Connection, home: Path) -> None:
    from monitor.app.desk import desk_of, give_way
    from monitor.app.settings.load import load
    from monitor.store import desk_sessions
    from monitor.web.server import Server

    logging.getLogger("fundwatch").setLevel(logging.ERROR)
    give_way()
    settings = load(home, {})
    desk = desk_of(home, settings)
    with desk.guard.file.change() as conn:
        keys = {
            name: desk_sessions.begin(conn, name, int(time.time()), "test", "127.0.0.1", "bench")[0]
            for name in ("m.ortiz", "a.keller")
        }
    server = Server(settings.web.listen, desk)
    server.start()
    pipe.send((settings.web.listen, keys))
    pipe.recv()
    server.stop()
    desk.close()


@contextmanager
def served(home: Path) -> Iterator[tuple[tuple[str, int], dict[str, str]]]:
    """Where the desk listens, and a session's key for each of two people."""
    here, there = _FRESH.Pipe()
    process = _FRESH.Process(target=_serve, args=(there, home), daemon=True)
    process.start()
    try:
        yield here.recv()
    finally:
        here.send(None)
        process.join(30)


# -- readers -----------------------------------------------------------------------------------


@dataclass
class Reader:
    """One person's browser. `taken`: seconds and bytes of each page."""

    place: tuple[str, int]
    key: str

    def __post_init__(self) -> None:
        self.taken: list[tuple[float, int]] = []
        self._line = http.client.HTTPConnection(*self.place, timeout=60)

    def get(self, path: str) -> None:
        from monitor.web.desk.guard import SESSION

        began = time.perf_counter()
        host = f"localhost:{self.place[1]}"
        self._line.request("GET", path, headers={"Cookie": f"{SESSION}={self.key}", "Host": host})
        answer = self._line.getresponse()
        size = len(answer.read())
        self.taken.append((time.perf_counter() - began, size))
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status}")


def read_all(readers: Sequence[Reader], paths: Sequence[str], each: int, pause: float) -> None:
    """All of them at once, each so many pages with so many seconds between two."""
    _together(lambda n: _read(readers[n], paths, n, pause, range(each)), len(readers))


@contextmanager
def reading(readers: Sequence[Reader], paths: Sequence[str], pause: float) -> Iterator[None]:
    """All of them for as long as the block lasts."""
    stop = threading.Event()

    def until_stopped() -> Iterator[None]:
        while not stop.is_set():
            yield None

    everybody = threading.Thread(
        target=_together,
        args=(lambda n: _read(readers[n], paths, n, pause, until_stopped()), len(readers)),
    )
    everybody.start()
    try:
        yield
    finally:
        stop.set()
        everybody.join()


def _read(
    reader: Reader, paths: Sequence[str], number: int, pause: float, times: Iterable[object]
) -> None:
    dice = random.Random(number)
    for _ in times:
        reader.get(dice.choice(paths))
        time.sleep(pause * dice.uniform(0.5, 1.5))


def _together(do: Callable[[int], None], number: int) -> None:
    """In threads. Raises what the first of them raised."""
    with ThreadPoolExecutor(number) as pool:
        for each in [pool.submit(do, n) for n in range(number)]:
            each.result()


# -- the same in plain SQL -----------------------------------------------------------------------


def plain(conn: sqlite3.Connection, kind: str, path: str) -> None:
    """What a page of this kind asks the record, by hand and with nothing around it."""
    for sql, params in _PLAIN[kind](path):
        conn.execute(sql, params).fetchall()


Asked = Iterator[tuple[str, Sequence[object]]]


def _inbox(_path: str) -> Asked:
    from monitor.store.desk_schema import WORK

    work = f"state <> 'closed' AND {WORK}"
    yield f"SELECT count(*) FROM alert WHERE {work}", ()
    yield (
        "SELECT a.*, e.case_id, e.terms, t.* FROM alert a JOIN entry e ON e.id = a.entry "
        "JOIN alert_transfer x ON x.alert = a.id JOIN transfer t ON t.id = x.transfer "
        f"WHERE a.id IN (SELECT id FROM alert WHERE {work} ORDER BY created LIMIT 100)",
        (),
    )


def _address(path: str) -> Asked:
    _, _, chain, address = path.split("/")
    me = (chain, address)
    both = (chain, address, chain, address)
    one = "SELECT {} FROM transfer WHERE chain = ? AND {} = ? "
    sides = ("sender", "recipient")
    yield "SELECT * FROM entry WHERE subject = ?", (f"{chain}/{address}",)
    yield "SELECT * FROM coverage WHERE scope = ?", (f"{chain}/{address}",)
    for side in sides:
        yield one.format("*", side) + "ORDER BY time DESC LIMIT 100", me
    what = "coalesce({0}, '') AS other, contract, count(*), sum(CAST(amount AS REAL))"
    union = " UNION ALL ".join(
        f"SELECT * FROM ({one.format(what.format(other), side)} GROUP BY 1, 2 LIMIT 10000)"
        for side, other in zip(sides, reversed(sides), strict=True)
    )
    yield union, both


def _case(path: str) -> Asked:
    case = path.rpartition("/")[2]
    yield "SELECT * FROM entry WHERE case_id = ?", (case,)
    yield (
        "SELECT a.*, t.* FROM entry e JOIN alert a ON a.entry = e.id LEFT JOIN alert_transfer x "
        "ON x.alert = a.id LEFT JOIN transfer t ON t.id = x.transfer WHERE e.case_id = ? "
        "ORDER BY a.created DESC LIMIT 100",
        (case,),
    )
    yield "SELECT * FROM remark WHERE case_id = ?", (case,)


_PLAIN: Mapping[str, Callable[[str], Asked]] = {
    "inbox": _inbox, "address": _address, "case": _case, "case with its money": _case,
}  # fmt: skip


def in_plain_sql(home: Path, kind: str, paths: Sequence[str], times: int) -> float:
    """Milliseconds, the median."""
    dice, found = random.Random(0), []
    with closing(sqlite3.connect(f"file:{home / 'fundwatch.db'}?mode=ro", uri=True)) as conn:
        for _ in range(times):
            path = dice.choice(paths)
            began = time.perf_counter()
            plain(conn, kind, path)
            found.append(time.perf_counter() - began)
    return round(statistics.median(found) * 1000, 1)


# -- figures -----------------------------------------------------------------------------------


def pages_of(home: Path) -> dict[str, list[str]]:
    """By kind, pages that exist: the busiest address and every tenth after it."""
    with closing(sqlite3.connect(home / "fundwatch.db")) as conn:
        keys = conn.execute(
            "SELECT s.chain, s.address FROM entry e JOIN scope s ON s.key = e.subject "
            "WHERE e.list = '' AND s.chain <> 'dev' ORDER BY e.rowid"
        ).fetchall()
        cases = [
            row[0]
            for row in conn.execute(
                "SELECT DISTINCT case_id FROM entry WHERE case_id NOT IN ('', 'polled') ORDER BY 1"
            )
        ]
    return {
        "inbox": ["/inbox"],
        "address": [f"/a/{chain}/{address}" for chain, address in keys[::10]],
        "case": [f"/c/{case}" for case in cases[1::2]],
        "case with its money": [f"/c/{case}" for case in cases[::2]],
    }


def page_figures(
    home: Path, kind: str, paths: Sequence[str], served: Any, requests: int
) -> dict[str, object]:
    place, keys = served
    found: dict[str, object] = {"what": kind, "requests": READERS * requests}
    sizes: list[int] = []
    for way, pause in (("", 1.0), (", no pause", 0.0)):
        readers = [Reader(place, keys["m.ortiz"]) for _ in range(READERS)]
        read_all(readers, paths, 2, 0.0)  # a browser's second page is what counts
        for reader in readers:
            reader.taken.clear()
        read_all(readers, paths, requests, pause)
        times = sorted(seconds for reader in readers for seconds, _ in reader.taken)
        sizes += [size for reader in readers for _, size in reader.taken]
        found[f"median ms{way}"] = round(statistics.median(times) * 1000, 1)
        found[f"p95 ms{way}"] = round(times[int(len(times) * 0.95)] * 1000, 1)
    sql = in_plain_sql(home, kind, paths, max(5, requests // 2))
    return {**found, "KB": round(max(sizes) / 1000, 1), "plain SQL ms": sql}


def pace_figures(
    polling: Measured, chain: Explorer, served: Any, paths: Sequence[str], passes: int
) -> list[dict[str, object]]:
    """Passes without readers, with some, with busy ones: in turn, so that whatever else this
    machine does falls on all alike."""
    place, keys = served
    ways: dict[str, float | None] = {
        "passes alone": None,
        "passes, a page a second each": 1.0,
        "passes, readers without pause": 0.0,
    }
    walls: dict[str, list[float]] = {way: [] for way in ways}
    cpus: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(passes):
        for way, pause in ways.items():
            readers = [Reader(place, keys["m.ortiz"]) for _ in range(READERS)]
            if pause is None:
                _pass(polling, chain, walls[way], cpus[way])
                continue
            with reading(readers, paths, pause):
                _pass(polling, chain, walls[way], cpus[way])
    alone = statistics.median(walls["passes alone"])
    return [
        {
            "what": way,
            "requests": passes,
            "median ms": round(statistics.median(walls[way]) * 1000, 1),
            "CPU ms": round(statistics.median(cpus[way]) * 1000, 1),
            "pace drop %": round((1 - alone / statistics.median(walls[way])) * 100, 1),
        }
        for way in ways
    ]


def _pass(polling: Measured, chain: Explorer, walls: list[float], cpus: list[float]) -> None:
    chain.mine(3)
    before, after, _, errors = polling.do(one_pass)
    if errors:
        raise RuntimeError(f"{errors} errors in a pass")
    walls.append(after.wall - before.wall)
    cpus.append(after.cpu - before.cpu)


def one_pass(app: Any) -> Any:
    """A pass over the chain that is polled: (before, after, new rows, errors)."""
    with app.store.write() as conn:
        conn.execute("UPDATE scope SET due = 0 WHERE chain = 'dev'")
    for each in app.pools.values():
        each.forget_heads()
    before = Usage.now()
    report = app.poll(everything=False)
    return before, Usage.now(), report.new_rows, report.errors


def measure(home: Path, args: Any) -> list[dict[str, object]]:
    watched = addresses("etherscan", POLLED)
    with explorer("etherscan", watched, ROWS) as chain:
        prepare(home, args.movements, chain.url)
        with measured(home) as polling:
            polling.do(start)
            as_in_the_file(home)
            for _ in range(2):  # first contact, and what settles after it
                polling.do(one_pass)
            pages = pages_of(home)
            with served(home) as desk:
                found = [
                    page_figures(home, kind, paths, desk, args.requests)
                    for kind, paths in pages.items()
                ]
                mixed = [path for paths in pages.values() for path in paths[:10]]
                return [*found, *pace_figures(polling, chain, desk, mixed, args.passes)]


def main() -> None:
    parser = arguments(__doc__ or "", movements=1_000_000, requests=60, passes=6)
    parser.add_argument("--keep", type=Path, help="make the record here, or use the one that is")
    args = parser.parse_args()
    if args.keep is not None:
        args.keep.mkdir(parents=True, exist_ok=True)
        figures = measure(args.keep, args)
    else:
        with tempfile.TemporaryDirectory(prefix="fundwatch-bench-") as name:
            figures = measure(Path(name), args)
    show(figures, args.json)


if __name__ == "__main__":
    sys.exit(main())
