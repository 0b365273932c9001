"""The log in plain words: what people at the desk did. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from monitor.model.acts import Body
from monitor.model.plain import plural, quoted, tidy, utc

_FLAGS = {"reports": "the right to confidential clocks", "enrolled": "a way to sign in"}


def _why(body: Body) -> str:
    return f": {quoted(body['why'], 500)}" if body["why"] else ""


def _person(body: Body) -> str:
    name, was, now = tidy(body["person"], 80), body["was"], body["is"]
    if was is None:
        return f"added {name} to the desk as {tidy(now['role'])}{_why(body)}"
    done = []
    if was["role"] != now["role"]:
        done.append(f"made {name}, {tidy(was['role'])} before, {tidy(now['role'])} of the desk")
    if was["reports"] != now["reports"]:
        verb = "gave" if now["reports"] else "took from"
        done.append(f"{verb} {name} {_FLAGS['reports']}")
    if was["enrolled"] != now["enrolled"]:
        verb = "noted" if now["enrolled"] is not None else "took back"
        done.append(f"{verb} that {name} has {_FLAGS['enrolled']}")
    if was["disabled"] != now["disabled"]:
        word = "no longer" if now["disabled"] is not None else "again"
        done.append(f"let {name} use the desk {word}")
    return f"{' and '.join(done) or f'left {name} as they were'}{_why(body)}"


def _member(body: Body) -> str:
    name, case = tidy(body["person"], 80), tidy(body["case"])
    done = "made a member of" if body["until"] is None else "took out of the members of"
    return f"{name}: {done} case {case}{_why(body)}"


def _remark(body: Body) -> str:
    about = f"alert {tidy(body['alert'])}" if body["alert"] else f"case {tidy(body['case'])}"
    also = f", in place of {tidy(body['corrects'])}" if body["corrects"] else ""
    return f"wrote {body['id']} about {about}{also}: {quoted(body['text'], 500)}"


def _proposal(body: Body) -> str:
    about = f", about {plural(len(body['alerts']), 'alert')}" if body["alerts"] else ""
    alone = " (one person, no second existed)" if body["eyes"] == "one" else ""
    first = body["text"].partition("\n")[0]
    return f"proposed {body['id']}{about}{alone}: {quoted(first, 300)}{_why(body)}"


def _ended(body: Body) -> str:
    now = body["is"]
    alone = body["is"]["eyes"] == "one" and body["was"]["eyes"] != "one"
    mark = " (one person, no second existed)" if alone else ""
    said = f": {quoted(now['said'], 500)}" if now["said"] else ""
    state = tidy(now["state"])
    done = "agreed" if state == "done" and body["was"]["state"] == "waiting" else state
    words = _BECAME.get(done, f"{state}: proposal {{}}")
    return f"{words.format(tidy(body['proposal']))}{mark}{said}"


# What somebody, or the program, did with a proposal.
_BECAME = {
    "agreed": "agreed to proposal {}",
    "done": "carried out proposal {}",
    "failed": "could not carry out proposal {}",
    "declined": "declined proposal {}",
    "withdrawn": "took back proposal {}",
    "lapsed": "let proposal {} lapse",
}


def _passed_on(body: Body) -> str:
    return f"passed on, for nobody has answered: {', '.join(map(tidy, body['proposals'][:3]))}"


def _clock(body: Body) -> str:
    rule, case = tidy(body["rule"]), tidy(body["case"])
    return f"started clock {body['id']} ({rule}) of case {case}, due {body['due']}{_why(body)}"


_STEPS = {"soon": "it ends soon", "due": "it ends today", "over": "it is over"}


def _clock_ended(body: Body) -> str:
    was, now, name = body["was"], body["is"], tidy(body["clock"])
    if was["told"] != now["told"]:
        return f"told of clock {name}: {_STEPS.get(now['told'], tidy(now['told']))}"
    said = f": {quoted(now['said'], 500)}" if now["said"] else ""
    done = {"met": "noted that clock {} was met", "stopped": "stopped clock {}"}
    return f"{done.get(now['state'], 'ended clock {}').format(name)}{said}"


def _request(body: Body) -> str:
    where = f"{tidy(body['address'], 120)} on {tidy(body['chain'], 40)}"
    to, case = quoted(body["recipient"], 120), tidy(body["case"])
    said = f"digest {tidy(body['digest'])[:16]}, on state {body['trace_number']} of the trace"
    return f"prepared request {body['id']} of case {case} to {to}, about {where}: {said}"


def _request_step(body: Body) -> str:
    reference = f", reference {quoted(body['reference'], 200)}" if body["reference"] else ""
    text = f": {quoted(body['text'], 500)}" if body["text"] else ""
    stage = _STAGES.get(body["stage"], tidy(body["stage"]))
    when = f"at {utc(body['happened'])}"
    instead = f", in place of {tidy(body['corrects'])}" if body["corrects"] else ""
    name = tidy(body["request"])
    return f"recorded that request {name} was {stage} {when}{reference}{instead}{text}"


_STAGES = {"withdrawn": "taken back"}


def words(told: Body) -> str:
    """What somebody wrote in their own words, of a row of the log; "": nothing."""
    key = _WRITTEN.get(told["what"])
    body = told["body"]["is"] if told["what"] in _ENDS else told["body"]
    return str(body.get(key) or "") if key else ""


_ENDS = ("proposal ended", "clock ended")
_WRITTEN = {
    **{"remark": "text", "taken": "note", "proposal": "why", "clock": "why", "case": "why"},
    **{"request": "text", "request step": "text"},
    **{"person": "why", "member": "why", **dict.fromkeys(_ENDS, "said")},
}


# By the name of the part.
def _handed_out(body: Body) -> str:
    what = "the report" if body["what"] == "report" else "an export for evidence"
    notes = ", with what people noted" if body["notes"] else ""
    return f"made {what} of the case{notes}: {body['size']:,} bytes, SHA-256 {tidy(body['sha256'])}"


WORDS: Mapping[str, Callable[[Body], str]] = {
    "person": _person,
    "member": _member,
    "remark": _remark,
    "proposal": _proposal,
    "proposal ended": _ended,
    "passed on": _passed_on,
    "clock": _clock,
    "clock ended": _clock_ended,
    "request": _request,
    "handed out": _handed_out,
    "request step": _request_step,
}
