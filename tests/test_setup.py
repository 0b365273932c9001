"""`fundwatch init`: a complete home folder, and never a file overwritten."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest
from world.home import Home

from monitor.app import setup
from monitor.app.home import open_home
from monitor.app.settings.load import load
from monitor.model.errors import ConfigError
from monitor.store import guard, watch
from monitor.store.sqlite import Store


def uncommented(text: str) -> str:
    """As a person does it: the # at the start of each line goes."""
    return re.sub(r"(?m)^# ?", "", text)


def test_everything_that_is_made_can_be_read_by_the_program(tmp_path: Path) -> None:
    """Settings load without a mistake, the list is empty and whole, the record opens."""
    home = tmp_path / "new" / "folder"
    setup.init(home, example=False)
    settings = load(home, {})
    assert settings.notes[-1] == "no channel is set up: nobody is told"
    with open_home(home, {}) as app:
        assert app.reload() == ()
        assert watch.all_entries(app.store) == []


def test_every_shown_line_of_the_stubs_is_a_line_that_is_accepted(tmp_path: Path) -> None:
    """With the # signs taken away, as the stubs say, channels, sources and chains load."""
    setup.init(tmp_path, example=False)
    for name in ("channels", "sources", "chains"):
        path = tmp_path / "config" / f"{name}.yaml"
        head, body = path.read_text("utf-8").split(f"# {name}:\n")
        path.write_text(f"{head}{name}:\n" + uncommented(body), "utf-8")
    environ = {"SMTP_USER": "u", "SMTP_PASSWORD": "p", "HOOK_SECRET": "s" * 24}
    settings = load(tmp_path, environ)
    assert set(settings.channels) == {"desk-mail", "case-tool"}
    assert settings.chains["ethereum"].sources == ("my-node",)
    assert settings.sources["my-node"].rate_per_second == 20


def test_the_shown_address_block_fits_where_it_stands(tmp_path: Path) -> None:
    """The commented block of the empty list becomes an entry once its # signs are gone."""
    setup.init(tmp_path, example=False)
    path = tmp_path / "watchlist.yaml"
    head, block = path.read_text("utf-8").split("# addresses:\n")
    block = uncommented(block).replace("0x...", "0x" + "a" * 40)
    path.write_text(f"{head}addresses:\n{block}", "utf-8")
    with open_home(tmp_path, {}) as app:
        assert app.reload() == ()
        assert [w.entry.case for w in watch.all_entries(app.store)] == ["NK-07"]


def test_a_second_run_changes_no_byte(tmp_path: Path) -> None:
    """What a person has written stays, and each file is told as kept."""
    setup.init(tmp_path, example=False)
    (tmp_path / ".env").write_text("ETHERSCAN_KEY=mine\n", "utf-8")
    (tmp_path / "config/channels.yaml").unlink()
    files = [p for p in tmp_path.rglob("*") if p.is_file()]
    before = {p: p.read_bytes() for p in files}
    lines = setup.init(tmp_path, example=True)
    assert {p: p.read_bytes() for p in files} == before
    words = {
        line.split()[1]: line.split()[0] for line in lines if line[:7] in ("created", "kept   ")
    }
    assert words.pop("config/channels.yaml") == "created"
    assert set(words.values()) == {"kept"}
    assert any("--example changed nothing" in line for line in lines)


def test_secrets_are_for_this_user_only(tmp_path: Path) -> None:
    """A new folder is closed to others and .env has mode 0600, whatever the umask."""
    home = tmp_path / "closed"
    setup.init(home, example=False)
    assert stat.S_IMODE((home / ".env").stat().st_mode) == 0o600
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


def test_the_example_is_a_list_that_is_taken_whole(tmp_path: Path) -> None:
    """`--example` fills the list with entries of three families of chains."""
    Home(tmp_path).run("init", "--example")
    with open_home(tmp_path, {}) as app:
        assert app.reload() == ()
        chains = {w.entry.subject.chain for w in watch.all_entries(app.store)}
    assert {"ethereum", "bitcoin", "tron"} <= chains
    Store(tmp_path / guard.DATABASE, readonly=True).close()


def test_a_folder_that_cannot_be_made_is_told_with_its_place(tmp_path: Path) -> None:
    """A file where the folder should be: place, reason and remedy, no traceback."""
    (tmp_path / "taken").write_text("", "utf-8")
    with pytest.raises(ConfigError) as caught:
        setup.init(tmp_path / "taken", example=False)
    assert str(tmp_path / "taken") in str(caught.value)
    assert "may write to" in caught.value.problems[0].remedy
