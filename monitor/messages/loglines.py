"""The log in plain words: what a row says that somebody did. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict

from monitor.messages import desk_lines
from monitor.model import entry_lines
from monitor.model.acts import Body
from monitor.model.desk_work import OUTCOMES
from monitor.model.plain import plural, quoted, tidy, utc
from monitor.model.terms import Terms

NAMED = 3  # of many: how many are named
LONGEST = 600  # characters that one of them takes
_OUTCOMES: Mapping[str, str] = {key.value: words for key, words in OUTCOMES.items()}
SHOWN_HASH = 12  # characters: enough to compare by eye


def row_line(number: int, hash_: str, told: Body | None, erased_by: int | None) -> list[str]:
    """Number and time, who and how that is proven, what was done, the beginning of the hash."""
    shown = hash_[:SHOWN_HASH]
    if erased_by is not None:
        return [str(number), f"its text was erased: see number {erased_by}", shown]
    return [*told_line(number, told or {}), shown]


def told_line(number: int, told: Body) -> list[str]:
    """Number and time, who and how that is proven, what was done. A text that somebody has
    damaged costs only its own line."""
    try:
        return _told(number, told)
    except (LookupError, TypeError, ValueError, AttributeError):
        return [str(number), "cannot be understood: `fundwatch verify` says what differs"]


def _told(number: int, told: Body) -> list[str]:
    actor = told["actor"]
    who = f"{tidy(actor['name'], 80)} ({tidy(actor['authority'], 400)})"
    return [f"{number}  {utc(told['at'])}", who, said(told)]


def said(told: Body) -> str:
    """What was done, in a few words. A part that this program does not know, of a later one, is
    told by its name."""
    words = WORDS.get(told["what"])
    return words(told["body"]) if words else f"{tidy(told['act'])}: {tidy(told['what'])}"


def _some(names: Sequence[object]) -> str:
    first = ", ".join(tidy(str(name), LONGEST) for name in names[:NAMED])
    return f"{first} and {len(names) - NAMED:,} more" if len(names) > NAMED else first


def _rows(body: Body) -> str:
    counts = (
        (len(body["new"]), "new movement"),
        (len(body["changed"]), "changed movement"),
        (len(body["sighted"]), "further report"),
    )
    found = [plural(number, word) for number, word in counts if number]
    rows = [*body["new"], *body["changed"], *body["sighted"]]
    txs = list(dict.fromkeys(f"{row[0]} {row[1]}" for row in rows))
    where = f" in {plural(len(txs), 'transaction')}: {_some(txs)}" if txs else ""
    return f"recorded {', '.join(found) or 'nothing new'}{where}"


def _alerts(body: Body) -> str:
    return f"made {plural(len(body['alerts']), 'alert')}: {_some([a[0] for a in body['alerts']])}"


def _baselines(body: Body) -> str:
    entries = [line[0] for line in body["baselines"]]
    return f"noted from where on movements are news: {_some(entries)}"


def _taken(body: Body) -> str:
    note = f": {quoted(body['note'], 500)}" if body["note"] else ""
    names = _some([line[0] for line in body["alerts"]])
    if body["state"] == "open":
        return f"gave back to nobody {names}{note}"
    if body.get("to"):
        return f"handed over to {tidy(body['to'], 80)} {names}{note}"
    key = str(body.get("outcome") or "")
    outcome = f' as "{_OUTCOMES.get(key) or tidy(key)}"' if key else ""
    by = f", as {tidy(body['by'], 80)} had proposed" if body.get("by") else ""
    return f"{tidy(body['state'])}{outcome} {names}{by}{note}"


def _told_rule(body: Body) -> str:
    return f'closed by the rule "told", for they needed nobody: {_some(body["alerts"])}'


def _replayed(body: Body) -> str:
    return f"sent again: {_some(body['messages'])}"


def _tested(body: Body) -> str:
    refused = f", refused for {body['refused']}" if body["refused"] else ""
    channel, accepted = tidy(body["channel"]), plural(body["accepted"], "recipient")
    return f"tested channel {channel}: accepted for {accepted}{refused}"


def _backed_up(body: Body) -> str:
    return f"copied the record to {tidy(body['file'], 400)}"


def _case(body: Body) -> str:
    closed, held = ([body[when][place] for when in ("was", "is")] for place in (0, 1))
    changes = (
        (closed[0] is None and closed[1] is not None, "closed the case"),
        (closed[0] is not None and closed[1] is None, "reopened the case"),
        (held[0] is None and held[1] is not None, "put a legal hold on the case"),
        (held[0] is not None and held[1] is None, "lifted the legal hold of the case"),
    )
    done = " and ".join(words for so, words in changes if so)
    return f"{done} {tidy(body['case'])}: {quoted(body['why'], 500)}"


def _record(body: Body) -> str:
    if not body["schema"]:
        return "began the log with a new record"
    return f"began the log in a record that was there, of schema {body['schema']}"


def _table(body: Body) -> str:
    return f"{plural(body['rows'], 'row')} of table {tidy(body['table'])} were there before"


def _entries(body: Body) -> str:
    """What is the same for all of some entries: they are new, ended, came back, or changed."""
    done: dict[str, list[str]] = {}
    for entry, was, now in entry_lines.lines(body):
        words = _became_listed(was, now) or _became(was, now)
        done.setdefault(words, []).append(_entry(entry, was or {}, now))
    return "; ".join(f"{words} {_some(names)}" for words, names in done.items())


def _entry(entry: str, was: Body, now: Body) -> str:
    """Which entry, and what became of its terms, as far as an act changed them."""
    if "terms" not in now:
        return entry
    terms, before = json.loads(now["terms"]), json.loads(was.get("terms", "{}"))
    subject = terms["subject"]
    named = f"{entry} {quoted(terms['label'])} {tidy(subject['chain'])} {tidy(subject['address'])}"
    changed = [
        _follow(before.get(name), terms.get(name))
        if name == "follow"
        else f"{name} from {_term(before.get(name))} to {_term(terms.get(name))}"
        for name in sorted((before.keys() | terms.keys() if before else set()) - {"retired"})
        if before.get(name) != terms.get(name)
    ]
    changed += [quoted(terms["retired"])] if terms.get("retired") else []
    return f"{named} ({'; '.join(changed)})" if changed else named


def _term(value: object) -> str:
    if value is None:
        return "nothing"
    return quoted(value if isinstance(value, str) else json.dumps(value), 200)


def _follow(was: Body | None, now: Body | None) -> str:
    """What became of following: of its many terms those that are other than before, or, where it
    begins, than those that go without saying."""
    if now is None:
        return "its money is followed no longer"
    usual = json.loads(json.dumps(asdict(Terms())))
    terms = [
        f"{name} {tidy(str(now[name]), 80)}"
        + (f" (was {tidy(str(was.get(name)), 80)})" if was else "")
        for name in sorted(now)
        if now[name] != (was or usual).get(name)
    ]
    begins = "its money is followed" + (" otherwise" if was else " from now on")
    return f"{begins}: {', '.join(terms)}" if terms else begins


def _became(was: Body | None, now: Body) -> str:
    if was is None:
        return "added to the watchlist:"
    if now.keys() == {"history"}:
        return "summed up the movements from before its watch:"
    if now.get("retired") is not None and was.get("retired") is None:
        return "retired:"
    if now.get("absent") is not None and was.get("absent") is None:
        return "missing from the watchlist, still watched:"
    return "changed in the watchlist:"


def _became_listed(was: Body | None, now: Body) -> str:
    """The same of an entry of a published list; empty: of none, or as any other."""
    origin = json.loads(now.get("terms", "{}")).get("origin")
    if not origin:
        return ""
    name = tidy(origin["list"])
    if was is None:
        return f"watched because of list {name}:"
    if now.get("retired") is not None and was.get("retired") is None:
        return ""
    again = now.get("retired") is None and was.get("retired") is not None
    return f"{'watched again' if again else 'changed'} because of list {name}:"


def _covered(body: Body) -> str:
    parts = plural(body["coverage"][0], "part")
    of = f"{body['scopes']:,} of the addresses or whole chains that are read"
    return f"noted what counts as read on {tidy(body['day'])}: {parts} of lists, for {of}"


def _restored(body: Body) -> str:
    end, replaced = body["end"], body["replaced"]
    upto = f"number {end['seq']} of its log" if end else "no log, it is older"
    was = f"; the record before is kept as {tidy(replaced['file'], 400)}" if replaced else ""
    words = (("acts", "act"), ("rows", "movement"), ("alerts", "alert"))
    newer = [
        plural(n, word) for key, word in words if replaced and (n := replaced[key]) is not None
    ]
    held = f", and holds {', '.join(newer)} that the backup has not" if newer else ""
    return f"restored the backup {tidy(body['backup'], 400)} ({upto}){was}{held}"


def _list(body: Body) -> str:
    outcome = json.loads(body["outcome"])
    found = ", ".join(f"{len(names):,} {word}" for word, names in outcome.items() if names)
    return f"took a watchlist ({body['sha256'][:SHOWN_HASH]}): {found or 'nothing new'}"


def _incidents(body: Body) -> str:
    return f"told what is wrong with Fundwatch ({tidy(body['phase'])}): {_some(body['incidents'])}"


def _taken_back(body: Body) -> str:
    parts, source = plural(len(body["coverage"]), "part"), tidy(body["fault"]["source"])
    return f"took back that {parts} of lists had been read: {source} had told of false blocks"


def _respelt(body: Body) -> str:
    return f"address written anew: {tidy(body['old'])} is {tidy(body['new'])} by now"


def _followed(body: Body) -> str:
    calls = "" if body["calls"] is None else f", with {plural(body['calls'], 'call')} at most"
    how = f"every {plural(body['every'], 'second')}{calls}"
    return f"followed {tidy(body['subject'])} {how}: {quoted(body['why'], 500)}"


def _unfollowed(body: Body) -> str:
    return f"followed {tidy(body['subject'])} no longer"


def _trace_word(body: Body) -> str:
    about = f" {tidy(body['subject'])}" if body["subject"] else ""
    value = f" {tidy(body['value'], 200)}" if body["value"] else ""
    case, why = tidy(body["case"]), quoted(body["why"], 500)
    return f"said of the trace of case {case}: {tidy(body['say'])}{about}{value} ({why})"


def _trace_facts(body: Body) -> str:
    addresses = [line[0] for line in body["profiles"]]
    txs = [f"{line[0]} {line[1]}" for line in body["anatomies"]]
    parts = []
    if addresses:
        parts.append(f"how addresses behave: {_some(addresses)}")
    if txs:
        parts.append(f"what whole transactions did: {_some(txs)}")
    return f"learned for the trace of case {tidy(body['case'])} {'; '.join(parts)}"


def _trace_state(body: Body) -> str:
    size = f"{body['nodes']:,} addresses, {plural(body['edges'], 'movement')}"
    number, sha256 = body["number"], body["sha256"][:SHOWN_HASH]
    return f"took state {number} of the trace of case {tidy(body['case'])} ({sha256}): {size}"


def _erase_asked(body: Body) -> str:
    rows = f"{plural(len(body['numbers']), 'row')} ({_some(body['numbers'])})"
    return f"asked to erase {rows} under {quoted(body['rule'])}: {quoted(body['why'], 500)}"


def _erased(body: Body) -> str:
    asked, numbers = body["asked"], [row["number"] for row in body["rows"]]
    rows = f"{plural(len(numbers), 'row')} ({_some(numbers)})"
    one = "; both names came from one system user" if body["one_system_user"] else ""
    rule, why = quoted(asked["rule"]), quoted(asked["why"], 500)
    return f"erased {rows}, as {tidy(asked['name'], 80)} asked, under {rule}: {why}{one}"


def _listing(body: Body) -> str:
    new, gone = (sum(span[place] for span in body["spans"]) for place in (2, 4))
    changed = f"{plural(new, 'row')} new or changed, {gone:,} gone or changed"
    return f"list {tidy(body['list'])}, version {body['nr']}: {changed}"


def _publication(body: Body) -> str:
    told = body["columns"]
    day = f" of {tidy(told['published'])}" if told["published"] else ""
    name = f"version {told['nr']} of list {tidy(told['list'])}{day}"
    yes = f", accepted although it has {tidy(body['accepted'])}" if body["accepted"] else ""
    waits = "; the history of what is new waits for a yes" if body["waits"] else ""
    rows, sha256 = plural(told["rows"], "row"), told["sha256"][:SHOWN_HASH]
    return f"took {name} ({sha256}): {rows}{yes}{waits}"


def _accepted(body: Body) -> str:
    of = f"{body['waiting']:,} {'entry' if body['waiting'] == 1 else 'entries'}"
    return f"wanted the history of what list {tidy(body['list'])} added: {of}"


def _word(body: Body) -> str:
    about = f"{tidy(body['target'], 200)} of list {tidy(body['list'])}"
    said = ", ".join(f"{tidy(key)} {_value(value)}" for key, value in body["values"])
    return f"said of {about}: {said} ({quoted(body['why'], 500)})"


def _value(text: str) -> str:
    return "taken back" if text == "null" else tidy(text, 200)


# By the name of the part.
WORDS: Mapping[str, Callable[[Body], str]] = {
    "rows": _rows,
    "alerts": _alerts,
    "baselines": _baselines,
    "taken": _taken,
    "told": _told_rule,
    **desk_lines.WORDS,
    "replayed": _replayed,
    "tested": _tested,
    "backed up": _backed_up,
    "case": _case,
    "erase asked": _erase_asked,
    "erased": _erased,
    "record": _record,
    "table": _table,
    "entries": _entries,
    "list": _list,
    "listing": _listing,
    "publication": _publication,
    "accepted": _accepted,
    "word": _word,
    "covered": _covered,
    "restored": _restored,
    "incidents": _incidents,
    "taken back": _taken_back,
    "respelt": _respelt,
    "followed": _followed,
    "unfollowed": _unfollowed,
    "trace word": _trace_word,
    "trace facts": _trace_facts,
    "trace state": _trace_state,
}
