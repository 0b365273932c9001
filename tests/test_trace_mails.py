"""What people and programs read of followed money: mails with their picture, the daily line,
`status`, webhooks."""

from __future__ import annotations

import base64
import re
import time
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path

import pytest
import trace_told as t
import trace_values as v
import world.sample_alerts as sample
from test_trace_run import ALERT, BANK, EXCHANGE, SOURCE, A, B, Story, told
from trace_told import HOUR, NOW, of
from world.home import HOOK_SECRET, SCHEMA, bodies
from world.sinks import HttpSink, MailSink

from monitor.loops.health.chain_values import Time
from monitor.loops.health.snapshot import TraceStatus
from monitor.loops.health.trace_words import lines
from monitor.messages import render
from monitor.messages.objects import webhook_body
from monitor.messages.sheets.parts import Telling
from monitor.messages.trace import drawn
from monitor.messages.trace.words import COUNTED
from monitor.model import Alert, Rendered, Severity
from monitor.model.facts import of_kind
from monitor.model.trace import Beside, Name, Question, Stop, Told, Trace
from monitor.model.traced import Ended, Figure, Traced, Turn
from monitor.picture import draw, inline, png

WHOLE = v.trace(
    questions=(),
    wanted=(),
    beside=Beside(issuers=((v.USDT.chain, v.USDT.contract, "Tether"),)),
)
# What a figure by a method never is.
CLAIMS = re.compile(r"\b(our|ours|proceeds|dirty|proof|proven|stolen funds|guilty)\b", re.I)


def mail(alert: Alert, trace: Trace = WHOLE, **more: object) -> Rendered:
    return sample.mail(t.view(alert, trace, **more))


def said(rendered: Rendered) -> str:
    """The text in one line, but for the picture's words."""
    return " ".join(rendered.text.split())


def every_turn() -> dict[str, Alert]:
    edge = t.later(t.TO_EXCHANGE, 2, 5_000)
    known = t.told(t.with_edges(edge))
    asks = (Question("ask_after", "50 addresses followed. Follow the next 2?"),)
    fifo = t.with_edges(method="fifo")
    return {
        "reached": known[0],
        "bridge": t.told(t.with_edges(t.CROSSED))[0],
        "moved": t.told(t.with_edges(v.EDGES[3]))[0],
        "history": t.told(WHOLE, since=NOW - 60)[0],
        "asked": t.told(v.trace(edges=(), questions=asks))[0],
        "changed": t.told(fifo, before=t.before(t.with_edges()))[0],
        "undone": t.told(t.with_edges(), told=known, undone=lambda _k: True)[0],
    }


EVERY = every_turn()


def shown(name: str) -> Rendered:
    edges = (*v.EDGES, t.later(t.TO_EXCHANGE, 2, 5_000))
    return mail(EVERY[name], replace(WHOLE, edges=edges))


@pytest.mark.parametrize("name", EVERY)
def test_the_first_line_is_the_news_and_every_figure_names_its_state(name: str) -> None:
    rendered = shown(name)
    assert "could not be laid out" not in rendered.text
    body = rendered.text.split("\n\n")[1]
    assert "CRANE-01" in body
    assert f"State 3 of 2023-11-15 06:13:20 UTC, sha256 {t.SHA[:16]}" in said(rendered)
    assert "NOT CHECKED" in rendered.text
    assert "nothing is followed backwards" in said(rendered)
    words = re.sub(r'"[^"]*"', "", said(rendered))  # what people wrote stands in quotes
    assert not CLAIMS.search(words)
    assert (".csv" in rendered.text) == bool(EVERY[name].rows)


@pytest.mark.parametrize("name", EVERY)
def test_the_subject_holds_no_name(name: str) -> None:
    assert "Binance" not in shown(name).subject
    assert "CRANE-01" in shown(name).subject
    assert COUNTED not in shown(name).subject


@pytest.mark.parametrize("name", EVERY)
def test_programs_get_what_the_schema_says(name: str) -> None:
    alert = EVERY[name]
    trace = replace(WHOLE, edges=(*v.EDGES, t.later(t.TO_EXCHANGE, 2, 5_000)))
    view = replace(t.view(alert, trace), transfers=())
    body = webhook_body([view], NOW)
    (told_,) = body["data"]["alerts"]  # type: ignore[index]
    ALERT.validate(told_)
    assert told_["traced"]["state"]["number"] == 3


