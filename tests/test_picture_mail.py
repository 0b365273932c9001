"""A picture inside a mail: kept as text, sent by a real server, shown without any network."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path

import picture_values as pays
import world.sample_alerts as sample
from test_picture import PAYMENTS, STOPS, WILD, wild
from world.home import ROOT
from world.sinks import MailSink

from monitor.demo.receivers import MailServer
from monitor.messages import layout, render
from monitor.messages.sheets.parts import Item, Section, Sheet, Telling
from monitor.model import ChannelConfig, Inline, Outgoing, Rendered, Severity
from monitor.model.trace import Trace
from monitor.net.channels.email import Email
from monitor.picture import inline
from monitor.store.rows import rendered_text, to_rendered

NOW = 1_700_100_000
TEMPLATES = layout.environment(ROOT / "config/templates")


def told(trace: Trace, **more: str) -> Rendered:
    """A mail about a trace, with its picture."""
    sheet = Sheet(
        *("LOW", Severity.LOW, "TRACED - case CRANE-01", "1,411,330 USDT moved on"),
        lead=("By haircut.",),
        sections=(Section("WHAT", (Item("380,030 USDT rest"),)),),
        footer="Fundwatch",
        images=(inline.of_trace(trace, NOW, state="state 3"),),
        **more,
    )
    telling = Telling(sample.MAIL, None, "M-7", NOW, "UTC", "1")
    return render._laid_out(sheet, telling, TEMPLATES, "")


def sent(rendered: Rendered) -> EmailMessage:
    with MailSink() as sink:
        config = ChannelConfig(
            *("desk", "email"),
            host="127.0.0.1",
            port=sink.port,
            security="none",
            sender="Fundwatch <monitor@example.org>",
        )
        Email(config).send(Outgoing("M-7", "analyst@example.org", NOW, rendered))
    (mail,) = sink.mails
    assert mail.data == Email(config).compose(
        Outgoing("M-7", "analyst@example.org", NOW, rendered)
    ), "the same bytes on every attempt"
    return mail.message


def test_it_arrives_beside_the_page_that_shows_it() -> None:
    rendered = told(pays.traced(PAYMENTS, STOPS), table="a,b\r\n1,2\r\n")
    message = sent(rendered)
    assert message.get_content_type() == "multipart/mixed"
    both, table = message.iter_parts()
    plain, related = both.iter_parts()  # type: ignore[attr-defined]
    page, image = related.iter_parts()
    assert table.get_filename() == "M-7.csv"
    assert (page.get_content_type(), image.get_content_type()) == ("text/html", "image/png")
    assert image.get_payload(decode=True) == base64.b64decode(rendered.images[0].data)
    assert image["Content-ID"] == "<M-7-1@fundwatch>"
    assert re.findall(r'src="([^"]*)"', page.get_content()) == ["cid:M-7-1@fundwatch"]
    assert image.get_content_disposition() == "inline"
    assert "Hop 1, sums: arrived 1,442,330 USDT" in " ".join(plain.get_content().split())


def test_a_mail_kept_as_a_page_shows_its_picture(tmp_path: Path) -> None:
    rendered = told(pays.traced(PAYMENTS, STOPS))
    with MailServer(tmp_path) as server:
        config = ChannelConfig(
            *("desk", "email"),
            host="127.0.0.1",
            port=server.port,
            security="none",
            sender="Fundwatch <monitor@example.org>",
        )
        Email(config).send(Outgoing("M-7", "analyst@example.org", NOW, rendered))
    page = server.letters[0].path.read_text("utf-8")
    assert f'src="data:image/png;base64,{rendered.images[0].data}"' in page
    assert "cid:" not in page


def test_the_page_says_the_same_in_words_and_the_sums_of_every_hop() -> None:
    rendered = told(pays.traced(PAYMENTS, STOPS))
    assert 'alt="Case CRANE-01, Salaries: where the money went' in rendered.html
    words = " ".join(re.sub(r"<[^>]*>", "", rendered.html).split())
    assert "Hop 1, 2 addresses: arrived 1,442,330 USDT, rests 842,020 USDT" in words
    assert not re.search(r"https?://", rendered.html)


def test_hostile_names_stay_words() -> None:
    trace = pays.traced(PAYMENTS, STOPS)
    rendered = told(replace(trace, title=WILD, nodes=tuple(map(wild, trace.nodes))))
    assert "<script" not in rendered.html
    assert "\x1b" not in rendered.text + rendered.html
    sent(rendered)


def test_the_record_keeps_it_and_reads_messages_from_before_images() -> None:
    rendered = told(pays.traced(PAYMENTS, STOPS))
    assert to_rendered(rendered_text(rendered)) == rendered
    old = json.loads(rendered_text(Rendered("subject", "text")))
    del old["images"]
    assert to_rendered(json.dumps(old)) == Rendered("subject", "text")


def test_mails_stay_small_however_large_the_trace() -> None:
    rendered = told(pays.scattered(1, 300))
    (image,) = rendered.images
    assert isinstance(image, Inline)
    assert len(image.alt) <= 8_000
    assert len(image.data) <= 270_000
    assert len(rendered.html) < 60_000
