"""The commands about published lists: what others build on, key by key."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from world.home import Home
from world.published import Line, sdn

from monitor.cli import main

HEAD = "address,ticker,uid,name,programs\n"
SIM = "0x4f47bc496083c727c5fbe3ce9cdf2b0f6496270c"
SIM_TRON = "TXhf9nU9bjo1j9z5qEesHdr6gtdndfnA4T"
KIM = "1D6gG9iKEhPitTcWRJiniuj1jYM2hNeAfJ"
ZERO = "0x0000000000000000000000000000000000000000"


def row(address: str, ticker: str, uid: str = "42498", name: str = '"SIM, Hyon Sop"') -> str:
    return f"{address},{ticker},{uid},{name},DPRK3\n"


FIRST = HEAD + row(SIM, "ETH") + row(KIM, "XBT", "43377", "Kim") + row(ZERO, "ETH")
FIRST += row("not-an-address", "ETH")
SECOND = HEAD + row(SIM, "ETH", name='"SIM, Hyon-Sop"') + row(SIM_TRON, "TRX") + row(ZERO, "ETH")
SECOND += row("not-an-address", "ETH")


@pytest.mark.parametrize(
    ("terms", "use"),
    [
        ({"ours": "yes"}, "1 row: our own: compared, never sent to anybody, 0 refused"),
        ({"watch": "no", "case": "N"}, "1 row: kept and compared, not watched, 0 refused"),
    ],
)
def test_what_is_not_watched_says_what_it_is_for(
    home: Home, terms: dict[str, str], use: str
) -> None:
    home.write("config/lists.yaml", {"lists": {"mine": {"kind": "csv", "file": "m.csv", **terms}}})
    home.write("m.csv", f"address\n{SIM}\n")
    said(home, "lists", "update", "mine")
    assert use in said(home, "lists", "status")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path)
    made.write("config/settings.yaml", {"prices": "none"})
    made.write("watchlist.yaml", {"addresses": []})
    ofac = {"kind": "csv", "file": "ofac.csv", "title": "OFAC", "watch": "yes",
            "case": "OFAC-{entity}", "every": "1h"}  # fmt: skip
    never = {"kind": "text", "url": "http://127.0.0.1:9/list.txt", "every": "1h"}
    made.write("config/lists.yaml", {"lists": {"mine": ofac, "other": never}})
    return made


def take(home: Home, text: str, *more: str, code: int = 0) -> str:
    (home.path / "ofac.csv").write_text(text)
    return said(home, "lists", "update", "mine", *more, code=code)


def said(home: Home, *args: str, code: int = 0) -> str:
    """In this process, which is quicker."""
    done = CliRunner().invoke(main, ["--home", str(home.path), *args])
    assert done.exit_code == code, done.output
    return done.output


def versions(home: Home) -> list[str]:
    return [sha for (sha,) in home.sql("SELECT sha256 FROM publication ORDER BY nr")]


def test_how_lists_stand(home: Home) -> None:
    """Those that were never had too, and those that left the settings."""
    take(home, FIRST)
    said(home, "lists", "update", "other", code=1)
    mine, other = home.lines("lists", "status", "--format", "jsonl")
    (sha,) = versions(home)
    fetched = mine.pop("fetched")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", fetched)
    assert mine == {
        **{"list": "mine", "kind": "csv", "version": sha, "published": None, "rows": 4},
        **{"watched": 2, "refused": 2, "removals_waiting": 0, "error": None},
        "refused_because": mine["refused_because"],
        "remarks": [],
    }
    assert sum(mine["refused_because"].values()) == 2
    assert (other["version"], other["fetched"], other["rows"]) == (None, None, 0)
    assert "refused the connection" in other["error"]
    words = " ".join(said(home, "lists", "status").split())
    assert "4 rows: 2 watched, 2 refused" in words
    assert "taken yet: fundwatch lists update other, or with --file FILE" in words
    home.write("config/lists.yaml", {"lists": {}})
    (gone,) = home.lines("lists", "status", "--format", "jsonl")
    assert (gone["kind"], gone["watched"]) == (None, 2)
    assert "no list of config/lists.yaml" in gone["error"]
    assert "WRONG" in said(home, "lists", "status")


def test_what_a_file_says_of_itself_is_told(home: Home) -> None:
    """Half of a list that is whole as XML: whoever takes it hears of it, and so does the desk."""
    row = {"kind": "ofac_sdn", "file": "sdn.xml", "every": "never", "watch": True, "case": "A"}
    home.write("config/lists.yaml", {"lists": {"sdn": row}})
    whole = sdn([Line(SIM), Line(KIM, entity="2")])
    part = whole.replace("<Record_Count>2<", "<Record_Count>900<")
    (home.path / "sdn.xml").write_text(part, "utf-8")
    words = "the file says that it has 900 entries, and has 2: it is a part"
    assert said(home, "lists", "update", "sdn").count(words) == 1
    (told,) = home.lines("lists", "status", "--format", "jsonl")
    assert told["remarks"] == [words]
    assert f"note: {words}" in " ".join(said(home, "lists", "status").split())
    said(home, "verify")


def test_a_kind_that_is_corrected_counts_for_the_same_file(home: Home) -> None:
    """Read as what it is not, its entities are missing."""
    row = {"file": "x.csv", "title": "OFAC", "every": "never", "watch": True, "case": "A"}
    (home.path / "x.csv").write_text(FIRST, "utf-8")
    for kind in ("text", "csv"):
        home.write("config/lists.yaml", {"lists": {"x": {**row, "kind": kind}}})
        said(home, "lists", "update", "x", "--accept-shrunk")
    found = home.lines("lists", "rows", "x", "--format", "jsonl")
    states = {(r["published_as"], r["entity"]["id"]): r["state"] for r in found}
    assert states[SIM, "42498"] == "watched"
    assert "unchanged" in said(home, "lists", "update", "x")
    said(home, "verify")


def test_every_published_row_is_told(home: Home) -> None:
    take(home, FIRST)
    (sha,) = versions(home)
    found = {r["published_as"]: r for r in home.lines("lists", "rows", "mine", "--format", "jsonl")}
    assert found[SIM] == {
        **{"list": "mine", "version": sha, "published_as": SIM, "ticker": "ETH"},
        **{"chain": "ethereum", "chains": ["ethereum"], "address": SIM},
        "entity": {"id": "42498", "name": "SIM, Hyon Sop", "programs": ["DPRK3"]},
        **{"since": found[SIM]["since"], "until": None, "state": "watched", "reason": ""},
    }
    assert {each: found[each]["state"] for each in found} == {
        **{SIM: "watched", KIM: "watched", ZERO: "refused", "not-an-address": "refused"},
    }
    assert found["not-an-address"]["address"] is None
    assert found["not-an-address"]["reason"]
    assert "zero" in found[ZERO]["reason"].lower()


def test_what_changed_between_versions(home: Home) -> None:
    """By default the last two; backwards too."""
    take(home, FIRST)
    take(home, SECOND, "--accept-shrunk")
    first, second = versions(home)
    told = home.lines("lists", "diff", "mine", "--format", "jsonl")
    assert {r["published_as"]: (r["change"], r["state"]) for r in told} == {
        SIM: ("changed", "watched"),
        SIM_TRON: ("added", "watched"),
        KIM: ("removed", "removed"),
    }
    assert {r["entity"]["name"] for r in told if r["change"] == "changed"} == {"SIM, Hyon-Sop"}
    assert all(r["version"] == second for r in told)
    back = home.lines(
        *("lists", "diff", "mine", "--format", "jsonl"),
        *("--from", second[:8], "--to", first[:8]),
    )
    assert {r["published_as"]: r["change"] for r in back} == {
        SIM: "changed",
        SIM_TRON: "removed",
        KIM: "added",
    }
    old = home.lines("lists", "rows", "mine", "--format", "jsonl", "--version", first)
    assert {r["published_as"]: r["state"] for r in old}[KIM] == "removed"
    assert SIM_TRON not in {r["published_as"] for r in old}
    wrong = said(home, "lists", "rows", "mine", "--version", "0000", code=2)
    assert "is no version of this list" in wrong


def test_removals_wait_for_a_person(home: Home) -> None:
    take(home, FIRST)
    assert "0 entries wait" in said(home, "lists", "removals")
    take(home, SECOND)
    (told,) = home.lines("lists", "removals", "mine", "--format", "jsonl")
    assert (told["address"], told["entity"]["id"], told["case"]) == (KIM, "43377", "OFAC-43377")
    assert told["until"] >= told["since"] > ""
    (mine, _) = home.lines("lists", "status", "--format", "jsonl")
    assert mine["removals_waiting"] == 1
    assert "1 entry waits" in said(home, "lists", "removals", "mine")
    found = home.lines("lists", "rows", "mine", "--format", "jsonl")
    assert {r["published_as"]: r["state"] for r in found}[KIM] == "removed"


def test_exit_codes_of_an_update(home: Home) -> None:
    """0 taken or unchanged, 1 not had, 2 not taken: then the version before stays in force."""
    assert "taken" in take(home, FIRST)
    assert "unchanged" in take(home, FIRST)
    assert "stays in force" in take(home, HEAD + row(SIM, "ETH"), code=2)
    assert "stays in force" in take(home, "nothing that is a list", code=2)
    assert len(versions(home)) == 1
    (home.path / "ofac.csv").unlink()
    assert "No such file" in said(home, "lists", "update", "mine", code=1)
    assert "is no list in use" in said(home, "lists", "update", "mime", code=2)
    assert "Name the list" in said(home, "lists", "update", "--accept-shrunk", code=2)
    both = said(home, "lists", "update", code=1)
    assert both.count("not had") == 2


def test_tables_fit_into_a_window(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """And what a list says cannot do anything there."""
    evil = "\x1b[2J\u202eEVIL " + "long name " * 30
    take(home, FIRST + row("0x" + "ab" * 20, "ETH", "7", f'"{evil}"'))
    monkeypatch.setenv("COLUMNS", "80")
    for args in (("status",), ("rows", "mine"), ("diff", "mine"), ("removals",)):
        text = said(home, "lists", *args)
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert all(len(line) <= 80 for line in text.splitlines()), text
    lines = said(home, "lists", "rows", "mine", "--format", "jsonl").splitlines()
    assert any("EVIL" in json.loads(line)["entity"]["name"] for line in lines)


def test_a_list_of_which_nothing_was_taken_has_no_rows(home: Home) -> None:
    take(home, FIRST)
    for command in ("rows", "diff", "removals"):
        assert "Did you mean mine?" in said(home, "lists", command, "mime", code=2)


def test_people_decide_and_the_rows_say_so(home: Home) -> None:
    """What was said stays over versions, with who said it and why."""
    take(home, FIRST)
    by = ("--by", "Ann", "--why")
    assert "retired" in said(home, "lists", "retire", "mine", KIM, *by, "case closed")
    assert "set" in said(home, "lists", "set", "mine", "42498", "severity=severe", *by, "ours")
    assert "severity" in said(home, "lists", "set", "mine", SIM, "severity=loud", *by, "x", code=2)
    take(home, SECOND)
    found = {r["published_as"]: r for r in home.lines("lists", "rows", "mine", "--format", "jsonl")}
    assert 'severity="severe", Ann' in found[SIM]["reason"]
    assert "ours" in found[SIM_TRON]["reason"]
    assert home.lines("lists", "removals", "mine", "--format", "jsonl") == []
    assert "Nothing" in said(home, "lists", "insist", "mine", SIM, *by, "x", code=2)
