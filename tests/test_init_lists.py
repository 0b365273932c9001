"""`fundwatch init --lists`: what a whole list means is said before anything runs, and `check` does
not end red on what it wrote."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from world.home import Home
from world.sinks import HttpSink, answer

from monitor.app import first_lists
from monitor.app.settings.load import load
from monitor.store import listing, watch
from monitor.store.sqlite import Store

BITCOIN = [
    "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2",
    "12c6DSiU4Rq3P4ZxziKxzrL5LmMBrzjrJX",
    "1HLoD9E4SDFFPDiYfNYnkBLQ85Y51J3Zb1",
]
OWN = {
    "desk": {"kind": "text", "file": "desk.txt", "watch": True, "case": "DESK", "severity": "high"}
}


def own_list(folder: Path, *more: str, **keys: object) -> Home:
    """A home whose own lists.yaml has the list "desk" of addresses in desk.txt."""
    home = Home(folder)
    row = {key: value for key, value in {**OWN["desk"], **keys}.items() if value is not None}
    home.write("config/lists.yaml", {"lists": {"desk": row}})
    home.write("desk.txt", "".join(f"{line}\n" for line in (*BITCOIN, *more)))
    return home


def init(home: Home, *args: str, code: int = 0) -> str:
    return home.run("init", "--lists", *args, code=code)


def test_it_says_what_is_watched_and_what_is_not_and_why(tmp_path: Path) -> None:
    """Version, digest, how many rows can be read, the others by rule with examples, cost, cure."""
    home = own_list(tmp_path, "0x123", "no address at all")
    said = init(home, "desk", "--file", str(tmp_path / "desk.txt"))
    with closing(Store(tmp_path / "fundwatch.db", readonly=True)) as store:
        version = listing.newest(store, "desk")
        assert version is not None
        entries = [each.entry for each in watch.all_entries(store)]
    assert f"sha256 {version.sha256}" in said
    assert "5 rows: 3 can be read, watched on bitcoin 3 (3 addresses)" in said
    assert "2 cannot be watched" in said
    assert "0x123" in said
    assert "\ncost      " in said
    assert "News is at most about" in said
    assert said.count("\ncure      ") == 1
    assert {(e.case, e.origin.list if e.origin else "") for e in entries} == {("DESK", "desk")}
    assert [line[:12] for line in said.splitlines()[-3:]] == [
        "next      1 ", "          2 ", "          3 ",
    ]  # fmt: skip


def test_check_is_not_red_after_it(tmp_path: Path) -> None:
    """A folder that was only set up names its next steps as warnings."""
    home = own_list(tmp_path)
    init(home, "desk", "--file", str(tmp_path / "desk.txt"))
    said = home.run("check", "--offline")
    assert "0 FAIL" in said
    assert "desk: of 20" in said
    assert "3 entries watched" in said
    assert "no longer in the file" not in said
    assert "no channel is set up" in said
    home.sql("INSERT INTO note (key, value) VALUES ('started', '1')")
    assert "FAIL  no channel is set up" in home.run("check", "--offline", code=1)


def test_a_second_run_changes_nothing(tmp_path: Path) -> None:
    """The same file again is the version in force, and lists.yaml stays as it is."""
    home = own_list(tmp_path)
    before = (tmp_path / "config/lists.yaml").read_bytes()
    for _ in range(2):
        init(home, "desk", "--file", str(tmp_path / "desk.txt"))
    assert (tmp_path / "config/lists.yaml").read_bytes() == before
    with closing(Store(tmp_path / "fundwatch.db", readonly=True)) as store:
        assert len(listing.publications(store, "desk")) == 1


def test_what_cannot_be_meant_is_refused_with_a_remedy(tmp_path: Path) -> None:
    """A list that nobody knows, one that the folder's own file does not name, a file for two."""
    home = own_list(tmp_path)
    assert "Did you mean ofac?" in init(home, "ofca", code=2)
    assert 'Add a line  "  ofac:"' in init(home, "ofac", code=2)
    two = init(home, "desk,ofac", "--file", "x", code=2)
    assert "is the file of one list" in two
    assert "names no list" in init(home, ",", code=2)
    assert "cannot be read" in init(home, "desk", "--file", str(tmp_path / "none"), code=2)


