"""What it costs to read whole blocks, beside a floor of plain Python over the same blocks of a
generated chain (anvil_chain.py, blocks_floor.py): for few and for very many watched addresses, of
which the same few live on the chain, and for a thousand that are nearly everybody there.

Ways: `floor`; `face`, the adapter by itself, which reads and checks all of it and stores nothing;
`pass`, a pass of the program. All ways of a round come one after the other, each in a process of
its own, and what is compared are medians of the rounds.

python benchmarks/blocks.py [--blocks 400] [--rounds 3] [--addresses 10 1000 100000 1000000]
    [--ways floor face pass] [--cache FOLDER] [--etl ETHEREUMETL] [--json FILE]
"""

from __future__ import annotations

import argparse
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import anvil_chain
import blocks_floor
from anvil_chain import Node, Shape, Truth
from common import Usage, alone, arguments, evm_address, median, show

FEW = slice(300, 310)  # of the people of the chain, the busiest first: who is watched
DENSE = slice(20, 120)


@dataclass(frozen=True, slots=True)
class Job:
    """Blocks to read, and for whom: some who live on the chain, others who do not."""

    url: str
    first: int
    last: int
    living: tuple[str, ...]
    others: int

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


def jobs(node: Node, truth: Truth, counts: Sequence[int]) -> list[Job]:
    few, dense = tuple(truth.people[FEW]), tuple(truth.people[DENSE])
    span = (node.url, truth.first, truth.last)
    sparse = [Job(*span, few[:count], max(0, count - len(few))) for count in counts]
    return [*sparse, Job(*span, dense, 0)]


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
            batch = face.fetch(Ask((), frozenset({EVERY}), left, head, members=members))
            yield len(batch.transfers)
            left = batch.rest

    sum(read(Interval(job.first - 1, job.first - 1)))  # what it loads and finds out once
    keep_what_is_loaded()
    before, calls = Usage.now(), http.calls
    rows = sum(read(Interval(job.first, job.last)))
    return spent(before, rows, http.calls - calls)


WAYS = {"floor": by_floor, "face": by_face}


# -- rounds ----------------------------------------------------------------------------------


def measure(todo: Sequence[Job], ways: Sequence[str], rounds: int) -> dict[tuple[str, Job], Spent]:
    """Medians of the rounds. In each of them another way is first."""
    found: dict[tuple[str, Job], list[Spent]] = defaultdict(list)
    for number in range(rounds):
        turn = number % len(ways)
        for job in todo:
            for way in [*ways[turn:], *ways[:turn]]:
                found[way, job].append(alone(WAYS[way], job))
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
        if floor := found.get(("floor", job)):
            made |= {f"{name} of floor": mine[name] / floor[name] for name in ("wall", "CPU")}
        yield made


@contextmanager
def _folder(given: Path | None) -> Iterator[Path]:
    if given is not None:
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="fundwatch-bench-") as name:
        yield Path(name)


def _arguments() -> argparse.Namespace:
    parser = arguments(__doc__ or "", blocks=400, txs=125, rounds=3)
    parser.add_argument("--addresses", type=int, nargs="*", default=[10, 1000, 100_000, 1_000_000])
    parser.add_argument("--ways", nargs="*", default=list(WAYS), choices=list(WAYS))
    parser.add_argument("--cache", type=Path, help="keep the generated chain in this folder")
    return parser.parse_args()


def main() -> None:
    args = _arguments()
    shape = Shape(args.blocks, args.txs)
    with _folder(args.cache) as cache:
        truth = anvil_chain.made(shape, cache)
        with anvil_chain.whole(shape, cache) as node:
            found = measure(jobs(node, truth, args.addresses), args.ways, args.rounds)
            show(list(figures(truth, found)), args.json)


if __name__ == "__main__":
    main()
