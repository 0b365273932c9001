"""The demo: it plays, its verdict is right, and the verdict sees what goes wrong."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from world.desk import Manners, User, sign_in
from world.home import ROOT, environment

from monitor.app.settings import load
from monitor.demo import cast, onward, story, verdict
from monitor.demo.truth import Due, Moved, Truth
from monitor.model import Alert, AlertKind, AlertView, Lane, Severity
from monitor.watchlist import entries as watchlist

NOW = 1_795_000_000
COMMAND = [sys.executable, "-m", "monitor", "demo"]


@pytest.fixture(scope="module")
def truth() -> Truth:
    """What happened, after the whole story without a daemon."""
    world = story.ledgers(NOW)
    entries = watchlist.parse(cast.watchlist_yaml(), load.load(ROOT / "docs", {}).chains)
    found = Truth(world, entries.entries)
    clock = iter([NOW + beat.at for beat in story.BEATS])
    story.play(world, lambda: next(clock), lambda _beat: found.look())
    found.look()
    return found


def as_recorded(row: Moved, truth: Truth) -> dict[str, Any]:
    """A line of `transfers --format jsonl` that tells the truth."""
    return {
        **{"chain": row.chain, "tx": row.tx, "kind": row.kind, "amount": str(row.amount)},
        **{"from": row.sender, "to": row.recipient},
        "asset": {"contract": row.contract, "token_id": row.token_id},
        "status": "orphaned" if (row.chain, row.tx) in truth.gone else "provisional",
    }


def as_alert(due: Due, number: int) -> dict[str, Any]:
    return {
        **{"id": f"A-{number}", "chain": due.chain, "tx": due.tx},
        "kind": "correction" if due.what == "corrected" else "movement",
        "entry": {"id": f"E-{due.address}", "address": due.address},
        "transfers": [{"tx": due.tx, "leg": "native"}],
    }


def rows(truth: Truth) -> list[dict[str, Any]]:
    return [as_recorded(row, truth) for row in truth.record().elements()]


def alerts(truth: Truth) -> list[dict[str, Any]]:
    return [as_alert(due, n) for n, due in enumerate(truth.alerts)]


def test_truth_of_the_story(truth: Truth) -> None:
    """The story holds a reversal, a pending payment that two entries hear of, and spam."""
    assert len(truth.gone) == 1
    corrected = [due for due in truth.alerts if due.what == "corrected"]
    assert [due.address for due in corrected] == [cast.HARBOUR]
    bitcoin = {due.address for due in truth.alerts if due.chain == "bitcoin"}
    assert bitcoin == {cast.SAVINGS, cast.COURIER}
    assert sum(due.address == cast.HARBOUR for due in truth.alerts) == 5
    assert sum(row.kind == "fee" for row in truth.record()) == 12


def test_verdict_accepts_the_truth(truth: Truth) -> None:
    """A record and a webhook log that are exactly right are called right."""
    assert verdict.recorded_wrong(rows(truth), truth) == []
    assert verdict.told_wrong(alerts(truth), truth) == []


def test_verdict_sees_a_wrong_record(truth: Truth) -> None:
    """A row that is missing, doubled, invented or of the wrong status is named."""
    good = rows(truth)
    assert len(verdict.recorded_wrong(good[1:], truth)) == 1
    assert len(verdict.recorded_wrong([*good, good[0]], truth)) == 1
    assert len(verdict.recorded_wrong([{**good[0], "amount": "7"}, *good[1:]], truth)) == 2
    for wrong in ("orphaned", "missing", "pending"):
        assert len(verdict.recorded_wrong([{**good[0], "status": wrong}, *good[1:]], truth)) == 1
    reversed_ = next(r for r in good if r["status"] == "orphaned")
    rest = [r for r in good if r is not reversed_]
    assert len(verdict.recorded_wrong([*rest, {**reversed_, "status": "final"}], truth)) == 1


def test_verdict_sees_wrong_telling(truth: Truth) -> None:
    """An alert that was not told, told twice, or told of nothing is named."""
    good = alerts(truth)
    assert len(verdict.told_wrong(good[1:], truth)) == 1
    assert len(verdict.told_wrong([*good, {**good[0], "id": "A-new"}], truth)) == 2
    assert len(verdict.told_wrong([*good, good[0]], truth)) == 2
    other = {**good[0], "id": "A-new", "tx": "?", "transfers": []}
    assert len(verdict.told_wrong([*good, other], truth)) == 1
    amended = {**good[0], "id": "A-new", "kind": "amendment"}
    assert len(verdict.told_wrong([*good, amended], truth)) == 1
    assert verdict.told_wrong([*good, {**amended, "transfers": []}], truth) == []


def test_verdict_sees_wrong_mail() -> None:
    """News without a mail, a mail that came twice, and a quiet alert with a mail of its own
    are named; a quiet alert in the daily mail is in order."""
    news, quiet = (
        AlertView(Alert(name, AlertKind.MOVEMENT, lane, Severity.HIGH, NOW), "open")
        for name, lane in (("A-1", Lane.NEWS), ("A-2", Lane.QUIET))
    )
    mailed = {("A-1", "desk-mail"): "M-1", ("A-2", "desk-mail"): "D-1"}
    assert verdict.mailed_wrong([news, quiet], mailed, ["M-1", "D-1"]) == []
    assert len(verdict.mailed_wrong([news], {}, [])) == 1
    assert len(verdict.mailed_wrong([news], mailed, [])) == 1
    assert len(verdict.mailed_wrong([news], mailed, ["M-1", "M-1"])) == 1
    alone = {("A-2", "desk-mail"): "M-2"}
    assert len(verdict.mailed_wrong([quiet], alone, ["M-2"])) == 1


def line(kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": kind, **fields}


def traced_right() -> list[dict[str, Any]]:
    """Lines of `trace show --format jsonl` that tell where the thief's money went."""
    nodes = [
        line(
            "node",
            address=address,
            stop={"reason": "exchange"} if address in cast.DEPOSITS else None,
            holds=[{"amount": {"tainted_first": str(first), "libr": str(onward.LAST[address])}}],
        )
        for address, first in onward.FIRST.items()
    ]
    edges = [line("edge", via=via) for via in (None, "swap", "bridge")]
    return [*nodes, *edges, line("total", method="libr", difference="0")]


