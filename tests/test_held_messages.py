"""What people and machines read of held funds."""

from __future__ import annotations

import json
from dataclasses import replace

import jsonschema
import pytest
import world.sample_alerts as sample
from world.sample_alerts import held_funds

from monitor.messages import objects, render
from monitor.model import AlertKind, AlertView, Kind, Lane, Rendered

SCHEMA = json.loads((sample.ROOT / "docs" / "webhook.schema.json").read_text("utf-8"))
FEE = sample.make_row(
    sample.TRON, sample.TRON_ENTRY, sender=sample.WATCHED, recipient=None, amount=345, kind=Kind.FEE
)
UNLIKE = "The planned outflow was made already (0x1)."
SIGNED = held_funds(planned=False, kind=AlertKind.ACTIVITY, rows=[FEE])
BEGINS = {
    "moved": (held_funds(planned=False), "HELD FUNDS MOVED: "),
    "not planned": (held_funds(UNLIKE), "HELD FUNDS MOVED: "),
    "planned": (held_funds(), "HELD FUNDS MOVED AS PLANNED: "),
    "signed": (SIGNED, "KEY OF HELD FUNDS USED: "),
    "added": (
        held_funds(planned=False, kind=AlertKind.AMENDMENT, amends="A-1"),
        "HELD FUNDS MOVED: ",
    ),
}


def mail(*views: AlertView) -> Rendered:
    return render.render(
        views,
        channel=sample.MAIL,
        allowed_cases=None,
        message_id="M-1",
        now=sample.T0,
        timezone="UTC",
        version="1.0.0",
        templates=sample.TEMPLATES,
    )


@pytest.mark.parametrize("name", BEGINS)
def test_that_is_the_first_thing_that_is_read(name: str) -> None:
    """In the subject, behind how urgent it is, and in the sentence that the mail begins with."""
    view, word = BEGINS[name]
    told = mail(view)
    assert word in told.subject
    assert told.subject.index(word) < 40
    assert render.headline(view, sample_telling()).startswith(word)


def sample_telling() -> render.Telling:
    return render.Telling(sample.MAIL, None, "M-1", sample.T0, "UTC", "1.0.0")


def test_who_holds_them_what_is_expected_and_what_to_do() -> None:
    text = " ".join(mail(held_funds(UNLIKE)).text.split())
    for said in (
        'Seized, held by "Cantonal police, exhibit 7"',
        "1,000,030.5 USDT",
        f"This was not planned. {UNLIKE}",
        "1,000,000 USDT, by M. Ortiz, until 2026-12-31",
        'Call "Cantonal police, exhibit 7" now',
    ):
        assert said in text, said
    assert text.index("TO DO") < text.index("Call ") < text.index("HELD FUNDS Seized")


def test_the_announced_one_names_whose_it_is_and_that_it_is_used_up() -> None:
    text = " ".join(mail(held_funds()).text.split())
    assert 'Planned by M. Ortiz: "court order 12/2026"' in text
    assert "can freeze" not in text
    assert "It is used up by this" in text
    assert "Ask M. Ortiz whether this is theirs." in text
    assert "did they do this" not in text


def test_of_several_the_loudest_is_said() -> None:
    other = replace(held_funds(UNLIKE), alert=replace(held_funds(UNLIKE).alert, id="A-2"))
    assert "HELD FUNDS MOVED: " in mail(held_funds(), sample.in_another(other, "two")).subject


def test_what_is_quiet_does_not_shout() -> None:
    quiet = held_funds(planned=False, kind=AlertKind.AMENDMENT, amends="A-1", lane=Lane.QUIET)
    assert not render.headline(quiet, sample_telling()).startswith("HELD")


def test_hostile_words_of_a_watchlist_stay_words() -> None:
    """A holder, a reason or a name that would break a line or look like one of ours."""
    funds = {"state": "seized", "holder": "x\r\nBcc: a@b <b>\u202e", "expected": []}
    told = mail(held_funds(planned=False, facts={"funds": funds}))
    assert "\u202e" not in told.text + (told.html or "") + told.subject
    assert "\nBcc:" not in told.text
    assert "a@b <b>" not in (told.html or "")


@pytest.mark.parametrize("view", [view for view, _ in BEGINS.values()], ids=BEGINS)
def test_json_holds_to_the_schema(view: AlertView) -> None:
    body = json.loads(objects.json_text(objects.webhook_body([view], sample.T0)))
    jsonschema.Draft202012Validator(SCHEMA).validate(body)
    alert = body["data"]["alerts"][0]
    assert alert["entry"]["held"] == "seized"
    assert alert["held_funds"]["state"] == "seized"
    assert alert["held_funds"]["as_planned"] is (view.alert.facts.funds.as_planned)  # type: ignore[union-attr]
