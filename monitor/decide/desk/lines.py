"""The lines of the inbox: which alerts stand together, in which order, who has them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from monitor.model.alert import AlertKind
from monitor.model.desk import Line, Open
from monitor.model.plain import is_same_name
from monitor.model.watch import Severity

_WEIGHT = {each.value: number for number, each in enumerate(Severity)}


def lines(alerts: Iterable[Open], *, single: bool = False) -> list[Line]:
    """Severe ones first, then corrections, then the oldest. Alerts of one message and case share
    a line, but for severe ones, which stand alone. `single`: each has its own."""
    found: dict[tuple[str, str], list[Open]] = {}
    for each in alerts:
        alone = single or not each.message or each.severity == Severity.SEVERE
        key = (each.id, "") if alone else (each.message, each.case)
        found.setdefault(key, []).append(each)
    made = [
        Line(key[0] if len(members) > 1 else members[0].id, tuple(members))
        for key, members in found.items()
    ]
    return sorted(made, key=order)


def order(line: Line) -> tuple[int, int, str]:
    first = line.first
    rank = 0 if severity(line) == Severity.SEVERE else 1 if is_correction(line) else 2
    return rank, first.created, line.id


def severity(line: Line) -> str:
    """The worst of its alerts'."""
    return min((each.severity for each in line.alerts), key=weight)


def weight(severity: str) -> int:
    """0 for the worst."""
    return _WEIGHT[severity]


def is_correction(line: Line) -> bool:
    return all(each.kind == AlertKind.CORRECTION for each in line.alerts)


def names_of(alerts: Iterable[Open], me: str) -> frozenset[str]:
    """The names under which somebody has alerts, however they are written."""
    holders = {each.holder for each in alerts} - {""}
    return frozenset(each for each in holders if is_same_name(each, me))


# What the inbox can show of what is to be done, by the word in the address bar; with the names
# under which whoever looks has alerts.
Choice = Callable[[Open, Collection[str]], bool]
CHOICES: Mapping[str, Choice] = {
    "todo": lambda _each, _mine: True,
    "nobody": lambda each, _mine: not each.holder,
    "yours": lambda each, mine: each.holder in mine,
    "single": lambda _each, _mine: True,
}


def overdue(alerts: Sequence[Open], now: int, after: int) -> int:
    """How many severe and high ones nobody has had in hand for longer than `after` seconds."""
    urgent = (Severity.SEVERE, Severity.HIGH)
    return sum(
        not each.holder and each.severity in urgent and now - each.created > after
        for each in alerts
    )