def test_verdict_sees_a_wrong_trace() -> None:
    """An end that is missing or of another sum, a way through that was not seen, an exchange that
    was passed over and a sum that is off are named."""
    good = traced_right()
    assert verdict.traced_wrong(good) == []
    missing = [each for each in good if each.get("address") != cast.STASH]
    assert len(verdict.traced_wrong(missing)) == 2  # by two methods
    less = [{**good[0], "holds": [{"amount": {"tainted_first": "5", "libr": "7"}}]}, *good[1:]]
    assert len(verdict.traced_wrong(less)) == 2
    assert verdict.traced_wrong([e for e in good if e.get("via") != "bridge"])
    assert verdict.traced_wrong([{**good[0], "stop": None}, *good[1:]])
    assert verdict.traced_wrong([*good, line("total", method="libr", difference="1")])
    assert verdict.traced_wrong([*good, line("total", method="poison", difference="1")]) == []


@pytest.mark.slow
def test_demo_plays(tmp_path: Path) -> None:
    """The real thing in a terminal, with the daemon as a process of its own: all right, the mail on
    the screen, everything where it says, and the desk open until Ctrl-C, on which somebody who
    uses what is printed sees where the money is."""
    kept = tmp_path / "kept"
    with in_terminal([*COMMAND, "--keep", str(kept)], tmp_path) as (demo, screen):
        told = read_until(screen, "until you press Ctrl-C")
        daemon = int((kept / "home/fundwatch.lock").read_text())
        looked_at(told)
        demo.send_signal(signal.SIGINT)
        told += read_until(screen, "The desk is closed.")
        assert demo.wait(30) == 0
    told = " ".join(told.split())  # wherever its lines end
    with pytest.raises(ProcessLookupError):
        os.kill(daemon, 0)
    assert "sent 1,000,000 USDT, about 1.0 M USD, to " in told
    assert "Wrong:" not in told
    assert "followed over 4 hops" in told
    assert "bridge to Polygon" in told  # in the seizure view
    assert (kept / "trace.png").read_bytes().startswith(b"\x89PNG")
    assert len(list((kept / "mails").glob("*.html"))) >= 16
    log = (kept / "webhook.jsonl").read_text("utf-8")
    assert all('"signature": "right"' in line for line in log.splitlines())
    assert (kept / "home/fundwatch.db").exists()


