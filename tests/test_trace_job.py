"""Following as a job of the running program: cases beside each other."""

from __future__ import annotations

import logging
import re
import threading
from pathlib import Path

import pytest
from test_trace_run import SOURCE, A, B, C, told

from monitor.app.home import open_home
from monitor.loops.passing import JobSigns
from monitor.model.errors import StoreError
from monitor.store import follow


def test_a_case_that_cannot_be_read_holds_up_no_other(tmp_path: Path) -> None:
    """The job fails in every round, so that it is told; the other case goes on."""
    with told(tmp_path) as story:
        story.pay(SOURCE, A, 8_000)
        story.run()
        story.pay(B, C, 6_000)
        cases = {
            name: {
                "reason": "a reason",
                "follow": {"hops": 10},
                "addresses": [{"address": address, "chain": "dev", "label": "a source"}],
            }
            for name, address in (("C-1", SOURCE), ("C-2", B))
        }
        story.home.write("watchlist.yaml", {"cases": cases})
        story.settle()
        story.home.run("poll")
        story.home.sql("UPDATE trace_state SET sha256 = 'spoilt' WHERE case_id = 'C-1'")
        with open_home(story.home.path, {}) as app:
            for _ in range(3):
                with pytest.raises(StoreError):
                    app.tracing.round()
            followed = {each.case: each.subject.address for each in follow.followed(app.store)}
    assert followed["C-2"] == C


def test_the_log_says_what_was_done_and_names_no_address(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="fundwatch")
    with told(tmp_path) as story:
        story.pay(SOURCE, A, 8_000)
        story.settle()
        with open_home(story.home.path, {}) as app:
            app.reload()
            app.poll(everything=True)
            app.tracing.round()
    lines = [r.getMessage() for r in caplog.records if r.getMessage().startswith("trace ")]
    (line,) = lines
    assert re.fullmatch(r"trace case=C-1 calls=\d+ followed=1 new=1 errors=0", line)
    assert A[2:] not in caplog.text
    assert SOURCE[2:] not in caplog.text


class Heard(JobSigns):
    """Signs of life, and which threads gave them."""

    def __init__(self) -> None:
        super().__init__()
        self.threads: set[str] = set()

    def moved(self) -> None:
        super().moved()
        self.threads.add(threading.current_thread().name.split("_")[0])


def test_the_watchdog_hears_of_the_questions_of_every_thread(tmp_path: Path) -> None:
    """Else a long time of questions about what addresses are would look like a job that hangs."""
    with told(tmp_path) as story:
        story.pay(SOURCE, A, 8_000)
        story.settle()
        with open_home(story.home.path, {}) as app:
            app.reload()
            app.poll(everything=True)
            app.tracing.signs = Heard()
            app.tracing.round()
            heard = app.tracing.signs.threads
            before = app.tracing.signs.moved_at
            app.poll(everything=True)
            after = app.tracing.signs.moved_at
    assert {"trace", "read"} <= heard
    assert after == before, "what others ask is no sign of it"
