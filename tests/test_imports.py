"""The rules of the house (docs/architecture.md): rooms in one order, no circles, and what each
room may touch. Imports that only type checkers see count too: they tie files as firmly.

`OWED` lists what still breaks a rule, a line each. It may only shrink: what is no longer broken
has to leave it.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from monitor.chains.table import FAMILIES
from monitor.model import Kind
from monitor.store.commit import CARRY

PACKAGE = Path(__file__).resolve().parents[1] / "monitor"

# From the innermost room to the outermost: a file imports from its own room and from rooms to
# the left of it. net and store stand side by side and do not know each other.
ROOMS = (
    *("model", "chains", "decide", "analysis", "picture", "messages", "watchlist"),
    *("net", "store", "loops", "web", "app", "demo", "cli", "__main__"),
)
PURE = ("model", "chains", "decide", "analysis", "picture", "messages", "watchlist")
BESIDE = {("net", "store"), ("store", "net")}
# What pure code may not have: clock, randomness, environment, network, database.
IMPURE = frozenset(
    {"time", "os", "random", "secrets", "socket", "ssl", "sqlite3", "sqlite_utils", "requests"}
    | {"urllib3", "smtplib", "subprocess", "threading", "asyncio", "dotenv", "web3", "uuid"}
)
DATABASE = frozenset({"sqlite3", "psycopg", "sqlite_utils"})
NETWORK = frozenset({"socket", "ssl", "requests", "urllib3", "smtplib"})
SQL = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE)\b")
# Its one job is to touch the disk; everything else in its room is pure.
FILES = frozenset({"watchlist/file.py"})

# Families, kinds and lists by name: what nobody compares with outside chains and net.
NAMED = frozenset({*FAMILIES, *(kind.value for kind in Kind), *(kind.stream for kind in Kind)})

OWED: dict[str, frozenset[str]] = {
    "order": frozenset(),
    "circles": frozenset(),
    "sql": frozenset(),
    # systemd's own socket; an attempt to bind the address that is to be served.
    "network": frozenset(
        {
            "app/check/run.py",
            "loops/health/supervisor.py",
        }
    ),
    "pure": frozenset(),
    "families": frozenset(),
    "application": frozenset(),
}


def files() -> list[Path]:
    return [path for path in sorted(PACKAGE.rglob("*.py")) if path != PACKAGE / "__init__.py"]


def shown(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def module(path: Path) -> str:
    dotted = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
    return dotted.removesuffix(".__init__")


def room(dotted: str) -> str:
    """The room that a module of the package lies in."""
    return dotted.split(".")[1]


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


@cache
def modules() -> frozenset[str]:
    return frozenset(module(path) for path in files())


@cache
def imports(path: Path) -> frozenset[str]:
    """Dotted names that a file imports, also inside functions and for types alone."""
    found: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide who imports whom"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(found)


@cache
def own(path: Path) -> frozenset[str]:
    """The modules of the package that a file imports, itself left out."""
    found = set()
    for name in imports(path):
        holder = name if name in modules() else name.rpartition(".")[0]
        if holder in modules():
            found.add(holder)
    return frozenset(found - {module(path)})


def outside(path: Path) -> set[str]:
    """The top-level packages of others that a file imports."""
    return {name.split(".")[0] for name in imports(path)} - {"monitor"}


def held(rule: str, found: set[str]) -> None:
    """A rule holds but for what is owed, and nothing is owed that is kept by now."""
    assert not found - OWED[rule], "new breaches of this rule"
    assert not OWED[rule] - found, "kept by now: strike them from OWED"


def test_every_file_has_a_room() -> None:
    assert {room(name) for name in modules()} <= set(ROOMS)


def test_rooms_are_imported_in_one_order() -> None:
    held("order", {line for path in files() for line in _outwards(path)})


def _outwards(path: Path) -> Iterator[str]:
    here = room(module(path))
    for name in own(path):
        there = room(name)
        if ROOMS.index(there) > ROOMS.index(here) or (here, there) in BESIDE:
            yield f"{shown(path)} -> {name}"


def test_the_store_keeps_and_decides_nothing() -> None:
    """It knows values and chains: what a poll means, and whom it concerns, comes from outside."""
    known = ("model", "chains", "store")
    inside = [path for path in files() if room(module(path)) == "store"]
    assert not {f"{shown(p)} -> {n}" for p in inside for n in own(p) if room(n) not in known}


def test_no_circle_of_files() -> None:
    graph = {module(path): own(path) for path in files()}
    held("circles", {name for name in graph if name in _reached(graph, name)})


def _reached(graph: dict[str, set[str]], start: str) -> set[str]:
    found: set[str] = set()
    ahead = list(graph[start])
    while ahead:
        name = ahead.pop()
        if name not in found:
            found.add(name)
            ahead += graph[name]
    return found


def test_sql_lies_in_the_store() -> None:
    held("sql", {shown(p) for p in files() if room(module(p)) != "store" and _queries(p)})


def _queries(path: Path) -> bool:
    texts = (n.value for n in ast.walk(tree(path)) if isinstance(n, ast.Constant))
    return bool(outside(path) & DATABASE) or any(
        isinstance(text, str) and SQL.match(text) for text in texts
    )


# What is no act (model/acts.py) and so is written without the log: due times, turns, budgets,
# what sources and receivers were like, what is owed to whom and how its sending went.
BOOKKEEPING = frozenset(
    {
        "app/daemon.py: _shut_down",
        "store/answers.py: _forget",
        "store/answers.py: prune",
        "store/balances.py: keep",
        "store/balances.py: put_findings",
        "store/blocks.py: blinded",
        "store/blocks.py: join",
        "store/blocks.py: leave",
        "store/blocks.py: owe",
        "store/blocks.py: sighted",
        "store/blocks.py: tried",
        "store/balance_due.py: asked",
        "store/balance_due.py: completed",
        "store/budgets.py: reserve",
        "store/listing.py: made",
        "store/listing.py: put_state",
        "store/staging.py: begin",
        "store/staging.py: clear",
        "store/staging.py: prepare",
        "store/staging.py: stage",
        "store/clock.py: pull_forward",
        "store/coverage.py: change_members",
        "store/dormant.py: note",
        "store/doubts.py: forget_unwatched",
        "store/incidents.py: put_signals",
        "store/notes.py: put_note",
        "store/outbox.py: accepted",
        "store/outbox.py: claim",
        "store/outbox.py: failed",
        "store/outbox.py: freeze",
        "store/outbox.py: hurry",
        "store/outbox.py: release_claims",
        "store/owing.py: find_taker",
        "store/owing.py: mark_dust",
        "store/owing.py: move",
        "store/owing.py: pass_on",
        "store/owing.py: put_off",
        "store/owing.py: readdress",
        "store/prices.py: forget",
        "store/prices.py: put",
        "store/prices.py: tried",
        "store/scores.py: add",
        "store/second_word.py: put",
        "store/trace.py: use",
        "store/watch.py: hurry",
        "store/watch.py: turn",
        "store/ways.py: disable",
        "store/ways.py: enable",
        "store/ways.py: forget",
        "store/ways.py: note",
        "store/ways.py: settle",
    }
)
# What the log must account for, row by row.
EVIDENCE = re.compile(
    r"(INSERT INTO|INSERT OR \w+ INTO|REPLACE INTO|UPDATE|DELETE FROM) (transfer|sighting|alert|"
    r"alert_transfer|alert_log|person|member|remark|proposal(_alert)?|clock|request(_step)?|entry|entry_change|list_version|publication|list_word|trace_(word|profile|anatomy|state)|log|log_\w+|\{\})(?!\w)"
)


def test_the_record_is_changed_by_acts_or_by_what_is_listed() -> None:
    """`store.write()` is called by the one door, commit, and by bookkeeping alone."""
    written = {
        f"{shown(path)}: {function}" for path in files() for function in _writing(tree(path))
    }
    assert written - {"store/commit.py: commit"} == BOOKKEEPING


def _writing(module_: ast.Module) -> Iterator[str]:
    for function in ast.walk(module_):
        if isinstance(function, ast.FunctionDef) and any(
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "write"
            and not node.args
            for node in ast.walk(function)
        ):
            yield function.name


def test_what_the_log_accounts_for_is_changed_where_acts_are_carried_out() -> None:
    """The SQL that changes it stands beside the carriers of the acts, and alerts are inserted
    by nobody else."""
    carriers = {carry.__module__ for carry in CARRY.values()}
    carriers |= {"monitor.store.log", "monitor.store.migrations", "monitor.store.scale_schema"}
    # What lapses is written with the news that makes it lapse, by whichever act it comes.
    carriers |= {"monitor.store.desk_schema", "monitor.store.lapse"}
    changing = {
        module(path) for path in files() if any(EVIDENCE.search(t) for t in _texts(tree(path)))
    }
    assert changing <= carriers
    telling = {
        function.name
        for path in files()
        for function in ast.walk(tree(path))
        if isinstance(function, ast.FunctionDef)
        and any(_is_name(node, "insert_alerts") for node in ast.walk(function))
    }
    assert {name for name in telling if not name.startswith("carry")} == set()


def _texts(module_: ast.Module) -> Iterator[str]:
    """Every text in a file; what is put into one stands there as {}."""
    for node in ast.walk(module_):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.JoinedStr):
            yield "".join(
                str(p.value) if isinstance(p, ast.Constant) else "{}" for p in node.values
            )


def test_queries_do_not_know_what_keeps_the_record() -> None:
    """They are written against the port: another database needs another file, not others."""
    knows = {shown(p) for p in files() if outside(p) & DATABASE}
    record = {"store/sqlite.py", "store/backups.py", "store/migrations.py", "store/script.py"}
    assert knows <= {*record, "store/deskfile.py"}  # a file of its own, beside the record


def test_loops_and_pages_know_the_port_alone() -> None:
    """What keeps the record is picked by those who put the program together."""
    rooms = {room(module(path)) for path in files() if "monitor.store.sqlite" in own(path)}
    assert rooms <= {"store", "app", "cli", "demo"}


def test_connections_are_opened_in_the_net() -> None:
    held(
        "network",
        {
            shown(path)
            for path in files()
            if room(module(path)) not in ("net", "demo") and outside(path) & NETWORK
        },
    )


def test_pure_rooms_touch_nothing() -> None:
    """No clock, network, database, environment, randomness."""
    pure = [p for p in files() if room(module(p)) in PURE and shown(p) not in FILES]
    held("pure", {shown(path) for path in pure if outside(path) & IMPURE})


def test_families_and_kinds_are_told_apart_in_one_room() -> None:
    """Who asks which family a chain is of, or of which kind a row is, has to be found again
    for every new family; by the name in quotes too."""
    rooms = ("chains", "net", "demo")
    held(
        "families",
        {shown(p) for p in files() if room(module(p)) not in rooms and _tells_families_apart(p)},
    )


def _tells_families_apart(path: Path) -> bool:
    return any(
        _is_name(node.value, "Kind") or node.attr == "family"
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute)
    ) or any(
        isinstance(part, ast.Constant) and part.value in NAMED
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Compare)
        for part in (node.left, *node.comparators)
    )


def _is_name(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def test_the_whole_application_is_taken_by_few() -> None:
    """Everybody else takes the values that are needed."""
    held(
        "application",
        {
            shown(path)
            for path in files()
            if room(module(path)) not in ("app", "cli", "demo")
            and any(name.endswith(".Fundwatch") for name in imports(path))
        },
    )


# Loading these takes longer than the command itself: who needs them asks for them.
_NETWORK = ("requests", "urllib3", "web3", "eth_utils", "pydantic", "aiohttp", "apprise")
_RUNNING = ("sqlite_utils", "apscheduler", "waitress", "prometheus_client", "jinja2", "rich")
_OURS = ("monitor.loops.poll", "monitor.loops.freeze", "monitor.app.fundwatch", "monitor.demo")

_CHANGES = ("monitor.model.acts", "monitor.store.commit", "monitor.store.carry_plan")


@pytest.mark.parametrize(
    ("command", "without"),
    [
        ("--version", (*_NETWORK, *_RUNNING, *_OURS, "yaml", "sqlite3", "monitor.model")),
        ("status", (*_NETWORK, *_RUNNING, *_OURS, *_CHANGES, "Crypto", "monitor.messages")),
    ],
)
def test_commands_start_without_what_they_do_not_need(
    tmp_path: Path, command: str, without: tuple[str, ...]
) -> None:
    home = tmp_path / "home"
    script = (
        "import atexit, sys; from monitor.cli import main; sys.argv[0] = 'fundwatch'\n"
        f"atexit.register(lambda: print('loaded:', [m for m in {without} if m in sys.modules]))\n"
        "main()"
    )
    for args in (["init"], [command]):
        done = subprocess.run(
            [sys.executable, "-c", script, "--home", str(home), *args],
            capture_output=True, text=True, check=True, cwd=PACKAGE.parent,
        )  # fmt: skip
    assert done.stdout.endswith("loaded: []\n")
