"""What many movements of one address in one block cost: CPU of the pass that stores them, and of
freezing what is told of them, for each movement. It must not grow with their number.

python benchmarks/storm.py [--least 1000] [--most 10000] [--json FILE]
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from common import Measured, Usage, addresses, arguments, explorer, home, measured, show, start
from pass_1000 import one_pass

if TYPE_CHECKING:
    from monitor.app.fundwatch import Fundwatch

STYLE = "etherscan"


def views(app: Fundwatch) -> tuple[Usage, Usage, int]:
    """Load everything that a message could say of each alert: (before, after, alerts)."""
    before = Usage.now()
    found = app.views.alerts(app.views.alert_ids())
    return before, Usage.now(), len(found)


def measure(payments: int) -> dict[str, object]:
    """Figures of one block with so many payments to a watched address."""
    watched = addresses(STYLE, 2)
    with (
        explorer(STYLE, watched, 4) as server,
        home(STYLE, server.url, watched) as folder,
        measured(folder) as process,
    ):
        process.do(start)
        process.do(one_pass)  # first contact
        server.storm(payments)
        rows, cpu, wall = _until_stored(process, payments)
        before, after, alerts = process.do(views)
        shown = after.cpu - before.cpu
        return {
            "payments": payments,
            "rows": rows,
            "alerts": alerts,
            "pass s": round(wall, 1),
            "pass CPU ms a row": round(cpu / rows * 1000, 3),
            "views CPU ms an alert": round(shown / alerts * 1000, 3),
            "peak MiB": round(after.peak, 1),
        }


def _until_stored(process: Measured, payments: int) -> tuple[int, float, float]:
    """(rows, CPU seconds, wall seconds) of the passes that it takes, two at most."""
    rows, cpu, wall = 0, 0.0, 0.0
    for _ in range(2):
        before, after, new, _ = process.do(one_pass)
        rows, cpu = rows + new, cpu + after.cpu - before.cpu
        wall += after.wall - before.wall
        if rows >= payments:
            break
    return rows, cpu, wall


def main() -> None:
    args = arguments(__doc__ or "", least=1000, most=10_000).parse_args()
    show([measure(count) for count in (args.least, args.most)], args.json)


if __name__ == "__main__":
    main()
