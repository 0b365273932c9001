"""OFAC's real list, taken as a user takes it: every address counted, every refused row explained,
and a day's additions exactly that day's."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

import pytest
from click.testing import CliRunner

from monitor.cli import main

OFAC = Path(__file__).resolve().parents[2] / "shared" / "data" / "ofac"
needs_data = pytest.mark.skipif(not OFAC.is_dir(), reason="../shared/data is not here")
NAMESPACE = "https://sanctionslistservice.ofac.treas.gov/api/PublicationPreview/exports/XML"

Row = Mapping[str, str]


def published() -> list[Row]:
    """All rows of the list of 2026-08-20."""
    path = OFAC / "ofac_digital_currency_addresses_2026-08-20.tsv"
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def sdn_xml(rows: Iterable[Row], day: str) -> str:
    """These rows as OFAC publishes them. `day`: MM/DD/YYYY."""
    entities: dict[str, list[Row]] = {}
    for row in rows:
        entities.setdefault(row["sdn_uid"], []).append(row)
    entries = "".join(_entry(uid, mine) for uid, mine in entities.items())
    return (
        f'<?xml version="1.0" standalone="yes"?><sdnList xmlns="{NAMESPACE}">'
        f"<publshInformation><Publish_Date>{day}</Publish_Date>"
        f"<Record_Count>{len(entities)}</Record_Count></publshInformation>{entries}</sdnList>"
    )


def _entry(uid: str, rows: Sequence[Row]) -> str:
    programs = "".join(
        f"<program>{escape(p.strip())}</program>" for p in rows[0]["programs"].split(",")
    )
    ids = "".join(
        f"<id><uid>{n}</uid><idType>Digital Currency Address - {row['ticker_as_published']}"
        f"</idType><idNumber>{escape(row['address'])}</idNumber></id>"
        for n, row in enumerate(rows)
    )
    return (
        f"<sdnEntry><uid>{uid}</uid><lastName>{escape(rows[0]['entity'])}</lastName>"
        f"<sdnType>Entity</sdnType><programList>{programs}</programList>"
        f"<idList>{ids}</idList></sdnEntry>"
    )


class Desk:
    """A home folder with OFAC's list in use, and its commands."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.run("init")
        (home / "config/lists.yaml").write_text(
            "lists:\n  ofac:\n    kind: ofac_sdn\n    file: SDN.XML\n    every: never\n"
            '    watch: yes\n    case: "OFAC-{entity}"\n'
        )

    def run(self, *args: str, code: int = 0) -> str:
        result = CliRunner().invoke(main, ["--home", str(self.home), *args])
        assert result.exit_code == code, (result.output, result.exception)
        return result.stdout

    def take(self, rows: Iterable[Row], day: str, *more: str, code: int = 0) -> str:
        path = self.home / "SDN.XML"
        path.write_text(sdn_xml(rows, day), "utf-8")
        return self.run("lists", "update", "ofac", "--file", str(path), *more, code=code)

    def lines(self, *args: str) -> list[dict[str, object]]:
        return [json.loads(each) for each in self.run(*args, "--format", "jsonl").splitlines()]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "home")


CHAINS = {
    "evm": "ethereum",
    "bitcoin-cash(cashaddr,no prefix)": "bitcoin-cash",
    **{name: name for name in ("bitcoin", "tron", "litecoin", "dash", "dogecoin", "zcash")},
}


@needs_data
def test_all_of_ofac_with_the_right_chains(desk: Desk) -> None:
    rows = published()
    desk.take(rows, "08/20/2026")
    found = desk.lines("lists", "rows", "ofac")
    assert len(found) == len(rows) == 976
    wanted = Counter((r["address"], r["sdn_uid"], r["ticker_as_published"]) for r in rows)
    got = Counter((r["published_as"], r["entity"]["id"], r["ticker"]) for r in found)
    assert got == wanted
    formats = {r["address"]: r["chain_by_format"] for r in rows}
    for row in found:
        form = formats[row["published_as"]]
        if form in CHAINS:
            assert row["state"] == "watched", row
            assert CHAINS[form] in row["chains"], row
        else:
            assert (row["state"], row["chains"], bool(row["reason"])) == ("refused", [], True), row
    (status,) = desk.lines("lists", "status")
    assert status["rows"] == 976
    assert status["refused"] == sum(row["state"] == "refused" for row in found) == 19
    sims = {row["published_as"]: row for row in found if row["entity"]["id"] == "42498"}
    first = sims["0x4F47Bc496083C727c5fbe3CE9CDf2B0f6496270c"]
    assert "ethereum" in first["chains"]
    by_ticker = {
        row["ticker"]: row["chains"]
        for row in found
        if row["published_as"] == first["published_as"]
    }
    assert by_ticker.keys() == {"ETH", "ARB", "BSC"}
    assert set(by_ticker["ARB"]) == {"arbitrum", "ethereum"}
    assert by_ticker["ETH"] == ["ethereum"]
    on = {c for row in found if row["published_as"] == first["published_as"] for c in row["chains"]}
    assert on == {"ethereum", "arbitrum", "bnb"}


