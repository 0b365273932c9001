"""What people and machines read of alerts about addresses that published lists hold."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
import world.sample_alerts as sample
from world.book import Book, transfer
from world.of_lists import SHA, listed_entry, naming, publish, take_entries
from world.play import A, X

from monitor.messages import lines, objects, render
from monitor.messages.sheets import listed
from monitor.model import (
    AlertKind,
    AlertView,
    ChannelConfig,
    Entry,
    Known,
    Subject,
    Watched,
)
from monitor.model.lists import ENTITY, LATE, ListConfig
from monitor.model.views import ListAge
from monitor.store import listing
from monitor.store.views import Views
from monitor.watchlist.listed import LEAST_ENTITY, case_of
from monitor.watchlist.values import case_problem

SCHEMA = json.loads((sample.ROOT / "docs" / "webhook.schema.json").read_text("utf-8"))
VALID = jsonschema.Draft202012Validator(SCHEMA)
WATCHED = Subject("tron", sample.WATCHED)
OFAC = listed_entry(WATCHED)
OFF = listed_entry(
    *(WATCHED, "fbi", "9"),
    **{"name": "Lazarus", "since": "2018-11-28", "at_least": True, "until": "2025-03-21"},
)
WAS = "was on FBI's list from 2018-11-28 or before to 2025-03-21; not on it now"
CHATS = ("slack", "teams", "discord")


def of(entry: Entry, *others: Entry, **more: object) -> AlertView:
    view = sample.make_view(sample.TRON, entry, [sample.usdt()], **more)
    return naming(view, entry, *others)


def flat(text: str) -> str:
    return " ".join(text.split())


def chat(kind: str, *views: AlertView) -> str:
    rendered = sample.mail(*views, channel=ChannelConfig("desk", kind))
    return flat(json.dumps(json.loads(rendered.json), ensure_ascii=False))


# -- who it is ---------------------------------------------------------------------------


def test_a_listed_address_says_who_it_is_and_by_which_version() -> None:
    rendered = sample.mail(of(OFAC))
    assert rendered.subject.startswith("[Fundwatch HIGH] OUT 1,000,000 USDT - case OFAC-42498 - ")
    text = flat(rendered.text)
    assert '"SIM, Hyon Sop" (case OFAC-42498) sent 1,000,000 USDT' in text
    assert '"SIM, Hyon Sop" - case OFAC-42498 - severity HIGH OFAC 42498, DPRK3, on the list ' in (
        text
    )
    assert "on the list since 2023-04-24 By OFAC's list of 2026-09-23, SHA-256 ab12cd34ef56" in text


def test_a_persons_alert_names_the_lists() -> None:
    view = naming(sample.outgoing(), OFAC, OFF)
    rendered = sample.mail(view)
    assert "case NK-07 - Tron" in rendered.subject
    text = flat(rendered.text)
    assert "Payroll wallet 3 (case NK-07, also on OFAC-42498; once on FBI-9) sent" in text
    assert 'ALSO ON OFAC-42498: "SIM, Hyon Sop" OFAC 42498, DPRK3, on the list since 2023' in text
    for kind in CHATS:
        assert "also on OFAC-42498" in chat(kind, view)
    line = lines.alert_line(view, "UTC", sample.T0, 200)
    assert "also on OFAC-42498" in line


def test_many_lists_are_counted_in_the_sentence() -> None:
    many = [listed_entry(WATCHED, "ofac", str(n)) for n in range(30)]
    text = flat(sample.mail(naming(sample.outgoing(), *many)).text)
    assert "also on OFAC-0, OFAC-1, OFAC-2 and 27 more)" in text
    assert "10 more: fundwatch alerts show." in text


def test_a_list_without_entities_has_no_empty_words() -> None:
    plain = listed_entry(WATCHED, "fbi", "", name="", programs=(), case="FBI")
    text = flat(sample.mail(of(plain)).text)
    assert "An address of FBI's list (case FBI) sent 1,000,000 USDT" in text
    assert "no label - case FBI - severity HIGH FBI, on the list since 2023-04-24" in text


# -- what is listed no more --------------------------------------------------------------


@pytest.mark.parametrize(
    "view",
    [
        of(OFF),
        of(OFF, kind=AlertKind.AMENDMENT, amends="A-1"),
        of(OFF, kind=AlertKind.CORRECTION, amends="A-1", facts={"correction": {}}),
        of(OFF, kind=AlertKind.HISTORY, tx=None, facts={"history": {}}),
    ],
    ids=lambda view: view.alert.kind,
)
def test_what_is_listed_no_more_begins_so(view: AlertView) -> None:
    """Every kind of message, in every channel."""
    rendered = sample.mail(view)
    body = flat(rendered.text).removeprefix(flat(rendered.subject)).strip()
    assert body.startswith(WAS)
    for kind in CHATS:
        assert WAS in chat(kind, view)
    assert render.headline(view, lines.desk("UTC", 0)).startswith(WAS)


def test_the_subject_says_it_too() -> None:
    assert "] WAS LISTED: OUT 1,000,000 USDT" in sample.mail(of(OFF)).subject


def test_a_group_of_what_is_listed_no_more_begins_so() -> None:
    views = [naming(view, OFF) for view in sample.storm(12)]
    views = [replace(view, entry=replace(OFF, subject=view.entry.subject)) for view in views]
    rendered = sample.mail(*views)
    body = flat(rendered.text).removeprefix(flat(rendered.subject)).strip()
    assert body.startswith(f"{WAS}: ")
    mixed = sample.mail(*views, *sample.storm(3))
    assert not flat(mixed.text).removeprefix(flat(mixed.subject)).strip().startswith("was on")


def test_listed_again_for_somebody_else_is_listed_now() -> None:
    """The one was taken off, the other put on: the address does stand on the list."""
    once = listed_entry(WATCHED, "ofac", "1", until="2025-11-24")
    again = listed_entry(WATCHED, "ofac", "2", name="Crypto Home DMCC")
    text = sample.mail(of(once, again)).text
    assert "WAS LISTED" not in text
    assert "(case OFAC-1, also on OFAC-2)" in flat(text)


# -- a list that is old ------------------------------------------------------------------


@pytest.mark.parametrize(("hours", "said"), [(23, False), (24, True)])
def test_a_list_that_cannot_be_had_for_a_day_stands_in_every_message(
    hours: int, said: bool
) -> None:
    since = sample.T0 + 36 - hours * 3600
    words = "OFAC's list is from 2026-11-20"
    for view in (
        naming(of(OFAC), OFAC, failing=since),
        naming(sample.outgoing(), OFAC, failing=since),
        naming(sample.correction(), OFAC, failing=since),
        naming(sample.history(), OFAC, failing=since),
    ):
        assert (words in flat(sample.mail(view).text)) is said
        assert all((words in chat(kind, view)) is said for kind in CHATS)
    storm = [naming(view, OFAC, failing=since) for view in sample.storm(12)]
    assert (words in flat(sample.mail(*storm).text)) is said


def test_the_daily_mail_says_it_too_and_counts_many_lists() -> None:
    many = [listed_entry(WATCHED, f"list {n}", "1") for n in range(9)]
    view = naming(sample.outgoing(), *many, failing=sample.T0 - LATE)
    rendered = render.render_daily(
        [view],
        **{"channel": sample.MAIL, "allowed_cases": None, "message_id": "D-1", "remarks": {}},
        **{"since": sample.T0 - 86_400, "until": sample.T0, "timezone": "UTC", "version": "1"},
        templates=sample.TEMPLATES,
    )
    text = flat(rendered.text)
    assert text.count("is from 2026-11-20: no newer one could be had or read since") == 3
    assert "So with 6 more lists: fundwatch lists status." in text


def test_how_old_a_list_is_comes_from_the_record(tmp_path: Path) -> None:
    """By the version in force and by how asking for it goes, when the message is made."""
    book = Book(tmp_path)
    entry = listed_entry(Subject("ethereum", A))
    publish(book.store, "ofac", book.now)
    take_entries(book.store, book.now, entry)
    book.read(head=100)
    (alert,) = book.read(transfer(105, sender=A, recipient=X), head=106).alerts
    state = listing.state(book.store, "ofac")
    listing.put_state(book.store, "ofac", replace(state, failing=book.now - LATE))
    views = Views(book.store, {"ethereum": book.chain}, {})
    (view,) = views.alerts([alert.id])
    age = ListAge("2026-09-23", *[book.now - LATE] * 2, private_to=None)  # in no settings here
    assert view.lists == {"ofac": age}
    assert listed.late([view], book.now)[0].startswith("OFAC's list is from 2026-09-23: ")
    text = flat(sample.mail(view).text)
    assert '"SIM, Hyon Sop" (case OFAC-42498) sent' in text
    assert f"SHA-256 {SHA[:12]}" in text
    book.store.close()


# -- for machines ------------------------------------------------------------------------


def test_machines_get_all_of_it() -> None:
    view = naming(sample.outgoing(), OFAC, OFF, failing=sample.T0)
    body = objects.webhook_body([view, of(OFAC), of(OFF)], sample.T0)
    VALID.validate(json.loads(objects.json_text(body)))
    one, own, off = body["data"]["alerts"]  # type: ignore[index]
    assert "origin" not in one["entry"]
    assert [each["case"] for each in one["on_lists"]] == ["OFAC-42498", "FBI-9"]
    assert one["on_lists"][0] == {
        "entry": OFAC.id,
        "case": "OFAC-42498",
        "origin": own["entry"]["origin"],
        "version": {"day": "2026-09-23", "sha256": SHA},
        "list_day": "2026-11-20",
        "not_had_since": "2026-11-22T09:14:03Z",
    }
    assert own["entry"]["origin"] == {
        "list": "ofac",
        "title": "OFAC",
        "entity": "42498",
        "name": "SIM, Hyon Sop",
        "programs": ["DPRK3"],
        "since": "2023-04-24",
        "at_least": False,
        "until": None,
    }
    assert off["entry"]["origin"]["until"] == "2025-03-21"


def test_an_address_that_a_list_names_a_thousand_times_fits_into_a_message() -> None:
    """A publisher cannot make the alert of a person's own entry larger than receivers take."""
    programs = tuple(f"{n:03d}" + "p" * 96 for n in range(40))
    many = [
        listed_entry(WATCHED, entity=f"{n}", name="n" * 300, programs=programs) for n in range(1000)
    ]
    view = naming(sample.outgoing(), *many)
    transfers = tuple(replace(t, entries=(*many, *t.entries)) for t in view.transfers)
    body = objects.webhook_body([replace(view, transfers=transfers)], sample.T0)
    VALID.validate(body)
    assert len(objects.json_text(body)) < objects.MAX_BODY
    (alert,) = body["data"]["alerts"]  # type: ignore[index]
    (moved,) = alert["transfers"]
    mine = [each for each in moved["entries"] if "origin" not in each]
    assert [each["id"] for each in mine] == [e.id for e in view.transfers[0].entries]
    assert len(moved["entries"]) + moved["entries_left_out"] == 1000 + len(mine)
    assert len(alert["on_lists"]) + alert["on_lists_left_out"] == 1000
    assert "980 more" in flat(sample.mail(view).text)


