"""What sources answered is kept where it brought news, so that a row can be held against it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from world.evm_node import Node, coin
from world.ledgers import LISTS
from world.listed import take_list
from world.scripted_server import serve

from monitor.demo.world.explorer import Explorer
from monitor.loops.passing import PollWorld
from monitor.loops.poll import Poller
from monitor.loops.pool import SourcePool
from monitor.model import Chain, Entry, Severity, SourceConfig, Subject
from monitor.model.answers import digest_of
from monitor.net import sources
from monitor.net.http import Http
from monitor.store import answers
from monitor.store.answers import Answer
from monitor.store.sqlite import Store

KEY = "canary-explorer-key-5f1c77a1"
DEV = Chain("local", "Local", "evm", "ETH", 18, 12, chain_id=31337)


@dataclass
class Watch:
    """A record that is filled by whole passes over one source."""

    store: Store
    poller: Poller

    def poll(self) -> None:
        assert not self.poller.run_pass(everything=True).unread

    def rows(self) -> list[tuple[str, str]]:
        """Each transaction, and the digest of the batch that told a row of it."""
        found = self.store.read(
            "SELECT t.tx, s.sha256 FROM transfer t JOIN sighting s ON s.transfer = t.id"
        )
        return [(row["tx"], row["sha256"]) for row in found]

    def body(self, answer: Answer) -> bytes:
        found = answers.body(self.store, answer.body_sha256)
        assert found is not None
        return found

    def kept(self, why: str = "") -> list[Answer]:
        found = self.store.read("SELECT DISTINCT tx FROM answer_tx")
        of_rows = {a.id: a for row in found for a in answers.of_tx(self.store, row["tx"])}
        return [a for a in of_rows.values() if why in ("", a.why)]


@contextmanager
def watching(
    path: Path,
    kind: str,
    url: str,
    subject: tuple[Chain, str],
    severity: Severity,
    clock: list[int],
) -> Iterator[Watch]:
    chain, address = subject
    config = SourceConfig("mine", kind, url, api_key=KEY, rate_per_second=1000)
    options = sources.http_options(config, chain)
    http = Http("mine", url, params=options.params, headers=options.headers, attempts=1)
    source = sources.build(config, chain, http)
    with closing(Store(path / "fundwatch.db", create=True)) as store:
        entry = Entry("E", Subject(chain.key, address), label="l", case="C", severity=severity)
        take_list(store, [entry], "list", clock[0])
        world = PollWorld(
            chains={chain.key: chain},
            pools={chain.key: SourcePool(chain, [source], sure_for=0.0, head_ttl=0.0)},
            assets={},
            route=lambda _alert, _entry: [],
            clock=lambda: clock[0],
            interval=lambda _subject: 0,
            since_time=lambda _text: None,
        )
        yield Watch(store, Poller(store, world))


@contextmanager
def dialect(
    path: Path, kind: str, severity: Severity = Severity.MEDIUM, clock: list[int] | None = None
) -> Iterator[Watch]:
    """A watched address with a history, behind each kind of source."""
    moment = clock or [1_800_000_000]
    if kind == "evm_rpc":
        node = Node(*[coin(n, 10 + n // 3, n) for n in range(300)])
        address = "0x" + "a" * 40
        with (
            serve(node) as server,
            watching(
                path, kind, server.url + f"/v3/{KEY}", (DEV, address), severity, moment
            ) as made,
        ):
            yield made
        return
    chain, address, ledger = LISTS[kind]
    with Explorer() as explorer:
        explorer.add(chain.key, ledger(), kind, chain_id=chain.chain_id)
        url = explorer.url(chain.key, kind)
        with watching(path, kind, url, (chain, address), severity, moment) as made:
            yield made


@pytest.mark.parametrize("kind", [*LISTS, "evm_rpc"])
def test_each_row_has_an_answer_that_names_it(tmp_path: Path, kind: str) -> None:
    """Its transaction stands in the body, the body is the one of the digest, the digest is one
    of those that the row's sighting is made of, and no key stands anywhere."""
    with dialect(tmp_path, kind) as made:
        made.poll()
        rows = made.rows()
        assert len(rows) > 200
        batches = {
            r["batch"]: r["digests"].split() for r in made.store.read("SELECT * FROM answered")
        }
        for tx, batch in rows:
            assert digest_of(batches[batch]) == batch
            found = [a for a in answers.of_tx(made.store, tx) if a.why == "news"]
            told = [a for a in found if a.sha256 in batches[batch]]
            assert told, tx
            for answer in told:
                body = made.body(answer)
                assert tx.removeprefix("0x").encode() in body.lower()
                assert hashlib.sha256(body).hexdigest() == answer.body_sha256
                assert answer.extract or answer.sha256 == answer.body_sha256
                assert json.loads(answer.request)["method"] in ("GET", "POST")
            heads = [a for a in answers.of_tx(made.store, tx) if a.why == "head"]
            assert heads, tx
        assert list(answers.damaged(made.store)) == []
    for file in tmp_path.iterdir():
        assert KEY.encode() not in file.read_bytes()
