"""What `fundwatch check` says of the disk and the record."""

from __future__ import annotations

import os
import shutil

from monitor.app.check.report import Bench
from monitor.model.plain import duration
from monitor.store import figures, guard, incidents, transfers
from monitor.store.schema import VERSION

LEAST_DISK = 0.05  # of the disk that should be free
BACKUP_EVERY = 7 * 86_400


def check_disk(bench: Bench) -> None:
    usage = shutil.disk_usage(bench.home)
    if usage.free < LEAST_DISK * usage.total:
        left = f"{usage.free / 1e9:,.1f} GB"
        bench.out.warn(
            f"only {left} of the disk are free", "make room: a full disk stops recording"
        )
    if not os.access(bench.home, os.W_OK):
        bench.out.fail("this user may not write to the folder", "change its owner or mode")


def check_record(bench: Bench) -> None:
    out, store = bench.out, bench.store
    if store is None:
        if not (bench.home / guard.DATABASE).exists():
            out.note(f"{guard.DATABASE} is not there yet; the first poll or run makes it")
        return
    version = store.schema()
    for each in (store.path, bench.home / guard.LOCK):
        if guard.is_readable_by_others(each):
            cure = f"chmod 600 {each}"
            out.warn(f"{each.name} can be read by other users of this machine", cure)
    size = f"{store.path.stat().st_size / 1e6:,.1f} MB"
    if version < VERSION:
        out.warn(
            f"database schema {version}, {size}; the next run raises it to {VERSION}",
            "make a backup first: fundwatch backup FILE",
        )
    else:
        out.ok(f"database schema {version}, opened, {size}")
    backed_up = figures.last_backup(store)
    movements = transfers.any_rows(store)
    if backed_up is not None and bench.now - backed_up <= BACKUP_EVERY:
        out.ok(f"last backup {duration(bench.now - backed_up)} ago")
    elif movements:
        age = "never" if backed_up is None else f"{duration(bench.now - backed_up)} ago"
        out.warn(f"last backup: {age}", "fundwatch backup FILE, best daily")


def check_held_back(bench: Bench) -> None:
    if bench.store is None:
        return
    subjects = {e.subject.key: e for e in bench.entries if not e.busy}
    for incident in incidents.incident_list(bench.store, open_only=True):
        entry = subjects.get(incident.signal.key.removeprefix("busy:"))
        if entry is not None:
            bench.out.warn(
                f"line {entry.line}: {entry.subject.address} has over 100,000 movements, it "
                "looks like a service; its history is held back",
                "confirm with  busy: yes",
            )
