"""How the program does: what is not read and why, sources, messages, incidents, the machine.
Looking asks nobody outside."""

from __future__ import annotations

from urllib.parse import urlencode

from werkzeug import Response
from werkzeug.exceptions import Forbidden

from monitor.loops.desk import wishes
from monitor.model.acts import Replay
from monitor.model.desk import Right
from monitor.model.plain import count, tidy
from monitor.store import desk_find, desk_health
from monitor.store.commit import commit
from monitor.web.desk import health_parts as parts
from monitor.web.desk import healthy, hours
from monitor.web.desk.ask import Ask
from monitor.web.desk.money import DONE_SOON
from monitor.web.desk.pages.alert import carried_out
from monitor.web.desk.past_day import past_day
from monitor.web.desk.words import Gone, Wrong


def health(ask: Ask) -> Response:
    """GET /health, or with ?day= what was read of a day."""
    if "day" in ask.request.args:
        return _day(ask)
    found = healthy.health(ask)
    operates = found.operates
    sent = parts.sending(ask) if operates else None
    return ask.page(
        *("health.html.j2", "Health", "health"),
        found=found,
        days=hours.days(ask) if operates else [],
        sources=parts.sources(ask, operates=operates),
        channels=parts.channels(ask, sent) if sent else [],
        sending=sent,
        given_up=parts.given_up(ask),
        incidents=parts.incidents(ask, operates=operates),
        machine=parts.machine(ask),
        replays=ask.signed.may(Right.WORK),
        tests=may_test(ask),
    )


def _day(ask: Ask) -> Response:
    told = ask.request.args.get("after", "")
    after = int(told) if told.isascii() and told.isdecimal() and len(told) < 16 else 0
    case = tidy(ask.request.args.get("case", ""), 80)
    found = past_day(ask, ask.request.args["day"], case, after)
    given = {"day": found.day, **({"case": case} if case else {})}
    return ask.page(
        *("health_day.html.j2", f"What was read of {found.day}", "health"),
        found=found,
        case=case,
        cases=desk_find.cases(ask.store, ask.sight),
        first_link=f"/health?{urlencode(given)}" if after else "",
        next_link=f"/health?{urlencode({**given, 'after': found.next})}" if found.next else "",
    )


def may_test(ask: Ask) -> bool:
    """Whether they may let a test be sent: who keeps the program running, and leads."""
    return ask.signed.may(Right.PEOPLE) or ask.signed.may(Right.LEAD)


def replay(ask: Ask) -> Response:
    """POST /health/replay: messages that were given up are tried again."""
    wanted = [*dict.fromkeys(ask.request.form.getlist("message"))]
    if not wanted:
        raise Wrong("Tick the messages that are to be sent again.")
    there = {each.message for each in desk_health.given_up(ask.store, ask.sight)}
    if not set(wanted) <= there:
        raise Gone
    number = commit(ask.writer, ask.actor, Replay(ask.now, wanted))
    what = count(number, "message is", "messages are")
    return ask.go("/health", f"{what} sent again, with the same id, once Fundwatch runs.")


def test(ask: Ask) -> Response:
    """POST /health/test: a test message over a channel, which the program sends."""
    if not may_test(ask):
        raise Forbidden
    name, once = ask.field("channel", 80), ask.field("once", 64)
    if name not in ask.settings.channels:
        raise Wrong("There is no such channel.")

    def asked() -> str:
        wishes.test_channel(ask.writer, ask.settings.web, ask.actor, name, ask.now, once)
        return f"Asked for: a test message over {tidy(name, 80)}. {DONE_SOON}"

    return ask.go("/health", carried_out(asked))
