"""What each act makes of the record, from its text alone: one line an act, one function a part.

An act or part that is not here was written by a later version: it is said, not passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from monitor.model import entry_lines
from monitor.model.acts import Actor, ActorKind
from monitor.model.difference import Difference, Report
from monitor.store.verify import desk, gone, lists, persons, trace
from monitor.store.verify.chain import Told
from monitor.store.verify.expected import Expected, Key, Values
from monitor.store.verify.whose import Whose

Part = Callable[[Expected, Told], None]


def rows(expected: Expected, told: Told) -> None:
    """New movements, changed ones, and who reported them."""
    columns = told.body["columns"]
    for line in told.body["new"]:
        _new(expected, told, dict(zip(columns["new"], line, strict=True)))
    for *key, was, now in told.body["changed"]:
        before = {} if was is None else dict(zip(columns["changed"], was, strict=True))
        after = dict(zip(columns["changed"], now, strict=True))
        expected.change("transfer", key, before, after, told.seq)
        expected.bump("transfer", key)
    for digests in told.body.get("kept", ()):
        expected.add_once("answer", digests, {}, told.seq)
    for *key, block, answer in told.body["sighted"]:
        _sighted(expected, told, [*key, block], answer, sure=False)


def _new(expected: Expected, told: Told, values: Values) -> None:
    key = [values.pop(name) for name in ("chain", "tx", "leg")]
    block = values["block_hash"] or str(values["block_height"] or "")
    answers = values.pop("answers")
    first: Values = {"version": 1, "absences": "[]", "reason": None}
    expected.add("transfer", key, first | values, told.seq)
    for answer in answers:
        _sighted(expected, told, [*key, block], answer, sure=True)


def _sighted(expected: Expected, told: Told, row: Key, answer: int, *, sure: bool) -> None:
    """The first word of a source stays, unless (not `sure`) there was one before the log."""
    *identity, block = row
    source, sha256 = told.body["answers"][answer]
    key, values = [*identity, source, block], {"at": told.at, "sha256": sha256}
    if sure:
        expected.add_once("sighting", key, values, told.seq)
    else:
        expected.guess("sighting", key, ("transfer", identity), values, told.seq)


def covered(expected: Expected, told: Told) -> None:
    """A day's coverage, which nothing is left of to hold against, and its kept answers."""
    expected.pinned[told.seq] = list(told.body["answers"])


def baselines(expected: Expected, told: Told) -> None:
    names = gone.BASES
    for entry, *values in told.body["baselines"]:
        now = dict(zip(names, values, strict=True))
        expected.change("entry", [entry], dict.fromkeys(names), now, told.seq)


def alerts(expected: Expected, told: Told) -> None:
    for line in told.body["alerts"]:
        values = dict(zip(told.body["columns"], line, strict=True))
        alert, about = values.pop("id"), values.pop("rows")
        expected.add("alert", [alert], values | gone.NEW_ALERT, told.seq)
        for identity in about:
            if expected.is_movement(identity):
                expected.add("alert_transfer", [alert, *identity], {}, told.seq)


def taken(expected: Expected, told: Told) -> None:
    body, at = told.body, told.at
    kind, name = ActorKind(told.actor["kind"]), body.get("by", told.actor["name"])
    who = Actor(ActorKind(body.get("door", kind)), name, told.actor["authority"])
    to, state, old = body.get("to"), body["state"], "to" not in body  # before the desk
    door = "" if old and who.kind is not ActorKind.LINK else who.kind.value
    holder = who.name if to is None else to
    now = {"state": state, "holder": holder, "holder_door": door if holder else ""}
    now |= {"outcome": body.get("outcome", ""), "closed": at if state == "closed" else None}
    line = {"at": at, "state": state, "name": who.recorded, "note": body["note"]}
    line |= {"door": "" if old else who.kind.value, "holder": to or ""}
    for alert, name, before in body["alerts"]:
        expected.change("alert", [alert], {"state": before}, now, told.seq)
        expected.add("alert_log", [name], {"alert": alert, **line}, told.seq)


def watchlist(expected: Expected, told: Told) -> None:
    """A list that was taken; the same one at the same time stands there once."""
    key = [told.body["sha256"], told.at]
    expected.add_once("list_version", key, {"outcome": told.body["outcome"]}, told.seq)


def entries(expected: Expected, told: Told) -> None:
    """New entries, changed ones, and those that got another id."""
    for entry, was, now in entry_lines.lines(told.body):
        mine = now.pop("id", entry)
        if was is None:
            expected.add("entry", [entry], _NEW_ENTRY | now, told.seq)
        else:
            before = {name: value for name, value in was.items() if name != "id"}
            expected.change("entry", [entry], before, now, told.seq)
            if (was.get("retired") is not None and now["retired"] is None) or "case_id" in was:
                expected.relisted[mine] = told.at
        if mine != entry:
            expected.rename_entry(entry, mine, told.seq)
            expected.add("respelt", [entry, mine], {"seq": told.first}, told.seq)
        if "list" in told.body:
            key = [mine, told.at, now["terms"]]
            version = {"list_sha256": told.body["list"]}
            expected.add_once("entry_version", key, version, told.seq)


_NEW_ENTRY: Values = {
    **dict.fromkeys(("retired", "absent", *gone.BASES)),
    "history": "due",
}


def respelt(expected: Expected, told: Told) -> None:
    gone.respell(expected, told.body, told.first, told.seq)


