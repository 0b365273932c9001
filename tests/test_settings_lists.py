"""Settings of published lists: shipped rows that are used by name, and every mistake with its
line and remedy."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_settings import home_with, problems

from monitor.app.check.cost import list_hosts
from monitor.app.settings.load import load
from monitor.model import Severity
from monitor.model.lists import ALL, ENTITY, KINDS, PUBLISHED
from monitor.watchlist.imports.lists import READERS, reader

SHIPPED = (
    "ofac", "ofac-advanced", "fbi-lazarus", "israel-nbctf", "ofac-eth", "ransomwhere",
    "graphsense-lazarus",
)  # fmt: skip


def test_no_list_is_used_that_the_folder_does_not_name(tmp_path: Path) -> None:
    assert load(home_with(tmp_path), {}).lists == {}
    assert load(home_with(tmp_path, lists="lists:\n"), {}).lists == {}


def test_every_shipped_row_can_be_used(tmp_path: Path) -> None:
    """By its name and a colon: asked over https, at most every half an hour; what may be watched
    has a case."""
    text = "lists:\n" + "".join(f"  {name}:\n" for name in SHIPPED)
    found = load(home_with(tmp_path, lists=text), {}).lists
    assert tuple(found) == SHIPPED
    for config in found.values():
        assert config.url.startswith("https://")
        assert config.every is not None
        assert config.every >= 1800
        assert config.case
        assert config.kind in KINDS
    ofac = found["ofac"]
    assert (ofac.kind, ofac.title, ofac.every, ofac.watch) == ("ofac_sdn", "OFAC", 1800, True)
    assert (ofac.case, ofac.severity, ofac.incoming) == (f"OFAC-{ENTITY}", Severity.HIGH, "daily")
    assert dict(ofac.min_amount) == {"USD": "10000"}
    assert (ofac.chains, ofac.ours) == (PUBLISHED, False)


def test_every_kind_has_a_reader() -> None:
    assert set(READERS) == set(KINDS)
    assert all(callable(reader(kind)) for kind in KINDS)


def test_single_keys_go_over_the_shipped_ones(tmp_path: Path) -> None:
    text = (
        "lists:\n  ofac:\n    file: lists/SDN.XML\n    every: 5s\n    severity: medium\n"
        "    chains: [ethereum, tron]\n  own:\n    kind: csv\n    url: https://a.example/b.csv\n"
        "    ours: yes\n    every: never\n    chains: all\n"
    )
    found = load(home_with(tmp_path, lists=text), {}).lists
    ofac, own = found["ofac"], found["own"]
    assert (ofac.url, ofac.file, ofac.every) == ("", tmp_path / "lists/SDN.XML", 5)
    assert (ofac.severity, ofac.chains) == (Severity.MEDIUM, ("ethereum", "tron"))
    assert (own.watch, own.ours, own.every, own.chains) == (False, True, None, ALL)
    assert own.title == "OWN"


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("kind: sdn", "Write one of ofac_sdn"),
        ("kind: [csv]", "Write  kind: text"),
        ("url: http://lists.example.org/a", "Write https://... ; http:// only on this machine"),
        ("url: ftp://127.0.0.1/a", "Write https://..."),
        ("url: https://", "is no address to fetch from"),
        ("every: often", "Write it like 30m, 6h or 1d; or never"),
        ("every: 30s", "Write it like 30m, 6h or 1d; or never"),
        ("every: 0m", "Write it like 30m, 6h or 1d; or never"),
        ("watch: perhaps", "Write one of yes, no"),
        ("watch: yes\n    ours: yes", "Write  watch: no"),
        ("follow: yes", "a list as a whole is never followed"),
        ("severity: loud", "severe, high, medium, low"),
        ("incoming: weekly", "Write one of daily"),
        ("min_amount: {USD: much}", "is not an amount in coins"),
        ("channels: [nobody]", "is not a channel of config/channels.yaml"),
        ("chains: [etherium]", "ethereum"),
        ("chains: {a: b}", "Write published, all, or [ethereum, bnb]"),
        ('case: "a;b{entity}"', 'Write it like "OFAC-{entity}"'),
        (f'case: "{"x" * 33}{{entity}}"', 'Write it like "OFAC-{entity}"'),
        ("evry: 30m", "Did you mean every"),
    ],
)
def test_mistakes_name_line_and_remedy(tmp_path: Path, lines: str, said: str) -> None:
    keys = {line.strip().partition(":")[0] for line in lines.splitlines()}
    whole = {"kind": "csv", "url": "https://a.example/b.csv"}
    rest = "".join(f"    {key}: {value}\n" for key, value in whole.items() if key not in keys)
    text = f"lists:\n  mine:\n    {lines}\n{rest}"
    found = problems(home_with(tmp_path, lists=text))
    assert any(said in each for each in found), found
    assert all(each.startswith("config/lists.yaml:") for each in found), found


def test_a_list_of_our_own_needs_a_kind_and_a_place(tmp_path: Path) -> None:
    found = problems(home_with(tmp_path, lists="lists:\n  mine:\n    watch: no\n"))
    assert "lists.mine has no kind" in found[0]
    assert "lists.mine has no url" in found[1]
    found = problems(home_with(tmp_path, lists="lists:\n  a/b:\n    kind: csv\n"))
    assert "Use up to 40 letters, digits, - and _" in found[0]


def test_a_firewall_has_to_let_publishers_through(tmp_path: Path) -> None:
    """One that is only taken from a file needs nothing; through a proxy it is the proxy."""
    text = "lists:\n  ofac:\n  ransomwhere:\n    file: own.json\n"
    home = home_with(tmp_path, lists=text)
    assert list_hosts(load(home, {})) == ["sanctionslistservice.ofac.treas.gov:443"]
    home = home_with(tmp_path, lists=text, settings="proxy: http://proxy.example:3128\n")
    assert list_hosts(load(home, {})) == ["proxy.example:3128"]
