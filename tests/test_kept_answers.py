"""What sources answered is kept where it brought news, so that a row can be held against it."""

from __future__ import annotations

import hashlib
import json
import stat
import subprocess
import time
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from world.evm_node import Node, coin
from world.home import ALICE, BANK, Scene, configured, evm_home, staged
from world.ledgers import LISTS
from world.listed import take_list
from world.logged import erase
from world.record import new_record
from world.scripted_server import serve
from world.tamper import untriggered

from monitor.cli import main
from monitor.demo.world.explorer import Explorer
from monitor.loops.passing import PollWorld
from monitor.loops.poll import Poller
from monitor.loops.pool import SourcePool
from monitor.model import Chain, Entry, Severity, SourceConfig, Subject
from monitor.model.acts import DAEMON
from monitor.model.answers import Heard, digest_of, keep, part
from monitor.model.difference import Difference
from monitor.model.errors import StoreError
from monitor.net import sources
from monitor.net.http import Http
from monitor.store import answers, covered_day
from monitor.store.answers import Answer
from monitor.store.commit import commit
from monitor.store.notes import write_note
from monitor.store.sqlite import Store
from monitor.store.verify.record import verify

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
        found = self.store.read("SELECT DISTINCT tx FROM transfer")
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
    with closing(new_record(path / "fundwatch.db")) as store:
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


