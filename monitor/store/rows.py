"""Between database rows and values. Pure, apart from reading rows."""

from __future__ import annotations

import json
from dataclasses import asdict, fields, is_dataclass
from typing import Any

from monitor.model import (
    Alert,
    AlertKind,
    Baseline,
    Direction,
    Entry,
    Inline,
    Kind,
    Lane,
    Origin,
    Planned,
    Rendered,
    Row,
    Severity,
    Status,
    Subject,
    Transfer,
    Watched,
)
from monitor.model.facts_json import from_text, to_json
from monitor.model.terms import Terms
from monitor.store.port import Fields

TRANSFER_COLUMNS = (
    "chain, tx, leg, kind, contract, token_id, sender, recipient, amount, "
    "block_height, block_hash, time, tx_index, log_index, trace_path, spends"
)
ALERT_COLUMNS = (
    "id, kind, lane, severity, created, chain, tx, entry, direction, "
    "amends, lane_reason, title, facts, audience"
)

_KINDS = {kind.value: kind for kind in Kind}
_STATUSES = {status.value: status for status in Status}

# Alerts about followed money tell no transaction to their entry: it is other addresses that move.
NOT_TRACED = "kind NOT IN ('traced', 'reached', 'trace_question')"


def transfer_params(t: Transfer) -> tuple[Any, ...]:
    """In the order of TRANSFER_COLUMNS."""
    return (
        *(t.chain, t.tx, t.leg, t.kind.value, t.contract, t.token_id, t.sender, t.recipient),
        *(str(t.amount), t.block_height, t.block_hash, t.time),
        *(t.tx_index, t.log_index, t.trace_path, t.spends),
    )


def to_transfer(row: Fields) -> Transfer:
    """From all columns, in their order: looking each up by its name takes twice as long,
    and this runs for every known row of every poll."""
    _, chain, tx, leg, kind, contract, token_id, sender, recipient, amount, *rest = row
    height, block_hash, time, tx_index, log_index, trace_path, spends, *_ = rest
    return Transfer(
        *(chain, tx, leg, _KINDS[kind], sender, recipient, int(amount), contract, token_id),
        *(height, block_hash, time, tx_index, log_index, trace_path, spends),
        pending=height is None and time is None,
    )


def to_row(
    row: Fields, transfer: Transfer | None = None, reporters: frozenset[str] = frozenset()
) -> Row:
    """As `to_transfer`; `transfer` is what that made of the row, where it is at hand."""
    absences = row["absences"]
    return Row(
        id=row["id"],
        transfer=transfer or to_transfer(row),
        status=_STATUSES[row["status"]],
        version=row["version"],
        first_seen=row["first_seen"],
        late=bool(row["late"]),
        reporters=reporters,
        absences=() if absences == "[]" else tuple((s, h) for s, h in json.loads(absences)),
    )


# Terms that entries of earlier versions do not have.
_LATER = (
    "canary",
    "incoming",
    "origin",
    "sources",
    "held",
    "holder",
    "expected",
    "planned",
    "follow",
)


def entry_terms(entry: Entry) -> str:
    """An entry as JSON text: equal terms give equal texts. The line in the file is no term."""
    terms = {name: getattr(entry, name) for name in _TERMS}
    for name in _LATER:
        if told := getattr(entry, name):  # so that entries of earlier versions keep their terms
            terms[name] = told
    return _ENCODER.encode(terms)


def _fields(value: object) -> dict[str, Any]:
    """Of a value inside an entry. dataclasses.asdict copies all that it finds, which takes most
    of the time that a list of a million entries needs."""
    if not is_dataclass(value):
        raise TypeError(f"an entry holds a {type(value).__name__}")
    return {name: getattr(value, name) for name in value.__dataclass_fields__}


_TERMS = [each.name for each in fields(Entry) if each.name not in {"line", *_LATER}]
_ENCODER = json.JSONEncoder(sort_keys=True, ensure_ascii=False, default=_fields)


def to_entry(text: str) -> Entry:
    terms: dict[str, Any] = json.loads(text)
    return Entry(
        **{
            **terms,
            "subject": Subject(**terms["subject"]),
            "tags": tuple(terms["tags"]),
            "severity": Severity(terms["severity"]),
            "channels": None if terms["channels"] is None else tuple(terms["channels"]),
            "origin": _to_origin(terms.get("origin")),
            "sources": tuple(terms.get("sources", ())),
            "planned": Planned(**terms["planned"]) if terms.get("planned") else None,
            "follow": _to_follow(terms.get("follow")),
        }
    )


def _to_origin(told: dict[str, Any] | None) -> Origin | None:
    return None if told is None else Origin(**{**told, "programs": tuple(told["programs"])})


def _to_follow(told: dict[str, Any] | None) -> Terms | None:
    return None if told is None else Terms(**{**told, "sources": tuple(told["sources"])})


def to_watched(row: Fields) -> Watched:
    baseline = None
    if row["base_height"] is not None:
        baseline = Baseline(row["base_height"], row["base_time"], row["base_head_time"])
    return Watched(to_entry(row["terms"]), row["added"], baseline, row["retired"] is None)


def alert_params(a: Alert) -> tuple[Any, ...]:
    """In the order of ALERT_COLUMNS."""
    return (
        *(a.id, a.kind.value, a.lane.value, a.severity.value, a.created, a.chain, a.tx),
        *(a.entry_id, a.direction.value if a.direction else None, a.amends, a.lane_reason),
        *(a.title, json.dumps(to_json(a.facts), ensure_ascii=False, sort_keys=True), a.audience),
    )


def to_alert(row: Fields, identities: tuple[tuple[str, str, str], ...] = ()) -> Alert:
    kind = AlertKind(row["kind"])
    return Alert(
        id=row["id"],
        kind=kind,
        lane=Lane(row["lane"]),
        severity=Severity(row["severity"]),
        created=row["created"],
        chain=row["chain"],
        tx=row["tx"],
        entry_id=row["entry"],
        direction=Direction(row["direction"]) if row["direction"] else None,
        amends=row["amends"],
        lane_reason=row["lane_reason"],
        title=row["title"],
        facts=from_text(kind, row["facts"]),
        audience=row["audience"],
        rows=identities,
    )


def rendered_text(rendered: Rendered) -> str:
    return json.dumps(asdict(rendered), ensure_ascii=False)


def to_rendered(text: str) -> Rendered:
    fields: dict[str, Any] = json.loads(text)
    fields["attachments"] = tuple(
        (str(name), str(mime), str(body)) for name, mime, body in fields["attachments"]
    )
    images = fields.get("images", ())  # older messages have none
    fields["images"] = tuple(Inline(**{**each, "said": tuple(each["said"])}) for each in images)
    return Rendered(**fields)
