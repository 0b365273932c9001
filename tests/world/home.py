"""A home folder for tests, the real command on it, and a scene of real parts around it."""

from __future__ import annotations

import atexit
import base64
import hashlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from email.message import EmailMessage
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from click.testing import CliRunner
from jsonschema import Draft202012Validator
from standardwebhooks import Webhook

from monitor.app.fundwatch import Fundwatch
from monitor.app.home import open_home
from monitor.cli import main
from monitor.demo.world.explorer import Explorer
from monitor.demo.world.ledger import AccountLedger
from monitor.demo.world.moves import Tx
from monitor.loops.clock import now
from monitor.store.incidents import incident_list
from world import forks
from world.sinks import HttpSink, MailSink, Request, certificates
from world.tamper import untriggered

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = Draft202012Validator(json.loads((ROOT / "docs/webhook.schema.json").read_text("utf-8")))

KEY = "canary-explorer-key-5f1c"
HOOK_SECRET = "whsec_" + base64.b64encode(b"canary webhook secret 77a1").decode()
SMTP_PASSWORD = "canary-mail-password-93be"
SECRETS = (KEY, HOOK_SECRET, HOOK_SECRET.removeprefix("whsec_"), SMTP_PASSWORD)

ALICE, BOB, SHOP, BANK = ("0x" + letter * 40 for letter in "abcd")
DESK = ("desk@example.org", "deputy@example.org")


@dataclass
class Home:
    """A folder with settings as given; `run` is what a person types."""

    path: Path
    said: list[str] = field(default_factory=list)  # everything that commands printed

    def write(self, name: str, content: object) -> None:
        """A YAML file from a value, or a file from a text."""
        target = self.path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        text = content if isinstance(content, str) else yaml.safe_dump(content, sort_keys=False)
        target.write_text(text, "utf-8")

    def command(self, *args: str) -> list[str]:
        return [sys.executable, "-m", "monitor", "--home", str(self.path), *args]

    def run(self, *args: str, code: int | None = 0, timeout: float = 240) -> str:
        """Run a command to its end; returns standard output, and with another code than 0
        expected also standard error. `code` None: any exit code."""
        done = forks.run(self.command(*args)[3:], environment(), timeout)
        self.said += [done.stdout, done.stderr]
        if code is not None and done.returncode != code:
            raise AssertionError(
                f"{args}: exit {done.returncode}, not {code}\n{done.stdout}\n{done.stderr}"
            )
        return done.stdout if code == 0 else done.stdout + done.stderr

    def start(self, *args: str) -> forks.Process:
        """Start a command and leave it running; its output goes to a file beside the record."""
        log = self.path / "output.log"
        return forks.Process(self.command(*args)[3:], environment(), log, log)

    @contextmanager
    def daemon(self) -> Iterator[forks.Process]:
        """`fundwatch run` for the length of the block; what is left of it is ended."""
        process = self.start("run")
        try:
            wait_for(lambda: "running on" in self.log(), 60, self.log)
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            process.wait(10)

    def log(self) -> str:
        path = self.path / "output.log"
        return path.read_text("utf-8") if path.exists() else ""

    def lines(self, *args: str) -> list[dict[str, Any]]:
        """The JSON lines of a command that reads; in this process, which is quicker."""
        done = CliRunner().invoke(main, ["--home", str(self.path), *args])
        assert done.exit_code == 0, done.output
        self.said.append(done.stdout)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def transfers(self, *args: str) -> list[dict[str, Any]]:
        return self.lines("transfers", "--format", "jsonl", *args)

    def alerts(self, *args: str) -> list[dict[str, Any]]:
        return self.lines("alerts", "list", "--format", "jsonl", *args)

    def deliveries(self, *args: str) -> list[dict[str, Any]]:
        return self.lines("deliveries", "list", "--format", "jsonl", *args)

    def sql(self, statement: str, *params: object) -> list[Any]:
        """Straight into the record, which nobody else may have open for writing, past what
        refuses changes there."""
        connection = sqlite3.connect(self.path / "fundwatch.db")
        look = statement.startswith(("SELECT", "PRAGMA"))
        try:
            with connection, nullcontext() if look else untriggered(connection):
                return connection.execute(statement, params).fetchall()
        finally:
            connection.close()

    def leaks(self) -> list[str]:
        """Places outside .env where a secret can be read."""
        texts = {f"output {n}": text.encode() for n, text in enumerate(self.said)}
        for path in sorted(self.path.rglob("*")):
            if path.is_file() and path.name != ".env":
                texts[path.name] = path.read_bytes()
        return [
            f"{name}: {s}" for name, text in texts.items() for s in SECRETS if s.encode() in text
        ]