@needs_data
def test_a_day_brings_exactly_its_additions(desk: Desk) -> None:
    rows = published()

    def until(day: str) -> list[Row]:
        return [r for r in rows if r["first_seen_in_daily_snapshots"].lstrip("<=") <= day]

    desk.take(until("2026-03-12"), "03/09/2026")
    desk.take(until("2026-03-13"), "03/12/2026")
    found = desk.lines("lists", "diff", "ofac")
    with (OFAC / "ofac_list_changes_2025-01_2026-08.tsv").open(encoding="utf-8") as file:
        changes = list(csv.DictReader(file, delimiter="\t"))
    added = {c["address"] for c in changes if c["snapshot_date"] == "2026-03-13"}
    assert {(r["change"], r["published_as"]) for r in found} == {("added", a) for a in added}
    assert len(found) == len(added) == 21
    assert {r["since"] for r in found} == {"2026-03-12"}


@needs_data
def test_a_list_that_shrinks_is_held(desk: Desk) -> None:
    """And one that loses four and gains six is not."""
    rows = published()
    desk.take(rows, "08/20/2026")
    (before,) = desk.lines("lists", "status")
    watched = desk.run("watchlist", "list").count(" watched ")
    words = desk.take(rows[:800], "08/21/2026", code=2)
    (held,) = desk.lines("lists", "status")
    assert held["version"] == before["version"]
    assert held["error"], words
    desk.take(rows[4:], "08/22/2026")
    (after,) = desk.lines("lists", "status")
    assert (after["rows"], after["removals_waiting"], after["error"]) == (972, 4, None)
    assert after["watched"] + after["removals_waiting"] == before["watched"]
    gone = [r for r in desk.lines("lists", "rows", "ofac") if r["state"] == "removed"]
    assert {r["until"] for r in gone} == {"2026-08-22"}
    assert desk.run("watchlist", "list").count(" watched ") == watched, "removals end no watch"
    desk.take(rows[:800], "08/23/2026", "--accept-shrunk")
    assert desk.lines("lists", "status")[0]["rows"] == 800


@needs_data
def test_the_excerpt_as_published(desk: Desk) -> None:
    """Four entries, unchanged: 8 of Lazarus, 53 of a bank filed as USDT that are Tron's, and one
    of a person that is filed as Bitcoin and is Tron's."""
    path = OFAC / "sdn_excerpt_2026-09-23.xml"
    desk.run("lists", "update", "ofac", "--file", str(path))
    found = desk.lines("lists", "rows", "ofac")
    assert Counter(r["entity"]["id"] for r in found)["27307"] == 8
    bank = [r for r in found if r["entity"]["id"] == "22985"]
    assert {(r["ticker"], r["chain"]) for r in bank} == {("USDT", "tron")}
    assert len(bank) == 53
    assert any(r["ticker"] == "XBT" and r["chain"] == "tron" for r in found)
    assert desk.lines("lists", "status")[0]["published"] == "2026-09-23"


@needs_data
def test_sdn_csv_alone_is_refused(desk: Desk) -> None:
    path = OFAC / "sdn_csv_excerpt_2026.csv"
    config = desk.home / "config/lists.yaml"
    for kind in ("ofac_sdn", "csv", "text"):
        config.write_text(config.read_text().replace("ofac_sdn", kind))
        result = CliRunner().invoke(
            main, ["--home", str(desk.home), "lists", "update", "ofac", "--file", str(path)]
        )
        assert result.exit_code == 2
        if kind != "ofac_sdn":
            assert "1,000" in result.output
        config.write_text(config.read_text().replace(f"kind: {kind}", "kind: ofac_sdn"))
