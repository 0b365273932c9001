"""The desk on the demo's story: the daemon runs again with it on, and somebody who can sign in."""

from __future__ import annotations

import secrets
import socket
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

import pyotp
import requests
from rich.console import Console

from monitor.demo import cast
from monitor.demo.ending import command
from monitor.demo.stage import Stage
from monitor.loops.desk import people
from monitor.model.acts import DAEMON
from monitor.model.desk import Role
from monitor.model.errors import MonitorError
from monitor.store import desk_ways
from monitor.store.deskfile import FILE, DeskFile
from monitor.store.guard import DATABASE
from monitor.store.sqlite import Store
from monitor.web.desk import secret

LEAD = "m.ortiz"
OPEN_MOST = 60.0  # seconds in which the desk must answer
LOOK = 0.5  # seconds between two looks at whether it does
CODES = 4  # recovery codes that are printed


def with_desk(home: Path) -> str:
    """Serve the desk of a home folder, on a free port; where it will be."""
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    with (home / "config/settings.yaml").open("a", encoding="utf-8") as settings:
        settings.write(f"web:\n  desk: on\n  listen: 127.0.0.1:{port}\n")
    return f"http://localhost:{port}"


def open_desk(stage: Stage, out: Console) -> None:
    """Serve the desk on what was recorded, once the daemon was stopped; in a terminal until
    somebody presses Ctrl-C. Raises MonitorError where it does not answer."""
    url = with_desk(stage.home)
    password, codes = _somebody(stage.home)
    stage.start()
    if not stage.until(lambda: _answers(url), OPEN_MOST):
        raise MonitorError(f"The desk did not answer at {url} within {OPEN_MOST:.0f} s")
    out.print()
    out.rule("[bold]The desk is open, on this story[/]", align="left", style="dim")
    out.print(
        f"where the stolen money is  {url}/c/{quote(cast.FOLLOWED)}\n"
        f"sign in as                 {LEAD}, a lead\n"
        f"password                   {password}\n"
        f"one-time code              {', '.join(codes)} (each works once)",
        markup=False,
        soft_wrap=True,
    )
    if not _is_watched():
        again = f"{command()} demo --hands-on try"
        out.print(f"Nobody is at a terminal: it closes now. To keep it:  {again}", soft_wrap=True)
        return
    out.print(
        "\nOpen the link in a browser of this machine. The daemon watches on; the desk stays until "
        "you press Ctrl-C.",
        soft_wrap=True,
    )
    try:
        stage.until(lambda: False, float("inf"))
    except KeyboardInterrupt:
        out.print("\nThe desk is closed.")


def _somebody(home: Path) -> tuple[str, Sequence[str]]:
    """A lead of this demo, with a password and codes that nobody else has."""
    now = int(time.time())
    password, codes = f"demo-{secrets.token_hex(6)}", secret.recovery_codes()
    with closing(Store(home / DATABASE)) as store:
        people.add_person(store, DAEMON, LEAD, Role.LEAD, now)
        people.enrolled(store, DAEMON, LEAD, now)
    with closing(DeskFile(home / FILE)) as file, file.change() as conn:
        desk_ways.set_password(conn, LEAD, secret.hash_of(password), now)
        kept = map(secret.plain, codes)
        desk_ways.set_code(conn, LEAD, pyotp.random_base32(), 0, kept, now)
    return password, codes[:CODES]


def _answers(url: str) -> bool:
    time.sleep(LOOK)
    try:
        return requests.get(f"{url}/sign-in", timeout=5).status_code == 200
    except requests.RequestException:
        return False


def _is_watched() -> bool:
    """Whether somebody is there who can end it."""
    return sys.stdin.isatty() and sys.stdout.isatty()
