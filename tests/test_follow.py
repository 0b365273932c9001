"""Addresses that are read without an entry: at their own pace, within their own budget."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from world.listed import take_list
from world.play import A, B, X
from world.record import new_record

from monitor.model import Entry, Subject
from monitor.model.acts import Actor, ActorKind
from monitor.model.acts_trace import Follow, Unfollow
from monitor.store import follow, log, watch
from monitor.store.commit import commit
from monitor.store.sqlite import Store

NOW = 1_700_000_000
LISTED, FOLLOWED, OTHER = (Subject("ethereum", address) for address in (X, A, B))
ANN = Actor(ActorKind.CLI, "Ann", "system user ann")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = new_record(tmp_path / "r.db")
    take_list(made, [Entry("E0", LISTED, case="C")], "list", NOW)
    yield made
    made.close()


def test_watched_addresses_go_first(store: Store) -> None:
    """Those that are followed only come after, however long they have been due; an address that
    is both is a watched one."""
    for subject in (FOLLOWED, LISTED):
        commit(store, ANN, Follow(NOW, subject, "C", "first hop", every=60))
    watch.schedule(store, LISTED, NOW, failed=False)
    assert watch.due_subjects(store, NOW) == [LISTED, FOLLOWED]
    assert follow.paces(store, [FOLLOWED]) == {FOLLOWED.key: 60}
    assert watch.listed_subjects(store) == [LISTED]


def test_a_budget_of_calls_ends_its_polls(store: Store) -> None:
    """What polls use is counted for each case that follows; the spent one can be asked for, and
    following anew counts anew."""
    commit(store, ANN, Follow(NOW, FOLLOWED, "C", "first hop", every=60, calls=5))
    for calls in (3, 2):
        assert FOLLOWED in watch.due_subjects(store, None)
        watch.turn(store, [watch.Ended(FOLLOWED, NOW, False, calls=calls)], [], NOW)
    assert FOLLOWED not in watch.due_subjects(store, None)
    (found,) = follow.followed(store)
    assert (found.used, found.spent) == (5, True)
    commit(store, ANN, Follow(NOW, FOLLOWED, "D", "second hop", every=30))
    assert FOLLOWED in watch.due_subjects(store, None)
    commit(store, ANN, Follow(NOW, FOLLOWED, "C", "once more", every=20, calls=5))
    assert follow.paces(store, [FOLLOWED]) == {FOLLOWED.key: 20}
    assert [each.used for each in follow.followed(store)] == [0, 0]


def test_following_is_an_act_of_its_case(store: Store) -> None:
    """Who began and who ended it stands in the log, with the case; ending it twice is no act."""
    commit(store, ANN, Follow(NOW, OTHER, "C", "first hop", every=60))
    assert commit(store, ANN, Unfollow(NOW + 1, OTHER, "C"))
    assert not commit(store, ANN, Unfollow(NOW + 2, OTHER, "C"))
    assert OTHER not in watch.due_subjects(store, None)
    told = [json.loads(row.text or "") for row in log.each(store)]
    acts = [(each["act"], each["actor"]["name"], each["body"].get("subject")) for each in told]
    assert acts[-2:] == [("follow", "Ann", OTHER.key), ("unfollow", "Ann", OTHER.key)]
    cases = store.read("SELECT DISTINCT case_id FROM log_case")
    assert [row["case_id"] for row in cases] == ["C"]