def test_an_old_alert_keeps_its_origin_for_machines() -> None:
    """The entry has changed since; the object says what was told."""
    view = replace(of(OFAC), entry=replace(OFAC, origin=replace(OFAC.origin, until="2026-11-01")))
    assert objects.alert_object(view)["entry"]["origin"]["until"] is None


# -- whose business it is ----------------------------------------------------------------


def test_a_channel_of_the_lists_case_learns_nothing_of_a_persons() -> None:
    """It is told because the list has the address; the person's case is none of its business."""
    secret = ("NK-07", "Payroll", "Invented example", "example list no. 0000")
    view = naming(sample.outgoing(), OFAC)
    view = replace(view, names={sample.WATCHED: Known("Payroll wallet 3", "NK-07", True, "E-7")})
    allowed = frozenset({"OFAC-42498"})
    for channel in (sample.MAIL, sample.HOOK, *(ChannelConfig("c", kind) for kind in CHATS)):
        rendered = sample.mail(view, channel=channel, allowed=allowed)
        told = rendered.subject + rendered.text + rendered.html + rendered.json
        assert "OFAC-42498" in told
        assert not [word for word in secret if word in told], channel
    telling = replace(lines.desk("UTC", 0), allowed=allowed)
    assert "NK-07" not in render.headline(view, telling)
    assert "NK-07" in sample.mail(view, allowed=frozenset({"NK-07"})).text


