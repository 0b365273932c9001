"""The answer to a saved watchlist: what the desk reads, and what operations may know."""

from __future__ import annotations

import json
from pathlib import Path

from world.home import ALICE, BOB, Home

from monitor.app.home import open_home
from monitor.chains.evm import checksummed
from monitor.store import incidents

MAIL = {"kind": "email", "host": "127.0.0.1", "port": 1, "from": "fundwatch@example.org"}
DESK = {**MAIL, "to": ["desk@example.org"], "audience": "desk"}
OPERATIONS = {**MAIL, "to": ["ops@example.org"], "audience": "operations"}
LIST = f"""
version: 1
addresses:
  - address: "{ALICE}"
    chain: ethereum
    label: "Ann's wallet"
    case: "A-1"
    reason: "paid the thief"
  - address: "{BOB}"
    chain: ethereum
    label: Bob
    case: "A-1"
  - address: "0x97b1043a"
    chain: ethereum
    label: Carl
"""


def answers(tmp_path: Path, channels: dict[str, object]) -> dict[str, str]:
    """By channel what it is told of this list."""
    home = Home(tmp_path)
    home.write("watchlist.yaml", LIST)
    home.write("config/channels.yaml", {"channels": channels})
    with open_home(tmp_path, {}) as app:
        app.reload()
        told = app.store.read(
            "SELECT channel, title, facts FROM alert JOIN route ON route.alert = alert.id"
        )
        return {
            r["channel"]: "\n".join([r["title"], *json.loads(r["facts"])["lines"]]) for r in told
        }


def test_operations_learn_numbers_and_cases_the_desk_also_whom(tmp_path: Path) -> None:
    """No label, reason or address goes to those who only keep the program running."""
    found = answers(tmp_path, {"desk-mail": DESK, "ops-mail": OPERATIONS})
    ours, theirs = found["ops-mail"], found["desk-mail"]
    assert "2 taken, 1 refused." in ours
    assert "Taken: 2 entries (case A-1) on ethereum" in ours
    assert "Refused: watchlist.yaml:" in ours
    for secret in (ALICE, BOB, "97b1043a", "Ann", "Bob", "Carl", "thief"):
        assert secret.lower() not in ours.lower()
    assert f'Taken: "Ann\'s wallet" (case A-1), ethereum {checksummed(ALICE)}' in theirs
    assert "Refused: watchlist.yaml:13: '0x97b1043a' is not an address of Ethereum" in theirs


def test_who_is_both_is_told_once(tmp_path: Path) -> None:
    """One mail, with everything, where nobody is of the operations alone."""
    found = answers(tmp_path, {"mail": {**DESK, "audience": ["desk", "operations"]}})
    assert list(found) == ["mail"]
    assert "Ann's wallet" in found["mail"]


def test_a_desk_that_may_see_some_cases_is_not_told_of_others(tmp_path: Path) -> None:
    """A channel kept to a case gets the numbers, where no other one takes notices."""
    found = answers(tmp_path, {"narrow": {**DESK, "only": {"case": ["B-2"]}}})
    assert "2 taken, 1 refused." in found["narrow"]
    assert "Ann" not in found["narrow"]


def test_a_list_that_cannot_be_read_is_told_without_its_words(tmp_path: Path) -> None:
    """Where and why, to operations; a name may stand in the line."""
    home = Home(tmp_path)
    home.write("watchlist.yaml", "John Q. Secret\n")
    with open_home(tmp_path, {}) as app:
        app.reload()
        (incident,) = incidents.incident_list(app.store, open_only=True)
    assert "watchlist.yaml:1: is not a watchlist. Start with" in incident.signal.what
    assert "Secret" not in incident.signal.what
