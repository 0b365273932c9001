"""Whether a text went as the rules want: asked for by one person, confirmed by another one, of no
case under a legal hold. Who has the file could write an erasure that nobody asked for."""

from __future__ import annotations

from monitor.model.acts import Body, EraseAsked, one_system_user
from monitor.model.difference import Difference
from monitor.model.plain import is_same_name
from monitor.store.verify.chain import Told, parsed
from monitor.store.verify.expected import Expected

_SAID = ("why", "rule", "uid")


def hold(expected: Expected, told: Told) -> None:
    """Hold one part of an act that erased texts."""
    asked, numbers = told.body["asked"], [row["number"] for row in told.body["rows"]]
    if wrong := _wrong(expected, told, asked, set(numbers)):
        _differs(expected, told, "a request of another person for the same rows", wrong)
    if told.body["one_system_user"] != one_system_user(asked["uid"], told.body["uid"]):
        _differs(expected, told, "whether both came from one system user", "not so")
    for number in numbers:
        cases = expected.cases_of(number)
        for case in expected.held():
            if case in cases or not cases:
                _differs(
                    expected, told, f"log {number}: case {case} was under a legal hold", "gone"
                )


def _wrong(
    expected: Expected, told: Told, asked: Body, numbers: set[int]
) -> str:  # fmt: skip
    """What is wrong with the request that an erasure names; empty: nothing."""
    request = parsed(expected.text(asked["number"]) or "") or {}
    if request.get("act") != EraseAsked.kind or asked["number"] >= told.first:
        return f"log {asked['number']} is no request before it"
    wanted, number = set[int](), asked["number"]
    while (part := parsed(expected.text(number) or "")) and part["first"] == asked["number"]:
        wanted |= {*part["body"]["numbers"]}
        number += 1
    if not numbers <= wanted:
        return f"log {asked['number']} did not ask for {sorted(numbers - wanted)}"
    said = {**{name: request["body"][name] for name in _SAID}, **request["actor"]}
    if any(asked[name] != value for name, value in (said | {"at": request["at"]}).items()):
        return f"log {asked['number']} says otherwise who asked, when or why"
    if is_same_name(asked["name"], told.actor["name"]):
        return f"{asked['name']} asked for it and confirmed it"
    return ""


def _differs(expected: Expected, told: Told, wanted: str, found: str) -> None:
    expected.report(Difference("erasure", f"log {told.seq}", wanted, found))
