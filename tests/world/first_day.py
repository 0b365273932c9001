"""A first day with a published list: addresses with a past, strangers, a source without its key
and one that is down, receivers for both audiences, and a clock that jumps.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from monitor.app.fundwatch import Fundwatch
from monitor.app.home import open_home
from monitor.chains.encodings import encode_base58check
from monitor.demo.world.explorer import Explorer
from monitor.demo.world.ledger import AccountLedger
from monitor.demo.world.moves import Tx
from world.home import HOOK_SECRET, Home
from world.sinks import HttpSink, MailSink

DAY = 86_400
DOWN, KEYLESS = "bitcoin", "litecoin"  # its source does not answer; its source needs a key
STRANGER, BANK = "0x" + "5" * 40, "0x" + "b" * 40


def address(number: int) -> str:
    return "0x" + hashlib.sha256(f"listed {number}".encode()).hexdigest()[:40]


def transaction(number: int, sender: str, recipient: str, amount: int) -> Tx:
    name = "0x" + hashlib.sha256(f"first day {number}".encode()).hexdigest()
    return Tx(name, sender, recipient, amount, nonce=number)


@dataclass
class FirstDay:
    home: Home
    explorer: Explorer
    ledger: AccountLedger
    addresses: Sequence[str]
    desk: MailSink
    operations: MailSink
    hook: HttpSink
    clock: pytest.MonkeyPatch
    jumped: float = 0.0
    paid: int = 0
    _real: Any = field(default=time.time)

    def later(self, seconds: float) -> None:
        """Let time pass, with a block at its end."""
        self.jumped += seconds
        self.clock.setattr(time, "time", lambda: self._real() + self.jumped)
        self.ledger.mine(time=int(time.time()))

    def pay(self, sender: str, recipient: str, amount: int) -> None:
        self.paid += 1
        tx = transaction(self.paid, sender, recipient, amount)
        self.ledger.mine([tx], time=int(time.time()))

    def write_list(self, addresses: Sequence[str], name: str = "desk") -> Path:
        self.home.write(f"{name}.txt", "".join(f"{each}\n" for each in addresses))
        return self.home.path / f"{name}.txt"

    @contextmanager
    def opened(self) -> Iterator[Fundwatch]:
        with open_home(self.home.path, {}) as app:
            app.reload()
            yield app

    def turn(self, app: Fundwatch) -> None:
        """What the daemon does within a minute."""
        for pool in app.pools.values():
            pool.forget_heads()  # they age by a clock that does not jump
        app.reload()
        app.poll(everything=False)
        app.housekeep()
        app.daily()
        app.deliver(everything=True)

    def subjects(self, sink: MailSink) -> list[str]:
        return [str(mail.message["Subject"]) for mail in sink.mails]


def text_of(message: EmailMessage) -> str:
    part = message.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def past(addresses: Sequence[str], start: int) -> AccountLedger:
    """Each address was paid long ago; every third paid something out within 30 days, every
    tenth within the last 72 hours."""
    ledger = AccountLedger(time=start - 400 * DAY)
    number = 10_000
    for at, days in ((0, 300), (3, 20), (10, 1)):
        txs = []
        for n, each in enumerate(addresses):
            number += 1
            if at == 0:
                txs.append(transaction(number, BANK, each, (n + 1) * 10**18))
            elif n % at == 0:
                txs.append(transaction(number, each, BANK, 10**17))
        ledger.mine(txs, time=start - days * DAY)
    for _ in range(3):
        ledger.mine(time=start - 3600)
    return ledger


@contextmanager
def first_day(
    path: Path, clock: pytest.MonkeyPatch, number: int, *, others: int = 0
) -> Iterator[FirstDay]:
    """A folder in which nothing has run, and a list named desk: `number` addresses of Ethereum, and
    `others` each of a chain whose source is down and of one whose source needs a key."""
    addresses = [address(n) for n in range(number)]
    beside = [
        encode_base58check(
            bytes([version]), hashlib.sha256(f"{version} {n}".encode()).digest()[:20]
        )
        for version in (0x00, 0x30)
        for n in range(others)
    ]
    start = int(time.time())
    with ExitStack() as stack:
        explorer = stack.enter_context(Explorer())
        desk, operations = (stack.enter_context(MailSink()) for _ in range(2))
        hook = stack.enter_context(HttpSink())
        ledger = past(addresses, start)
        explorer.add("ethereum", ledger, "etherscan", chain_id=1)
        home = Home(path)
        _write(home, explorer, desk, operations, hook)
        day = FirstDay(home, explorer, ledger, addresses, desk, operations, hook, clock)
        day.write_list([*addresses, *beside])
        yield day


def _write(
    home: Home,
    explorer: Explorer,
    desk: MailSink,
    operations: MailSink,
    hook: HttpSink,
) -> None:
    fast = {"rate_per_second": 1000, "index_lag": 0}
    url = explorer.url("ethereum", "etherscan")
    home.write("config/sources.yaml", {"sources": {
        "mine": {"kind": "etherscan", "url": url, **fast},
        "down": {"kind": "esplora", "url": "http://127.0.0.1:9", **fast},  # nothing listens there
    }})  # fmt: skip
    names = {"ethereum": "mine", DOWN: "down", KEYLESS: "nownodes-litecoin"}
    table = {chain: {"sources": [name]} for chain, name in names.items()}
    home.write("config/chains.yaml", {"chains": table})
    home.write("config/settings.yaml", {"every": 3600, "prices": "none"})
    home.write(".env", f"HOOK_SECRET={HOOK_SECRET}\n")
    (home.path / ".env").chmod(0o600)
    mail: dict[str, Any] = {
        "kind": "email", "host": "127.0.0.1", "security": "none", "from": "fundwatch@example.org",
    }  # fmt: skip
    home.write("config/channels.yaml", {"channels": {
        "desk": {**mail, "port": desk.port, "to": ["desk@example.org"], "audience": "desk"},
        "operations": {**mail, "port": operations.port, "to": ["operations@example.org"],
                       "audience": "operations"},
        "machine": {"kind": "webhook", "url": hook.url(), "secret_env": "HOOK_SECRET",
                    "allow_private": True},
    }})  # fmt: skip
    home.write("config/lists.yaml", {"lists": {"desk": {
        "kind": "text", "title": "OFAC", "file": "desk.txt", "watch": True, "case": "DESK",
        "severity": "high", "incoming": "daily", "min_amount": {"USD": 10000},  # as shipped
    }}})  # fmt: skip