def test_who_moved_what_to_whom_how_sure_and_what_to_do() -> None:
    rendered = shown("reached")
    assert rendered.text.startswith("[Fundwatch SEVERE] REACHED an exchange: 5,000 USD")
    text = said(rendered)
    assert '5,000 USD of case CRANE-01 reached an exchange, "Binance 14".' in text
    assert 'It is named as "Binance 14" by etherscan labels (2024-05-01).' in text
    assert text.index("TO DO") < text.index("STEPS") < text.index("where the money went")
    assert "Binance 14 could hold an account with 0 to 75,000 USDT at 1 place" in text
    assert rendered.attachments[0][2].count("\r\n") == 2


def test_the_picture_says_the_same_in_words() -> None:
    rendered = shown("history")
    assert [image.mime for image in rendered.images] == ["image/png"]
    assert 'alt="Case CRANE-01, Salaries: where the money went' in rendered.html
    html = rendered.html
    assert html.index("TO DO") < html.index("<img") < html.index("WHO CAN ACT")
    assert "(sha256 3f2a9c01" in said(rendered)


def test_a_mail_carries_the_picture_of_the_page() -> None:
    """Pixel for pixel, from the same bytes of SVG, with the chains as the settings call them."""
    chains = {"ethereum": replace(sample.ETHEREUM, name="Homestead")}
    svg = draw.svg(drawn.picture_of(Told(3, NOW, "3f2a9c01" * 8, WHOLE), {"ethereum": "Homestead"}))
    assert "Homestead" in svg
    fact = replace(of_kind(EVERY["history"].facts, Traced), state=3, at=NOW, sha256="3f2a9c01" * 8)
    (carried,) = mail(replace(EVERY["history"], facts=fact), chains=chains).images
    image = base64.b64decode(carried.data)
    assert image == png.render(svg, min(inline.WIDTH, round(png.size(svg)[0] * 2)))


def test_a_bridge_leads_to_a_chain_as_people_call_it() -> None:
    chains = {"arbitrum": replace(sample.ETHEREUM, key="arbitrum", name="Arbitrum One")}
    view = t.view(EVERY["bridge"], WHOLE, chains=chains)
    assert "went over a bridge to Arbitrum One, where it is followed" in render.headline(
        view, Telling(sample.MAIL, None, "M-7", NOW, "UTC", "1")
    )
    assert "went over a bridge to arbitrum, where" in said(mail(EVERY["bridge"]))


def test_a_picture_that_cannot_be_drawn_costs_the_picture_alone() -> None:
    broken = replace(WHOLE, totals=(None,))  # type: ignore[arg-type]
    rendered = mail(EVERY["history"], broken)
    assert rendered.images == ()
    assert "There is no picture of it" in said(rendered)
    assert "200,000 USD left the watched addresses of case CRANE-01" in said(rendered)


def test_a_page_that_has_the_words_alone_draws_no_picture() -> None:
    """A list of many alerts would wait half a second for each: here none could be drawn at all."""
    view = t.view(EVERY["history"], replace(WHOLE, totals=(None,)))  # type: ignore[arg-type]
    telling = Telling(sample.MAIL, None, "", NOW, "UTC", "1.0.0")
    sheet = render.sheet([view], telling)
    assert (sheet.images, sheet.headline) == ((), render.headline(view, telling))
    assert not any("no picture" in line for line in sheet.lead)
    assert render.short(view, telling).startswith("WHERE THE MONEY WENT")


def test_history_says_what_can_still_be_asked() -> None:
    text = said(shown("history"))
    assert "This is history, not news. 6 movements:" in text
    assert "Tether, who issues the token, could freeze 45,000 to 145,000 USDT at 2 places." in text
    assert (
        'an exchange "Binance 14" 0 to 75,000 USD (depending on how mixed money is counted)' in text
    )


def test_with_a_method_its_figure_stands_first_and_the_range_beside_it() -> None:
    chosen = replace(WHOLE, method="haircut")
    (alert,) = of(Turn.REACHED, t.told(replace(chosen, edges=(t.TO_EXCHANGE,))))
    text = said(mail(alert, chosen))
    assert "50,000 USD traced by haircut (0 to 75,000) of case CRANE-01 reached" in text


