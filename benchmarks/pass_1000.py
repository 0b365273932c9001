"""What one pass over many addresses costs the daemon: calls, seconds, memory.

python benchmarks/pass_1000.py [--addresses 1000] [--rows 20] [--passes 5]
    [--style etherscan|esplora ...] [--profile FILE] [--json FILE]
"""

from __future__ import annotations

import cProfile
import io
import pstats
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from common import (
    CHAINS,
    Explorer,
    Measured,
    Usage,
    addresses,
    arguments,
    explorer,
    home,
    measured,
    median,
    show,
    start,
)

if TYPE_CHECKING:
    from types import FrameType

    from monitor.app.fundwatch import Fundwatch

BLOCKS = 3  # mined between two passes: heads move, as they do in life
TOP = 60  # lines of each part of the profile


def one_pass(app: Fundwatch) -> tuple[Usage, Usage, int, int]:
    """A pass of the daemon in which everything is due: (before, after, new rows, errors)."""
    with app.store.write() as conn:
        conn.execute("UPDATE scope SET due = 0")
    for reading in app.pools.values():
        reading.forget_heads()  # between two passes of one address they grow old anyway
    before = Usage.now()
    report = app.poll(everything=False)
    return before, Usage.now(), report.new_rows, report.errors


def commits_of_a_pass(app: Fundwatch) -> int:
    """How often a pass waits for the disk. Counted apart: tracing costs time."""
    seen: list[str] = []
    with app.store.write() as conn:
        conn.set_trace_callback(seen.append)
    one_pass(app)
    with app.store.write() as conn:
        conn.set_trace_callback(None)
    return seen.count("COMMIT") - 2  # this function's own, and the one that makes all due


def profiled_pass(app: Fundwatch) -> str:
    """A pass under cProfile in every thread, by CPU time; the readable top of it."""
    profiles = [cProfile.Profile(time.thread_time)]

    def begin(_frame: FrameType, _event: str, _arg: object) -> None:
        profiles.append(cProfile.Profile(time.thread_time))
        profiles[-1].enable()

    threading.setprofile(begin)
    profiles[0].enable()
    try:
        one_pass(app)
    finally:
        profiles[0].disable()
        threading.setprofile(None)
    text = io.StringIO()
    stats = pstats.Stats(profiles[0], stream=text)
    for extra in profiles[1:]:
        extra.create_stats()
        stats.add(extra)
    stats.sort_stats("tottime").print_stats(TOP)
    stats.sort_stats("cumulative").print_stats("monitor/", TOP)
    return text.getvalue()


def measure(
    style: str, count: int, rows: int, passes: int, profile: bool
) -> tuple[list[dict[str, object]], str]:
    """Figures of the first and of the quiet passes, and a quiet pass's profile if wanted."""
    watched = addresses(style, count)
    with (
        explorer(style, watched, rows) as server,
        home(style, server.url, watched) as folder,
        measured(folder) as process,
    ):
        process.do(start)
        first = _figures(style, "first", server, process, 1)
        _figures(style, "settling", server, process, 1)  # history summaries end here
        quiet = _figures(style, "quiet", server, process, passes)
        server.mine(BLOCKS)
        quiet["commits"] = process.do(commits_of_a_pass)
        return [first, quiet], process.do(profiled_pass) if profile else ""


def _figures(
    style: str, which: str, server: Explorer, process: Measured, passes: int
) -> dict[str, object]:
    found = []
    server.take_calls()
    for _ in range(passes):
        server.mine(BLOCKS)
        found.append(process.do(one_pass))
    return {
        "style": style,
        "pass": which,
        "passes": passes,
        "calls a pass": sum(server.take_calls().values()) // passes,
        "wall s": round(median([after.wall - before.wall for before, after, _, _ in found]), 3),
        "CPU s": round(median([after.cpu - before.cpu for before, after, _, _ in found]), 3),
        "RSS MiB": round(found[-1][1].rss, 1),
        "peak MiB": round(found[-1][1].peak, 1),
        "new rows": sum(new for _, _, new, _ in found),
        "errors": sum(errors for _, _, _, errors in found),
    }


def main() -> None:
    parser = arguments(__doc__ or "", addresses=1000, rows=20, passes=5)
    parser.add_argument("--style", action="append", choices=sorted(CHAINS))
    parser.add_argument("--profile", type=Path, help="write a quiet pass's CPU profile here")
    args = parser.parse_args()
    figures, profiles = [], []
    for style in args.style or ["etherscan", "esplora"]:
        profiled = args.profile is not None
        found, profile = measure(style, args.addresses, args.rows, args.passes, profiled)
        figures += found
        profiles.append(f"{style}, a quiet pass over {args.addresses} addresses\n{profile}")
    if args.profile:
        args.profile.write_text("\n".join(profiles), "utf-8")
    show(figures, args.json)


if __name__ == "__main__":
    main()
