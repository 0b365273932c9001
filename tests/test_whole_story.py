"""From an empty folder to the first acknowledged alert, by the steps that the README tells."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape
from pathlib import Path

import pytest
import requests
from world.home import ROOT, environment, wait_for


@contextmanager
def left_running(folder: Path, name: str, *args: str) -> Iterator[subprocess.Popen[bytes]]:
    """A command in a terminal of its own, ended by Ctrl-C."""
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-u", "-m", "monitor", *args],
            cwd=ROOT, env=environment(), stdout=log, stderr=log,
        )  # fmt: skip
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0, (folder / f"{name}.log").read_text("utf-8")


def said(home: Path, *args: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "monitor", "--home", str(home), *args],
        cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def first_news(mails: Path) -> str:
    """The first mail that tells a movement, as its reader sees it."""
    found = [p for p in sorted(mails.glob("*-OUT-*.html")) if "Acknowledge" in p.read_text("utf-8")]
    return found[0].read_text("utf-8") if found else ""


@pytest.mark.slow
def test_from_nothing_to_an_alert_in_hand(tmp_path: Path) -> None:
    """The world starts, `check` finds everything, `run` tells the first movement, its link
    opens a page, the button takes the alert in hand, `alerts` says who has it."""
    home, mails = tmp_path / "try/home", tmp_path / "try/mails"
    with left_running(tmp_path, "world", "demo", "--hands-on", str(tmp_path / "try")) as world:
        wait_for(lambda: "status" in (tmp_path / "world.log").read_text("utf-8"), 20)
        assert "0 FAIL" in said(home, "check")
        with left_running(tmp_path, "run", "--home", str(home), "run"):
            wait_for(lambda: first_news(mails), 60, (tmp_path / "run.log").read_text)
            found = re.search(r'href="(http://127\.0\.0\.1:[^"]+/ack/[^"]+)"', first_news(mails))
            assert found is not None
            link = unescape(found[1])
            page = requests.get(link, timeout=10)
            assert page.status_code == 200
            assert "I have it in hand" in page.text
            assert '"acknowledged"' not in said(home, "alerts", "--format", "jsonl")
            taken = requests.post(link, data={"name": "m.ortiz", "note": "on it"}, timeout=10)
            assert "m.ortiz has 1 alert in hand" in taken.text
            listed = map(json.loads, said(home, "alerts", "--format", "jsonl").splitlines())
            (mine,) = [alert["id"] for alert in listed if alert["state"] == "acknowledged"]
            assert "m.ortiz" in said(home, "alerts", "show", mine)
        assert world.poll() is None


@pytest.mark.parametrize("option", ["--keep", "--hands-on"])
def test_folder_that_is_not_empty_is_left_alone(tmp_path: Path, option: str) -> None:
    """The demo overwrites nothing."""
    (tmp_path / "mine").write_text("mine", "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "monitor", "demo", option, str(tmp_path)],
        cwd=ROOT, env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "not empty" in done.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["mine"]
