"""A long history: one address with many movements, `busy: yes`, read by the real poller.

Memory must stay flat: it is shown when a tenth, half and all of the rows are recorded.

python benchmarks/backfill.py [--rows 100000] [--profile FILE] [--json FILE]
"""

from __future__ import annotations

import cProfile
import io
import pstats
from pathlib import Path
from typing import TYPE_CHECKING

from common import Usage, addresses, arguments, explorer, home, measured, show, start

if TYPE_CHECKING:
    from monitor.app.fundwatch import Fundwatch
    from monitor.loops.passing import PassReport

STYLE = "etherscan"
MARKS = (10, 25, 50, 75, 100)  # percent of the rows
TOP = 40  # lines of the profile


def read_all(app: Fundwatch, expected: int, profile: bool) -> tuple[list[list[object]], str]:
    """Poll to the end: [[percent, rows, usage], ...] and, if wanted, the poll thread's
    profile."""
    found: list[list[object]] = [[0, 0, Usage.now()]]
    marks = list(MARKS)

    def note(report: PassReport, _left: int) -> None:
        while marks and report.new_rows * 100 >= expected * marks[0]:
            found.append([marks.pop(0), report.new_rows, Usage.now()])

    app.poller.on_progress = note
    profiler = cProfile.Profile()
    if profile:
        profiler.enable()
    report = app.poll(everything=True)
    profiler.disable()
    found.append(["end", report.new_rows, Usage.now()])
    if not profile:
        return found, ""
    text = io.StringIO()
    stats = pstats.Stats(profiler, stream=text).sort_stats("tottime")
    stats.print_stats(TOP)
    stats.sort_stats("cumulative").print_stats("monitor/", TOP)
    return found, text.getvalue()


def expected_rows(movements: int) -> int:
    """Every fourth movement goes out and brings a row for its fee (see common.ledger)."""
    return movements + sum(n % 4 == 1 for n in range(movements))


def measure(rows: int, profile: bool) -> tuple[list[dict[str, object]], str]:
    movements = rows * 4 // 5
    watched = addresses(STYLE, 1)
    with (
        explorer(STYLE, watched, movements) as server,
        home(STYLE, server.url, watched, busy=True) as folder,
        measured(folder) as process,
    ):
        process.do(start)
        found, text = process.do(read_all, expected_rows(movements), profile)
    return [_figure(found[0][2], *point) for point in found], text


def _figure(began: Usage, percent: object, rows: int, now: Usage) -> dict[str, object]:
    wall = now.wall - began.wall
    return {
        "recorded %": percent,
        "rows": rows,
        "wall s": round(wall, 2),
        "CPU s": round(now.cpu - began.cpu, 2),
        "rows/s": int(rows / wall) if wall else 0,
        "RSS MiB": round(now.rss, 1),
        "peak MiB": round(now.peak, 1),
    }


def main() -> None:
    parser = arguments(__doc__ or "", rows=100_000)
    parser.add_argument("--profile", type=Path, help="write the poll thread's profile here")
    args = parser.parse_args()
    figures, profile = measure(args.rows, args.profile is not None)
    if args.profile:
        args.profile.write_text(profile, "utf-8")
    show(figures, args.json)


if __name__ == "__main__":
    main()
