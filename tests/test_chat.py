"""What chats get to see: every kind of message, within each platform's limits, and inert."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import world.sample_alerts as sample
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.messages import chat, render
from monitor.messages.sheets.parts import Item, Section, Sheet
from monitor.model import AlertKind, ChannelConfig, Known, Rendered, Severity
from monitor.model.facts import Notice, Report
from monitor.net.channels import CHANNELS

KINDS = tuple(kind for kind in CHANNELS if kind not in ("webhook", "email"))
SHOWN = ("slack", "teams", "discord")
WEB = f"https://etherscan.io/tx/{sample.tx_hash('one')}"
VIEWS = {
    "movement": [sample.outgoing()],
    "utxo": [sample.bitcoin()],
    "amendment": [sample.outgoing(kind=AlertKind.AMENDMENT, amends="A-10001", thread="A-10001")],
    "late": [sample.outgoing(kind=AlertKind.LATE)],
    "correction": [sample.correction()],
    "history": [sample.history()],
    "unexplained": [sample.unexplained()],
    "explained": [sample.explained()],
    "notice": [sample.notice()],
    "group": sample.storm(40),
    "storm": sample.storm(431),
}


def channel(kind: str, **more: Any) -> ChannelConfig:
    return ChannelConfig("desk-chat", kind, **more)


def told(kind: str, *views: Any, **more: Any) -> Rendered:
    return sample.mail(*views, channel=channel(kind), **more)


def was_laid_out(rendered: Rendered) -> bool:
    return "could not be laid out" not in rendered.text


def texts(value: Any) -> Iterator[str]:
    """Every string in a payload."""
    if isinstance(value, dict):
        for inner in value.values():
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)
    elif isinstance(value, str):
        yield value


def blocks(payload: dict[str, Any]) -> list[dict[str, Any]]:
    """Elements of a Slack message's rich text."""
    return [
        element
        for block in payload["blocks"]
        if block["type"] == "rich_text"
        for section in block["elements"]
        for element in section["elements"]
    ]


