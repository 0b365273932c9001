"""Was everything recorded and told exactly once? Holds what Fundwatch did against the truth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from monitor.demo import cast, onward
from monitor.demo.truth import Due, Moved, Truth
from monitor.messages.objects import alert_object
from monitor.model import AlertView, Lane

Object = Mapping[str, Any]  # JSON

CORRECTED = "correction"
UNITS = 2  # by which whole numbers may be off: the swap's and the bridge's
TOLD = frozenset({"movement", "activity", "late"})


def due_of(alert: Object) -> Due | None:
    """What a webhook's alert answers to, or None for summaries and notices."""
    if alert["kind"] in TOLD or alert["kind"] == CORRECTED:
        what = "corrected" if alert["kind"] == CORRECTED else "told"
        return Due(alert["chain"], alert["entry"]["address"], alert["tx"], what)
    return None


def due_of_view(view: AlertView) -> Due | None:
    """The same for an alert of the record."""
    return due_of(alert_object(view))


def told(alerts: Iterable[Object]) -> Counter[Due]:
    """How often each expected thing was told."""
    return Counter(due for due in map(due_of, alerts) if due is not None)


def moved_of(row: Object) -> Moved:
    """One line of `fundwatch transfers --format jsonl` as the truth names it."""
    asset = row["asset"]
    return Moved(
        *(row["chain"], row["tx"], row["kind"], asset["contract"], asset["token_id"]),
        *(row["from"], row["to"], int(row["amount"])),
    )


def recorded_wrong(rows: Sequence[Object], truth: Truth) -> list[str]:
    """What the record lacks, has too often or calls by the wrong status."""
    found, expected = Counter(map(moved_of, rows)), truth.record()
    wrong = [f"not recorded: {_named(row)}" for row in expected - found]
    wrong += [f"recorded, though it never was: {_named(row)}" for row in found - expected]
    for row in rows:
        gone = (row["chain"], row["tx"]) in truth.gone
        if gone != (row["status"] == "orphaned") or row["status"] in ("pending", "missing"):
            wrong.append(f"wrong status {row['status']}: {_named(moved_of(row))}")
    return wrong


def _named(row: Moved) -> str:
    return f"{row.chain} {row.kind} of {row.amount} in {row.tx}"


def told_wrong(alerts: Sequence[Object], truth: Truth) -> list[str]:
    """Which alerts the webhook did not get, or got too often."""
    got, expected = told(alerts), truth.alerts
    wrong = [f"not told: {due.what} {due.chain} {due.tx}" for due in expected - got]
    wrong += [f"told too often, or wrongly: {d.what} {d.chain} {d.tx}" for d in got - expected]
    wrong += [f"the webhook got {name} more than once" for name in _repeated(alerts)]
    return wrong + [
        f"told in two alerts of an entry: {leg} of {tx}" for _, tx, leg in _twice(alerts)
    ]


def _repeated(alerts: Sequence[Object]) -> list[str]:
    return [name for name, count in Counter(alert["id"] for alert in alerts).items() if count > 1]


def _twice(alerts: Sequence[Object]) -> list[tuple[str, str, str]]:
    """Movements that an alert and its amendment both tell: an amendment has only new ones."""
    rows = Counter(
        (alert["entry"]["id"], row["tx"], row["leg"])
        for alert in {alert["id"]: alert for alert in alerts}.values()
        if alert["kind"] in TOLD | {"amendment"}
        for row in alert["transfers"]
    )
    return [row for row, count in rows.items() if count > 1]


def mailed_wrong(
    alerts: Sequence[AlertView], messages: Mapping[tuple[str, str], str], letters: Sequence[str]
) -> list[str]:
    """Which news did not come by mail exactly once, and which quiet alert did.

    `messages` are the names of messages by (alert, channel), `letters` those of the mails
    that came in.
    """
    came = Counter(letters)
    wrong = [f"mail {name} came {count} times" for name, count in came.items() if count > 1]
    for view in alerts:
        alert = view.alert
        channel = "ops-mail" if alert.audience == "operations" else "desk-mail"
        mailed = came[messages.get((alert.id, channel), "")]
        loud = alert.lane is Lane.NEWS
        if loud and not mailed:
            wrong.append(f"no mail tells {alert.id}")
        if not loud and mailed and not messages[alert.id, channel].startswith("D-"):
            wrong.append(f"a mail of its own tells {alert.id}, which is quiet")
    return wrong


def traced_wrong(lines: Sequence[Object]) -> list[str]:
    """What of the trace is not what the thief's money did, by the lines of `fundwatch trace show
    --format jsonl`."""
    nodes = {line["address"]: line for line in lines if line["type"] == "node"}
    wrong = [
        f"not traced: {amount} by {method} at {address}"
        for method, told in (("tainted_first", onward.FIRST), ("libr", onward.LAST))
        for address, amount in told.items()
        if not any(abs(one - amount) <= UNITS for one in _amounts(nodes.get(address), method))
    ]
    ways = {line["via"] for line in lines if line["type"] == "edge"}
    wrong += [f"not traced: a {via}" for via in ("swap", "bridge") if via not in ways]
    at_exchange = cast.DEPOSITS[: len(onward.CASHED)]
    wrong += [
        f"not known as an exchange: {address}"
        for address in at_exchange
        if ((nodes.get(address) or {}).get("stop") or {}).get("reason") != "exchange"
    ]
    sums = (line for line in lines if line["type"] == "total" and line["method"] != "poison")
    return wrong + [f"a sum is off: {line}" for line in sums if line["difference"] != "0"]


def _amounts(node: Object | None, method: str) -> list[int]:
    """What ended or rests there."""
    return [int(held["amount"][method]) for held in node["holds"]] if node else []


def equal(held: Sequence[Object]) -> int:
    """How many lines of `fundwatch reconcile --format jsonl` say that the record is right."""
    return sum(each["state"] == "reconciled" for each in held)


def unequal(held: Sequence[Object]) -> list[str]:
    """Which balances on the chains are not what the record comes to; of tokens with a name of
    ours, since others answer what they like."""
    return [
        f"not what {each['chain']} says: {each['asset']['symbol']} of {each['address']}, off by "
        f"{each['difference']}"
        for each in held
        if each["state"] == "unexplained" and each["asset"]["symbol"]
    ]
