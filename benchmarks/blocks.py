"""What it costs to read whole blocks, beside a floor of plain Python over the same blocks of a
generated chain (anvil_chain.py, blocks_floor.py): for few and for very many watched addresses, of
which the same few live on the chain, and for thirty that are busy there.

Ways: `floor`; `face`, the adapter by itself, which reads and checks all of it and stores nothing;
`pass`, a pass of the program. All ways of a round come one after the other, each in a process of
its own, and what is compared are medians of the rounds.

python benchmarks/blocks.py [--blocks 400] [--rounds 3] [--addresses 10 1000 100000 1000000]
    [--dense 30] [--ways floor face pass] [--cache FOLDER] [--etl ETHEREUMETL] [--json FILE]
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import os
import shutil
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import anvil_chain
import blocks_floor
from anvil_chain import Node, Shape, Truth, free_port
from common import Usage, alone, arguments, evm_address, measured, median, show, start

if TYPE_CHECKING:
    from monitor.app.fundwatch import Fundwatch
    from monitor.store.sqlite import Store

FEW = slice(1000, 1010)  # of the people of the chain, the busiest first: who is watched
DENSE = 100  # from here on, where many rows are wanted


@dataclass(frozen=True, slots=True)
class Job:
    """Blocks to read, and for whom: some who live on the chain, others who do not."""

    url: str
    first: int
    last: int
    living: tuple[str, ...]
    others: int
    shape: Shape
    cache: Path
    home: Path  # that watches them, and has read nothing of these blocks

    @property
    def blocks(self) -> int:
        return self.last - self.first + 1

    @property
    def count(self) -> int:
        return len(self.living) + self.others

    def watched(self) -> Iterator[str]:
        yield from self.living
        for number in range(self.others):
            yield evm_address(f"elsewhere {number}")


def jobs(
    node: Node, truth: Truth, args: argparse.Namespace, shape: Shape, cache: Path, homes: Path
) -> list[Job]:
    few, dense = tuple(truth.people[FEW]), tuple(truth.people[DENSE : DENSE + args.dense])
    span, kept = (node.url, truth.first, truth.last), (shape, cache)
    made = [
        Job(*span, few[:count], max(0, count - len(few)), *kept, homes / f"home-{count}")
        for count in args.addresses
    ]
    return [*made, *([Job(*span, dense, 0, *kept, homes / "home-dense")] if dense else [])]


# -- one measurement, in a process of its own ------------------------------------------------

Spent = dict[str, float]


def spent(before: Usage, rows: int, requests: int) -> Spent:
    after = Usage.now()
    return {
        "wall": after.wall - before.wall,
        "CPU": after.cpu - before.cpu,
        "peak": after.peak,
        "rows": rows,
        "requests": requests,
    }


def by_floor(job: Job) -> Spent:
    wanted = set(job.watched())
    with tempfile.TemporaryDirectory(prefix="fundwatch-bench-") as name:
        target = Path(name) / "floor.db"
        blocks_floor.prepare(target)
        before = Usage.now()
        rows, requests = blocks_floor.read(job.url, wanted, job.first, job.last, target)
        return spent(before, rows, requests)


def by_face(job: Job) -> Spent:
    from monitor.app.memory import keep_what_is_loaded
    from monitor.model import Ask, Chain, Interval, SourceConfig
    from monitor.model.scope import EVERY, Members
    from monitor.net.http import Http
    from monitor.net.sources import build, whole_of

    chain = Chain("bench", "Bench", "evm", "ETH", 18, 12, chain_id=31337)
    http = Http("node", job.url)
    face = whole_of(build(SourceConfig("node", "evm_rpc", job.url), chain, http))
    assert face is not None
    members = Members(dict.fromkeys(job.watched(), job.first))
    head = face.head()

    def read(left: Interval | None) -> Iterator[int]:
        while left is not None:
            batch = face.fetch(Ask((), streams, left, head, members=members))
            yield len(batch.transfers)
            left = batch.rest

    streams = frozenset({EVERY})
    sum(read(Interval(job.first - 1, job.first - 1)))  # what it loads and finds out once
    streams = face.bundles[0]
    keep_what_is_loaded()
    before, calls = Usage.now(), http.calls
    rows = sum(read(Interval(job.first, job.last)))
    return spent(before, rows, http.calls - calls)


def by_pass(job: Job) -> Spent:
    """What a pass costs that finds the generated blocks, in a process that was ready and had read
    the chain before them."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="fundwatch-bench-") as name:
        folder = Path(name) / "home"
        shutil.copytree(job.home, folder)
        write_config(folder, f"http://127.0.0.1:{port}")
        began = time.perf_counter()
        with measured(folder) as process:
            with anvil_chain.opening(job.shape, job.cache, port):
                process.do(start)
                ready = time.perf_counter() - began
                quiet = process.do(one_pass)
            with anvil_chain.whole(job.shape, job.cache, port):
                found = process.do(one_pass)
    return {**found, "ready": ready, "first pass": quiet["wall"]}


