"""Who may import whom, as the design says: values, pure code, edges, loops, outside."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "monitor"

# Every module of the package, by layer. A new module needs a place here.
LAYERS: dict[str, tuple[str, ...]] = {
    "values": ("errors", "model", "ports", "plan", "chains", "scripts", "segwit"),
    "pure": (
        *("absence", "coverage", "heads", "decide", "decide_rows", "doubts", "news", "proof"),
        *("lanes", "unusual", "incidents", "plain", "records"),
        *(
            "messages",
            "sheets",
            "chat",
            "yamltext",
            "watchlist",
            "watchlist_values",
            "watchlist_edit",
        ),
        *("config_rows", "config_chains", "config_channels", "addressbook", "budget"),
        *("chain_names", "watchlist_cells", "watchlist_tables", "watchlist_json"),
        *("watchlist_import", "watchlist_export"),
        *("links", "routing", "value", "verdict", "issuers", "hidden"),
    ),
    "edges": ("http", "net", "log", "settings", "inbox", "sources", "channels", "prices", "store"),
    "loops": (
        "faultlog",
        *(
            "headwatch",
            "headkeep",
            "reader",
            "questions",
            "history",
            "poll",
            "crowds",
            "freezing",
            "outbox",
        ),
        "pricing",
    ),
    "outside": (
        *("app", "watchlist_file", "daemon", "watchdesk", "actions", "setup", "cli"),
        *("lookup", "hands"),
        *("__main__", "demo", "check_channels"),
        *("check", "check_cost", "check_prices", "check_probe", "check_report", "check_sources"),
        *("status", "status_text", "daybook", "restore", "health", "alive", "web", "vitals"),
        *("guard", "recordwatch", "emergency"),
    ),
}
ORDER = tuple(LAYERS)
LAYER_OF = {name: layer for layer, names in LAYERS.items() for name in names}
# What pure code may not have: clock, randomness, environment, network, database.
IMPURE = frozenset(
    {"time", "os", "random", "secrets", "socket", "ssl", "sqlite3", "sqlite_utils", "requests"}
    | {"urllib3", "smtplib", "subprocess", "threading", "asyncio", "dotenv", "web3", "uuid"}
)
# Edges that other edges stand on.
SHARED_EDGES = {
    "sources": {"http", "net"},
    "channels": {"net"},
    "prices": {"http"},
    "http": {"net"},
}


def part(path: Path) -> str:
    """The module below `monitor`, or the folder that it lies in."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def modules() -> list[Path]:
    return [path for path in sorted(PACKAGE.rglob("*.py")) if path != PACKAGE / "__init__.py"]


def imports(path: Path) -> Iterator[str]:
    """Dotted names that a module imports, also inside functions; not those that only type
    checkers see."""
    tree = ast.parse(path.read_text("utf-8"))
    hidden = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in hidden:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide who imports whom"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def own(path: Path) -> set[str]:
    """The parts of the package that a module imports, itself left out."""
    dotted = (name.split(".") for name in imports(path) if name.startswith("monitor."))
    return {names[1] for names in dotted} - {part(path), "__version__"}


def shown(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def test_every_module_has_a_layer() -> None:
    """A module without a place in the table, or a place without a module, is a mistake."""
    assert {part(path) for path in modules()} == set(LAYER_OF)


@pytest.mark.parametrize("path", modules(), ids=shown)
def test_no_module_imports_upwards(path: Path) -> None:
    """A module knows its own layer and those below it."""
    layer = ORDER.index(LAYER_OF[part(path)])
    above = {name for name in own(path) if ORDER.index(LAYER_OF[name]) > layer}
    assert not above


@pytest.mark.parametrize("path", [p for p in modules() if LAYER_OF[part(p)] == "edges"], ids=shown)
def test_edges_do_not_know_each_other(path: Path) -> None:
    """Siblings of the edge never import each other; sources and channels share the network."""
    siblings = {name for name in own(path) if LAYER_OF[name] == "edges"}
    assert siblings <= SHARED_EDGES.get(part(path), set())


@pytest.mark.parametrize(
    "path", [p for p in modules() if LAYER_OF[part(p)] in ("values", "pure")], ids=shown
)
def test_pure_code_touches_nothing(path: Path) -> None:
    """Values and pure code have no clock, network, database, environment, randomness."""
    assert not {name.split(".")[0] for name in imports(path)} & IMPURE


def test_commands_start_without_what_only_some_need() -> None:
    """Loading these takes longer than most commands take: nodes and services ask for them."""
    heavy = ("web3", "eth_utils", "pydantic", "aiohttp", "apprise")
    script = f"import sys, monitor.cli; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True,
        cwd=PACKAGE.parent,
    )  # fmt: skip
    assert done.stdout.strip() == "[]"
