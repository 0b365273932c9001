"""The docs tell everything that exists, link to what is there, and their examples load."""

from __future__ import annotations

import json
import re
import runpy
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

import click
import pytest
import test_imports

from monitor import cli
from monitor.app import setup
from monitor.app.settings import channels, lists, load, sources
from monitor.app.settings.chains import ASSET_KEYS, CHAIN_KEYS
from monitor.cli import common
from monitor.model import AlertKind, Kind, Severity, Status
from monitor.model.lists import KINDS
from monitor.model.settings import DESKS
from monitor.net.channels import CHANNELS
from monitor.net.sources import SOURCES
from monitor.watchlist import entries, follow
from monitor.watchlist.addressbook import COLUMNS
from monitor.watchlist.values import CHOICES

ROOT = Path(__file__).resolve().parents[1]
FIRST = [ROOT / name for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md")]
PAGES = [*FIRST, *sorted((ROOT / "docs").glob("*.md"))]
MADE = ROOT / "docs/commands.md"  # by docs/make_commands.py: it proves nothing about the others
TEXT = "\n".join(page.read_text("utf-8") for page in PAGES if page != MADE)
FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


def commands(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    """Every command that does something by itself, with what one types."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from commands(inner, f"{path} {name}")
    else:
        yield path, command


COMMANDS = dict(commands(cli.main, "fundwatch"))
# Options of other programs (Docker, pip, sudo's commands) that the pages name.
FOREIGN = {
    *("--build-arg", "--cap-drop", "--force", "--home-dir", "--name", "--no-index", "--now"),
    *("--pull", "--read-only", "--restart", "--rm", "--security-opt", "--shell"),
    *("--stop-timeout", "--system", "--tmpfs"),
    *("--constraint", "--find-links", "--no-build-isolation", "--no-deps", "--pip-args"),
    *("--require-hashes", "--from", "--to"),
}


@pytest.mark.parametrize("path", COMMANDS)
def test_command_is_told(path: str) -> None:
    """Every command stands in the docs, and every option of it in the same table row or
    paragraph."""
    short = path.removeprefix("fundwatch ")
    rows = [line for line in TEXT.splitlines() if path in line or f"`{short}" in line]
    assert rows, path
    for option in COMMANDS[path].params:
        if isinstance(option, click.Option) and not option.hidden:
            assert any(max(option.opts, key=len) in row for row in rows), option.opts


def test_options_of_the_program_are_told() -> None:
    """So are those before the command."""
    for option in cli.main.params:
        assert isinstance(option, click.Option)
        assert max(option.opts, key=len) in TEXT


def test_every_option_that_is_told_exists() -> None:
    """The docs name no option that no command has, ours or that of a program named there."""
    every = [p for c in (cli.main, *COMMANDS.values()) for p in c.params]
    known = {o for p in every for o in (*p.opts, *p.secondary_opts)}
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", TEXT))
    assert named - known - {"--help"} - FOREIGN == set()


def test_every_option_explains_itself() -> None:
    """No option is shown by its bare name."""
    bare = [
        f"{path} {option.opts[0]}"
        for path, command in COMMANDS.items()
        for option in command.params
        if isinstance(option, click.Option) and not option.help and not option.hidden
    ]
    assert bare == []


@pytest.mark.parametrize("path", COMMANDS)
def test_command_shows_an_example(path: str) -> None:
    """The help of every command that does something has one, and it is that command."""
    example = (COMMANDS[path].help or "").partition("Example\n")[2]
    words = [word for word in path.split() if word != "fundwatch"]
    assert re.search(r"fundwatch\b.*\b" + r"\b.*".join(words), example), path


def test_commands_page_is_up_to_date() -> None:
    """docs/commands.md is what the commands say of themselves; after a change: make docs."""
    made = runpy.run_path(str(ROOT / "docs/make_commands.py"))["page"]()
    # Word by word: where lines are broken is click's matter, and changes with its versions.
    assert MADE.read_text("utf-8").split() == made.split(), "run: make docs"


def fields() -> list[str]:
    """Of the published schema."""
    schema = json.loads((ROOT / "docs/webhook.schema.json").read_text("utf-8"))
    return [*schema["$defs"]["transfer"]["properties"], *schema["$defs"]["alert"]["properties"]]


EXPECTED: dict[str, tuple[str, Iterable[str]]] = {
    "sources": ("README.md", SOURCES),
    "sources and their urls": ("docs/settings.md", SOURCES),
    "channels": ("docs/settings.md", CHANNELS),
    "chain keys": ("docs/settings.md", CHAIN_KEYS),
    "source keys": ("docs/settings.md", sources.SOURCE_KEYS),
    "asset keys": ("docs/settings.md", ASSET_KEYS),
    "channel keys": ("docs/settings.md", chain(*(row.keys for row in channels.KINDS.values()))),
    "keys of published lists": ("docs/settings.md", lists.KEYS),
    "kinds of published lists": ("docs/settings.md", KINDS),
    "settings": ("docs/settings.md", load.SETTING_KEYS),
    "files": ("docs/settings.md", [f"config/{name}.yaml" for name in load.FILES]),
    "lists": ("docs/watchlist.md", entries.TOP_KEYS),
    "cases": ("docs/watchlist.md", entries.CASE_KEYS),
    "addresses": ("docs/watchlist.md", entries.BLOCK_KEYS),
    "following": ("docs/watchlist.md", follow.KEYS),
    "desks": ("docs/settings.md", DESKS),
    "choices": ("docs/watchlist.md", chain(*CHOICES.values())),
    "kinds of transfers": ("docs/integrating.md", [kind.value for kind in Kind]),
    "kinds of alerts": ("docs/integrating.md", [kind.value for kind in AlertKind]),
    "statuses": ("docs/integrating.md", [status.value for status in Status]),
    "severities": ("docs/integrating.md", [severity.value for severity in Severity]),
    "fields": ("docs/integrating.md", fields()),
    "shipped chains": ("README.md", load.load(ROOT / "docs", {}).chains),
}


@pytest.mark.parametrize("what", EXPECTED)
def test_everything_is_told(what: str) -> None:
    """Every kind, key and value that a person or a program may meet is on its page."""
    page, names = EXPECTED[what]
    spans = re.findall(r"`([^`\n]+)`", (ROOT / page).read_text("utf-8"))
    assert set(names) - set(re.findall(r"[\w./-]+", " ".join(spans))) == set()


def test_exit_codes_are_told() -> None:
    """The table of exit codes has each of them."""
    page = (ROOT / "docs/operating.md").read_text("utf-8")
    rows = {int(code) for code in re.findall(r"^\| (\d+) \|", page, re.MULTILINE)}
    assert {common.DONE, common.UNREAD, common.BAD_INPUT, common.BUSY} <= rows


def links(page: Path) -> list[tuple[str, str]]:
    """(path, section) of every relative link and picture of a page; either may be empty."""
    text = FENCE.sub("", page.read_text("utf-8"))
    found = re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r'src="([^"]+)"', text)
    parts = [link.partition("#") for link in found if "://" not in link]
    return [(path, section) for path, _, section in parts]


def sections(page: Path) -> set[str]:
    """The names under which GitHub and others link the headings of a page."""
    heads = re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text("utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_resolve(page: Path) -> None:
    """Every relative link and picture leads to a file, and to a section that it has."""
    missing = []
    for path, section in links(page):
        target = page.parent / path if path else page
        if not target.exists() or (section and section not in sections(target)):
            missing.append(f"{path}#{section}")
    assert missing == []


def test_every_page_is_reached_from_the_first() -> None:
    """The README leads to every page of docs/, straight or over others."""
    seen: set[Path] = set()
    todo = [ROOT / "README.md"]
    while todo:
        page = todo.pop().resolve()
        if page not in seen and page.suffix == ".md":
            seen.add(page)
            todo += [page.parent / path for path, _ in links(page) if path]
    assert set(PAGES) - seen == set()


def test_install_page_agrees_with_what_is_installed() -> None:
    """Owner, folders and files that it names are those of image and unit."""
    page = (ROOT / "docs/install.md").read_text("utf-8")
    unit = (ROOT / "deploy/fundwatch.service").read_text("utf-8")
    image = (ROOT / "Dockerfile").read_text("utf-8")
    assert set(re.findall(r"\b1\d{4}\b", page)) == set(re.findall(r"\b1\d{4}\b", image))
    for folder in ("/opt/fundwatch", "/var/lib/fundwatch"):
        assert folder in page
        assert folder in unit
    shown = re.findall(r"_FUNDWATCH_COMPLETE=(\w+)", page)
    assert shown == ["bash_source", "zsh_source", "fish_source"]


def blocks(language: str) -> list[tuple[str, str]]:
    """(page, text) of every fenced block of a language, without its indent."""
    return [
        (page.name, re.sub(f"(?m)^{indent}", "", body))
        for page in PAGES
        for indent, kind, body in FENCE.findall(page.read_text("utf-8"))
        if kind == language
    ]


YAML = blocks("yaml")
IDS = [f"{page} {body.split()[0]}" for page, body in YAML]


@pytest.mark.parametrize(("page", "body"), YAML, ids=IDS)
def test_example_loads(page: str, body: str, tmp_path: Path) -> None:
    """Every YAML example is taken by the real parsers without a word."""
    secrets = {"SMTP_USER": "u", "SMTP_PASSWORD": "p", "HOOK_SECRET": "s"}
    secrets |= dict.fromkeys(("SLACK_URL", "TEAMS_URL", "DISCORD_URL"), "https://chat.example/x")
    secrets["FUNDWATCH_SSO"] = "s"
    secrets["APPRISE_URLS"] = "json://one.example json://two.example"
    node = "sources:\n  my-node: {kind: evm_rpc, url: 'http://127.0.0.1:8545'}\n"
    (tmp_path / "config").mkdir()
    (tmp_path / "config/sources.yaml").write_text(node)
    tops = set(re.findall(r"^(\w+):", body, re.MULTILINE))
    if tops <= set(entries.TOP_KEYS):
        chains = load.load(tmp_path, {}).chains
        parsed = entries.parse(body, chains)
        assert parsed.problems == ()
        assert parsed.entries
        return
    name = tops.pop() if tops <= set(load.FILES) else "settings"
    (tmp_path / f"config/{name}.yaml").write_text(body)
    load.load(tmp_path, secrets)


FIRST_STEPS = [(page, body) for page, body in YAML if page == "README.md"]


@pytest.mark.parametrize(("page", "body"), FIRST_STEPS, ids=lambda text: text.split()[0])
def test_first_steps_can_be_pasted(page: str, body: str, tmp_path: Path) -> None:
    """A block of the README at the end of the file that `init` made is what that file says."""
    home = tmp_path / page
    setup.init(home, example=False)
    name = "watchlist.yaml" if "addresses:" in body else "config/channels.yaml"
    with (home / name).open("a", encoding="utf-8") as file:
        file.write("\n" + body)
    loaded = load.load(home, {})
    if name == "watchlist.yaml":
        parsed = entries.parse((home / name).read_bytes(), loaded.chains)
        assert parsed.problems == ()
        assert len(parsed.entries) == 1
    else:
        assert list(loaded.channels) == ["desk-mail"]


def test_address_book_example_loads(tmp_path: Path) -> None:
    """The example of addressbook.csv is one, with every column."""
    (body,) = [text for _, text in blocks("") if text.startswith("address,")]
    assert body.splitlines()[0] == ",".join(COLUMNS)
    (tmp_path / "addressbook.csv").write_text(body)
    (line,) = [k for k in load.load(tmp_path, {}).addressbook.values() if not k.shipped]
    assert line.category == "exchange"


def test_rooms_are_told_in_their_order() -> None:
    """The page on how it is built has the rooms that the imports are held against."""
    page = (ROOT / "docs/architecture.md").read_text("utf-8")
    rooms = [room for room in test_imports.ROOMS if room != "__main__"]
    assert re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE) == rooms


def test_tests_that_are_named_exist() -> None:
    """Who follows a recipe finds the tests that it names."""
    named = set(re.findall(r"\btest_\w+\.py", TEXT))
    assert len(named) > 20
    assert {name for name in named if not (ROOT / "tests" / name).is_file()} <= {
        "test_source_KIND.py"
    }


def test_first_screen_names_what_the_makefile_has() -> None:
    """The commands of the first screen are targets of the Makefile."""
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z]+)\b +#", TEXT))
    assert named == {"demo", "test"}
    assert named <= targets