def one_pass(app: Fundwatch) -> Spent:
    for pool in app.pools.values():
        pool.forget_heads()
    recorded = count_rows(app.store)
    before = Usage.now()
    report = app.poll(everything=True)
    after = spent(before, 0, report.calls)
    more = {"alerts": report.alerts, "errors": report.errors}
    return after | {"rows": count_rows(app.store) - recorded} | more


def count_rows(store: Store) -> int:
    return int(store.read("SELECT count(*) AS n FROM transfer")[0]["n"])


def write_config(folder: Path, url: str) -> None:
    own = {"family": "evm", "chain_id": 31337, "finality": 12, "sources": ["mine"]}
    own |= {"native": {"symbol": "ETH", "decimals": 18}, "read": "blocks"}
    source = {"kind": "evm_rpc", "url": url, "rate_per_second": 100_000}
    rest = {"kind": "text", "file": "rest.txt", "every": "never", "watch": True, "case": "REST"}
    for name, content in {
        "chains": {"chains": {"dev": own}},
        "sources": {"sources": {"mine": source}},
        "lists": {"lists": {"rest": rest | {"chains": ["dev"]}}},
    }.items():
        (folder / "config").mkdir(parents=True, exist_ok=True)
        (folder / f"config/{name}.yaml").write_text(json.dumps(content), "utf-8")


def prepare(job: Job, opening_url: str) -> Spent:
    """A home folder that watches all of these addresses from the opening of the chain on."""
    from monitor.app.home import open_home
    from monitor.model.acts import DAEMON
    from monitor.model.lists import Fetched

    write_config(job.home, opening_url)
    rows = [{"address": a, "chain": "dev", "label": f"p {n}"} for n, a in enumerate(job.living)]
    (job.home / "watchlist.yaml").write_text(json.dumps({"addresses": rows}), "utf-8")
    rest = job.home / "rest.txt"
    others = list(job.watched())[len(job.living) :]
    rest.write_text("\n".join([*others, ""]), "utf-8")
    logging.getLogger("fundwatch").setLevel(logging.ERROR)
    with open_home(job.home, {}) as app:
        app.reload()
        before = Usage.now()
        if others:
            data = rest.read_bytes()
            fetched = Fetched(rest, hashlib.sha256(data).hexdigest(), len(data), rest.name)
            app.lists.take("rest", fetched, DAEMON)
            app.reload()
        report = app.poll(everything=True)
        return spent(before, report.new_rows, report.calls)


WAYS: dict[str, Callable[[Job], Spent]] = {
    "floor": partial(alone, by_floor),
    "face": partial(alone, by_face),
    "pass": by_pass,
}


# -- rounds ----------------------------------------------------------------------------------


def measure(todo: Sequence[Job], ways: Sequence[str], rounds: int) -> dict[tuple[str, Job], Spent]:
    """Medians of the rounds. In each of them another way is first."""
    found: dict[tuple[str, Job], list[Spent]] = defaultdict(list)
    for number in range(rounds):
        turn = number % len(ways)
        for job in todo:
            for way in [*ways[turn:], *ways[:turn]]:
                found[way, job].append(WAYS[way](job))
    return {
        key: {name: median([each[name] for each in rows]) for name in rows[0]}
        for key, rows in found.items()
    }