def erased(expected: Expected, told: Told) -> None:
    """What it says is gone, has gone by it."""
    for row in told.body["rows"]:
        if not expected.is_erased(row["number"], told.seq):
            expected.report(
                Difference("erasure", f"log {row['number']}", f"erased by log {told.seq}", "not so")
            )
    persons.hold(expected, told)


def case(expected: Expected, told: Told) -> None:
    key, names = [told.body["case"]], ("closed", "held")
    was, now = (dict(zip(names, told.body[when], strict=True)) for when in ("was", "is"))
    if expected.get("case_state", key) is None:
        expected.add("case_state", key, now, told.seq)
    else:
        expected.change("case_state", key, was, now, told.seq)


def followed(expected: Expected, told: Told) -> None:
    """What it used of its calls is no act."""
    key = [told.body["subject"], told.body["case"]]
    terms = {name: told.body[name] for name in ("why", "every", "calls")}
    now = {**terms, "since": told.at, "until": None}
    if expected.get("followed", key) is None:
        expected.add("followed", key, now, told.seq)
    else:
        expected.change("followed", key, {}, now, told.seq)


def unfollowed(expected: Expected, told: Told) -> None:
    key = [told.body["subject"], told.body["case"]]
    expected.change("followed", key, {"until": None}, {"until": told.at}, told.seq)


def table(expected: Expected, told: Told) -> None:
    """What was there before the log."""
    expected.begun[told.body["table"]] = told.body


def restored(expected: Expected, told: Told) -> None:
    """It stands behind the row with which the log of the backup ended."""
    end = told.body["end"]
    if end is None:
        return  # the backup was older than the log
    found = expected.hash_of(end["seq"]) if end["seq"] < told.seq else None
    if found != end["hash"]:
        wanted = f"behind row {end['seq']} with hash {end['hash']}, with which its backup ended"
        there = f"hash {found}" if found else "no such row before it"
        expected.report(Difference("chain", f"log {told.seq}", wanted, there))


def nothing(_expected: Expected, _told: Told) -> None:
    """It changed nothing that is held against the log."""


def close_told(expected: Expected, told: Told) -> None:
    desk.close_told(expected, told.body, told.at, told.seq)


CASE: Mapping[str, Part] = {"case": case}
ENDED: Mapping[str, Part] = {"proposal ended": desk.ended}
ACTS: Mapping[str, Mapping[str, Part]] = {
    "begin": {"record": nothing, "table": table},
    "plan": {"rows": rows, "baselines": baselines, "alerts": alerts, **ENDED},
    "take": {"taken": taken},
    "replay": {"replayed": nothing},
    "test channel": {"tested": nothing},
    "backup": {"backed up": nothing},
    "respell": {"respelt": respelt, "entries": entries},
    "take list": {"list": watchlist, "entries": entries, "alerts": alerts},
    "retire": {"entries": entries},
    "take publication": {
        "publication": lists.publication,
        "listing": lists.listing,
        "entries": entries,
    },
    "take entries": {"entries": entries},
    "accept grown": {"accepted": nothing},
    "say of list": {"word": lists.word, "entries": entries},
    "tell history": {"entries": entries, "alerts": alerts},
    "tell": {"alerts": alerts, **ENDED},
    "tell incidents": {"incidents": nothing, "alerts": alerts},
    "keep heads": {"taken back": nothing, "entries": entries},
    "set clock": {"entries": entries},
    "follow": {"followed": followed},
    "unfollow": {"unfollowed": unfollowed},
    "cover day": {"covered": covered},
    "say of trace": {"trace word": trace.word},
    "learn of trace": {"trace facts": trace.facts},
    "take trace": {"trace state": trace.state, "alerts": alerts, **ENDED},
    "set person": {"person": desk.person, "taken": taken, "alerts": alerts},
    "set member": {"member": desk.member},
    "note": {"remark": desk.remark},
    "propose": {"proposal": desk.proposal, "taken": taken},
    "end proposal": {**ENDED, "taken": taken},
    "pass on": {"passed on": desk.passed_on, "alerts": alerts},
    "start clock": {"clock": desk.clock},
    "end clock": {"clock ended": desk.clock_ended},
    "tell clock": {"clock ended": desk.clock_ended, "alerts": alerts},
    "close told": {"told": close_told},
    "hand out": {"handed out": nothing},
    "prepare request": {"request": desk.request},
    "record request": {"request step": desk.request_step},
    "restore": {"restored": restored},
    "erase asked": {"erase asked": nothing},
    "erased": {"erased": erased},
    "close case": CASE,
    "reopen case": CASE,
    "hold case": CASE,
    "release case": CASE,
}


def carry_out(expected: Expected, whose: Whose, told: Told, report: Report) -> None:
    """Do to the expected record what a row of the log says was done."""
    part = ACTS.get(told.act, {}).get(told.what)
    where = f"log {told.seq}"
    if part is None:
        known = "an act that this program knows: verify with the version that wrote it"
        report(Difference("text", where, known, f"{told.act}: {told.what}"))
        return
    try:
        whose.hold(told)
        part(expected, told)
    except (
        ValueError,
        TypeError,
        KeyError,
        IndexError,
        AttributeError,
        ArithmeticError,
        RecursionError,
    ) as error:
        known = f"what an act {told.act} says ({told.what})"
        report(Difference("text", where, known, f"a text that is none: {error}"))
