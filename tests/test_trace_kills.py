"""kill -9 while money is followed: what was half done is done again, and the trace at the end is
the one of somebody whom nobody disturbed."""

from __future__ import annotations

import random
import shutil
import signal
import subprocess
import time
from hashlib import sha256
from pathlib import Path

import pytest
import yaml
from test_trace_run import BANK, EXCHANGE, SOURCE, USD, Story, told
from world import chain
from world.home import Home, dev_chain, wait_for

from monitor.demo.world.explorer import Explorer

pytestmark = pytest.mark.slow

KILLS = 20
PEOPLE = ["0x" + sha256(f"person {n}".encode()).hexdigest()[:40] for n in range(36)]


def written(story: Story) -> None:
    """A web of payments: it splits, comes together, goes round, and ends at an exchange."""
    chance = random.Random(12)
    for person in PEOPLE:
        story.pay(BANK, person, chance.randint(10_000, 20_000))
    story.pay(BANK, SOURCE, 500_000)
    for first in PEOPLE[:4]:
        story.pay(SOURCE, first, 100_000)
    for _ in range(4):
        for sender in PEOPLE:
            receiver = chance.choice([*PEOPLE, *PEOPLE, EXCHANGE])
            if receiver != sender:
                story.pay(sender, receiver, chance.randint(1_000, 4_000))
    story.settle()


def priced(story: Story) -> None:
    """The token is worth a dollar, as a local source of prices says."""
    home, explorer = story.home, story.explorer
    explorer.price({f"dev:{USD}": 1.0})
    home.write("config/settings.yaml", {"prices": ["dollars"]})
    dev = {**dev_chain("mine"), "prices": {"defillama": "dev"}}
    home.write("config/chains.yaml", {"chains": {"dev": dev}})
    mine = {"kind": "etherscan", "url": explorer.url("dev", "etherscan"), "rate_per_second": 1000}
    dollars = {"kind": "defillama", "url": explorer.url("prices", "defillama")}
    home.write("config/sources.yaml", {"sources": {"mine": mine, "dollars": dollars}})


def other(home: Home, path: Path, calls_a_second: int) -> Home:
    """A home like it that has read nothing yet, with sources as slow as that."""
    path.mkdir()
    for name in ("config", "watchlist.yaml", "addressbook.csv"):
        copy = shutil.copytree if (home.path / name).is_dir() else shutil.copy
        copy(home.path / name, path / name)
    sources = yaml.safe_load((path / "config/sources.yaml").read_text("utf-8"))
    sources["sources"]["mine"]["rate_per_second"] = calls_a_second
    (path / "config/sources.yaml").write_text(yaml.safe_dump(sources), "utf-8")
    return Home(path)


def killed(home: Home, explorer: Explorer, chance: random.Random) -> bool:
    """Start to follow, and be killed somewhere in it; False: it had come to its end."""
    before = explorer.calls.total()
    process = home.start(*chance.choice([("trace", "run", "C-1"), ("run",)]))
    wait_for(lambda: explorer.calls.total() > before or process.poll() is not None, 60)
    try:
        process.wait(chance.uniform(0.0, 2.0))
    except subprocess.TimeoutExpired:
        process.kill()
    return process.wait(10) == -signal.SIGKILL


def followed(home: Home) -> int:
    return int(home.sql("SELECT count(*) FROM followed WHERE until IS NULL")[0][0])


def test_the_same_trace_after_twenty_kills(tmp_path: Path) -> None:
    (tmp_path / "calm").mkdir()
    chance = random.Random(5)
    with told(tmp_path / "calm") as story:
        written(story)
        priced(story)
        story.home.run("poll")  # there is a record, with what coins are worth now
        story.home.run("trace", "run", "C-1")
        calm = story.home.run("trace", "show", "C-1", "--format", "jsonl")
        home = other(story.home, tmp_path / "killed", calls_a_second=40)
        home.run("poll")  # there is a record
        done, steps = 0, []
        for _ in range(2 * KILLS):
            done += killed(home, story.explorer, chance)
            steps.append(followed(home))
            assert chain.faults_of(home.path / "fundwatch.db") == []
            if done == KILLS:
                break
        began = time.monotonic()
        said = home.run("trace", "run", "C-1")
        print(f"{done} kills; followed after each: {steps}; then {time.monotonic() - began:.1f} s")
        assert done == KILLS
        assert home.sql("PRAGMA integrity_check") == [("ok",)]
        assert "nothing is left to follow" in said
        assert home.run("trace", "show", "C-1", "--format", "jsonl") == calm
    # Most of them hit while something was still to be followed.
    assert sum(step < len(PEOPLE) for step in steps) > KILLS // 2
    assert len(set(steps)) >= 3
