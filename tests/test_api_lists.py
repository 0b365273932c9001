"""Published lists by the API: their versions, what differs, and nothing of lists that are not
theirs."""

from __future__ import annotations

import json

import pytest
from test_desk_lists import CANARY, FIRST, Made, listed_home
from world.api import Program, token
from world.desk_open import Open, client
from world.published import address

from monitor.web.api import sending


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return listed_home(tmp_path_factory.mktemp("lists"))


def test_lists_and_what_changed_in_them(world: Made) -> None:
    with client(world.home, Open()) as browser:
        mine = Program(browser, token(world.home, "m.ortiz"))
        answer = mine.get("/lists").json
        assert [each["name"] for each in answer["items"]] == ["ofac", "of-a"]
        ofac = answer["items"][0]
        assert ofac["version"]["number"] == 2
        assert answer["reading"]["complete"] is False
        found = mine.every("/lists/ofac/changes", limit=2)
        words = [each["change"] for each in found]
        assert words.count("removed") >= 2  # rows 3 and 4
        assert "added" in words
        assert "changed" in words
        assert found == mine.every("/lists/ofac/changes", limit=1000)
        first = mine.every("/lists/ofac/changes", limit=3, **{"from": 0, "to": 1})
        assert {each["change"] for each in first} == {"added"}
        assert len(first) == len(FIRST)
        back = mine.every("/lists/ofac/changes", limit=50, **{"from": 2, "to": 1})
        assert len(back) == len(found)
        whole = mine.get("/lists/ofac/changes", accept=sending.NDJSON).text.splitlines()
        assert [json.loads(each) for each in whole[:-1]] == found
        assert mine.get("/lists/ofac/changes", to=9).status_code == 400


def test_lists_of_others_and_our_own_are_not_there(world: Made) -> None:
    with client(world.home, Open()) as browser:
        mine = Program(browser, token(world.home, "m.ortiz"))
        lead = Program(browser, token(world.home, "k.brandt"))
        for name in ("of-b", "customers", "nothing"):
            said = mine.get(f"/lists/{name}/changes")
            assert said.status_code == 404
            assert CANARY not in said.text
        assert CANARY in lead.get("/lists").text
        theirs = lead.get("/lists/of-b/changes").text
        assert address(60) in theirs.lower() or CANARY in theirs
        ours = lead.get("/lists/customers/changes")
        assert ours.status_code == 404  # whose they are nobody is told
        for path in ("/lists", "/lists/of-a/changes", "/lists/ofac/changes"):
            assert address(70) not in lead.get(path).text.lower()