@contextmanager
def in_terminal(
    command: Sequence[str], folder: Path
) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A command in a terminal of its own, and what is read of that."""
    screen, line = pty.openpty()
    fcntl.ioctl(line, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 100, 0, 0))
    env = {**environment(), "NO_COLOR": "1", "TERM": "dumb"}
    demo = subprocess.Popen(command, stdin=line, stdout=line, stderr=line, cwd=folder, env=env)
    os.close(line)
    try:
        yield demo, screen
    finally:
        if demo.poll() is None:
            demo.send_signal(signal.SIGINT)
            demo.wait(30)
        os.close(screen)


def read_until(screen: int, words: str) -> str:
    """What stands on a terminal up to these words, whatever its lines are broken at."""
    told, end = "", time.monotonic() + 240
    while words not in " ".join(told.split()):
        assert time.monotonic() < end, told[-2000:]
        if select.select([screen], [], [], 1)[0]:
            told += os.read(screen, 65_536).decode("utf-8", "replace").replace("\r", "")
    return told


def looked_at(told: str) -> None:
    """Sign in with what a terminal shows, and look at the page that it names."""
    said = dict(
        line.split("  ", 1)
        for line in told[told.index("The desk is open") :].splitlines()
        if "  " in line
    )
    url, path = re.match(
        r"(http://localhost:\d+)(/c/.*)", said["where the stolen money is"].strip()
    ).groups()
    password, code = said["password"].strip(), said["one-time code"].split(",")[0].strip()
    with Manners(url) as visitor:
        form = sign_in(visitor, User("m.ortiz", "", password), code=code)
        assert form.status_code == 303, form.text
        page = visitor.get(path)
    assert page.status_code == 200
    assert "Harbour" in page.text


@pytest.mark.parametrize("way", [signal.SIGINT, signal.SIGHUP], ids=["Ctrl-C", "window closed"])
def test_interrupted_demo_leaves_nothing_running(tmp_path: Path, way: signal.Signals) -> None:
    """Ctrl-C, or the end of its terminal, ends the demo and its daemon, in one sentence."""
    with subprocess.Popen(
        [*COMMAND, "--keep", str(tmp_path / "kept")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env=environment(),
    ) as demo:
        lock = tmp_path / "kept/home/fundwatch.lock"
        deadline = time.monotonic() + 60
        while not (lock.exists() and lock.read_text().strip()):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        daemon = int(lock.read_text())
        demo.send_signal(way)
        _, errors = demo.communicate(timeout=60)
    assert demo.returncode == 130
    assert "Traceback" not in errors
    assert "Interrupted" in errors
    with pytest.raises(ProcessLookupError):
        os.kill(daemon, 0)


def test_demo_overwrites_nothing(tmp_path: Path) -> None:
    """A folder that holds something is refused."""
    (tmp_path / "mine.txt").write_text("precious")
    done = subprocess.run(
        [*COMMAND, "--keep", str(tmp_path)],
        capture_output=True,
        text=True,
        env=environment(),
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 2
    assert "not empty" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_balance_that_differs_is_no_right_verdict() -> None:
    """But of a token without a name of ours nothing follows."""
    coin = {"symbol": "ETH"}
    line = {"chain": "ethereum", "address": "0xa", "asset": coin, "difference": "-7"}
    equal, apart = {**line, "state": "reconciled"}, {**line, "state": "unexplained"}
    strange = {**apart, "asset": {"symbol": None}}
    assert verdict.equal([equal, apart, strange]) == 1
    assert verdict.unequal([equal, strange]) == []
    assert verdict.unequal([equal, apart]) == ["not what ethereum says: ETH of 0xa, off by -7"]
