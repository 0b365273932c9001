"""What goes out of a case: the same bytes for the same state, nothing of others, and whatever is
changed in it is found."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import random
import re
import stat
import subprocess
import threading
import zipfile
import zlib
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
import trace_values as story
from click.testing import CliRunner
from world.desk_record import CANARY, EVE, OUR, T0, A, B, Made, made

from monitor.cli import main
from monitor.loops.desk import work
from monitor.loops.report import archive, check, keys, members
from monitor.loops.report.movements import COLUMNS, FIRST, digest
from monitor.messages.spreadsheet import unguarded
from monitor.model import Subject
from monitor.model.acts import DAEMON, Actor, ActorKind
from monitor.model.acts_trace import TakeTrace
from monitor.model.difference import Difference
from monitor.model.errors import ConfigError, StoreError
from monitor.model.trace import Name, State, Stop
from monitor.store.commit import commit
from monitor.store.guard import DATABASE
from monitor.store.sqlite import Store

NOTE = "Canary-note-of-a: he calls on Friday"
ANN = Actor(ActorKind.PERSON, "ann", "signed in")


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Made:
    """Two cases with traces, notes and kept answers."""
    found = made(tmp_path_factory.mktemp("export") / "home")
    with closing(Store(found.home / DATABASE)) as store:
        for case, name in (("case-a", "Binance 14"), ("case-b", CANARY)):
            commit_trace(store, case, name)
        work.note(store, ANN, "case-a", None, NOTE, T0, "n1", None)
        work.note(store, ANN, "case-b", None, f"Note {CANARY}", T0, "n2", None)
        put_answers(store, found)
    return found


def commit_trace(store: Store, case: str, name: str) -> None:
    trace = story.trace(case=case)
    nodes = list(trace.nodes)
    nodes[3] = replace(nodes[3], names=(Name(name, "exchange", f"labels of {name}"),))
    nodes[4] = replace(nodes[4], subject=Subject("ethereum", OUR))  # ours only since
    by = Stop("person", "stopped by ann: as in case-b")
    nodes[1] = replace(nodes[1], state=State.STOPPED, stop=by)
    edges = [replace(e, recipient=OUR) if e.recipient == story.REST else e for e in trace.edges]
    trace = replace(trace, nodes=(*nodes,), edges=(*edges,), method="fifo", method_why="see case-b")
    commit(store, DAEMON, TakeTrace(T0, case, trace))


def put_answers(store: Store, world: Made) -> None:
    """One of A alone, one that was asked about B, a part of a block with both, one that holds an
    address of the house."""
    of_a, both = number_of(store, story_tx(store)), number_of(store, world.both)
    b = number_of(store, world.only_b)
    for name, request, body, extract, rows in (
        ("plain", {"address": A}, f"plain {A}", 0, [of_a]),
        ("of b", {"address": B}, f"asked for {CANARY}", 0, [both]),
        ("block", {"block": 1}, f"block {CANARY}", 1, [both, b]),
        ("ours", {"address": A}, f"to {OUR} {CANARY}", 0, [of_a]),
        # As nodes are asked and answer: filled up to 32 bytes, as hex of Tron, without a prefix.
        ("topics of b", {"payload": [{"topics": [[f"0x{padded(A)}", f"0x{padded(B)}"]]}]},
         f"logs {CANARY}", 0, [both]),
        ("call of b", {"payload": [{"data": f"0x70a08231{padded(B)}"}]}, f"{CANARY}", 0, [both]),
        ("our topics", {"address": A}, f'["0x{padded(OUR)}"] {CANARY}', 0, [of_a]),
        ("our input", {"address": A}, f"0xa9059cbb{padded(OUR)}{1:064x} {CANARY}", 0, [of_a]),
    ):  # fmt: skip
        raw = body.encode()
        sha256 = hashlib.sha256(raw).hexdigest()
        with store.write() as conn:
            conn.execute(
                "INSERT INTO answer_body (sha256, at, bytes, packed) VALUES (?,?,?,?)",
                (sha256, T0, 10, zlib.compress(raw)),
            )
            conn.execute(
                "INSERT INTO answer (sha256, chain, source, at, request, why, status, "
                "body_sha256, size, extract) VALUES (?,'ethereum',?,?,?,'news',200,?,?,?)",
                (sha256, name, T0, json.dumps(request), sha256, len(raw), extract),
            )
            last = conn.execute("SELECT max(id) FROM answer").fetchone()[0]
            conn.executemany("INSERT INTO answer_transfer VALUES (?,?)", [(r, last) for r in rows])


def padded(address: str) -> str:
    return address[2:].rjust(64, "0")


def story_tx(store: Store) -> str:
    sql = "SELECT tx FROM transfer WHERE recipient = ? ORDER BY id LIMIT 1"
    return str(store.read(sql, [A])[0]["tx"])


def number_of(store: Store, tx: str) -> int:
    return int(store.read("SELECT id FROM transfer WHERE tx = ?", [tx])[0]["id"])


def run(home: Path | str, *args: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["--home", str(home), *args], catch_exceptions=False)
    return done.exit_code, done.output


@pytest.fixture(scope="module")
def exported(world: Made) -> Path:
    out = world.home.parent / "case-a.zip"
    code, said = run(world.home, "export", "case-a", "--out", str(out))
    assert code == 0, said
    return out


def contents(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as file:
        assert file.testzip() is None
        return {name: file.read(name) for name in file.namelist()}


# -- what is in it -------------------------------------------------------------------------------


def test_the_same_state_gives_the_same_bytes_for_its_user_alone(
    world: Made, exported: Path
) -> None:
    again = world.home.parent / "again.zip"
    run(world.home, "export", "case-a", "--out", str(again))
    assert again.read_bytes() == exported.read_bytes()
    assert stat.S_IMODE(exported.stat().st_mode) == 0o600
    left = [each.name for each in exported.parent.iterdir() if each.name.startswith(".")]
    assert left == [], "nothing half is left beside it"


def test_nothing_of_another_case_and_no_address_of_the_house_is_in_it(
    world: Made, exported: Path
) -> None:
    whole = exported.read_bytes()
    for secret in (CANARY, world.entry_b, world.alert_b, "case-b", OUR, OUR[2:], NOTE, "desk.db"):
        assert secret.encode().lower() not in whole.lower(), secret
    assert b"ours:Customer 17" in whole


def test_the_cover_comes_first_and_says_all_that_counts_before_any_figure(exported: Path) -> None:
    found = contents(exported)
    assert next(iter(found)) == "cover.txt"
    text = found["cover.txt"].decode()
    order = [
        "not proof of ownership", "AS OF", "WHAT WAS READ", "NOT EVERYTHING IS READ",
        "WHAT WAS NOT LOOKED AT", "METHOD", "NAMES", "WHO DECIDED", "1 note is left out",
        "WHAT YOU MUST NOT CONCLUDE", "FIGURES",
    ]  # fmt: skip
    places = [text.index(each) for each in order]
    assert places == sorted(places)
    cover = json.loads(found["cover.json"])
    assert cover["left_out"]["notes"] == 1
    assert cover["figures"]["movements"] == found["movements.jsonl"].count(b"\n")


def test_notes_go_out_where_they_are_wanted(world: Made) -> None:
    out = world.home.parent / "notes.zip"
    run(world.home, "export", "case-a", "--out", str(out), "--notes")
    found = contents(out)
    (note,) = map(json.loads, found["notes.jsonl"].splitlines())
    assert note["text"] == NOTE
    assert NOTE.encode() in found["log.jsonl"]
    assert CANARY.encode() not in out.read_bytes()
    assert run("/", "verify", str(out))[0] == 0


def test_movements_have_all_columns_reversed_quiet_and_late_ones_too(exported: Path) -> None:
    found = contents(exported)
    rows = [*map(json.loads, found["movements.jsonl"].splitlines())]
    table = [*csv.reader(io.StringIO(found["movements.csv"].decode(), newline=""))]
    assert tuple(table[0]) == COLUMNS
    wanted = re.findall(r"\w+", (Path(__file__).parent / "columns_of_evidence.txt").read_text())
    assert [each for each in COLUMNS if each in wanted] == wanted
    assert [[unguarded(c) for c in line] for line in table[1:]] == [[*row.values()] for row in rows]
    assert {row["status"] for row in rows} >= {"final", "orphaned", "pending"}
    assert {row["late"] for row in rows} == {"yes", "no"}
    assert {row["lane"] for row in rows} == {"told", "quiet"}
    before = FIRST
    for row in rows:
        assert (row["prev_row_hash"], row["row_hash"]) == (before, digest(row))
        before = row["row_hash"]
    assert any(row["to_address"] == EVE for row in rows)


def test_kept_answers_go_out_unless_they_show_more_than_the_case(exported: Path) -> None:
    found = contents(exported)
    told = {each["source"]: each for each in map(json.loads, found["answers.jsonl"].splitlines())}
    assert {name for name, each in told.items() if each["file"]} == {"plain"}
    assert found[told["plain"]["file"]] == f"plain {A}".encode()
    assert told["of b"]["request"] is None


# -- verified elsewhere --------------------------------------------------------------------------


def test_it_verifies_without_a_record_and_says_whose_key_it_is_not_sure_of(
    world: Made, exported: Path
) -> None:
    code, said = run("/nonexistent", "verify", str(exported))
    assert (code, "Nothing differs." in said) == (0, True), said
    assert "whose key that is: no --key was given" in said
    _, key = run(world.home, "key")
    code, said = run("/nonexistent", "verify", str(exported), "--key", key.upper())
    assert code == 0
    assert "its fingerprint is the one that you gave" in said
    assert run("/nonexistent", "verify", str(exported), "--key", "0" * 64)[0] == 1
    assert run("/nonexistent", "verify", str(exported), "--key", "12")[0] == 2
    said = " ".join(said.split())
    assert "in balance by 5 methods" in said
    assert "its objects and pictures, made again" in said


def test_other_programs_check_it_too(exported: Path, tmp_path: Path) -> None:
    """sha256sum and openssl, as the cover says."""
    with zipfile.ZipFile(exported) as file:
        file.extractall(tmp_path)
    subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=tmp_path, check=True)
    command = next(line for line in (tmp_path / "cover.txt").read_text().splitlines()
                   if "openssl" in line)  # fmt: skip
    subprocess.run(command.split(), cwd=tmp_path, check=True, capture_output=True)


def test_a_checkpoint_of_a_daily_mail_is_held_against_it(exported: Path) -> None:
    log = json.loads(contents(exported)["manifest.json"])["log"]
    good = f"{log['number']}:{log['hash']}"
    assert run("/", "verify", str(exported), "--checkpoint", good)[0] == 0
    assert run("/", "verify", str(exported), "--checkpoint", f"{log['number']}:{'0' * 64}")[0] == 1


def differences(path: Path, key: str | None = None) -> list[Difference]:
    """What is found; a file that is refused counts as one."""
    found: list[Difference] = []
    try:
        check.verify(path, key, found.append)
    except StoreError as error:
        found.append(Difference("refused", str(path), "an export", str(error)))
    return found


def packed(parts: dict[str, bytes], order: list[str] | None = None) -> bytes:
    out = io.BytesIO()
    writer = archive.Writer(out)
    for name in order or parts:
        raw = parts[name]
        writer.add(name, io.BytesIO(raw), len(raw), zlib.crc32(raw))
    writer.end()
    return out.getvalue()


def test_whatever_is_changed_is_found_100_of_100(exported: Path, tmp_path: Path) -> None:
    """A byte anywhere, in every member and in the frame; members added, taken out, renamed,
    swapped, doubled."""
    whole, parts = exported.read_bytes(), contents(exported)
    draw = random.Random(15)
    tampered: list[bytes] = []
    with exported.open("rb") as file:
        places = [m.at + draw.randrange(m.size) for m in archive.members(file) if m.size]
    frame = [draw.randrange(len(whole) - 2500, len(whole)) for _ in range(20)]
    anywhere = [draw.randrange(len(whole)) for _ in range(100 - len(places) - len(frame) - 14)]
    for at in (*places, *frame, *anywhere):
        tampered.append(whole[:at] + bytes([whole[at] ^ 1 << draw.randrange(8)]) + whole[at + 1 :])
    names = [*parts]
    lacking = {name: raw for name, raw in parts.items() if name != "alerts.jsonl"}
    swapped = {**parts, "trace/flow-fifo.svg": parts["trace/flow-lifo.svg"],
               "trace/flow-lifo.svg": parts["trace/flow-fifo.svg"]}  # fmt: skip
    renamed = {("trace/flow-x.svg" if n == "trace/flow.svg" else n): r for n, r in parts.items()}
    more = {"cover.txt": parts["cover.txt"], "cover.json": parts["cover.json"], "a.txt": b"more"}
    tampered += [
        packed(lacking), packed(swapped), packed(renamed), packed({**more, **parts}),
        packed(parts, names[::-1]), packed({**parts, "movements.jsonl": b""}),
        packed({**parts, "alerts.jsonl": b""}), b"x" + whole, whole + b"x", whole[:-1], whole[1:],
        whole[: len(whole) // 2], whole + whole, packed({**parts, "manifest.sig": b"\0" * 64}),
    ]  # fmt: skip
    assert len(tampered) == 100
    file = tmp_path / "x.zip"
    missed = []
    for number, raw in enumerate(tampered):
        file.write_bytes(raw)
        if not differences(file):
            missed.append(number)
    assert missed == []


def resigned(parts: dict[str, bytes], key) -> bytes:
    """As somebody would who wants it to look right, with a key of their own."""
    parts = dict(parts)
    names = members.in_order(parts)
    body = [n for n in names if n not in members.LAST]
    sums = {n: hashlib.sha256(parts[n]).hexdigest() for n in body}
    parts["SHA256SUMS"] = "".join(f"{sums[n]}  {n}\n" for n in body).encode()
    manifest = json.loads(parts["manifest.json"])
    raw = keys.public(key)
    manifest |= {"key": raw.hex(), "fingerprint": keys.fingerprint(raw)}
    manifest["files"] = [
        {"name": n, "size": len(parts[n]), "sha256": hashlib.sha256(parts[n]).hexdigest()}
        for n in (*body, "SHA256SUMS")
    ]
    parts["manifest.json"] = (json.dumps(manifest, ensure_ascii=False, indent=1) + "\n").encode()
    parts["manifest.sig"] = keys.sign(key, parts["manifest.json"])
    parts["key.pem"] = keys.pem(raw).encode()
    return packed({n: parts[n] for n in members.in_order(parts)})


def test_who_signs_anew_is_found_by_the_key_and_by_what_does_not_fit(
    world: Made, exported: Path, tmp_path: Path
) -> None:
    parts, stranger = contents(exported), keys.load(tmp_path)
    own = keys.fingerprint(keys.public(keys.load(world.home)))
    file = tmp_path / "x.zip"
    file.write_bytes(resigned(parts, stranger))
    assert differences(file) == [], "it agrees with itself"
    assert {each.check for each in differences(file, own)} == {"signature"}
    rows = parts["movements.jsonl"].splitlines(keepends=True)
    trace = parts["trace/state.jsonl"]
    changed = {
        "movements": {"movements.jsonl": b"".join(rows[1:])},
        "trace": {"trace/state.jsonl": trace.replace(b'"resting":', b'"resting":1', 1)},
        "chain": {"log.jsonl": b"".join(parts["log.jsonl"].splitlines(keepends=True)[:-1])},
        "cover": {"cover.json": parts["cover.json"].replace(b'"alerts": 2', b'"alerts": 3')},
        "answer": {"answers.jsonl": b""},
    }
    for wanted, part in changed.items():
        file.write_bytes(resigned({**parts, **part}, stranger))
        assert wanted in {each.check for each in differences(file)}, wanted
    for name in ("trace/seizure.csv", "trace/flow-libr.svg", "trace/objects.jsonl"):
        digits = re.sub(rb"[0-9]{3}", b"777", parts[name])
        file.write_bytes(resigned({**parts, name: digits}, stranger))
        assert any(name in each.place for each in differences(file)), name


# -- the key -------------------------------------------------------------------------------------


def test_the_key_is_made_once_for_its_user_alone(tmp_path: Path) -> None:
    found: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: found.append(keys.public(keys.load(tmp_path))))
        for _ in range(8)
    ]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len({*found}) == 1
    assert [each.name for each in tmp_path.iterdir()] == [keys.FILE]
    assert stat.S_IMODE((tmp_path / keys.FILE).stat().st_mode) == 0o600
    (tmp_path / keys.FILE).write_text("torn")
    with pytest.raises(ConfigError, match="holds no signing key"):
        keys.load(tmp_path)


def test_the_case_of_a_whole_list_is_not_put_into_one_file(tmp_path: Path) -> None:
    home = made(tmp_path / "home").home
    with closing(Store(home / DATABASE)) as store, store.write() as conn:
        conn.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50001) "
            "INSERT INTO entry (id, subject, case_id, terms, added) "
            "SELECT 'E-' || i, (SELECT min(key) FROM scope), 'big', '{}', 1 FROM n"
        )
    code, said = run(home, "export", "big", "--out", str(tmp_path / "x.zip"))
    assert code == 2
    assert "has 50,001 entries" in said
    assert not (tmp_path / "x.zip").exists()
