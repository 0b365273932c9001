"""The demo's stage: the world behind its explorer, the receivers, a home folder, the daemon."""

from __future__ import annotations

import base64
import json
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from monitor.app.settings import load as settings
from monitor.demo import cast, story
from monitor.demo.receivers import MailServer, WebhookReceiver
from monitor.demo.world.explorer import Explorer
from monitor.loops.views import views_of
from monitor.messages import lines
from monitor.model import AlertView, Entry
from monitor.model.errors import MonitorError
from monitor.model.trace import Trace
from monitor.store import trace as traces
from monitor.store.sqlite import Store
from monitor.watchlist.entries import parse

SECRET = "FUNDWATCH_DEMO_HOOK_SECRET"  # noqa: S105 - the name of a variable
LINKS = "FUNDWATCH_DEMO_LINK_SECRET"
EVERY = 2  # seconds between two passes: the least that settings allow
PACE = 0.1  # seconds between two looks at whether something was told
STOP_MOST = 15.0


@dataclass
class Stage:
    """Everything that stands while the demo plays."""

    folder: Path
    world: story.World
    mail: MailServer
    hook: WebhookReceiver
    daemon: subprocess.Popen[bytes] = field(init=False)

    def start(self) -> None:
        """Run the daemon, the first time or again."""
        with (self.folder / "daemon.log").open("ab") as log:
            self.daemon = subprocess.Popen(  # noqa: S603 - our own command
                _command(self.home, "run"),
                stdout=log,
                stderr=log,
                start_new_session=True,  # Ctrl-C is for the demo, which then ends the daemon
            )

    @property
    def home(self) -> Path:
        return self.folder / "home"

    def entries(self) -> tuple[Entry, ...]:
        chains = settings.load(self.home, {}).chains
        return parse(cast.watchlist_yaml(), chains).entries

    def until(self, done: Callable[[], bool], seconds: float) -> bool:
        """Wait for something; returns whether it came. Raises MonitorError when the daemon
        has ended meanwhile."""
        end = time.monotonic() + seconds
        while not done():
            if self.daemon.poll() is not None:
                log = self.folder / "daemon.log"
                raise MonitorError(f"The daemon ended by itself. Why is in {log}")
            if time.monotonic() > end:
                return False
            time.sleep(PACE)
        return True

    @contextmanager
    def record(self) -> Iterator[Store]:
        """The record, for reading beside the daemon."""
        store = Store(self.home / "fundwatch.db", readonly=True)
        try:
            yield store
        finally:
            store.close()

    def alerts(self) -> list[AlertView]:
        """Every alert of the record, oldest first."""
        loaded = settings.load(self.home, {})
        with self.record() as store:
            seen = views_of(store, loaded)
            return seen.alerts(seen.alert_ids())

    def movements(self, columns: int) -> list[str]:
        """Every movement of the record in words, for a window of so many columns."""
        loaded = settings.load(self.home, {})
        with self.record() as store:
            found = list(views_of(store, loaded).transfers())
        chains = loaded.chains
        return [
            lines.transfer_line(each, chains.get(each.row.transfer.chain), columns)
            for each in found
        ]

    def trace(self) -> Trace | None:
        """Where the money of the case that is followed went, as it was recorded last."""
        with self.record() as store:
            told = traces.newest(store, cast.FOLLOWED)
        return told.trace if told is not None else None

    def run(self, *args: str, good: Sequence[int] = (0,)) -> str:
        """What a command prints; an exit code that is not good is a failure, which says why."""
        done = subprocess.run(  # noqa: S603 - our own command
            _command(self.home, *args), capture_output=True, text=True, check=False
        )
        if done.returncode not in good:
            raise MonitorError(f"fundwatch {' '.join(args)}: {done.stderr.strip()}")
        return done.stdout

    def stop(self) -> tuple[int, float]:
        """End the daemon as a service does; returns its exit code and the seconds taken."""
        began = time.monotonic()
        self.daemon.send_signal(signal.SIGTERM)
        return self.daemon.wait(STOP_MOST), time.monotonic() - began


@contextmanager
def stage(folder: Path, world: story.World) -> Iterator[Stage]:
    """Set everything up in a folder, start the daemon; takes all down at the end."""
    with surroundings(folder, world) as (mail, hook):
        standing = Stage(folder, world, mail, hook)
        standing.start()
        try:
            yield standing
        finally:
            _end(standing.daemon)


@contextmanager
def surroundings(folder: Path, world: story.World) -> Iterator[tuple[MailServer, WebhookReceiver]]:
    """The world behind its explorer, the receivers, and a home folder that knows them."""
    home = folder / "home"
    (home / "config").mkdir(parents=True)
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()
    with (
        Explorer() as explorer,
        MailServer(folder / "mails") as mail,
        WebhookReceiver(folder / "webhook.jsonl", secret) as hook,
    ):
        story.serve(explorer, world)
        _write_home(home, explorer, mail, hook)
        yield mail, hook


def _command(home: Path, *args: str) -> list[str]:
    return [sys.executable, "-m", "monitor", "--home", str(home), *args]


def _end(daemon: subprocess.Popen[bytes]) -> None:
    if daemon.poll() is None:
        daemon.terminate()
        try:
            daemon.wait(STOP_MOST)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()


def _write_home(home: Path, explorer: Explorer, mail: MailServer, hook: WebhookReceiver) -> None:
    files = {
        "watchlist.yaml": cast.watchlist_yaml(),
        "addressbook.csv": cast.addressbook_csv(),
        "config/chains.yaml": cast.chains_yaml(),
        "config/sources.yaml": cast.sources_yaml(explorer),
        "config/assets.yaml": cast.assets_yaml(),
        "config/settings.yaml": f"every: {EVERY}\nprices: [{cast.PRICE_SOURCE}]\ndesk: bank\n",
        "config/channels.yaml": json.dumps({"channels": _channels(mail, hook)}, indent=2) + "\n",
    }
    for name, text in files.items():
        (home / name).write_text(text, "utf-8")
    (home / ".env").touch(0o600)
    (home / ".env").write_text(f"{SECRET}={hook.secret}\n", "utf-8")
    _with_page(home)


def _with_page(home: Path) -> None:
    """Serve the page where alerts are acknowledged, on a free port."""
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    with (home / "config/settings.yaml").open("a", encoding="utf-8") as settings:
        settings.write(
            f"listen: 127.0.0.1:{port}\npublic_url: http://127.0.0.1:{port}\n"
            f"link_secret_env: {LINKS}\n"
        )
    with (home / ".env").open("a", encoding="utf-8") as env:
        env.write(f"{LINKS}={secrets.token_hex(32)}\n")


def _channels(mail: MailServer, hook: WebhookReceiver) -> dict[str, dict[str, object]]:
    server: dict[str, object] = {
        "kind": "email",
        "host": "127.0.0.1",
        "port": mail.port,
        "security": "none",
        "from": "fundwatch@bank.example",
    }
    return {
        "desk-mail": {
            **server,
            "to": ["desk@bank.example"],
            "reply_to": "crypto-desk@bank.example",
            "audience": "desk",
        },
        "ops-mail": {**server, "to": ["operations@bank.example"], "audience": "operations"},
        "case-tool": {
            "kind": "webhook",
            "url": hook.url,
            "secret_env": SECRET,
            "allow_private": True,
        },
    }
