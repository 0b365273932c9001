"""The desk by the log: who works there, who sees a case, what they wrote, proposed and started."""

from __future__ import annotations

from monitor.model.acts import Body
from monitor.store.verify.chain import Told
from monitor.store.verify.expected import Expected, Values


def person(expected: Expected, told: Told) -> None:
    body, key = told.body, [told.body["person"]]
    if body["was"] is None:
        expected.add("person", key, {**body["is"]}, told.seq)
    else:
        expected.change("person", key, body["was"], body["is"], told.seq)


def member(expected: Expected, told: Told) -> None:
    body = told.body
    key = [body["case"], body["person"], body["since"]]
    if body["until"] is None:
        expected.add("member", key, {"until": None}, told.seq)
    else:
        expected.change("member", key, {"until": None}, {"until": body["until"]}, told.seq)


def remark(expected: Expected, told: Told) -> None:
    values = _row(told.body)
    expected.add("remark", [values.pop("id")], values, told.seq)


def gone_remark(expected: Expected, keys: Body, seq: int) -> None:
    """Name and text went with the text of the log."""
    values = _row(keys)
    expected.add("remark", [values.pop("id")], {**values, "name": "", "text": ""}, seq)


def proposal(expected: Expected, told: Told) -> None:
    values = _row(told.body)
    key = [values.pop("id")]
    for alert in values.pop("alerts"):
        expected.add("proposal_alert", [*key, alert], {}, told.seq)
    expected.add("proposal", key, values, told.seq)


def ended(expected: Expected, told: Told) -> None:
    body = told.body
    expected.change("proposal", [body["proposal"]], body["was"], body["is"], told.seq)


def passed_on(expected: Expected, told: Told) -> None:
    for name in told.body["proposals"]:
        expected.change("proposal", [name], {"escalated": None}, {"escalated": told.at}, told.seq)


def clock(expected: Expected, told: Told) -> None:
    values = _row(told.body)
    expected.add("clock", [values.pop("id")], values, told.seq)


def clock_ended(expected: Expected, told: Told) -> None:
    body = told.body
    expected.change("clock", [body["clock"]], body["was"], body["is"], told.seq)


def close_told(expected: Expected, body: Body, at: int, seq: int) -> None:
    """By the rule "told"."""
    now = {"state": "closed", "outcome": "told", "closed": at}
    for alert in body["alerts"]:
        expected.change("alert", [alert], {}, now, seq)


def _row(body: Body) -> Values:
    return {("case_id" if name == "case" else name): value for name, value in body.items()}