def test_a_round_that_is_too_long_for_its_severity_is_told(tmp_path: Path) -> None:
    """Where the file is a person's it is not changed: what to write there is said."""
    home = own_list(tmp_path)
    home.write("config/settings.yaml", {"every": 5000})
    said = init(home, "desk", "--file", str(tmp_path / "desk.txt"))
    assert "desk: write  severity: medium  into config/lists.yaml" in said
    assert "takes 83 min" in said
    assert load(tmp_path, {}).lists["desk"].severity == "high"


def test_the_key_that_brings_most_is_the_cure(tmp_path: Path) -> None:
    """Of the keys that are not set the one by which most addresses more can be read."""
    home = own_list(tmp_path, chains=["polygon"])
    home.write("config/chains.yaml", {"chains": {"polygon": {"sources": ["etherscan"]}}})
    (tmp_path / "desk.txt").write_text("".join(f"0x{n:040x}\n" for n in range(2**150, 2**150 + 4)))
    said = init(home, "desk", "--file", str(tmp_path / "desk.txt"))
    assert "Not read, for no source is in service there: polygon 4." in said
    assert "into .env: 4 addresses more can be read" in said
    assert "0 FAIL" in home.run("check", "--offline")


def test_the_file_that_it_makes_is_read_as_it_is_meant(tmp_path: Path) -> None:
    """Each list by its name; the reason of a lower severity stands above it as a remark."""
    (tmp_path / "config").mkdir()
    first_lists.write(tmp_path, ["ofac", "ofac-advanced"], {"ofac": "So long. And so: long"})
    lists = load(tmp_path, {}).lists
    assert (lists["ofac"].severity, lists["ofac-advanced"].severity) == ("medium", "high")
    text = (tmp_path / "config/lists.yaml").read_text("utf-8")
    assert "    # So long\n    # And so: long\n    severity: medium\n" in text


def test_it_fetches_what_is_published(tmp_path: Path) -> None:
    """Over HTTP, from the address in the settings; what cannot be had is told with the way to
    bring it."""
    lines = "".join(f"0x{n:040x}\n" for n in range(2**150, 2**150 + 300))
    with HttpSink() as publisher:
        home = own_list(tmp_path, file=None, url=publisher.url("/list.txt"))
        publisher.then(answer(200, lines.encode()))
        said = init(home, "desk")
        assert "300 rows: 300 can be read" in said
        publisher.then(answer(500))
        said = init(home, "desk", code=1)
        assert "missing   desk: could not be had" in said
        assert f"Get it with another machine: {publisher.url('/list.txt')}" in said
        assert "lists update desk --file FILE" in said
    assert [p.name for p in (tmp_path / "lists/desk").iterdir() if "first" in p.name] == []


SDN = """<?xml version="1.0" standalone="yes"?>
<sdnList xmlns="https://sanctionslistservice.ofac.treas.gov/api/PublicationPreview/exports/XML">
<publshInformation><Publish_Date>09/23/2026</Publish_Date><Record_Count>1</Record_Count>
</publshInformation><sdnEntry><uid>42498</uid><lastName>SIM</lastName><sdnType>Individual</sdnType>
<programList><program>DPRK3</program></programList><idList><id><uid>1</uid>
<idType>Digital Currency Address - XBT</idType>
<idNumber>1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2</idNumber></id></idList></sdnEntry></sdnList>
"""


def test_a_new_folder_gets_a_severity_that_a_round_allows(tmp_path: Path) -> None:
    """With the reason and the cure beside it, so that `check` does not end red on it; the entries
    are of that severity from the start."""
    home = Home(tmp_path)
    home.write("config/settings.yaml", {"every": 5000, "prices": "none"})
    home.write("SDN.XML", SDN)
    said = init(home, "ofac", "--file", str(tmp_path / "SDN.XML"))
    assert "OFAC, of 2026-09-23" in said
    assert "severity: medium  is written into config/lists.yaml" in said
    text = (tmp_path / "config/lists.yaml").read_text("utf-8")
    assert "    # A round of reading takes 83 min" in text
    assert text.endswith("    severity: medium\n")
    with closing(Store(tmp_path / "fundwatch.db", readonly=True)) as store:
        (entry,) = [each.entry for each in watch.all_entries(store)]
    assert (entry.severity, entry.case) == ("medium", "OFAC-42498")
    said = home.run("check", "--offline")
    assert "0 FAIL" in said
    assert "WARN  list ofac: min_amount in USD, and nothing there has a price" in said