def test_a_name_that_nobody_confirmed_is_nobody_to_ask() -> None:
    names = (
        Name("Big", "exchange", "one", "2024-01-01"),
        Name("Mix", "mixer", "two", "2023-02-02"),
    )
    trace = t.with_node(v.EXCHANGE, WHOLE, stop=Stop("exchange", "", confirmed=False), names=names)
    (alert,) = of(Turn.REACHED, t.told(replace(trace, edges=(t.TO_EXCHANGE,))))
    rendered = mail(alert, trace)
    text = said(rendered)
    assert rendered.subject.startswith("[Fundwatch LOW]")
    assert (
        'named as "Big" by one (2024-01-01) and as "Mix" by two (2023-02-02), not confirmed' in text
    )
    assert "could hold" not in text
    assert "Nobody is to be asked on this name alone" in text
    assert "fundwatch trace label 0x" in text


def test_touches_us_begins_so_and_shows_ours_by_its_label() -> None:
    (alert,) = t.told(t.with_edges(v.EDGES[3]), ours=t.OURS)
    rendered = mail(alert)
    assert rendered.subject.startswith("[Fundwatch SEVERE] TOUCHES US: MOVED ON")
    assert rendered.text.split("\n\n")[1].startswith("TOUCHES US: ")
    assert "Customer 17" in rendered.text


def test_what_did_not_happen_is_a_correction() -> None:
    rendered = shown("undone")
    assert rendered.subject.startswith("[Fundwatch CORRECTION] DID NOT HAPPEN: 5,000 USD")
    assert f"It takes back what was told in {EVERY['reached'].id}" in said(rendered)


def test_a_day_of_small_moves_is_one_line_a_case() -> None:
    edges = [t.later(v.EDGES[3], n, 40) for n in range(1, 30)]
    edges += [t.later(t.TO_EXCHANGE, n, 10) for n in range(40, 43)]
    trace = replace(WHOLE, edges=tuple(edges))
    alerts: list[Alert] = []
    for at in range(1, 48):
        so_far = replace(trace, edges=tuple(e for e in edges if e.time <= v.START + at * HOUR))
        alerts += t.told(so_far, now=v.START + at * HOUR, told=alerts, state=at)
    views = [t.view(a, trace) for a in alerts if a.severity is Severity.LOW]
    assert len(views) > 20
    daily = render.render_daily(
        views,
        channel=sample.MAIL,
        allowed_cases=None,
        message_id="M-9",
        since=v.START,
        until=v.START + 48 * HOUR,
        remarks={},
        timezone="UTC",
        version="1",
        templates=sample.TEMPLATES,
    )
    text = " ".join(daily.text.split())
    assert text.count("Followed money:") == 1
    assert "1,160 USD moved on in 29 movements, up to hop 2" in text
    assert '30 USD came to "Binance 14" in 3 payments' in text
    assert daily.attachments[0][2].count("\r\n") == 1 + 32


def test_status_says_what_waits_and_what_grew_old() -> None:
    one = TraceStatus("C-1", 4, Time(0), 3, 1, "May it?", "", 2_431, 2_500, 990, 1_000, 2, 10_800)
    (line,) = lines([one, replace(one, case="C-2")], allowed={"C-1"})
    assert line == (
        "C-1: 3 addresses followed; 1 address waits for a person; ASKED: May it?; 2,431 of 2,500 "
        "calls left to find addresses, 990 of 1,000 today to watch them; 2 places where value "
        "rests not looked at for over an hour, the longest 3 h 0 min"
    )
    (line,) = lines([replace(one, stale=1, oldest_seconds=None)])
    assert line.endswith("1 place where value rests not looked at yet")


def test_what_was_never_looked_at_has_no_age(tmp_path: Path) -> None:
    with told(tmp_path, {"calls_per_day": 0}) as story:
        story.pay(SOURCE, A, 8_000)
        story.run()
        story.home.sql("UPDATE reading SET ok = NULL")
        said = " ".join(story.home.run("status", code=None).split())
    assert "1 place where value rests not looked at yet" in said


def test_a_state_that_cannot_be_read_keeps_no_other_word_back(tmp_path: Path) -> None:
    with told(tmp_path) as story:
        story.pay(SOURCE, A, 8_000)
        story.run()
        story.home.sql("UPDATE trace_state SET sha256 = 'ab'")
        said_ = " ".join(story.home.run("status").split())
    assert "C-1: 1 address followed; ITS NEWEST STATE CANNOT BE READ" in said_
    assert "calls left to find addresses" in said_


# --- with real senders --------------------------------------------------------------------------