# -- hostile publishers ------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        'x". Ignore this. "',
        "http://evil.example/x",
        "a@b.example",
        "\u202egnp.exe",
        "<i>x</i>\r\nTo: y",
        "x" * 500,
    ],
)
def test_a_publishers_text_is_harmless(text: str) -> None:
    """It closes no quotes, makes no link and no header, and the message is laid out."""
    case = case_of(ListConfig("ofac", "ofac_sdn", "OFAC", case="OFAC-{entity}"), text)
    bad = listed_entry(WATCHED, "ofac", text, name=text, programs=(text,), since=text, case=case)
    off = replace(bad, origin=replace(bad.origin, until=text))
    for view in (of(bad), naming(sample.outgoing(), bad), of(off)):
        rendered = sample.mail(view)
        assert "could not be laid out" not in rendered.text
        assert rendered.html
        assert "\n" not in rendered.subject
        assert view.entry.case in rendered.subject
        for form in (rendered.text, rendered.html):
            assert "http://evil" not in form
            assert "a@b" not in form
            assert "\u202e" not in form
            assert '". Ignore' not in form
        assert "<i>" not in rendered.html
        body = objects.webhook_body([view], sample.T0)
        VALID.validate(json.loads(objects.json_text(body)))


@pytest.mark.parametrize("prefix", ["", "OFAC-", "x" * 20, "x" * (40 - LEAST_ENTITY)])
def test_no_two_entities_share_a_case(prefix: str) -> None:
    """However long the case's own part and their ids are: who may see the one sees no other."""
    config = ListConfig("ofac", "ofac_sdn", "OFAC", case=f"{prefix}{ENTITY}")
    ids = ["42498", "y" * 60, "y" * 61, "a b", "a-b", "a/b c", "http://evil.example/x"]
    cases = [case_of(config, each) for each in ids]
    assert len(set(cases)) == len(ids)
    assert [each for each in cases if case_problem(each)] == []


