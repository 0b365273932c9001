"""`sources:` of a case or an entry: who alone may be asked about an address."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from world.home import ALICE, BANK, BOB, Scene, configured, dev_chain, entry, staged, watchlist

from monitor.decide.asking import allowed
from monitor.demo.world.explorer import Explorer
from monitor.model import Entry, Subject, Watched

STYLES = ("etherscan", "blockscout")


def watched(*sources: str, active: bool = True) -> Watched:
    return Watched(Entry("E", Subject("dev", ALICE), sources=sources), 0, active=active)


@pytest.mark.parametrize(
    ("entries", "may"),
    [
        ([], None),
        ([watched()], None),
        ([watched("a", "b")], {"a", "b"}),
        ([watched("a", "b"), watched()], {"a", "b"}),
        ([watched("a", "b"), watched("b", "c")], {"b"}),
        ([watched("a"), watched("b")], set()),
        ([watched("a"), watched("b", active=False)], {"a"}),
    ],
)
def test_what_one_entry_forbids_no_other_allows(
    entries: Iterable[Watched], may: set[str] | None
) -> None:
    assert allowed(entries) == may


def two_sources(scene: Scene, *entries: dict[str, Any]) -> None:
    scene.home.write("config/chains.yaml", {"chains": {"dev": dev_chain("one", "two")}})
    rows = {"one": configured(scene.explorer), "two": configured(scene.explorer, "blockscout")}
    scene.home.write("config/sources.yaml", {"sources": rows})
    scene.home.write("watchlist.yaml", watchlist(*entries))
    for style in STYLES:
        scene.explorer.knobs("dev", style).seen = []


def learned(explorer: Explorer, style: str, name: str) -> bool:
    """Whether whoever stands behind a style was ever asked something with this in it."""
    seen = explorer.knobs("dev", style).seen or []
    return any(name in f"{r.path} {dict(r.query)} {r.body!r}".lower() for r in seen)


def test_only_the_named_source_learns_of_an_address(tmp_path: Path) -> None:
    """Also when it fails, for look-ups, and as a second source of a severe alert."""
    with staged(tmp_path, contacted=False) as scene:
        two_sources(scene, entry(ALICE, severity="severe", sources=["two"]), entry(BOB))
        scene.home.run("poll")
        (tx,) = scene.pay((ALICE, BANK))
        scene.home.run("poll")
        assert [a["tx"] for a in scene.alerts("movement")] == [tx]
        scene.explorer.knobs("dev", "blockscout").limited = 500
        scene.home.run("poll", code=1)
        scene.home.run("check", code=None)
        scene.home.run("reconcile", code=None)
        assert not learned(scene.explorer, "etherscan", ALICE)
        assert not learned(scene.explorer, "etherscan", tx)
        assert learned(scene.explorer, "blockscout", ALICE)
        assert learned(scene.explorer, "etherscan", BOB)


def test_check_counts_who_learns_of_how_many(tmp_path: Path) -> None:
    """By their hosts, without a call."""
    with staged(tmp_path, contacted=False) as scene:
        two_sources(scene, entry(ALICE, sources=["two"]), entry(BOB))
        key = {"api_key_env": "EXPLORER_KEY"}
        rows = {
            "one": {"kind": "etherscan", "url": "https://one.example/api", **key},
            "two": {"kind": "blockscout", "url": "https://two.example/api", **key},
        }
        scene.home.write("config/sources.yaml", {"sources": rows})
        said = " ".join(scene.home.run("check", "--offline", code=None).split())
    assert "one.example 1" in said
    assert "two.example 2" in said


def test_whom_nobody_may_ask_about_is_blind_and_told(tmp_path: Path) -> None:
    with staged(tmp_path, contacted=False) as scene:
        two_sources(
            scene,
            entry(ALICE, sources=["one"]),
            entry(BOB),
        )
        scene.home.write(
            "watchlist.yaml",
            {
                "cases": {
                    "A": {"addresses": [entry(ALICE, sources=["one"])]},
                    "B": {"sources": ["two"], "addresses": [entry(ALICE)]},
                }
            },
        )
        scene.home.run("poll", code=None)
        assert not any(learned(scene.explorer, style, ALICE) for style in STYLES)
        assert "NOT" in scene.home.run("status")
        said = scene.home.run("check", code=None)
        assert "nobody may be asked" in said


def test_a_name_that_is_no_source_is_refused_with_its_line(tmp_path: Path) -> None:
    with staged(tmp_path, contacted=False) as scene:
        two_sources(scene, entry(ALICE, sources=["tow"]))
        said = scene.home.run("poll", code=2)
        assert "is not a source of config/sources.yaml" in said
        assert "Did you mean two?" in said