def card(payload: dict[str, Any]) -> dict[str, Any]:
    (attachment,) = payload["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    return attachment["content"]


def unescaped(markdown: str) -> str:
    """What Discord shows of markdown that holds code, bold and escapes only."""
    pieces = re.findall(r"\\(.)|`([^`]*)`|(\*\*)|([^\\`*])", markdown, re.DOTALL)
    return "".join(escaped or code or plain for escaped, code, _, plain in pieces)


def seen(kind: str, rendered: Rendered) -> str:
    """The words that a reader sees, in their order."""
    payload = json.loads(rendered.json)
    if kind == "slack":
        head = [b["text"]["text"] for b in payload["blocks"] if b["type"] == "header"]
        return " ".join([*head, *(e.get("text") or e["url"] for e in blocks(payload))])
    if kind == "teams":
        body = [b for block in card(payload)["body"] for b in block.get("items", [block])]
        return " ".join(run["text"] for block in body for run in block["inlines"])
    if kind == "discord":
        marked = [payload["content"], *(e["description"] for e in payload["embeds"])]
        return unescaped("\n".join(marked))
    return f"{rendered.subject}\n{payload['bodies'][0]}"


def within_limits(kind: str, rendered: Rendered) -> None:
    """The documented limits of each platform."""
    payload = json.loads(rendered.json)
    if kind == "slack":
        assert len(payload["blocks"]) <= 50
        assert len(json.dumps(payload["blocks"], ensure_ascii=False)) < 13_000
        assert len(payload["blocks"][0]["text"]["text"]) <= 150
        assert all(e.get("text") or e.get("url") for e in blocks(payload))
    elif kind == "teams":
        assert len(rendered.json.encode("utf-16-le")) < 28_000
        assert card(payload)["type"] == "AdaptiveCard"
    elif kind == "discord":
        embeds = [e["description"] for e in payload["embeds"]]
        assert 0 < len(payload["content"]) <= 2000
        assert len(embeds) <= 10
        assert all(0 < len(e) <= 4096 for e in embeds)
        assert sum(map(len, embeds)) <= 6000
    else:
        for body, room in zip(payload["bodies"], (3000, 800, 80), strict=True):
            assert len(body) <= room
        assert len(rendered.subject) + len(payload["bodies"][0]) < 4096


@pytest.mark.parametrize("name", VIEWS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_becomes_a_message(kind: str, name: str) -> None:
    """Each fits its platform, says what the mail says first, and carries no file."""
    views = VIEWS[name]
    rendered = told(kind, *views)
    mail = sample.mail(*views)
    assert was_laid_out(rendered)
    within_limits(kind, rendered)
    assert rendered.subject == mail.subject
    assert rendered.attachments == ()
    assert rendered.html == ""
    words = re.sub(r"\s+", " ", seen(kind, rendered))
    assert re.sub(r"\s+", " ", mail.text.split("\n\n")[1]).split(". ")[0] in words
    assert views[0].alert.id in words or "fundwatch alerts" in words


@pytest.mark.parametrize("kind", SHOWN)
def test_the_first_line_says_what_a_phone_shows(kind: str) -> None:
    """Severity, direction, amount, case, chain, number: before anything else."""
    words = seen(kind, told(kind, sample.outgoing()))
    assert words.startswith("HIGH - OUT 1,000,000 USDT - case NK-07 - Tron - A-10482")


@pytest.mark.parametrize("kind", KINDS)
def test_a_movement_is_told_in_full(kind: str) -> None:
    """Both ends, contract and transaction in full, status, what was not checked, what next."""
    words = re.sub(r"\s+", " ", seen(kind, told(kind, sample.outgoing())))
    for said in (
        "Payroll wallet 3 (case NK-07) sent 1,000,000 USDT to an unknown address; 30.50 USDT left.",
        "1,000,000.000000 USDT",
        f"FROM: {sample.WATCHED}",
        f"TO: {sample.RECEIVER}",
        "Confirmed, can still be reversed (11 of 19)",
        "NOT CHECKED: Internal TRX transfers",
        "fundwatch alerts ack A-10482 --by NAME",
        sample.USDT,
        sample.tx_hash("one"),
    ):
        assert said in words


@pytest.mark.parametrize("kind", KINDS)
def test_a_notice_names_the_command_for_its_own_file(kind: str) -> None:
    """What it attaches are no movements."""
    view = sample.notice()
    report = Report((("LISTS", ("ofac",)),), file="list,holds\r\nofac,1 ETH\r\n")
    view = replace(view, alert=replace(view.alert, facts=Notice(topic="a list", report=report)))
    words = re.sub(r"\s+", " ", seen(kind, told(kind, view)))
    assert f"fundwatch alerts show {view.alert.id} --csv" in words
    assert "fundwatch transfers" not in words


@pytest.mark.parametrize("kind", KINDS)
def test_a_storm_says_that_it_is_cut_and_where_the_rows_are(kind: str) -> None:
    """A group's table is not carried: the message says so and names the command."""
    words = re.sub(r"\s+", " ", seen(kind, told(kind, *sample.storm(431))))
    assert "287 movements" in words
    assert "goes out by mail only" in words
    assert "fundwatch transfers --format csv" in words
    assert "cut here:" in words
    assert "fundwatch alerts list" in words
    assert "SHA-256" not in words


@pytest.mark.parametrize("kind", KINDS)
def test_a_long_transaction_keeps_what_matters(kind: str) -> None:
    """Many rows with long names: rows are cut, status, number and the end are not."""
    rows = [
        sample.usdt(
            10**6 + n, recipient=sample.tron_address(str(n)), verified=False, symbol="W" * 300
        )
        for n in range(40)
    ]
    names = {str(row.row.transfer.recipient): Known("N" * 200, source="S" * 60) for row in rows}
    view = sample.make_view(sample.TRON, sample.TRON_ENTRY, rows, names=names)
    rendered = told(kind, view)
    assert was_laid_out(rendered)
    within_limits(kind, rendered)
    words = seen(kind, rendered)
    for said in ("cut here", "STATUS:", "ID:", "A-10482", "fundwatch alerts show A-10482"):
        assert said in words


@pytest.mark.parametrize("kind", KINDS)
def test_no_length_is_too_much(kind: str) -> None:
    """However long a sheet is: it is cut, or plain lines are, and the command stays."""
    long = "word " * 200
    items = (Item(long, long, "code", long),) * 20
    names = ("WHAT", "FROM", "TO", "STATUS", "TO DO", "ID", *(f"CASE {n}" for n in range(60)))
    sheet = Sheet(
        *("HIGH", Severity.HIGH, long, long, (long, long)),
        sections=tuple(Section(name, items) for name in names),
        footer=long,
    )
    try:
        made = chat.render(kind, sheet, subject="s", colour="#a3001b", show="fundwatch x")
    except ValueError:
        made = chat.render_lines(
            kind, ["plain", *[long] * 100], subject="s", severity=Severity.HIGH, show="fundwatch x"
        )
    within_limits(kind, made)
    assert "fundwatch x" in seen(kind, made)


@pytest.mark.parametrize("kind", KINDS)
def test_what_cannot_be_laid_out_goes_out_plainly(kind: str) -> None:
    """A fault in an alert's facts costs the layout, not the alert."""
    rendered = told(kind, sample.outgoing(facts={"quiet_days": "many"}))
    within_limits(kind, rendered)
    assert not was_laid_out(rendered)
    assert "fundwatch alerts show A-10482" in seen(kind, rendered)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", VIEWS)
def test_reference_tells_only_that_there_is_something(kind: str, name: str) -> None:
    """Number, kind, severity, chain and time; nothing that identifies a case or movement."""
    views = VIEWS[name]
    rendered = sample.mail(*views, channel=channel(kind, detail="reference"))
    assert was_laid_out(rendered)
    everything = rendered.subject + rendered.text + rendered.json
    assert views[0].alert.id in everything
    for view in views:
        hidden = [view.alert.tx, view.entry and view.entry.label, view.entry and view.entry.case]
        hidden += [view.entry and view.entry.subject.address]
        hidden += [row.row.transfer.recipient for row in view.transfers]
        assert not [word for word in hidden if word and word in everything]


@pytest.mark.parametrize("kind", KINDS)
def test_labels_of_other_cases_stay_away(kind: str) -> None:
    """A chat that is not told of the other case does not learn whose address it is."""
    rendered = told(kind, sample.bitcoin(), allowed={"NK-11"})
    assert "Secret cousin" not in rendered.json + rendered.text
    assert "ZZ-99" not in rendered.json + rendered.text


@pytest.mark.parametrize("kind", KINDS)
def test_test_and_daily_messages(kind: str) -> None:
    """`channels test` and the daily message have their form too; neither sounds an alarm."""
    given = {
        "channel": channel(kind),
        "message_id": "T-1",
        "timezone": "UTC",
        "version": "1",
        "templates": sample.TEMPLATES,
    }
    test = render.render_test(now=sample.T0, **given)
    assert "This is a test. Nothing moved." in seen(kind, test)
    checked = {"CHECKED": ["NK-07: complete to 09:14 UTC."]}
    daily = render.render_daily(
        sample.storm(60), allowed_cases=None, since=0, until=sample.T0, remarks=checked, **given
    )
    assert was_laid_out(daily)
    assert "complete to 09:14 UTC" in seen(kind, daily)
    within_limits(kind, daily)
    if kind == "apprise":
        assert {json.loads(each.json)["type"] for each in (test, daily)} == {"info"}


def test_apprise_is_told_how_bad_it_is() -> None:
    """Severe and high are failures, medium and corrections warnings, low is information."""
    types = [
        json.loads(told("apprise", view).json)["type"]
        for view in (
            sample.outgoing(),
            sample.outgoing(severity=Severity.MEDIUM),
            sample.outgoing(severity=Severity.LOW),
            sample.correction(),
        )
    ]
    assert types == ["failure", "warning", "info", "warning"]


# --- what acts, and what does not --------------------------------------------------------------

HOSTILE = [
    *("@everyone", "@here", "<!channel>", "<!here|x>", "<@U0123ABCD>", "<#C0123>"),
    *("<@&123456>", "<@!123456>", "<at>Alice</at>", "<t:1700000000:R>", "<:smile:123456>"),
    *("https://evil.example/claim", "<https://evil.example|your bank>", "evil.example"),
    *("[click](https://evil.example)", "[x](<https://evil.example>)", "\\[x\\](y)", "discord.gg/x"),
    *("**b** __u__ ~~s~~ ||spoil||", "`code` ```block```", "# big", "> quote", "- item", "1. one"),
    *("&lt;!channel&gt;", "&amp;", "{{DATE(2020-01-01T00:00:00Z,SHORT)}}", "${x}", ":smile:"),
    *("a\nb\u2028c", "\u202eTDSU", "\ud800", "\0", "\\", "`", "*", "_" * 50, "x" * 5000, ""),
]


def inert(kind: str, rendered: Rendered) -> None:
    """Only our own explorer link acts; no mention, no preview, no format of others."""
    payload = json.loads(rendered.json)
    assert "evil.example" not in rendered.json
    {"slack": slack_inert, "teams": teams_inert, "discord": discord_inert}[kind](payload)


def slack_inert(payload: dict[str, Any]) -> None:
    assert {b["type"] for b in payload["blocks"]} <= {"header", "rich_text", "context"}
    assert {e["type"] for e in blocks(payload)} <= {"text", "link"}
    assert {e["url"] for e in blocks(payload) if e["type"] == "link"} <= {WEB}
    plain = [b["text"] for b in payload["blocks"] if b["type"] == "header"]
    plain += [e for b in payload["blocks"] if b["type"] == "context" for e in b["elements"]]
    assert all((p["type"], p["emoji"]) == ("plain_text", False) for p in plain)
    assert not re.search(r"[<>]|&(?!(?:amp|lt|gt);)", payload["text"])
    assert [payload[key] for key in ("mrkdwn", "unfurl_links", "unfurl_media")] == [False] * 3


def teams_inert(payload: dict[str, Any]) -> None:
    content = card(payload)
    assert content["msteams"] == {"width": "Full"}  # a mention would be an entity here
    body = [b for block in content["body"] for b in block.get("items", [block])]
    assert {block["type"] for block in body} == {"RichTextBlock"}
    runs = [run for block in body for run in block["inlines"]]
    assert {run["type"] for run in runs} == {"TextRun"}
    assert not [run for run in runs if "selectAction" in run or "{{" in run["text"]]
    assert {action["url"] for action in content.get("actions", ())} <= {WEB}


def discord_inert(payload: dict[str, Any]) -> None:
    assert payload["allowed_mentions"] == {"parse": []}
    for text in (payload["content"], *(e["description"] for e in payload["embeds"])):
        assert text == text.encode().decode()
        rest = text.replace(f"<{WEB}>", "")
        rest = re.sub(r"\\[^0-9A-Za-z\s]", "x", rest)  # escaped: shown, and nothing else
        rest = re.sub(r"`[^`\n]+`", "code", rest)
        rest = re.sub(r"\*\*[^*\n]+\*\*", "bold", rest)
        assert not re.search(r"[*_~`|<>@\[\]]|://|^\s*(#|-|>|\d+[.)])", rest, re.MULTILINE)
    assert not {"username", "avatar_url", "tts", "components"} & set(payload)


@pytest.mark.parametrize("kind", SHOWN)
@pytest.mark.parametrize("symbol", HOSTILE, ids=[ascii(each[:24]) for each in HOSTILE])
def test_names_of_tokens_are_inert(kind: str, symbol: str) -> None:
    """Whatever a contract calls itself, alone and in a group."""
    for views in ([sample.hostile(symbol)], [sample.hostile(symbol)] * 7):
        rendered = told(kind, *views)
        assert was_laid_out(rendered)
        within_limits(kind, rendered)
        inert(kind, rendered)


@pytest.mark.parametrize("kind", SHOWN)
@pytest.mark.parametrize("label", [h for h in HOSTILE if "evil" not in h], ids=ascii)
def test_labels_are_inert(kind: str, label: str) -> None:
    """Labels, reasons and sources may come out of somebody else's list."""
    view = sample.hostile("X")
    entry = replace(view.entry, label=label, reason=label, source=label, title=label)
    rendered = told(kind, replace(view, entry=entry))
    assert was_laid_out(rendered)
    inert(kind, rendered)


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(codec=None), max_size=120), st.sampled_from(SHOWN))
def test_any_text_is_inert_and_fits(text: str, kind: str) -> None:
    """No text can break out, break the layout or make the message too long."""
    view = sample.hostile(text)
    assert view.entry is not None
    entry = replace(view.entry, reason=text.replace("evil", ""))
    rendered = told(kind, replace(view, entry=entry))
    assert was_laid_out(rendered)
    within_limits(kind, rendered)
    inert(kind, rendered)


