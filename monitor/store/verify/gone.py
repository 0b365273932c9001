"""What stays known of acts whose texts were erased: the act of the erasure keeps their keys."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import astuple, dataclass

from monitor.model.acts import Body
from monitor.model.difference import Difference, Report
from monitor.store.verify import desk
from monitor.store.verify.chain import Erased, parsed
from monitor.store.verify.expected import Expected

# Where what sources said for a trace stands, by its name in the log.
TRACE_FACTS = {"profiles": "trace_profile", "anatomies": "trace_anatomy"}
# What an alert is before anybody has it.
NEW_ALERT = {"state": "open", "holder": "", "holder_door": "", "outcome": "", "closed": None}
BASES = ("base_height", "base_time", "base_head_time")


@dataclass(frozen=True, slots=True)
class Erasure:
    """That a text is gone, as the log tells it. `at`: when, Unix seconds; `by` confirmed it."""

    seq: int
    by_seq: int
    at: int
    by: str
    asked_by: str
    rule: str
    why: str
    one_system_user: bool  # typed both names


_ERASURE = [*(int, int, int), *(str, str, str, str), bool]


@dataclass(frozen=True, slots=True)
class _Gone:
    seq: int
    at: int  # of the act whose text it was
    first: int
    keys: Body


def carry_out(expected: Expected, erased: Erased, report: Report) -> Erasure | None:
    """Do to the expected record what is still known of an erased row."""
    told = parsed(expected.text(erased.by) or "") or {}
    try:
        erasures = {each.seq: each for each in erasures_in(told, erased.by)}
        mine = (erased.seq, erased.digest)
        (row,) = [row for row in told["body"]["rows"] if (row["number"], row["digest"]) == mine]
        PARTS[row["what"]](expected, _Gone(erased.seq, row["at"], row["first"], row["keys"]))
        return erasures[erased.seq]
    except (ValueError, TypeError, KeyError, IndexError, AttributeError):
        wanted = f"a text, or an erasure of it in log {erased.by}"
        report(Difference("erasure", f"log {erased.seq}", wanted, "neither"))
        return None


def erasures_in(told: Body, seq: int) -> Iterator[Erasure]:
    """What a text of the log, of this number, says was erased. Raises TypeError where it says
    something else."""
    if told.get("what") == "erased":
        asked = told["body"]["asked"]
        for row in told["body"]["rows"]:
            erasure = Erasure(
                *(row["number"], seq, told["at"], told["actor"]["name"]),
                *(asked["name"], asked["rule"], asked["why"]),
                told["body"]["one_system_user"],
            )
            if [type(each) for each in astuple(erasure)] != _ERASURE:
                raise TypeError("an erasure that is none")
            yield erasure


def _rows(expected: Expected, gone: _Gone) -> None:
    for key in gone.keys["new"]:
        expected.vague("transfer", key, {"version": 1}, gone.seq)
    names = gone.keys["columns"]
    for *key, was, now in gone.keys["changed"]:
        before = {} if was is None else dict(zip(names, was, strict=True))
        expected.change("transfer", key, before, dict(zip(names, now, strict=True)), gone.seq)
        expected.bump("transfer", key)
    for *key, block, source in gone.keys["reports"]:
        expected.vague("sighting", [*key, source, block], {}, gone.seq)
    for digests in gone.keys["kept"]:
        expected.add_once("answer", digests, {}, gone.seq)


def _alerts(expected: Expected, gone: _Gone) -> None:
    for alert, (entry, rows) in zip(gone.keys["alerts"], gone.keys["of"], strict=True):
        expected.vague("alert", [alert], {**NEW_ALERT, "entry": entry}, gone.seq)
        for identity in rows:
            if expected.is_movement(identity):
                expected.vague("alert_transfer", [alert, *identity], {}, gone.seq)


def _baselines(expected: Expected, gone: _Gone) -> None:
    for entry in gone.keys["baselines"]:
        expected.change("entry", [entry], dict.fromkeys(BASES), {}, gone.seq)
        expected.blur("entry", [entry], BASES, gone.seq)


def _taken(expected: Expected, gone: _Gone) -> None:
    """Name and note beside an alert went with the text."""
    state, nobody = gone.keys["state"], {"holder": "", "holder_door": ""}
    now = {"state": state, "outcome": gone.keys.get("outcome", ""), **nobody}
    now["closed"] = gone.at if state == "closed" else None
    line = {"at": gone.at, "state": state, "name": "", "note": "", "holder": ""}
    line["door"] = gone.keys.get("door", "")
    for alert, name, before in gone.keys["taken"]:
        expected.change("alert", [alert], {"state": before}, now, gone.seq)
        expected.add("alert_log", [name], {"alert": alert, **line}, gone.seq)
        expected.add("erased_line", [name], {"seq": gone.seq}, gone.seq)


def _entries(expected: Expected, gone: _Gone) -> None:
    """All but their terms."""
    for (entry, was, bare), terms in zip(gone.keys["entries"], gone.keys["terms"], strict=True):
        mine = bare.get("id", entry)
        now = {name: value for name, value in bare.items() if name != "id"}
        if was is None:
            expected.vague("entry", [entry], {"history": "due", "absent": None, **now}, gone.seq)
        else:
            before = {name: value for name, value in was.items() if name != "id"}
            expected.change("entry", [entry], before, now, gone.seq)
            expected.blur("entry", [entry], ["terms"] if terms else [], gone.seq)
        if mine != entry:
            expected.rename_entry(entry, mine, gone.seq)
            expected.add("respelt", [entry, mine], {"seq": gone.first}, gone.seq)
        if "list" in gone.keys:
            versions = expected.versions_at(mine, gone.at)
            if not versions:
                expected.contradicts(gone.seq, "entry_version", [mine, gone.at], "a row", "none")
            # Of several of one second another list may have brought some.
            version = {"list_sha256": gone.keys["list"]} if len(versions) == 1 else {}
            for each in versions:
                expected.vague("entry_version", [mine, gone.at, each], version, gone.seq)


def _word(expected: Expected, gone: _Gone) -> None:
    """Name and reason went with the text."""
    keys = gone.keys
    said = {"target": keys["target"], "nr": keys["nr"], "at": gone.at, "name": "", "why": ""}
    for place, (key, value) in enumerate(keys["values"]):
        number = [keys["list"], keys["number"] + place]
        expected.add("list_word", number, {**said, "key": key, "value": value}, gone.seq)
        expected.add("erased_word", number, {"seq": gone.seq}, gone.seq)


def _respelt(expected: Expected, gone: _Gone) -> None:
    respell(expected, gone.keys, gone.first, gone.seq)


def respell(expected: Expected, body: Body, first: int, seq: int) -> None:
    """An address that is written in another form by now, in its movements and where it is
    followed."""
    chain, _, old = body["old"].partition("/")
    new = body["new"].partition("/")[2]
    expected.add_once("respelt", [body["old"], body["new"]], {"seq": first}, seq)
    expected.rename_followed(body["old"], body["new"])
    for party in ("sender", "recipient"):
        for identity in body[party]:
            expected.change("transfer", [chain, *identity], {party: old}, {party: new}, seq)


def _list(expected: Expected, gone: _Gone) -> None:
    expected.vague("list_version", [gone.keys["list"], gone.at], {}, gone.seq)


def _followed(expected: Expected, gone: _Gone) -> None:
    key = [gone.keys["subject"], gone.keys["case"]]
    now = {"every": gone.keys["every"], "calls": gone.keys["calls"]}
    expected.vague("followed", key, {}, gone.seq)
    now |= {"since": gone.at, "until": None}
    expected.change("followed", key, {}, now, gone.seq)
    expected.blur("followed", key, ["why"], gone.seq)


def _unfollowed(expected: Expected, gone: _Gone) -> None:
    key = [gone.keys["subject"], gone.keys["case"]]
    expected.change("followed", key, {"until": None}, {"until": gone.at}, gone.seq)


def _trace_word(expected: Expected, gone: _Gone) -> None:
    """Name and reason went with the text."""
    keys = {**gone.keys}
    key = [keys.pop("case"), keys.pop("number")]
    expected.add("trace_word", key, {**keys, "name": "", "why": ""}, gone.seq)
    _erased_trace(expected, gone, "word")


def _trace_facts(expected: Expected, gone: _Gone) -> None:
    for part in ("profiles", "anatomies"):
        for key in gone.keys[part]:
            expected.add_once(TRACE_FACTS[part], [gone.keys["case"], *key], {}, gone.seq)


def _trace_state(expected: Expected, gone: _Gone) -> None:
    keys = gone.keys
    now = {"at": gone.at, "version": keys["version"], "sha256": keys["sha256"]}
    expected.add("trace_state", [keys["case"], keys["number"]], now, gone.seq)
    _erased_trace(expected, gone, "state")


def _erased_trace(expected: Expected, gone: _Gone, what: str) -> None:
    key = [gone.keys["case"], what, gone.keys["number"]]
    expected.add("erased_trace", key, {"seq": gone.seq}, gone.seq)


def _said(what: str) -> Callable[[Expected, _Gone], None]:
    """Of what people say at the desk: name and words went with the text."""

    def carried_out(expected: Expected, gone: _Gone) -> None:
        name = desk.GONE[what](expected, gone.keys, gone.seq)
        expected.add("erased_said", [what, name, gone.seq], {}, gone.seq)

    return carried_out


def _told(expected: Expected, gone: _Gone) -> None:
    desk.close_told(expected, gone.keys, gone.at, gone.seq)


def _nothing(_expected: Expected, _gone: _Gone) -> None:
    """It changed nothing that is held against the log."""


PARTS: Mapping[str, Callable[[Expected, _Gone], None]] = {
    "rows": _rows,
    "alerts": _alerts,
    "baselines": _baselines,
    "taken": _taken,
    "entries": _entries,
    "respelt": _respelt,
    "list": _list,
    "word": _word,
    "followed": _followed,
    "unfollowed": _unfollowed,
    "trace word": _trace_word,
    "trace facts": _trace_facts,
    "trace state": _trace_state,
    **{what: _said(what) for what in desk.GONE},
    "told": _told,
    **dict.fromkeys(("incidents", "taken back", "replayed", "tested", "backed up"), _nothing),
}
