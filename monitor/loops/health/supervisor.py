"""What is said to systemd, and what the watchdog left behind."""

from __future__ import annotations

import json
import logging
import socket
from pathlib import Path

from monitor.store import notes
from monitor.store.port import Store

log = logging.getLogger("fundwatch.alive")

BITTEN = 86_400  # seconds for which the first time is remembered


def notify(place: str | None, *states: str) -> None:
    """Tell systemd (`place`: its NOTIFY_SOCKET; none: nobody is told). Never fails: a
    supervisor that does not listen must not end what it supervises."""
    if not place:
        return
    address = "\0" + place[1:] if place.startswith("@") else place
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
            sock.settimeout(1.0)
            sock.sendto("\n".join(states).encode(), address)
    except OSError as error:
        log.debug("the supervisor could not be told: %s", error)


def bitten(store: Store, mark: Path, now: int) -> set[str]:
    """Keys of the subjects at which the watchdog has bitten twice within a day. `mark`: what it
    left behind when it ended the process, if it did."""
    try:
        present = set(json.loads(mark.read_text("utf-8") or "[]"))
    except FileNotFoundError:
        return set()
    except (OSError, ValueError, TypeError):
        present = set()
    noted = json.loads(notes.get_note(store, "bitten") or "{}")
    before = set(noted.get("subjects", ())) if now - noted.get("at", 0) < BITTEN else set()
    notes.put_note(store, "bitten", json.dumps({"at": now, "subjects": sorted(present)}))
    return present & before