@pytest.mark.parametrize("kind", [*LISTS, "evm_rpc"])
@pytest.mark.parametrize("severity", [Severity.SEVERE, Severity.HIGH])
def test_silence_is_kept_once_a_day_of_severe_entries(
    tmp_path: Path, kind: str, severity: Severity
) -> None:
    """With the answers that prove it, and what of each list was booked on them. Of other
    entries, and of any poll that brings nothing later in the day, nothing is kept, whether the
    program was started again or not. The log and what is kept agree throughout."""
    clock = [1_800_000_000]
    with dialect(tmp_path, kind, severity, clock) as made:
        made.poll()
        before = count(made.store, "answer")
        made.poll()
        replace(made, poller=Poller(made.store, made.poller.world)).poll()
        assert count(made.store, "answer") == before
        clock[0] += 86_400
        made.poll()
        made.poll()
        differing = list[Difference]()
        verify(made.store, differing.append)
        assert differing == []
        rows = made.store.read("SELECT * FROM silence ORDER BY stream, day")
        if severity is not Severity.SEVERE:
            assert (rows, count(made.store, "answer")) == ([], before)
            return
        lists = {row["stream"] for row in rows}
        booked = {r["stream"] for r in made.store.read("SELECT DISTINCT stream FROM coverage")}
        assert lists == booked
        assert {row["day"] for row in rows} == {clock[0] // 86_400 - 1, clock[0] // 86_400}
        for row in rows:
            (batch,) = made.store.read("SELECT * FROM answered WHERE batch = ?", [row["batch"]])
            shown = made.store.read_in(
                "SELECT body_sha256 FROM answer WHERE sha256 IN ({})", batch["digests"].split()
            )
            assert {answers.body(made.store, each["body_sha256"]) for each in shown} - {None}
            assert batch["heads"]


def count(store: Store, table: str) -> int:
    return int(store.read(f"SELECT count(*) FROM {table}")[0][0])


# -- what was taken back ----------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["etherscan", "blockscout"])
def test_a_correction_rests_on_kept_look_ups(tmp_path: Path, kind: str) -> None:
    """A payment whose block was replaced: that nobody knows it any more, and which block stands
    at its height now, are kept with it."""
    with staged(tmp_path) as scene:
        source = configured(scene.explorer, kind)
        scene.home.write("config/sources.yaml", {"sources": {"mine": source}})
        (tx,) = scene.pay((BANK, ALICE))
        scene.ledger.mine()
        scene.home.run("poll")
        was = scene.ledger.block(scene.ledger.head.height - 1)
        scene.ledger.reorg(2, [(), (), ()])
        for _ in range(4):
            scene.ledger.mine()
            scene.home.run("poll")
        assert len(scene.alerts("correction")) == 1
        with closing(Store(tmp_path / "fundwatch.db", readonly=True)) as store:
            found = [a for a in answers.of_tx(store, tx) if a.why == "lookup"]
            bodies = [answers.body(store, a.body_sha256) or b"" for a in found]
        assert was is not None
        now_there = scene.ledger.block(was.height)
        assert now_there is not None
        assert any(tx in a.request for a in found), "that it was asked for"
        assert any(now_there.hash.encode() in body for body in bodies), "what stands there now"
        said = scene.home.run("answers", tx)
        assert "was asked for by hash" in said


# -- of whole blocks, what matched -------------------------------------------------------------


def test_of_a_whole_block_only_what_matched_is_kept() -> None:
    """Its head, and what names the transaction, whole; with the digest of all of it."""
    tx, other = "0x" + "ab" * 32, "0x" + "cd" * 32
    receipts = [
        {"transactionHash": each, "logs": [{"topics": ["0x1"], "transactionHash": each}]}
        for each in (tx, other)
    ]
    body = json.dumps({"id": 1, "result": receipts}).encode()
    heard = Heard("node", "{}", 1, 200, hashlib.sha256(body).hexdigest(), body, block=True)
    kept = keep(part(heard, [tx]), "news", [tx])
    assert json.loads(zlib.decompress(kept.packed)) == {"id": 1, "result": receipts[:1]}
    assert (kept.sha256, kept.extract) == (hashlib.sha256(body).hexdigest(), True)
    assert kept.body_sha256 == hashlib.sha256(zlib.decompress(kept.packed)).hexdigest()
    lists = replace(heard, block=False)
    assert part(lists, [tx]) is lists


def test_blocks_at_a_node_are_kept_in_part(tmp_path: Path) -> None:
    """A node whose answers are cut in silence shows receipts of whole blocks: of those the
    record keeps ours alone."""
    node = Node(*[coin(n, 10 + n // 30, n) for n in range(60)])
    node.cap = 12
    stranger = {"transactionHash": "0x" + "9" * 64, "logs": []}
    shown = node.eth_getBlockReceipts
    node.eth_getBlockReceipts = lambda which: [*shown(which), stranger]  # type: ignore[method-assign]
    subject = (DEV, "0x" + "a" * 40)
    with (
        serve(node) as server,
        watching(tmp_path, "evm_rpc", server.url, subject, Severity.HIGH, [1_800_000_000]) as made,
    ):
        made.poll()
        whole = [a for a in made.kept("news") if "eth_getBlockReceipts" in a.request]
        assert whole
        for answer in whole:
            assert answer.extract
            assert answer.sha256 != answer.body_sha256
            assert b"9" * 64 not in made.body(answer)
            assert b"logIndex" in made.body(answer)


# -- bounds ------------------------------------------------------------------------------------


@contextmanager
def pruned_scene(path: Path) -> Iterator[Scene]:
    """A record whose answers are of history without alerts and of one alert."""
    with staged(path) as scene:
        scene.pay((BANK, ALICE))
        scene.home.run("poll")
        yield scene


def test_age_takes_bodies_and_leaves_digests(tmp_path: Path) -> None:
    """What is older than the days goes, and comes back with no digest changed when it is asked
    for: that it is gone is said."""
    with pruned_scene(tmp_path) as scene, closing(Store(tmp_path / "fundwatch.db")) as store:
        (tx,) = scene.paid
        before = answers.of_tx(store, tx)
        assert before
        later = max(a.at for a in before) + 400 * 86_400
        answers.prune(store, 400, 10**12, later)
        assert [a.pruned for a in answers.of_tx(store, tx)] == [False] * len(before)
        went = answers.prune(store, 400, 10**12, later + 86_400)
        assert went.bodies == 0, "age is no lack of room"
        after = answers.of_tx(store, tx)
        assert [replace(a, pruned=True) for a in before] == after
        assert {answers.body(store, a.body_sha256) for a in after} == {None}
        assert answers.size(store, later).bytes == 0
        assert list(answers.damaged(store)) == []


def test_size_takes_the_oldest_without_an_alert_first(tmp_path: Path) -> None:
    """Evidence of alerts goes last, and is told; no more goes than has to."""
    with pruned_scene(tmp_path) as scene, closing(Store(tmp_path / "fundwatch.db")) as store:
        (tx,) = scene.paid
        now = int(time.time())
        mine = {a.body_sha256 for a in answers.of_tx(store, tx)}
        sizes = {r["sha256"]: r["bytes"] for r in store.read("SELECT * FROM answer_body")}
        others = sum(size for sha, size in sizes.items() if sha not in mine)
        assert others
        whole = sum(sizes.values())
        first = answers.prune(store, 400, whole - 1, now)
        assert (first.bodies, first.of_alerts) == (1, 0)
        second = answers.prune(store, 400, 1, now)
        assert second.of_alerts == second.bodies - (len(sizes) - 1 - second.of_alerts) > 0
        assert answers.size(store, now).bytes == 0
        assert answers.last_pruned(store) == second


def test_what_went_is_said(tmp_path: Path) -> None:
    """In `status`, and as a notice where it belonged to alerts. An honest figure of the size."""
    with pruned_scene(tmp_path) as scene:
        said = scene.home.run("status")
        assert "kept as evidence, less than 0.1 MB (less than 0.1 MB in" in " ".join(said.split())
        assert "deleted because" not in said
        scene.home.write(
            "config/settings.yaml", {"every": 2, "prices": "none", "answers_size": "0.001 MiB"}
        )
        scene.home.run("poll")
        scene.home.run("poll")
        assert "deleted because of answers_size" in scene.home.run("status")
        record = json.loads(scene.home.run("status", "--json"))["record"]["answers"]
        assert record["pruned"]["of_alerts"] > 0
        assert record["bytes"] < 1100
        assert scene.alerts("notice", "Answers of explorers took more room")
        said = " ".join(scene.home.run("answers", next(iter(scene.paid))).split())
        gone = said.count("deleted to keep within its bounds: SHA-256 ")
        assert gone > 0
        assert f"; of {gone} only digest and request are left" in said


@pytest.mark.parametrize("written", ["2 Gib of disk", "two", "-1 GiB", "10"])
def test_a_size_that_cannot_be_read_is_refused(tmp_path: Path, written: str) -> None:
    """With what to write."""
    home = evm_home(tmp_path, "http://127.0.0.1:9", "etherscan", [ALICE])
    home.write("config/settings.yaml", {"answers_size": written})
    assert "Write it like 2 GiB" in home.run("poll", code=2)


# -- the command -------------------------------------------------------------------------------


def test_answers_are_listed_and_saved_with_their_sums(tmp_path: Path) -> None:
    """What is written is what was kept: sha256sum agrees. No folder is mixed up, an unknown
    transaction is an error."""
    with pruned_scene(tmp_path / "home") as scene:
        (tx,) = scene.paid
        folder = tmp_path / "evidence"
        said = scene.home.run("answers", tx.upper().replace("0X", ""), "--save", str(folder))
        assert "mine  HTTP 200  names it" in said
        assert "kept as it came (" in said
        shown = (
            CliRunner()
            .invoke(main, ["--home", str(scene.home.path), "answers", tx], env={"COLUMNS": "80"})
            .output
        )
        short = [line for line in shown.splitlines() if "asked" not in line and "{" not in line]
        assert max(map(len, short)) <= 80
        done = subprocess.run(
            ["sha256sum", "-c", "SHA256SUMS"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        lines = [json.loads(line) for line in (folder / "answers.jsonl").read_text().splitlines()]
        assert lines == [{"file": a["file"], **b} for a, b in zip(
            lines, scene.home.lines("answers", tx, "--format", "jsonl"), strict=True)]  # fmt: skip
        named = [a for a in lines if a["why"] == "news"]
        assert all(tx in (folder / a["file"]).read_text() for a in named)
        assert named
        assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}
        assert "is not empty" in scene.home.run("answers", tx, "--save", str(folder), code=2)
        assert "is no transaction of the record" in scene.home.run(
            "answers", "0x" + "0" * 64, code=2
        )


# -- what is not right is found ----------------------------------------------------------------


def test_a_body_that_was_exchanged_is_found(tmp_path: Path) -> None:
    """The record refuses it; somebody who takes the triggers away changes the digest; and who
    writes that anew finds it named in the log."""
    with pruned_scene(tmp_path) as scene:
        (sha, other) = (r[0] for r in scene.home.sql("SELECT sha256 FROM answer_body LIMIT 2"))
        refused = (
            "UPDATE answer_body SET packed = x'00'",
            "DELETE FROM answer_body",
            "UPDATE answer SET request = '{}'",
            "DELETE FROM answer_transfer",
        )
        with closing(Store(tmp_path / "fundwatch.db")) as store:
            for statement in refused:
                with pytest.raises(StoreError, match="what was answered"), store.write() as conn:
                    conn.execute(statement)
        scene.home.sql(
            "UPDATE answer_body SET packed = (SELECT packed FROM answer_body WHERE sha256 = ?) "
            "WHERE sha256 = ?", other, sha,
        )  # fmt: skip
        with closing(Store(tmp_path / "fundwatch.db", readonly=True)) as store:
            (found,) = answers.damaged(store)
        assert (found.expected, found.found) == (f"SHA-256 {sha}", other)
        assert scene.home.run("verify", code=1).count(sha) == 1
        texts = "".join(r[0] or "" for r in scene.home.sql("SELECT text FROM log_text"))
        news = scene.home.sql("SELECT sha256, body_sha256 FROM answer WHERE why = 'news'")
        assert news
        assert all(f'["{came}","{kept}"]' in texts for came, kept in news)


@pytest.mark.parametrize(
    "packed",
    [
        zlib.compress(b"{}") + b"more",
        zlib.compress(b"{}" * 100)[:-5],
        b"",
        zlib.compress(bytes(10**8)),  # in a few bytes more than a verifier should hold
    ],
    ids=["more", "cut", "empty", "bomb"],
)
def test_a_body_that_was_packed_by_somebody_else_is_found(tmp_path: Path, packed: bytes) -> None:
    with dialect(tmp_path, "etherscan") as made:
        made.poll()
        with made.store.write() as conn, untriggered(conn):
            conn.execute(
                "UPDATE answer_body SET packed = ? "
                "WHERE sha256 = (SELECT min(sha256) FROM answer_body)", (packed,),
            )  # fmt: skip
        assert len(list(answers.damaged(made.store))) == 1


@pytest.mark.parametrize(
    "behind",
    [
        "DELETE FROM answer WHERE why = 'news'",
        "UPDATE answer SET sha256 = body_sha256 || 'x' WHERE why = 'head'",
        "UPDATE answer SET body_sha256 = (SELECT max(sha256) FROM answer_body) WHERE why = 'news'",
        "UPDATE answer SET request = '{}' WHERE id = 1",
        "UPDATE answer SET at = at + 1 WHERE why = 'silence'",
        "DELETE FROM answer WHERE why = 'silence'",
        "UPDATE answered SET digests = (SELECT max(sha256) FROM answer)",
    ],
)
def test_an_answer_that_was_changed_behind_the_log_is_found(tmp_path: Path, behind: str) -> None:
    """News is named by its act at once, all of a day's answers by the act of the day."""
    with dialect(tmp_path, "etherscan", Severity.SEVERE) as made:
        made.poll()
        commit(made.store, DAEMON, covered_day.seen(made.store, 1_800_000_100))
        assert differences(made.store) == []
        with made.store.write() as conn, untriggered(conn):
            conn.execute("PRAGMA defer_foreign_keys = ON")
            conn.execute("DELETE FROM answer_transfer")
            conn.execute(behind)
        assert differences(made.store)


def test_answers_that_no_day_counted_are_found(tmp_path: Path) -> None:
    """Up to which answer there are digests is a note, which is no act."""
    with dialect(tmp_path, "etherscan", Severity.SEVERE) as made:
        made.poll()
        with made.store.write() as conn:
            write_note(conn, covered_day.PINNED, "2")
        commit(made.store, DAEMON, covered_day.seen(made.store, 1_800_000_100))
        assert [d.place for d in differences(made.store)] == ["answer 1 to 2"]


def test_answers_stay_explained_when_a_text_is_erased(tmp_path: Path) -> None:
    """The act of the erasure keeps the digests that the text named."""
    with dialect(tmp_path, "etherscan") as made:
        made.poll()
        numbers = [
            row["seq"]
            for row in made.store.read("SELECT seq FROM log_text WHERE text LIKE '%\"kept\":%'")
        ]
        assert numbers
        erase(made.store, numbers)
        assert differences(made.store) == []
        with made.store.write() as conn, untriggered(conn):
            conn.execute("UPDATE answer SET sha256 = 'x' || sha256 WHERE why = 'news'")
        assert differences(made.store)


def differences(store: Store) -> list[Difference]:
    found: list[Difference] = []
    verify(store, found.append)
    return found
