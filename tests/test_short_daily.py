"""However many cases and alerts a day has, its mail is read in a minute."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from world import sample_alerts as sample
from world.home import Home

from monitor.app.home import open_home
from monitor.loops.daily import Daily
from monitor.messages import render
from monitor.model import AlertView, Lane, Rendered, Severity

MOST = 60  # lines


def daily(views: Sequence[AlertView], remarks: dict[str, list[str]]) -> Rendered:
    return render.render_daily(
        views,
        channel=sample.MAIL,
        allowed_cases=None,
        message_id="D-20261122",
        since=sample.T0 - 86_400,
        until=sample.T0,
        remarks=remarks,
        timezone="Europe/Zurich",
        version="1.0.0",
        templates=sample.TEMPLATES,
    )


def many(cases: int, each: int) -> list[AlertView]:
    """Alerts of many cases; of every tenth case severe ones, and as many quiet ones."""
    views = []
    for case in range(cases):
        severity = Severity.LOW if case % 10 else Severity.SEVERE
        for n in range(each):
            lane = Lane.QUIET if n % 2 else Lane.NEWS
            view = sample.outgoing(number=f"A-{case}-{n}")
            assert view.entry is not None
            entry = replace(view.entry, case=f"OFAC-{case:05}", title="")
            alert = replace(view.alert, lane=lane, severity=severity)
            views.append(replace(view, alert=alert, entry=entry))
    return views


@pytest.mark.parametrize(("cases", "each"), [(1, 2), (1, 300), (3, 40), (60, 4), (250, 2)])
def test_it_has_at_most_sixty_lines(cases: int, each: int) -> None:
    """Every alert is counted and stands in the file; the gravest cases are told singly."""
    views = many(cases, each)
    wordy = "A list could not be read, and this sentence says at length why that is so. " * 6
    remarks = {
        name: [f"{name} {n}: {wordy}" for n in range(40)]
        for name in ("CHECKED", "OPEN", "NOT WELL", "LIMITS", "RETENTION")
    }
    remarks["LOG"] = [wordy.strip()]
    rendered = daily(views, remarks)
    assert rendered.text.count("\n") <= MOST, rendered.text
    ((_, _, table),) = rendered.attachments
    assert {row["alert_id"] for row in csv.DictReader(io.StringIO(table))} == {
        view.alert.id for view in views
    }
    assert "OPEN 0: " in rendered.text
    assert wordy.strip() in " ".join(rendered.text.split()), "what verifies the log is never cut"
    assert "more: `fundwatch alerts list --state open`" in " ".join(rendered.text.split())
    if cases > 3:
        assert "OFAC-00000" in rendered.text
        assert "OTHER CASES" in rendered.text


@pytest.mark.parametrize("each", [1, 4, 5, 12])
def test_a_line_that_is_too_long_is_cut_between_words(each: int) -> None:
    """Wherever the limit falls: half a block number would be read as a whole one."""
    place = "up to block 21,482,117 on ethereum and to block 9,114,203 on base "
    remarks = {"OPEN": [f"{'x' * each} {n} {place * 9}" for n in range(40)]}
    text = " ".join(daily(many(60, 4), remarks).text.split())
    assert " …" in text
    assert set(text.partition("OPEN")[2].partition(" And ")[0].replace("…", "").split()) <= {
        *place.split(),
        *map(str, range(40)),
        "x" * each,
    }


def test_a_day_with_little_is_told_in_full() -> None:
    """Nothing is left out where there is room."""
    rendered = daily(many(2, 6), {"CHECKED": [f"{n}" for n in range(9)]})
    assert rendered.text.count("\n") <= MOST
    assert "more" not in rendered.text
    assert all(
        view.alert.id in rendered.text for view in many(2, 6) if view.alert.lane is Lane.NEWS
    )


@pytest.mark.parametrize(("number", "lines"), [(300, 1), (3, 3)])
def test_cases_in_which_nothing_moved_share_a_line(tmp_path: Path, number: int, lines: int) -> None:
    """Three hundred of them; few have a line each."""
    cases = {
        f"CASE-{n}": {"addresses": [{"address": f"0x{7**56 + n:040x}", "chain": "ethereum"}]}
        for n in range(number)
    }
    home = Home(tmp_path)
    home.write("watchlist.yaml", {"cases": cases})
    with open_home(tmp_path, {}) as app:
        app.reload()
        checked = Daily(app.store, app.settings, 0, 2**31).remarks(cases, "mail")["CHECKED"]
    assert len(checked) == lines
    if lines == 1:
        assert checked[0].startswith("300 cases: checked, nothing moved. 300 addresses on ")
        assert "not read yet: all lists on ethereum (300 addresses)" in checked[0]
