"""The desk by the log: who works there, who sees a case, what they wrote, proposed and started."""

from __future__ import annotations

from collections.abc import Callable, Mapping

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


def proposal(expected: Expected, told: Told) -> None:
    _propose(expected, _row(told.body), told.seq)


def _propose(expected: Expected, values: Values, seq: int) -> str:
    name = str(values.pop("id"))
    for alert in values.pop("alerts"):
        expected.add("proposal_alert", [name, alert], {}, seq)
    expected.add("proposal", [name], values, seq)
    return name


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


def request(expected: Expected, told: Told) -> None:
    values = _row(told.body)
    expected.add("request", [values.pop("id")], values, told.seq)


def request_step(expected: Expected, told: Told) -> None:
    values = _row(told.body)
    expected.add("request_step", [values.pop("id")], values, told.seq)


# -- what was erased: the row as it was made, without name and words. Yields its id --------------


def _gone_remark(expected: Expected, keys: Body, seq: int) -> str:
    values = _row(keys)
    name = str(values.pop("id"))
    expected.add("remark", [name], {**values, "name": "", "text": ""}, seq)
    return name


def _gone_proposal(expected: Expected, keys: Body, seq: int) -> str:
    words = dict.fromkeys(("text", "digest", "why", "name", *_WHO_ENDED), "")
    return _propose(expected, {**_row(keys), "args": "{}", **words}, seq)


def _gone_request(expected: Expected, keys: Body, seq: int) -> str:
    values = _row(keys)
    name = str(values.pop("id"))
    words = dict.fromkeys(("recipient", "named_by", "text", "digest", "name"), "")
    expected.add("request", [name], {**values, **words}, seq)
    return name


def _gone_step(expected: Expected, keys: Body, seq: int) -> str:
    values = _row(keys)
    name = str(values.pop("id"))
    words = dict.fromkeys(("reference", "text", "name"), "")
    expected.add("request_step", [name], {**values, **words}, seq)
    return name


def _gone_clock(expected: Expected, keys: Body, seq: int) -> str:
    values = _row(keys)
    name = str(values.pop("id"))
    expected.add("clock", [name], {**values, "name": "", "why": ""}, seq)
    return name


def _gone_end(kept: str) -> Callable[[Expected, Body, int], str]:
    def ended(expected: Expected, keys: Body, seq: int) -> str:
        name, now = str(keys[kept]), {**keys["is"], **dict.fromkeys(_WHO_ENDED, "")}
        expected.change(kept, [name], keys["was"], now, seq)
        return name

    return ended


_WHO_ENDED = ("ended_by", "said")
GONE: Mapping[str, Callable[[Expected, Body, int], str]] = {
    "remark": _gone_remark,
    "proposal": _gone_proposal,
    "proposal ended": _gone_end("proposal"),
    "clock": _gone_clock,
    "clock ended": _gone_end("clock"),
    "request": _gone_request,
    "request step": _gone_step,
}


def close_told(expected: Expected, body: Body, at: int, seq: int) -> None:
    """By the rule "told"."""
    now = {"state": "closed", "outcome": "told", "closed": at}
    for alert in body["alerts"]:
        expected.change("alert", [alert], {}, now, seq)


def _row(body: Body) -> Values:
    return {("case_id" if name == "case" else name): value for name, value in body.items()}