def figures(truth: Truth, found: dict[tuple[str, Job], Spent]) -> Iterator[dict[str, object]]:
    for (way, job), mine in sorted(found.items(), key=lambda each: each[0][1].count):
        made: dict[str, object] = {
            "way": way,
            "addresses": job.count,
            "living": len(job.living),
            "rows": int(mine["rows"]),
            "true rows": truth.rows(job.living),
            "requests a block": round(mine["requests"] / job.blocks, 3),
            "blocks/s": int(job.blocks / mine["wall"]),
            "wall s": round(mine["wall"], 3),
            "CPU s": round(mine["CPU"], 3),
            "peak MiB": int(mine["peak"]),
        }
        made |= {
            name: round(mine[name], 2)
            for name in ("ready", "first pass", "alerts", "errors")
            if name in mine
        }
        if floor := found.get(("floor", job)):
            made |= {f"{name} of floor": mine[name] / floor[name] for name in ("wall", "CPU")}
        yield made


def make_homes(shape: Shape, cache: Path, todo: Sequence[Job]) -> list[dict[str, object]]:
    made = []
    with anvil_chain.opening(shape, cache, free_port()) as node:
        for job in todo:
            told = alone(prepare, job, node.url)
            made.append(
                {
                    "way": "list taken, first pass",
                    "addresses": job.count,
                    "living": len(job.living),
                    "wall s": round(told["wall"], 3),
                    "CPU s": round(told["CPU"], 3),
                    "peak MiB": int(told["peak"]),
                }
            )
    return made


@contextmanager
def _folder(given: Path | None) -> Iterator[Path]:
    if given is not None:
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="fundwatch-bench-") as name:
        yield Path(name)


def by_etl(command: str, node: Node, truth: Truth) -> Iterator[dict[str, object]]:
    """ethereum-etl's exports of the same blocks, which match nothing: blocks with transactions,
    and token movements."""
    blocks = truth.last - truth.first + 1
    span = ["-s", str(truth.first), "-e", str(truth.last), "-p", node.url]
    with tempfile.TemporaryDirectory(prefix="fundwatch-bench-") as name:
        files = [f"{name}/blocks.csv", f"{name}/txs.csv", f"{name}/tokens.csv"]
        for what, to in (
            ("export_blocks_and_transactions", ["--blocks-output", files[0]]),
            ("export_token_transfers", ["--output", files[2]]),
        ):
            more = ["--transactions-output", files[1]] if to[1] == files[0] else []
            before, began = os.times(), time.perf_counter()
            subprocess.run([command, what, *span, *to, *more], check=True, capture_output=True)
            after, wall = os.times(), time.perf_counter() - began
            cpu = after.children_user + after.children_system
            cpu -= before.children_user + before.children_system
            yield {
                "way": f"etl {what}",
                "blocks/s": int(blocks / wall),
                "wall s": round(wall, 3),
                "CPU s": round(cpu, 3),
            }


def _arguments() -> argparse.Namespace:
    parser = arguments(__doc__ or "", blocks=400, txs=125, rounds=3, dense=30)
    parser.add_argument("--addresses", type=int, nargs="*", default=[10, 1000, 100_000, 1_000_000])
    parser.add_argument("--ways", nargs="*", default=list(WAYS), choices=list(WAYS))
    parser.add_argument("--etl", help="the command ethereumetl, where it is installed")
    parser.add_argument("--cache", type=Path, help="keep the generated chain in this folder")
    return parser.parse_args()


def main() -> None:
    args = _arguments()
    shape = Shape(args.blocks, args.txs)
    with _folder(args.cache) as cache:
        truth = anvil_chain.made(shape, cache)
        with (
            anvil_chain.whole(shape, cache, free_port()) as node,
            tempfile.TemporaryDirectory(prefix="fundwatch-bench-") as homes,
        ):
            todo = jobs(node, truth, args, shape, cache, Path(homes))
            made = make_homes(shape, cache, todo) if "pass" in args.ways else []
            found = measure(todo, args.ways, args.rounds)
            show([*figures(truth, found), *made], args.json)
            if args.etl:
                show([*by_etl(args.etl, node, truth)], None)


if __name__ == "__main__":
    main()