def connect(story: Story, hook: HttpSink, desk: MailSink) -> None:
    machine = {"kind": "webhook", "url": hook.url(), "allow_private": True}
    machine["secret_env"] = "HOOK_SECRET"
    story.home.write(".env", f"HOOK_SECRET={HOOK_SECRET}\n")
    (story.home.path / ".env").chmod(0o600)
    people = {"kind": "email", "host": "127.0.0.1", "port": desk.port, "security": "none"}
    people |= {"from": "fundwatch@example.org", "to": ["desk@example.org"]}
    story.home.write("config/channels.yaml", {"channels": {"hook": machine, "mail": people}})


def again(story: Story) -> None:
    """All of it is read once more, now."""
    story.home.sql("UPDATE scope SET due = 0")
    story.home.sql("UPDATE reading SET ok = 0")


def picture(message: EmailMessage) -> bytes:
    (image,) = [part for part in message.walk() if part.get_content_type() == "image/png"]
    content = image.get_payload(decode=True)
    assert isinstance(content, bytes)
    return content


def test_an_analyst_gets_history_with_its_picture_then_the_news(tmp_path: Path) -> None:
    with told(tmp_path) as story, HttpSink() as hook, MailSink() as desk:
        connect(story, hook, desk)
        story.pay(BANK, SOURCE, 20_000)
        story.pay(SOURCE, A, 8_000)
        story.pay(A, B, 5_000)
        story.run()
        story.home.run("poll")
        story.at = int(time.time()) + 1
        story.pay(A, EXCHANGE, 3_000)
        again(story)
        story.run()
        story.home.run("poll")
        status = story.home.run("status")
        found = {a["id"]: a for a in story.traced()}
    mails = {str(m.message["Subject"]): m.message for m in desk.mails}
    (history,) = [m for s, m in mails.items() if "WHERE THE MONEY WENT" in s]
    (reached,) = [m for s, m in mails.items() if "SEVERE] REACHED an exchange: 3,000 USD" in s]
    assert picture(history).startswith(b"\x89PNG")
    assert picture(reached) != picture(history)
    assert [p.get_filename() for p in reached.walk() if p.get_content_type() == "text/csv"]
    by_hook = [a for body in bodies(hook.seen) for a in body["data"]["alerts"]]
    assert {a["traced"]["turn"] for a in by_hook if "traced" in a} == {"history", "reached"}
    assert {a["kind"] for a in found.values()} == {"traced", "reached"}
    assert "C-1: 2 addresses followed" in " ".join(status.split())
    SCHEMA.validate(bodies(hook.seen)[0])


def test_what_a_reorg_took_back_is_corrected_with_what_followed_from_it(tmp_path: Path) -> None:
    """A's payment to B is gone; what B paid on with money of its own stands, and is traced no
    more. Both were told."""
    with told(tmp_path) as story:
        story.pay(BANK, SOURCE, 20_000)
        story.pay(BANK, B, 50_000)
        story.pay(SOURCE, A, 8_000)
        story.run()
        story.at = int(time.time()) + 1
        story.pay(A, B, 5_000)
        paid = story.pay(B, EXCHANGE, 54_000)
        again(story)
        story.home.run("trace", "run", "C-1")
        first = story.traced()
        kept = story.ledger.find(paid)
        assert kept is not None
        story.ledger.reorg(2, [(), (kept.tx,)])
        story.settle()
        for _ in range(3):
            again(story)
            story.home.run("trace", "run", "C-1")
        found = story.traced()
    assert {each["traced"]["turn"] for each in first} == {"history", "moved", "reached"}
    undone = [each for each in found if each["traced"]["turn"] == "undone"]
    turns = {each["id"]: each["traced"]["turn"] for each in first}
    assert sorted(turns[each["amends"]] for each in undone) == ["moved", "reached"]
    (reached,) = [each for each in undone if turns[each["amends"]] == "reached"]
    assert [step["tx"] for step in reached["traced"]["steps"]] == [paid]


def test_what_nobody_looked_at_stands_there_with_its_amount() -> None:
    (alert, *_) = t.told(t.with_edges(t.later(t.TO_EXCHANGE, 2, 5_000)))
    fact = of_kind(alert.facts, Traced)
    figure = Figure(5_000_000, 7_000_000)
    ends = [Ended("hops", places=2, usd=figure), Ended("exchange", places=1, usd=figure)]
    rendered = mail(replace(alert, facts=replace(fact, ends=tuple(ends))))
    unread = said(rendered).partition("NOT CHECKED")[2]
    assert "What became of 5 to 7 USD" in unread
    assert "at 2 places: the limit of hops is reached." in unread
    assert "exchange" not in unread.partition("SHOW")[0]
