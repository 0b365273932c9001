"""The demo's story, played under the real daemon with the desk on, and what it lacks besides: a
storm, a freeze by an issuer, held funds of which some are missing, a list that changes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from monitor.demo import cast, story
from monitor.demo.handson import blocks, past_told
from monitor.demo.stage import surroundings
from monitor.demo.world.moves import Act, Tx
from monitor.store.sqlite import Store
from world.desk import User, add_person, turn_on

GAP = 2.5  # seconds between two events
STORM = 30  # payments
HELD = """
  VAULT-09:
    title: Glass Vault
    reason: seized by order 44-2026
    source: invented for the tests
    addresses:
      - address: {vault}
        chain: ethereum
        label: Vault
        held: seized
        holder: the court
        expected: {{ETH: 5}}
"""
ISSUERS = """issuers:
  ethereum:
    "{usdt}": {{issuer: Demo Tether, events: [tether], source: invented, date: 2026-11-01}}
"""
LISTS = """lists:
  partner:
    title: Partner's list
    kind: csv
    file: partner.csv
    every: 1m
    watch: yes
    chains: published
    case: PARTNER
"""


@dataclass(frozen=True)
class Played:
    """The home folder, where the desk is, and who can sign in."""

    home: Path
    url: str
    users: dict[str, User]

    def read(self, sql: str, *params: object) -> list[tuple[object, ...]]:
        with closing(Store(self.home / "fundwatch.db", readonly=True)) as store:
            return [tuple(row) for row in store.read(sql, params)]


@contextmanager
def played(folder: Path) -> Iterator[Played]:
    """Play it all, and keep the world, the daemon and the desk going."""
    world = story.ledgers(int(time.time()))
    with surroundings(folder, world):
        home = folder / "home"
        port = turn_on(home, jurisdiction="us")
        with (home / "watchlist.yaml").open("a", encoding="utf-8") as file:
            file.write(HELD.format(vault=cast.evm("vault")))
        (home / "config/lists.yaml").write_text(LISTS, "utf-8")
        (home / "config/issuers.yaml").write_text(ISSUERS.format(usdt=cast.USDT), "utf-8")
        listed = home / "partner.csv"
        listed.write_text(f"address,chain\n{cast.evm('listed one')},ethereum\n", "utf-8")
        with (folder / "daemon.log").open("wb") as log:
            daemon = subprocess.Popen(
                [sys.executable, "-m", "monitor", "--home", str(home), "run"],
                stdout=log,
                stderr=log,
                env={**os.environ},
            )
            try:
                _until(lambda: past_told(home), 90, daemon)
                users = {
                    name: add_person(home, name, role, cases=cases, reports=name == "m.ortiz")
                    for name, role, cases in PEOPLE
                }
                for beat in story.BEATS:
                    blocks(world)
                    beat.apply(world, int(time.time()))
                    time.sleep(GAP)
                _storm(world)
                _freeze(world)
                listed.write_text(
                    f"address,chain\n{cast.evm('listed two')},ethereum\n"
                    f"{cast.evm('listed one')},ethereum\n",
                    "utf-8",
                )
                with closing(Store(home / "fundwatch.db", readonly=True)) as store:
                    _until(lambda: _alerts(store) >= STORM + 15, 60, daemon)
                    _until(lambda: not _unsent(store), 60, daemon)
                yield Played(home, f"http://localhost:{port}", users)
            finally:
                daemon.terminate()
                daemon.wait(20)


PEOPLE = (
    ("m.ortiz", "analyst", ("CRANE-01", "HARBOUR-02", "VAULT-09")),
    ("k.brandt", "lead", ()),
    ("t.weber", "analyst", ("CRANE-01",)),
    ("a.rossi", "auditor", ()),
    ("s.admin", "admin", ()),
)


def _alerts(store: Store) -> int:
    return int(store.read("SELECT count(*) AS n FROM alert")[0]["n"])


def _unsent(store: Store) -> bool:
    sql = "SELECT 1 FROM route WHERE message IS NULL AND form <> 'daily' AND channel <> '' LIMIT 1"
    return bool(store.read(sql))


def _storm(world: story.World) -> None:
    """Many payments within a minute, each to somebody else."""
    payments = tuple((cast.PAYOUT, cast.evm(f"mule {n}"), 1000 * story.UNIT) for n in range(STORM))
    blocks(world)
    story.polygon_pays(*payments)(world, int(time.time()))
    blocks(world)


def _freeze(world: story.World) -> None:
    """The issuer freezes what the payroll has left."""
    act = Act("AddedBlackList", cast.USDT, cast.PAYROLL)
    moment = max(int(time.time()), world.ethereum.head.time + 1)
    tx = Tx("0x" + "7f" * 32, cast.evm("issuer"), cast.USDT, acts=(act,))
    world.ethereum.mine([tx], moment)
    blocks(world)


def _until(done: Callable[[], bool], seconds: float, daemon: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert daemon.poll() is None, "the daemon ended by itself"
        assert time.monotonic() < end, "it did not come in time"
        time.sleep(0.3)
