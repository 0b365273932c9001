"""The heartbeat: a call to a watcher outside, while all is well."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from world.record import new_record
from world.sinks import HttpSink, answer, hang

from monitor.loops.clock import now
from monitor.loops.health.heartbeat import Heartbeat
from monitor.loops.health.kept import last_heartbeat
from monitor.model.errors import StoreError
from monitor.store.sqlite import Store

TOKEN = "/ping/canary-heartbeat-token-41aa"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with closing(new_record(tmp_path / "book.db")) as made:
        yield made


def heartbeat(sink: HttpSink, store: Store, *, well: bool = True) -> Heartbeat:
    return Heartbeat(sink.url(TOKEN), {}, True, store, lambda: well, now, within=0.5)


def test_a_heartbeat_goes_out_while_all_is_well(store: Store) -> None:
    """One GET; that it was accepted stands in the record. What is not well sends nothing."""
    with HttpSink() as sink:
        assert not heartbeat(sink, store, well=False).beat()
        assert sink.seen == []
        assert last_heartbeat(store) is None
        assert heartbeat(sink, store).beat()
        (seen,) = sink.seen
    assert (seen.method, seen.path) == ("GET", TOKEN)
    beat = last_heartbeat(store)
    assert beat is not None
    assert beat.accepted is not None
    assert beat.error == ""


def test_a_heartbeat_that_fails_is_told_once_without_its_address(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    """Errors, redirects and silence are failures; one line an hour, and no secret in it."""
    caplog.set_level(logging.DEBUG)
    with HttpSink() as sink:
        beats = heartbeat(sink, store)
        for mode, words in (
            (answer(500), "HTTP 500"),
            (answer(302, location=sink.url("/elsewhere")), "HTTP 302"),
            (hang, "within 0.5 s"),
        ):
            sink.then(mode)
            beats.beat()
            beat = last_heartbeat(store)
            assert beat is not None
            assert beat.accepted is None
            assert words in beat.error
        assert len(sink.seen) == 3, "a redirect is not followed"
        beats.beat()
        port = sink.port
    beats.beat()
    said = [r.getMessage() for r in caplog.records if "heartbeat" in r.getMessage()]
    assert len(said) == 3
    assert "accepted again" in said[1]
    notes = json.dumps([tuple(r) for r in store.read("SELECT * FROM note")])
    for text in (caplog.text, notes, repr(beats)):
        assert "canary-heartbeat" not in text
        assert str(port) not in text


def test_without_a_record_to_write_to_there_is_no_heartbeat(store: Store) -> None:
    """A full disk ends the watch: the receiver must miss the call."""
    with HttpSink() as sink, closing(Store(store.path, readonly=True)) as readonly:
        beats = heartbeat(sink, readonly)
        with pytest.raises(StoreError):
            beats.beat()
        assert sink.seen == []
        stopping = threading.Event()
        thread = threading.Thread(target=beats.run, args=[stopping])
        thread.start()
        stopping.set()
        thread.join(5)
        assert not thread.is_alive()
