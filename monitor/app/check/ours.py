"""What `fundwatch check` says of lists of our own addresses: that nobody is shown them."""

from __future__ import annotations

from monitor.app.check.report import Bench
from monitor.model.plain import count
from monitor.store import ours


def check_ours(bench: Bench) -> None:
    titles = {name: each.title for name, each in bench.settings.lists.items() if each.ours}
    if not titles or bench.store is None:
        return
    held = ours.number(bench.store, titles)
    which = ", ".join(titles)
    own = count(held, "address", "addresses")
    bench.out.fact("PRIVACY", f"{own} of ours ({which}): shown to nobody")
    watched = {entry.subject.address for entry in bench.entries}
    both = ours.own(bench.store, titles, watched)
    if both:
        which = count(len(both), "address of ours is", "addresses of ours are")
        bench.out.warn(
            f"{which} watched too: sources are asked about what is watched, and learn it",
            "take it out of the watchlist, unless that is meant",
        )
