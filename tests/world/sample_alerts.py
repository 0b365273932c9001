"""Invented alerts for the tests of messages and records. Addresses are made from words, so
that they are valid and nobody's; only the token contract is a real one."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import base58

from monitor.messages import layout, render
from monitor.model import (
    Alert,
    AlertKind,
    AlertView,
    Chain,
    ChannelConfig,
    Direction,
    Entry,
    Kind,
    Known,
    Lane,
    Row,
    Severity,
    Status,
    Subject,
    Transfer,
    TransferView,
    account_leg,
)
from monitor.model.facts import IncidentNotice, Notice
from monitor.model.facts_json import from_json

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = layout.environment(ROOT / "config" / "templates")

T0 = 1795338843  # 2026-11-22 09:14:03 UTC
USDT = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"

TRON = Chain(
    *("tron", "Tron", "tron", "TRX", 6, 19),
    link_tx="https://tronscan.org/#/transaction/{tx}",
    link_address="https://tronscan.org/#/address/{address}",
)
BITCOIN = Chain(
    *("bitcoin", "Bitcoin", "utxo", "BTC", 8, 6),
    link_tx="https://mempool.space/tx/{tx}",
    bech32="bc",
    base58=(0, 5),
)
ETHEREUM = Chain(
    *("ethereum", "Ethereum", "evm", "ETH", 18, 65),
    chain_id=1,
    link_tx="https://etherscan.io/tx/{tx}",
    link_address="https://etherscan.io/address/{address}",
)

MAIL = ChannelConfig("desk-mail", "email", sender="fundwatch@bank.example")
REFERENCE = replace(MAIL, name="wide-mail", detail="reference")
HOOK = ChannelConfig("case-tool", "webhook", machine=True)


def _digest(word: str) -> bytes:
    return hashlib.sha256(word.encode()).digest()


def tron_address(word: str) -> str:
    return base58.b58encode_check(b"\x41" + _digest(word)[:20]).decode()


def btc_address(word: str) -> str:
    return base58.b58encode_check(b"\x00" + _digest(word)[:20]).decode()


def evm_address(word: str) -> str:
    return "0x" + _digest(word)[:20].hex()


def tx_hash(word: str) -> str:
    return _digest(f"tx {word}").hex()


def make_entry(chain: Chain, address: str, **more) -> Entry:
    told = {
        "id": "E-7Q2F-M0KD-9XWA",
        "label": "Payroll wallet 3",
        "case": "NK-07",
        "title": "Invented example",
        "reason": "on the example list since 2026-03-12",
        "source": "example list no. 0000",
        "severity": Severity.HIGH,
    }
    return Entry(subject=Subject(chain.key, address), **(told | more))


def make_row(
    chain: Chain,
    entry: Entry,
    *,
    sender,
    recipient,
    amount,
    kind=Kind.NATIVE,
    contract=None,
    token_id=None,
    symbol=None,
    decimals=None,
    verified=None,
    status=Status.PROVISIONAL,
    tx="",
    leg=None,
    time=T0,
    height=88_012_345,
    spends=None,
    foreign=(),
) -> TransferView:
    tx = tx or tx_hash("one")
    transfer = Transfer(
        chain.key,
        tx,
        leg or account_leg(kind, contract, token_id, sender, recipient, amount, 0),
        kind,
        sender,
        recipient,
        amount,
        contract=contract,
        token_id=token_id,
        block_height=None if status is Status.PENDING else height,
        block_hash=None if status is Status.PENDING else tx_hash(f"block {height}"),
        time=None if status is Status.PENDING else time,
        spends=spends,
        pending=status is Status.PENDING,
    )
    own = contract is None and kind is not Kind.TRC10
    mine = entry.subject.address
    touched = (entry,) if mine in (sender, recipient) else ()
    side = "self" if sender == recipient else "out" if sender == mine else "in"
    return TransferView(
        Row(1, transfer, status, 1, T0 + 34),
        symbol if symbol is not None else chain.symbol,
        decimals if decimals is not None else (chain.decimals if own else None),
        own if verified is None else verified,
        entries=(*touched, *foreign),
        directions={each.id: side for each in (*touched, *foreign)},
        sources=(("trongrid", T0 + 34),),
    )


def make_view(chain: Chain, entry: Entry, rows, *, number="A-10482", facts=None, **more):
    """`facts`: as the record holds them, in JSON."""
    kind = more.pop("kind", AlertKind.MOVEMENT)
    alert = Alert(
        number,
        kind,
        more.pop("lane", Lane.NEWS),
        more.pop("severity", entry.severity),
        T0 + 34,
        chain=chain.key,
        tx=more.pop("tx", rows[0].row.transfer.tx if rows else None),
        entry_id=entry.id,
        direction=more.pop("direction", Direction.OUT),
        amends=more.pop("amends", None),
        lane_reason=more.pop("lane_reason", ""),
        title=more.pop("title", ""),
        facts=from_json(kind, {"read_at": T0 + 34, **(facts or {})}),
    )
    return AlertView(
        alert,
        more.pop("state", "open"),
        chain=chain,
        entry=entry,
        added=T0 - 254 * 86400,
        transfers=tuple(rows),
        all_legs=more.pop("all_legs", tuple(rows)),
        **more,
    )


WATCHED = tron_address("watched")
RECEIVER = tron_address("receiver")
TRON_ENTRY = make_entry(TRON, WATCHED)


def usdt(amount=1_000_000 * 10**6, **more) -> TransferView:
    told = {
        "sender": WATCHED,
        "recipient": RECEIVER,
        "amount": amount,
        "kind": Kind.TRC20,
        "contract": USDT,
        "symbol": "USDT",
        "decimals": 6,
        "verified": True,
    }
    return make_row(TRON, TRON_ENTRY, **(told | more))


def outgoing(**more) -> AlertView:
    """Mock-up A: a large outgoing payment after test payments."""
    told = {
        "facts": {
            "last_moved": T0 - 212 * 86400,
            "quiet_days": 212,
            "test_payments": ["A-10479", "A-10480", "A-10481"],
            "dealings": {RECEIVER: {"count": 3, "first": T0 - 3600, "last": T0 - 600}},
            "balances": [
                {
                    "asset": USDT,
                    "symbol": "USDT",
                    "decimals": 6,
                    "before": "1000030500000",
                    "after": "30500000",
                }
            ],
            "confirmations": 11,
            "finality": 19,
        },
        "not_covered": (
            "Internal TRX transfers: the explorer is not answering since 08:50 UTC.",
            "Any other chain: none is watched for this entry.",
        ),
    }
    return make_view(TRON, TRON_ENTRY, [usdt()], **(told | more))


MINE = btc_address("watched")
OTHER_ENTRY = make_entry(
    BITCOIN, btc_address("other"), id="E-OTHER", label="Secret cousin", case="ZZ-99"
)
BTC_ENTRY = make_entry(BITCOIN, MINE, case="NK-11", severity=Severity.SEVERE)


def bitcoin(**more) -> AlertView:
    """Mock-up B: several inputs and outputs, unconfirmed, another watched address among them."""
    legs = [
        _coin("in:0", 50_000_000, sender=MINE),
        _coin("in:1", 30_000_000, sender=MINE),
        _coin("in:2", 40_000_000, sender="bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"),
        _coin("out:0", 75_000_000, recipient=btc_address("one")),
        _coin("out:1", 25_000_000, recipient=OTHER_ENTRY.subject.address, foreign=(OTHER_ENTRY,)),
        _coin("out:2", 19_980_000, recipient=MINE),
    ]
    mine = [leg for leg in legs if MINE in (leg.row.transfer.sender, leg.row.transfer.recipient)]
    told = {
        "number": "A-10490",
        "all_legs": tuple(legs),
        "names": {
            OTHER_ENTRY.subject.address: Known(
                "Secret cousin", "ZZ-99", watched=True, entry_id="E-OTHER", alert_id="A-10491"
            )
        },
        "facts": {"net": {"in": "80000000", "out": "19980000", "net": "60020000"}},
        "not_covered": ("Other addresses of the same owner; Lightning; other chains.",),
    }
    return make_view(BITCOIN, BTC_ENTRY, mine, **(told | more))


def _coin(leg, amount, *, sender=None, recipient=None, foreign=()) -> TransferView:
    return make_row(
        BITCOIN,
        BTC_ENTRY,
        sender=sender,
        recipient=recipient,
        amount=amount,
        kind=Kind.UTXO_IN if leg.startswith("in") else Kind.UTXO_OUT,
        leg=leg,
        status=Status.PENDING,
        foreign=foreign,
    )


def in_another(view: AlertView, word: str) -> AlertView:
    """The same alert about another transaction."""

    def moved(row: TransferView) -> TransferView:
        transfer = replace(row.row.transfer, tx=tx_hash(word))
        return replace(row, row=replace(row.row, transfer=transfer))

    return replace(
        view,
        transfers=tuple(map(moved, view.transfers)),
        all_legs=tuple(map(moved, view.all_legs)),
    )


EVM_MINE = evm_address("watched")
EVM_ENTRY = make_entry(ETHEREUM, EVM_MINE)


def ether(amount=12_500_000_000_000_000_000, **more) -> TransferView:
    told = {"sender": EVM_MINE, "recipient": evm_address("shop"), "amount": amount}
    return make_row(ETHEREUM, EVM_ENTRY, height=26_401_190, **(told | more))


def correction(state="reversed", **more) -> AlertView:
    """Mock-up D."""
    told = {
        "kind": AlertKind.CORRECTION,
        "number": "A-10399",
        "amends": "A-10377",
        "told_at": T0 - 7200,
        "facts": {
            "correction": {
                "state": state,
                "was_height": 26_401_190,
                "was_hash": "0x" + tx_hash("was"),
                "now_height": 26_401_190,
                "now_hash": "0x" + tx_hash("now"),
                "evidence": [
                    "Two complete reads (07:09 and 07:14 UTC, two operators) do not show the "
                    "transaction."
                ],
            }
        },
    }
    rows = [ether(status=Status.ORPHANED)]
    return make_view(ETHEREUM, EVM_ENTRY, rows, **(told | more))


def forgotten(state: str) -> AlertView:
    """What became of an unconfirmed payment that its source had forgotten."""
    row = ether(status=Status.PROVISIONAL if state == "included" else Status.PENDING)
    if state == "no longer seen":
        row = replace(row, row=replace(row.row, status=Status.ORPHANED))
    place = {"now_height": 26_401_190} if state == "included" else {}
    evidence = ["one does not know the transaction."] if state == "no longer seen" else []
    facts = {"correction": {"state": state, "evidence": evidence, **place}}
    return replace(correction(facts=facts), transfers=(row,), all_legs=(row,))


def hostile(symbol: str, **more) -> AlertView:
    """An unverified token with this symbol comes in."""
    row = make_row(
        ETHEREUM,
        EVM_ENTRY,
        sender=evm_address("spammer"),
        recipient=EVM_MINE,
        amount=10**24,
        kind=Kind.ERC20,
        contract=evm_address("fake"),
        symbol=symbol,
        decimals=6,
        verified=False,
    )
    why = "An unverified token: anybody can make and send one."
    told = {"direction": Direction.IN, "facts": {"classes": [["leg", "unverified token", why]]}}
    return make_view(ETHEREUM, EVM_ENTRY, [row], **(told | more))


_BLIND = IncidentNotice(
    key="blind bnb tokens",
    what="No source answers for token transfers on BNB Chain.",
    since=T0 - 1800,
    who=("6 entries on BNB Chain",),
    cure="Set a paid key or add a node: config/sources.yaml.",
)


def notice(**incident) -> AlertView:
    """An incident: reading stopped."""
    alert = Alert(
        "N-220",
        AlertKind.NOTICE,
        Lane.NEWS,
        Severity.HIGH,
        T0,
        title="Token transfers on BNB Chain have not been read since 09:21 UTC.",
        audience="operations",
        facts=Notice(incident=replace(_BLIND, **incident)),
    )
    return AlertView(alert, "open")


def clock(step: str = "soon", **more) -> AlertView:
    """A clock that a person started ends soon."""
    told = {
        "clock": "C-1",
        "case": EVM_ENTRY.case,
        "title": "Report of blocked property",
        "step": step,
        "due": "2026-12-07",
        "zone": "America/New_York",
        "counted": "10 business days (weekends and US federal holidays, holidays 0.109) - "
        "not legal advice",
        "source": "31 CFR 501.603(b)(1)",
        "by": "m.ortiz",
        "started": T0,
    }
    facts = {"clock_due": told}
    kind = AlertKind.CLOCK_DUE
    return make_view(ETHEREUM, EVM_ENTRY, [], kind=kind, facts=facts, direction=None, **more)


def history(**more) -> AlertView:
    """What first contact brought."""
    told = {
        "kind": AlertKind.HISTORY,
        "tx": None,
        "number": "A-10001",
        "facts": {
            "history": {
                "count": 431,
                "by_asset": [
                    {
                        "symbol": "USDT",
                        "contract": USDT,
                        "verified": True,
                        "in": "2500000000000",
                        "out": "2499969500000",
                        "decimals": 6,
                    },
                    {"symbol": "TRX", "contract": None, "in": "10", "out": "3", "decimals": 6},
                ],
                "from": T0 - 900 * 86400,
                "to": T0 - 3600,
                "covered": ["TRX and TRC-20 transfers: from the first to 2026-11-22 09:10 UTC."],
                "listed": 2,
                "alarming": True,
            }
        },
    }
    rows = [usdt(tx=tx_hash("h1")), usdt(5_000_000, tx=tx_hash("h2"))]
    return make_view(TRON, TRON_ENTRY, rows, **(told | more))


def held(**more) -> dict[str, object]:
    """A line of `fundwatch reconcile`, as facts hold it: 7,740,000 USDT are gone."""
    told = {
        "chain": "tron",
        "address": WATCHED,
        "contract": USDT,
        "symbol": "USDT",
        "decimals": 6,
        "verified": True,
        "state": "unexplained",
        "reason": "trongrid: nothing new",
        "height": 88_012_345,
        "time": T0,
        "recorded": "7740000500000",
        "on_chain": "500000",
        "between": [88_011_000, 88_012_345],
        "source": "trongrid",
        "second": "tron-node",
        "at": T0 + 34,
    }
    return told | more


def unexplained(**more) -> AlertView:
    """A balance fell and no list says why; `facts` over those of the sample."""
    told = {
        "held": held(),
        "amount": "-7740000000000",
        "since_time": T0 - 4035,
        "asked": [
            "TRC-20 transfers by trongrid: nothing new",
            "TRC-20 transfers by tron-node: nothing new",
        ],
        "leads": [
            {
                "what": "the token's contract wrote an event that our lists do not know "
                "(DestroyedBlackFunds)",
                "tx": tx_hash("lead"),
                "height": 88_011_870,
                "source": "tron-node",
            }
        ],
        "found": "",
    } | more.pop("facts", {})
    usual = {
        "kind": AlertKind.UNEXPLAINED,
        "number": "A-10501",
        "tx": None,
        "facts": {"unexplained": told, "finality": 19},
        "not_covered": ("Any other chain: none is watched for this entry.",),
    }
    rows = more.pop("rows", ())
    return make_view(TRON, TRON_ENTRY, rows, **(usual | more))


def explained(**more) -> AlertView:
    """The same, once a row was found."""
    told = {
        "number": "A-10510",
        "amends": "A-10501",
        "thread": "A-10501",
        "told_at": T0 - 60,
        "rows": [usdt(7_740_000 * 10**6, tx=tx_hash("found"), status=Status.FINAL)],
        "facts": {
            "found": "An explorer listed it 2 h later: see A-10509.",
            "held": held(state="reconciled", recorded="500000", reason="", height=88_012_400),
        },
    }
    return unexplained(**(told | more))


def storm(count=431) -> list[AlertView]:
    """Mock-up C: many payments of one case within minutes."""
    views = []
    for number in range(count):
        tx, to = tx_hash(f"storm {number}"), evm_address(f"to {number}")
        row = ether(10**16 * (number + 1), recipient=to, tx=tx, time=T0 + number)
        views.append(
            make_view(
                ETHEREUM,
                EVM_ENTRY,
                [row],
                number=f"A-{10500 + number}",
                lane=Lane.NEWS if number % 3 else Lane.QUIET,
                lane_reason="" if number % 3 else "Less than 1 ETH came in.",
                facts={"dealings": {}, "last_moved": T0},
                not_covered=("Internal ETH transfers: no source on your plan covers them.",),
            )
        )
    return views


def mail(*views, channel=MAIL, allowed=None, templates=TEMPLATES, **more):
    """Render as the outbox does."""
    return render.render(
        views,
        channel=channel,
        allowed_cases=allowed,
        now=T0 + 36,
        timezone="Europe/Zurich",
        version="1.0.0",
        templates=templates,
        **({"message_id": "G-0093" if len(views) > 1 else "M-2VQ8-0T4D-K1ZC"} | more),
    )


def held_funds(unlike: str = "", *, planned: bool = True, **more) -> AlertView:
    """Seized funds left; `unlike`: why that was not the announced outflow."""
    plan = {
        "to": RECEIVER,
        "amount": "1000000 USDT",
        "until": "2026-12-31",
        "by": "M. Ortiz",
        "why": "court order 12/2026",
        "since": T0 - 86400,
    }
    funds: dict[str, object] = {
        "state": "seized",
        "holder": "Cantonal police, exhibit 7",
        "expected": [{"asset": "USDT", "coins": "1000030.5"}],
    }
    if planned:
        funds |= {"planned": plan, "unlike": unlike}
    entry = replace(TRON_ENTRY, held="seized", holder="Cantonal police, exhibit 7")
    facts = {"funds": funds, "confirmations": 1, "finality": 19} | more.pop("facts", {})
    told = {"severity": Severity.SEVERE if unlike or not planned else Severity.HIGH, "facts": facts}
    return make_view(TRON, entry, more.pop("rows", [usdt()]), **(told | more))
