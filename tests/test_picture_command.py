"""`trace picture` over recorded states: which bytes, which file, what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import trace_values as story
from click.testing import CliRunner

from monitor.cli import main


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A record with two states: no method was chosen in the first."""
    first = story.trace()
    second = replace(first, method="fifo", method_by="M. Weber", method_why="law")
    folder = tmp_path_factory.mktemp("picture") / "home"
    return story.kept(folder, (story.START, first), (story.START + 90_000, second))


def run(home: Path, *args: object) -> str:
    """What the command prints, or the sentence that it refuses with."""
    # As people type it: a command that is run alone keeps another help for the whole process.
    typed = ["--home", str(home), "trace", "picture", *(str(each) for each in args)]
    done = CliRunner().invoke(main, typed)
    if done.exit_code == 2:
        return f"refused: {done.stderr}"
    assert done.exit_code == 0, done.output
    return done.stdout


def test_the_same_bytes_whenever_a_state_is_drawn(home: Path, tmp_path: Path) -> None:
    for ending in ("svg", "png"):
        one, other = tmp_path / f"one.{ending}", tmp_path / f"other.{ending.upper()}"
        assert run(home, "CRANE-01", "--out", one).startswith(f"{one}: State 2 of")
        run(home, "CRANE-01", "--out", other)
        assert one.read_bytes() == other.read_bytes()
    assert (tmp_path / "one.svg").read_text("utf-8").startswith("<svg ")
    assert (tmp_path / "one.png").read_bytes().startswith(b"\x89PNG")
    assert sorted(each.name for each in tmp_path.iterdir()) == [
        *("one.png", "one.svg", "other.PNG", "other.SVG"),
    ]


def test_it_is_one_of_the_commands(home: Path, tmp_path: Path) -> None:
    out = tmp_path / "crane.svg"
    done = CliRunner().invoke(
        main, ["--home", str(home), "trace", "picture", "CRANE-01", "--out", str(out)]
    )
    assert done.exit_code == 0, done.output
    assert out.exists()


def test_as_it_stood(home: Path, tmp_path: Path) -> None:
    out = tmp_path / "then.svg"
    done = run(home, "CRANE-01", "--out", out, "--as-of", "2023-11-14")
    assert "State 1 of 2023-11-14 22:13:20 UTC" in done
    assert "NOT EVERYTHING IS READ" in done
    then = out.read_text("utf-8")
    assert "State 1 of" in then
    assert "no method is chosen yet" in then
    run(home, "CRANE-01", "--out", out)
    assert "Traced by FIFO, chosen by M. Weber" in out.read_text("utf-8")


def test_what_cannot_be_written_is_refused_with_a_remedy(home: Path, tmp_path: Path) -> None:
    for out, words in (
        (tmp_path / "crane.pdf", "is neither .svg nor .png"),
        (tmp_path / "crane", "Name a file that ends in .svg"),
        (tmp_path / "nowhere" / "crane.svg", "cannot be made (No such file or directory)"),
    ):
        done = run(home, "CRANE-01", "--out", out)
        assert done.startswith("refused: ")
        assert words in done
    (tmp_path / "folder.svg").mkdir()
    done = run(home, "CRANE-01", "--out", tmp_path / "folder.svg")
    assert done.startswith("refused: ")
    assert "was not written" in done
    assert [each.name for each in tmp_path.iterdir()] == ["folder.svg"], "nothing half is left"


def test_an_unknown_case_leaves_the_file_as_it_was(home: Path, tmp_path: Path) -> None:
    out = tmp_path / "crane.svg"
    out.write_text("mine")
    done = run(home, "HERON", "--out", out)
    assert done.startswith("refused: ")
    assert "is no case of the record" in done
    assert out.read_text() == "mine"