def environment() -> Mapping[str, str]:
    own = {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": ""}  # compiled once, not each time
    return {**os.environ, **own}


def stop(
    process: subprocess.Popen[bytes] | forks.Process, how: signal.Signals = signal.SIGTERM
) -> int:
    process.send_signal(how)
    return process.wait(30)


@contextmanager
def meanwhile(work: Callable[[], object], pause: float) -> Iterator[None]:
    """Work goes on in the background for the length of the block, again and again after a pause."""
    enough = threading.Event()

    def going() -> None:
        while not enough.wait(pause):
            work()

    worker = threading.Thread(target=going)
    worker.start()
    try:
        yield
    finally:
        enough.set()
        worker.join()


def wait_for(
    true: Callable[[], object], seconds: float, why: Callable[[], object] = lambda: ""
) -> None:
    """Wait until it is so; fails with the words of `why` when the time is over."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not so within {seconds} s\n{why()}"
        time.sleep(0.05)


def dev_chain(*sources: str, finality: int = 12) -> dict[str, object]:
    """Read address by address, also where a test's node is the only source; what is told of
    blocks has tests that say so."""
    return {
        "family": "evm", "chain_id": 31337, "native": {"symbol": "ETH", "decimals": 18},
        "finality": finality, "sources": list(sources), "read": "addresses",
    }  # fmt: skip


def evm_home(path: Path, url: str, kind: str, addresses: Sequence[str], **source: object) -> Home:
    """A home that watches addresses of the local EVM chain through one source."""
    home = Home(path)
    home.write("config/settings.yaml", {"prices": "none"})
    home.write("config/chains.yaml", {"chains": {"dev": dev_chain("mine")}})
    home.write(
        "config/sources.yaml",
        {"sources": {"mine": {"kind": kind, "url": url, "rate_per_second": 1000, **source}}},
    )
    home.write(
        "watchlist.yaml",
        {"addresses": [{"address": a, "chain": "dev", "label": f"watched {i}"}
                       for i, a in enumerate(addresses)]},
    )  # fmt: skip
    return home


# -- a scene: a scripted chain, a home that watches it, receivers of both kinds -------------


def entry(address: str, chain: str = "dev", **more: object) -> dict[str, object]:
    return {"address": address, "chain": chain, "label": f"label {address[2]}", **more}


def watchlist(*entries: Mapping[str, object]) -> dict[str, object]:
    return {"cases": {"CASE-1": {"reason": "a reason", "addresses": list(entries)}}}


def small_ledger(start: int) -> AccountLedger:
    """A chain with a past: three payments, and enough blocks above them to be final."""
    ledger = AccountLedger(time=start)
    ledger.mine([payment(0, BANK, ALICE, 10**18), payment(1, BANK, BOB, 10**18)])
    ledger.mine([payment(2, ALICE, SHOP, 10**15)])
    for _ in range(30):
        ledger.mine()
    return ledger


def payment(number: int, sender: str, recipient: str, amount: int) -> Tx:
    name = "0x" + hashlib.sha256(f"payment {number}".encode()).hexdigest()
    return Tx(name, sender, recipient, amount, nonce=number)


@dataclass
class Scene:
    """What `staged` set up. `paid` is the oracle: every payment since then."""

    home: Home
    explorer: Explorer
    ledger: AccountLedger
    hook: HttpSink
    mail: MailSink
    paid: dict[str, tuple[str, str, int]] = field(default_factory=dict)

    def pay(self, *ways: tuple[str, str]) -> list[str]:
        """Mine one block with these payments (sender, recipient); returns their hashes."""
        txs = [
            payment(100 + len(self.paid) + n, sender, recipient, 10**16 + len(self.paid) + n)
            for n, (sender, recipient) in enumerate(ways)
        ]
        self.paid |= {tx.hash: (tx.sender, str(tx.to), tx.value) for tx in txs}
        self.ledger.mine(txs)
        return [tx.hash for tx in txs]

    def due(self) -> tuple[tuple[str, str], ...]:
        """(watched address, transaction) of every payment, as alerts are due for them."""
        return tuple(
            (watched, tx)
            for tx, (sender, recipient, _) in self.paid.items()
            for watched in (ALICE, BOB)
            if watched in (sender, recipient)
        )

    def moved(self) -> Counter[tuple[str, str]]:
        """The same, as `alerts list` has it."""
        return Counter(
            (a["entry"]["address"], a["tx"]) for a in self.home.alerts() if a["kind"] == "movement"
        )

    def alerts(self, kind: str, words: str = "") -> list[dict[str, Any]]:
        """Alerts of a kind; `words`: only notices whose title has them."""
        found = [a for a in self.home.alerts() if a["kind"] == kind]
        return [a for a in found if words in a.get("title", "")] if words else found

    def mails_of(self, alert: str) -> list[EmailMessage]:
        """The mails that told an alert, one for each recipient."""
        ids = self.home.sql("SELECT message FROM route WHERE alert = ? AND channel = 'mail'", alert)
        wanted = {row[0] for row in ids}
        mails = [m.message for m in self.mail.mails]
        return [m for m in mails if m["X-Fundwatch-Message"] in wanted]

    def mail_to(self, *recipients: str) -> None:
        _connect(self.home, self.hook, self.mail, recipients)

    def later(self, seconds: int) -> None:
        """Let time pass for the outbox."""
        self.home.sql("UPDATE delivery SET due = due - ?", seconds)


def bodies(seen: Sequence[Request]) -> list[dict[str, Any]]:
    """The messages that a webhook receiver got: signature and schema checked."""
    found = []
    for request in seen:
        Webhook(HOOK_SECRET).verify(request.body, dict(request.headers))
        body = json.loads(request.body)
        SCHEMA.validate(body)
        found.append(body)
    return found


def told(seen: Sequence[Request]) -> Counter[str]:
    """How often each alert was in a message."""
    return Counter(a["id"] for body in bodies(seen) for a in body["data"]["alerts"])


def ids(seen: Sequence[Request]) -> list[str]:
    return [request.headers["webhook-id"] for request in seen]


def begun(path: Path) -> Home:
    """A home as `fundwatch init` leaves it; run once a process, then copied."""
    shutil.copytree(_fresh(), path, dirs_exist_ok=True)
    return Home(path)


@cache
def _fresh() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="fundwatch-begun-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    Home(folder).run("init")
    return folder


@cache
def _began() -> int:
    return int(time.time()) - 600


FRESH = 240  # seconds; after ten minutes Fundwatch says that reading is overdue


@cache
def _contacted(_turn: int) -> Path:
    """A home after its first contact with the small ledger, made anew by a process each `FRESH`
    seconds, or tests that begin late would find it overdue. Nobody was told: it had no channel
    then."""
    folder = Path(tempfile.mkdtemp(prefix="fundwatch-scene-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    home = Home(folder)
    with Explorer() as explorer:
        explorer.add("dev", small_ledger(_began()), "etherscan", chain_id=31337)
        _settle_in(home, explorer)
        home.run("poll")
    home.sql("UPDATE scope SET due = 0")
    home.sql("DELETE FROM route")  # what was owed to nobody is no news to the scene
    return folder


def configured(explorer: Explorer, kind: str = "etherscan", **more: object) -> dict[str, object]:
    """A row of sources.yaml for the scene's chain."""
    return {
        "kind": kind, "url": explorer.url("dev", kind), "api_key_env": "EXPLORER_KEY",
        "rate_per_second": 1000, "index_lag": 0, **more,
    }  # fmt: skip


def _settle_in(home: Home, explorer: Explorer) -> None:
    home.write(".env", f"EXPLORER_KEY={KEY}\nHOOK_SECRET={HOOK_SECRET}\n"
               f"SMTP_USER=fundwatch\nSMTP_PASSWORD={SMTP_PASSWORD}\n")  # fmt: skip
    (home.path / ".env").chmod(0o600)
    home.write("config/chains.yaml", {"chains": {"dev": dev_chain("mine")}})
    home.write("config/sources.yaml", {"sources": {"mine": configured(explorer)}})
    home.write("config/settings.yaml", {"every": 2, "prices": "none"})
    home.write("watchlist.yaml", watchlist(entry(ALICE, severity="high"), entry(BOB)))


def _connect(home: Home, hook: HttpSink, mail: MailSink, to: Sequence[str] = DESK) -> None:
    home.write("config/ca.pem", certificates().ca_pem.decode())
    machine = {"kind": "webhook", "url": hook.url(), "secret_env": "HOOK_SECRET",
               "allow_private": True}  # fmt: skip
    people = {"kind": "email", "host": "127.0.0.1", "port": mail.port, "security": "starttls",
              "user_env": "SMTP_USER", "password_env": "SMTP_PASSWORD", "ca_file": "config/ca.pem",
              "from": "fundwatch@example.org", "to": list(to)}  # fmt: skip
    home.write("config/channels.yaml", {"channels": {"hook": machine, "mail": people}})


def with_prices(scene: Scene, url: str) -> None:
    """The scene's coin gets a price, which a source of DefiLlama's form tells at this address."""
    chain = {**dev_chain("mine"), "prices": {"coin": "ethereum"}}
    scene.home.write("config/chains.yaml", {"chains": {"dev": chain}})
    llama = {"kind": "defillama", "url": url, "rate_per_second": 1000}
    rows = {"mine": configured(scene.explorer), "llama": llama}
    scene.home.write("config/sources.yaml", {"sources": rows})
    scene.home.write("config/settings.yaml", {"every": 2, "prices": ["llama"]})


@contextmanager
def staged(
    path: Path, *, contacted: bool = True, ledger: AccountLedger | None = None
) -> Iterator[Scene]:
    """A home that watches ALICE and BOB on a small scripted chain (or a ledger of your own),
    with a webhook receiver and a mail server. `contacted`: their history has been read and
    is behind us. At the end no secret may stand anywhere that the program wrote to."""
    login = ("fundwatch", SMTP_PASSWORD)
    if contacted and ledger is None:
        shutil.copytree(_contacted(int(time.monotonic()) // FRESH), path, dirs_exist_ok=True)
    ledger = small_ledger(_began()) if ledger is None else ledger
    with Explorer() as explorer, HttpSink() as hook, MailSink(certificates(), login=login) as mail:
        explorer.add("dev", ledger, "etherscan", "blockscout", chain_id=31337)
        explorer.knobs("dev", "etherscan").api_key = KEY
        explorer.knobs("dev", "blockscout").api_key = KEY
        scene = Scene(Home(path), explorer, ledger, hook, mail)
        _settle_in(scene.home, explorer)
        _connect(scene.home, hook, mail)
        yield scene
        assert scene.home.leaks() == []
        sent = [r.body + repr(r.headers).encode() for r in hook.seen]
        sent += [m.data for m in mail.mails]
        assert not [s for s in SECRETS if any(s.encode() in text for text in sent)]


@contextmanager
def opened(path: Path, **settings: object) -> Iterator[tuple[Scene, Fundwatch]]:
    """A scene whose home is open, with everything read a moment ago."""
    with staged(path) as scene:
        scene.home.write("config/settings.yaml", {"every": 2, **settings})
        scene.ledger.mine(time=now())
        with open_home(path, {}) as app:
            app.reload()
            app.poll(everything=False)
            yield scene, app


def incident_keys(app: Fundwatch) -> list[str]:
    """Of the incidents that are open."""
    return [each.signal.key for each in incident_list(app.store, open_only=True)]
