"""The outward JSON and CSV: the contract that others build on."""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import replace

import jsonschema
import pytest
import world.sample_alerts as sample
from hypothesis import given
from hypothesis import strategies as st

from monitor.messages import objects, spreadsheet
from monitor.model import UINT256_MAX, AlertKind, Kind, Known, Status

SCHEMA = json.loads((sample.ROOT / "docs" / "webhook.schema.json").read_text("utf-8"))
VALID = jsonschema.Draft202012Validator(SCHEMA)
SAMPLES = {
    "movement": sample.outgoing(),
    "utxo": sample.bitcoin(),
    "correction": sample.correction(),
    "history": sample.history(),
    "unexplained": sample.unexplained(),
    "explained": sample.explained(),
    "clock": sample.clock(),
    "notice": sample.notice(),
    "late": sample.outgoing(kind=AlertKind.LATE),
    "amendment": sample.outgoing(kind=AlertKind.AMENDMENT, amends="A-1"),
    "activity": sample.outgoing(kind=AlertKind.ACTIVITY),
    "hostile": sample.hostile("\ud800\u202e=1+1<script>\r\nX: y"),
}


def test_the_schema_is_a_schema():
    """The published file itself is valid under its own dialect."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("detail", ["full", "reference"])
def test_bodies_hold_to_the_schema(name, detail):
    """Every kind of alert, whole and as a reference, is valid after a trip over the wire."""
    body = objects.webhook_body([SAMPLES[name]], sample.T0, detail=detail)
    wire = objects.json_text(body).encode("utf-8")
    VALID.validate(json.loads(wire))


@pytest.mark.parametrize("field", ["id", "transfers", "severity", "created"])
def test_the_schema_refuses_a_body_without(field):
    """The schema is not so lax that anything would pass."""
    body = objects.webhook_body([sample.outgoing()], sample.T0)
    del body["data"]["alerts"][0][field]
    assert not VALID.is_valid(body)


def test_transfer_object_to_the_letter():
    """Field names and values exactly as the contract says."""
    view = sample.usdt()
    assert objects.transfer_object(view) == {
        "chain": "tron",
        "tx": sample.tx_hash("one"),
        "leg": view.row.transfer.leg,
        "kind": "trc20",
        "asset": {
            "contract": sample.USDT,
            "symbol": "USDT",
            "decimals": 6,
            "token_id": None,
            "verified": True,
        },
        "from": sample.WATCHED,
        "to": sample.RECEIVER,
        "amount": "1000000000000",
        "block_height": 88_012_345,
        "block_hash": sample.tx_hash("block 88012345"),
        "time": "2026-11-22T09:14:03Z",
        "status": "provisional",
        "value": None,
        "entries": [
            {
                "id": "E-7Q2F-M0KD-9XWA",
                "address": sample.WATCHED,
                "label": "Payroll wallet 3",
                "case": "NK-07",
                "direction": "out",
            }
        ],
        "sources": ["trongrid"],
        "first_seen": "2026-11-22T09:14:37Z",
    }


def test_alert_object_to_the_letter():
    """Exactly the keys of the contract; a notice alone has a title beside them."""
    keys = [
        *("id", "kind", "lane", "severity", "chain", "tx", "entry", "direction", "transfers"),
        *("names", "amends", "created", "state", "deliveries"),
    ]
    assert list(objects.alert_object(sample.outgoing())) == keys
    assert list(objects.alert_object(sample.notice())) == [*keys, "title"]


def test_names_are_claims_with_their_source():
    """By address; of a case that the reader was not told of, only that it is watched."""
    name = Known("Shop", source="list", category="exchange", confidence="low", shipped=True)
    view = sample.bitcoin(
        names={"a": name, "b": Known("Cousin", "ZZ-99", watched=True, entry_id="E-OTHER")}
    )
    shown = objects.alert_object(view, {"NK-11"})["names"]
    assert shown["a"] == {
        "name": "Shop",
        "category": "exchange",
        "source": "list",
        "date": None,
        "confidence": "low",
        "watched": False,
        "shipped": True,
        "list": None,
    }
    assert (shown["b"]["name"], shown["b"]["watched"]) == (None, True)
    assert objects.alert_object(view)["names"]["b"]["name"] == "Cousin"


def test_unconfirmed_and_fee_rows():
    """Unconfirmed rows have no block and no time, a fee has no recipient."""
    pending = objects.transfer_object(sample.ether(status=Status.PENDING))
    assert (pending["time"], pending["block_height"], pending["status"]) == (None, None, "pending")
    fee = objects.transfer_object(sample.ether(kind=Kind.FEE, recipient=None))
    assert (fee["kind"], fee["to"]) == ("fee", None)


def test_reference_holds_nothing_else():
    """A reference tells neither label, reason, address, amount, case nor transaction."""
    assert objects.reference_object(sample.outgoing()) == {
        "id": "A-10482",
        "kind": "movement",
        "severity": "high",
        "chain": "tron",
        "time": "2026-11-22T09:14:37Z",
    }


def test_labels_of_other_cases_stay_away():
    """An entry of a case that was not told remains a watched address without a name."""
    view = replace(sample.bitcoin(), transfers=sample.bitcoin().all_legs)
    body = objects.json_text(objects.webhook_body([view], sample.T0, allowed={"NK-11"}))
    assert "Secret cousin" not in body
    assert "ZZ-99" not in body
    assert "E-OTHER" not in body
    assert sample.OTHER_ENTRY.subject.address in body
    assert "Secret cousin" in objects.json_text(objects.webhook_body([view], sample.T0))


@given(st.integers(0, UINT256_MAX), st.integers(0, 36))
def test_amounts_are_exact(amount, decimals):
    """Any uint256 comes through as decimal text, in JSON and as coins in CSV."""
    view = sample.usdt(amount, decimals=decimals)
    assert objects.transfer_object(view)["amount"] == str(amount)
    row = table(spreadsheet.csv_rows([view]))[0]
    assert row["amount"] == str(amount)
    assert int(row["amount_decimal"].replace(".", "")) == amount
    assert len(row["amount_decimal"].partition(".")[2]) == decimals


def test_no_floats_anywhere():
    """JSON of every sample parses without a single float."""
    for view in SAMPLES.values():
        text = objects.json_text(objects.webhook_body([view], sample.T0))
        json.loads(text, parse_float=lambda number: pytest.fail(f"float {number}"))


def test_more_alerts_than_a_body_holds_are_a_mistake():
    """The caller splits; a body that is too long is never built."""
    with pytest.raises(ValueError, match="501 alerts"):
        objects.webhook_body([sample.outgoing()] * 501, sample.T0)


def table(lines):
    return list(csv.DictReader(io.StringIO("".join(lines), newline="")))


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\0", "＝", " ="])
def test_formulas_are_neutralised(start):
    """A label that begins like a formula gets an apostrophe before it."""
    entry = sample.make_entry(sample.TRON, sample.WATCHED, label=f"{start}HYPERLINK(1)")
    view = replace(sample.usdt(), entries=(entry,))
    row = table(spreadsheet.csv_rows([view]))[0]
    assert row["labels"].startswith("'")


SPLITS = [";", ",", "\t", "\n", "\r\n", "|", "\v", "\u2028", "\uff1b", '";"', "; ", ';""', "\t\xa0"]


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20"])
def test_no_formula_stands_behind_a_separator(split, sign):
    """However a spreadsheet splits a line, no part of it that a stranger wrote is calculated;
    and what was written comes back."""
    text = f"a{split}{sign}cmd|'/c calc'!A0{split}b"
    line = spreadsheet.csv_line(["x", text, "y"])
    for part in re.split("[;,|\t\r\n\v\u2028\uff1b]", line):
        assert not re.match('[\\s"]*[=+@\uff1d\uff0b\uff0d\uff20-]', part), part
    [[_, cell, _]] = csv.reader(io.StringIO(line, newline=""))
    assert spreadsheet.unguarded(cell) == text


@pytest.mark.parametrize("text", ["a;=1", "a;'=1", "a;''=1", "=1", "''=1", "x-1", "a; b", "1;2"])
def test_a_guard_is_taken_away_again(text):
    """Also where the text itself holds apostrophes; what is no formula stays as it is."""
    [[cell]] = csv.reader(io.StringIO(spreadsheet.csv_line([text]), newline=""))
    assert spreadsheet.unguarded(cell) == text


@given(st.text(st.characters(codec=None), max_size=80))
def test_csv_survives_any_symbol_and_label(text):
    """Whatever a chain or a person wrote, the table keeps its columns and is encodable."""
    entry = sample.make_entry(sample.TRON, sample.WATCHED, label=text)
    view = replace(sample.usdt(verified=False, symbol=text), entries=(entry,))
    lines = "".join(spreadsheet.csv_rows([view, sample.usdt()]))
    lines.encode("utf-8")
    rows = table([lines])
    assert [row["tx"] for row in rows] == [sample.tx_hash("one")] * 2
    assert not any(re.match("[=+@\t\r\n-]", cell) for row in rows for cell in row.values())


def test_csv_lines_end_as_the_standard_says():
    """RFC 4180: CRLF, header first, every column of the contract, addresses in full."""
    lines = list(spreadsheet.csv_rows([sample.usdt()]))
    assert lines[0] == ",".join(spreadsheet.TRANSFER_COLUMNS) + "\r\n"
    assert all(line.endswith("\r\n") for line in lines)
    assert sample.WATCHED in lines[1]
    assert sample.RECEIVER in lines[1]


def test_alert_table_has_a_line_for_everything():
    """Alerts without transfers have a line of their own; the others one per transfer."""
    rows = table(spreadsheet.alert_csv_rows([sample.notice(), sample.history()]))
    assert [row["alert_id"] for row in rows] == ["N-220", "A-10001", "A-10001"]
    assert [row["amount"] for row in rows] == ["", "1000000000000", "5000000"]