@settings(max_examples=60, deadline=None)
@given(st.text("\\*_~`|<>@[]:#-+1.)( ab", max_size=60))
def test_discord_shows_markdown_as_it_was_written(text: str) -> None:
    """Escapes are read back to exactly the text, so nothing is lost either."""
    sheet = Sheet("LOW", Severity.LOW, "t", "h", (), (Section("SAID", (Item(text),)),), "")
    made = chat.render("discord", sheet, subject="s", colour="#000000", show="x")
    assert f"SAID:  {' '.join(text.split())}".strip() in seen("discord", made)


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_text_for_unknown_services_begins_no_mention(text: str) -> None:
    """Apprise may hand the text to a service that reads mark-up: mentions and masked links
    are broken there too."""
    rendered = told("apprise", sample.hostile(text))
    for body in (rendered.text, *json.loads(rendered.json)["bodies"]):
        assert not re.search(r"<|@|\]\(", body)
        assert "evil.example" not in body


@pytest.mark.parametrize("kind", SHOWN)
@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_the_plain_form_is_inert_too(kind: str, text: str) -> None:
    """What goes out if a layout is refused: short, and without any effect."""
    payload = json.loads(chat.plain(kind, "[Fundwatch HIGH] x", f"{text}\n" + "y\n" * 9000))
    assert any("Fundwatch HIGH" in each for each in texts(payload))
    if kind == "slack":
        assert set(payload) == {"text", "mrkdwn", "unfurl_links", "unfurl_media"}
        assert len(payload["text"]) < 4000
        assert not re.search(r"[<>]", payload["text"])
    elif kind == "teams":
        assert len(json.dumps(payload)) < 28_000
        blocks = card(payload)["body"]
        assert {run["type"] for block in blocks for run in block["inlines"]} == {"TextRun"}
    else:
        assert len(payload["content"]) <= 2000
        assert payload["flags"] == 4
        assert payload["allowed_mentions"] == {"parse": []}
        assert not re.search(r"(?<!\\)([<>@`*]|://)", payload["content"])
    assert "(cut here)" in unescaped(" ".join(texts(payload)))


def test_the_same_alert_makes_the_same_bytes() -> None:
    """Nothing of chance or clock is in a payload: what is frozen can be made again."""
    for kind in KINDS:
        assert told(kind, sample.outgoing()) == told(kind, sample.outgoing())