# -- tables ------------------------------------------------------------------------------


def test_an_entry_is_shown_with_its_list() -> None:
    told = dict(lines.entry_terms(Watched(OFAC, 0), "complete", sample.TRON))
    assert told["list"] == "OFAC 42498, DPRK3, on the list since 2023-04-24"
    assert told["incoming"].startswith("daily")
    mine = dict(lines.entry_terms(Watched(sample.TRON_ENTRY, 0), "complete", sample.TRON))
    assert not {"list", "incoming"} & mine.keys()


def test_a_movement_is_shown_under_the_persons_name() -> None:
    view = replace(sample.usdt(), entries=(OFAC, sample.TRON_ENTRY))
    line = lines.transfer_line(view, sample.TRON, 300)
    assert "Payroll wallet 3 (NK-07)" in line
    shown = objects.transfer_object(view)["entries"]
    assert [each.get("origin", {}).get("entity") for each in shown] == ["42498", None]


# -- the other side ----------------------------------------------------------------------


def test_the_other_side_is_named_with_the_lists_that_have_it() -> None:
    """A person watches the receiver, and OFAC has it: whoever reads must not miss that."""
    known = Known("Cousin", "NK-11", True, "E-2", "A-2", also=("OFAC", "Nations"))
    view = replace(sample.outgoing(), names={sample.RECEIVER: known})
    text = flat(sample.mail(view).text)
    assert "to Cousin (also watched, case NK-11, on OFAC's list and Nations' list)" in text
    assert "ALSO WATCHED: Cousin - case NK-11 - A-2, on OFAC's list and Nations' list." in text
    hidden = flat(sample.mail(view, allowed=frozenset({"NK-07"})).text)
    assert "to another watched address, on OFAC's list and Nations' list" in hidden
    assert "Cousin" not in hidden
    shown = objects.alert_object(view)["names"][sample.RECEIVER]
    assert (shown["name"], shown["list"]) == ("Cousin", "OFAC")


@pytest.mark.parametrize(("retired", "name"), [("", "Mine"), ('2026-11-20 ann "x"', "SIM, Hyon")])
def test_who_is_named_on_the_other_side(tmp_path: Path, retired: str, name: str) -> None:
    """By the record: a person's entry, with the lists; what a person has ended gives way."""
    book = Book(tmp_path)
    book.watch()
    book.watch(X, label="Mine", retired=retired)
    publish(book.store, "ofac", book.now)
    take_entries(book.store, book.now, listed_entry(Subject("ethereum", X)))
    book.read(head=100)
    alerts = book.read(transfer(105, sender=A, recipient=X), head=106).alerts
    (alert,) = [each for each in alerts if each.entry_id == "E0"]
    (view,) = Views(book.store, {"ethereum": book.chain}, {}).alerts([alert.id])
    known = view.names[X]
    assert known.label.startswith(name)
    assert (known.also, known.list) == ((("OFAC",), "") if not retired else ((), "OFAC"))
    book.store.close()
