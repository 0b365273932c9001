"""What people install: wheel, image, unit and completion hold what their pages promise."""

from __future__ import annotations

import itertools
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import venv
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from world.home import ROOT

import monitor
from monitor.app import daemon
from monitor.cli import common
from monitor.cli.state import status_

OURS = "10001:10001"
NOT_SOURCES = shutil.ignore_patterns(
    ".*cache", ".git", ".venv", ".tools", ".demo", ".hypothesis", "__pycache__",
    "*.egg-info", "build", "dist", "home", "secrets", "*.db",
)  # fmt: skip


def ran(*command: object, timeout: float = 60, **more: Any) -> subprocess.CompletedProcess[str]:
    """A command's exit code and what it printed."""
    words = [str(word) for word in command]
    return subprocess.run(
        words, capture_output=True, text=True, timeout=timeout, check=False, **more
    )


# -- the image -----------------------------------------------------------------------------


def instructions(text: str) -> Iterator[tuple[str, str]]:
    """(instruction, its text) of a Dockerfile, with continued lines joined."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    for line in re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines():
        if line.strip():
            word, rest = line.split(maxsplit=1)
            yield word, rest


DOCKERFILE = list(instructions((ROOT / "Dockerfile").read_text("utf-8")))
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))["services"]["fundwatch"]


def last(word: str) -> str:
    return [rest for each, rest in DOCKERFILE if each == word][-1]


def copied() -> list[str]:
    """What the build stage takes from the checkout."""
    rests = [rest.split() for word, rest in DOCKERFILE if word == "COPY" and "--" not in rest]
    return [source.rstrip("/") for rest in rests for source in rest[:-1]]


def test_image_is_as_promised() -> None:
    """Base pinned to a minor version (and a digest, once somebody with a registry has set it),
    no root, the home at /data, every process without a shell in between, and a health check
    that is a command of ours."""
    bases = [rest.split()[0] for word, rest in DOCKERFILE if word == "FROM"]
    assert bases == ["${BASE}"] * 2, "the copied environment needs the Python that made it"
    (base,) = [rest for word, rest in DOCKERFILE if word == "ARG" and rest.startswith("BASE=")]
    assert re.fullmatch(r"BASE=python:3\.\d+-slim-\w+(@sha256:[0-9a-f]{64})?", base)
    assert last("USER") == OURS
    assert "FUNDWATCH_HOME=/data" in last("ENV")
    assert json.loads(last("ENTRYPOINT")) == ["fundwatch"]
    assert json.loads(last("CMD")) == ["run"]
    health = json.loads(last("HEALTHCHECK").split(" CMD ")[1])
    assert health == ["fundwatch", "status", "--healthy"]
    options = {option for each in status_.params for option in each.opts}
    assert "--healthy" in options


def test_build_sees_what_it_copies_and_nothing_else() -> None:
    """.dockerignore lets exactly the copied files through, so that no secret can slip in."""
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    assert {rule[1:].rstrip("/") for rule in rules if rule.startswith("!")} == set(copied())


def test_hadolint_is_content() -> None:
    """The public linter of Dockerfiles has nothing to say."""
    tool = shutil.which("hadolint")
    if tool is None:
        pytest.skip("hadolint is not installed")
    done = ran(tool, ROOT / "Dockerfile")
    assert (done.returncode, done.stdout) == (0, "")


def test_compose_file_gives_no_more_than_is_needed() -> None:
    """Read-only but for home and /tmp, no capability, the image's own user; restarted, and
    given the time that a clean stop takes."""
    assert COMPOSE["read_only"] is True
    assert [mount.split(":")[0] for mount in COMPOSE["tmpfs"]] == ["/tmp"]
    assert [volume.split(":")[1] for volume in COMPOSE["volumes"]] == ["/data"]
    assert COMPOSE["user"] == OURS
    assert COMPOSE["cap_drop"] == ["ALL"]
    assert COMPOSE["security_opt"] == ["no-new-privileges:true"]
    assert COMPOSE["restart"] == "unless-stopped"
    assert int(COMPOSE["stop_grace_period"].removesuffix("s")) > daemon.STOP_WITHIN
    assert not {"privileged", "cap_add", "network_mode", "pid"} & set(COMPOSE)


def test_compose_takes_its_file() -> None:
    """Docker Compose itself reads it."""
    tool = shutil.which("docker")
    if tool is None or ran(tool, "compose", "version").returncode:
        pytest.skip("docker compose is not installed")
    done = ran(tool, "compose", "--file", ROOT / "compose.yaml", "config", "--quiet")
    assert done.returncode == 0, done.stderr


# -- the locks -----------------------------------------------------------------------------

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
EXTRAS: dict[str, list[str]] = PROJECT["project"]["optional-dependencies"]
WANTED = {  # by lock: what somebody asked for
    "requirements.lock": [],
    "requirements-extras.lock": [*EXTRAS["apprise"], *EXTRAS["demo"]],
    "requirements-dev.lock": [each for extra in EXTRAS.values() for each in extra],
    "constraints.txt": [*EXTRAS["apprise"], *EXTRAS["demo"]],
}
ALWAYS = [*PROJECT["project"]["dependencies"], *PROJECT["build-system"]["requires"]]


def locked(name: str) -> dict[str, tuple[Version, int]]:
    """What a lock pins, by normal name: its version, and how many hashes it has."""
    text = (ROOT / name).read_text("utf-8").replace("\\\n", " ")
    found = {}
    for line in text.splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            pinned, *hashes = re.split(r"\s+--hash=", line.strip())
            assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", each) for each in hashes), line
            needed = Requirement(pinned)
            (exact,) = needed.specifier
            assert exact.operator == "==", line
            found[canonicalize_name(needed.name)] = (Version(exact.version), len(hashes))
    return found


@pytest.mark.parametrize("name", WANTED)
def test_lock_holds_what_is_asked_for(name: str) -> None:
    """Every dependency and what builds us, in a version that pyproject.toml allows, with
    hashes; the same versions as everywhere; no index, no address, no path of any machine."""
    pins = locked(name)
    for text in (*ALWAYS, *WANTED[name]):
        needed = Requirement(text)
        assert pins[canonicalize_name(needed.name)][0] in needed.specifier, text
    assert all((hashes > 0) == name.endswith(".lock") for _, hashes in pins.values())
    everything = locked("requirements-dev.lock")
    assert {n: v for n, (v, _) in pins.items()} == {n: everything[n][0] for n in pins}
    assert not re.search(r"://|--(extra-)?index|--find-links|-e ", (ROOT / name).read_text("utf-8"))


def test_environment_of_the_tests_comes_from_the_lock() -> None:
    """`make` installs the lock and nothing else; CI goes through `make`."""
    makefile = (ROOT / "Makefile").read_text("utf-8")
    rule = makefile.split("$(VENV)/.installed: ")[-1].split("\n\n")[0]
    assert "--require-hashes -r requirements-dev.lock" in rule
    assert "--no-deps --no-build-isolation --editable ." in rule
    steps = (ROOT / ".ci/run").read_text("utf-8")
    assert not re.search(r"\bpip|test-newest", steps.replace("pipefail", ""))
    node = json.loads((ROOT / "tests/world/anvil/package-lock.json").read_text("utf-8"))["packages"]
    assert all(each.get("integrity") for path, each in node.items() if path)


def test_nobody_is_told_to_install_a_name() -> None:
    """No text of ours has anybody install a package by name from an index: whoever takes a
    name that we do not own would get onto a desk's machine. A folder, a file or a lock only."""
    told = []
    for path in (*ROOT.glob("*"), *(ROOT / ".ci").glob("*"), *ROOT.rglob("[a-z]*/**/*")):
        kept = path.relative_to(ROOT).parts[0] in (
            *("monitor", "config", "docs", "deploy", "README.md", "Makefile", "Dockerfile"),
            *("compose.yaml", ".ci", ".env.example", "watchlist.example.yaml", "benchmarks"),
        )
        if kept and path.is_file() and path.suffix not in {".pyc", ".png", ".ttf"}:
            text = path.read_text("utf-8").replace("\\\n", " ")
            told += re.findall(r"pip3?(?:x|3)? +install\b[^\n`]*|\$\(PIP\)[^\n`]*", text)
    assert len(told) >= 8
    assert [line for line in told if names_to_install(line)] == ["$(PIP) uv==0.13.9"]


def names_to_install(command: str) -> list[str]:
    """The words of a pip or pipx command that are neither an option nor a folder or file."""
    words = [word.strip("'\"") for word in command.partition("&&")[0].split()]
    if "install" in words:
        words = words[words.index("install") :]
    takes = {"-r", "-c", "--constraint", "--find-links", "-d"}
    free = [w for before, w in itertools.pairwise(words) if before not in takes]
    return [w for w in free if not re.match(r"[-.$]", w)]


def test_a_name_would_be_seen() -> None:
    """The look for names finds the ones that were printed once."""
    assert names_to_install('pip install "fundwatch[apprise]"') == ["fundwatch[apprise]"]
    assert names_to_install("pipx install fundwatch") == ["fundwatch"]
    assert names_to_install("pip install --no-deps -r requirements.lock .") == []


# -- the unit ------------------------------------------------------------------------------

UNIT = ROOT / "deploy/fundwatch.service"


def service() -> dict[str, list[str]]:
    """The lines of [Service]; a key may stand there several times."""
    found: dict[str, list[str]] = {}
    text = UNIT.read_text("utf-8").split("[Service]")[1].split("[Install]")[0]
    for key, value in re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE):
        found.setdefault(key, []).append(value)
    return found


def test_unit_restarts_what_a_restart_can_mend() -> None:
    """It agrees with the program about its exit codes, its time to stop and its home."""
    said = service()
    assert said["Type"] == ["notify"]
    assert said["Restart"] == ["always"]
    codes = {int(code) for code in said["RestartPreventExitStatus"][0].split()}
    assert codes == {common.BAD_INPUT, common.BUSY, common.UNFIT}
    assert int(said["TimeoutStopSec"][0]) > daemon.STOP_WITHIN
    assert said["Environment"] == [f"FUNDWATCH_HOME=/var/lib/{said['StateDirectory'][0]}"]
    assert said["LimitCORE"] == ["0"], "a core dump would hold the secrets"


def systemd(least: int) -> str:
    """The path of systemd-analyze, of this version or newer; else the test is skipped."""
    tool = shutil.which("systemd-analyze")
    if tool is None:
        pytest.skip("systemd-analyze is not installed")
    said = ran(tool, "--version").stdout
    version = re.search(r"systemd (\d+)", said)
    if version is None or int(version[1]) < least:
        pytest.skip(f"systemd-analyze is older than {least}")
    return tool


def test_unit_is_taken_by_systemd(tmp_path: Path) -> None:
    """systemd knows every line of it."""
    tool = systemd(250)
    unit = tmp_path / UNIT.name
    known = UNIT.read_text("utf-8").replace("/opt/fundwatch/bin/fundwatch", sys.executable)
    unit.write_text(known, "utf-8")
    done = ran(tool, "verify", "--recursive-errors=no", unit)
    assert (done.returncode, done.stderr) == (0, "")


def test_unit_is_locked_up() -> None:
    """systemd's own measure of exposure (0 best, 10 worst) stays at 1.2 or below."""
    done = ran(systemd(250), "security", "--no-pager", "--offline=true", "--threshold=12", UNIT)
    assert done.returncode == 0, done.stdout + done.stderr


# -- the wheel -----------------------------------------------------------------------------


def build(source: Path, target: Path, *kinds: str) -> None:
    done = ran(sys.executable, "-m", "build", "--no-isolation", "--outdir", target, *kinds, source)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from exactly what the Dockerfile copies."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in copied():
        source, target = ROOT / name, folder / "src" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=NOT_SOURCES)
        else:
            shutil.copy2(source, target)
    build(folder / "src", folder / "out", "--wheel")
    return next((folder / "out").glob("*.whl"))


def names(wheel: Path) -> set[str]:
    return set(zipfile.ZipFile(wheel).namelist())


def test_wheel_holds_everything(wheel: Path) -> None:
    """Every file of the program, of its shipped settings and its docs, the licences, no test."""
    files = {
        *(path for path in (ROOT / "monitor").rglob("*") if path.is_file()),
        *(path for path in (ROOT / "config").rglob("*") if path.is_file()),
        *(
            path
            for path in (ROOT / "docs").iterdir()
            if path.suffix in {".json", ".md", ".png", ".svg"}
        ),
    }
    kept = {f"{path.relative_to(ROOT)}" for path in files if "__pycache__" not in path.parts}
    expected = {re.sub("^(config|docs)/", r"monitor/\1/", name) for name in kept}
    got = names(wheel)
    assert expected - got == set()
    extra = {"monitor/config/watchlist.example.yaml", "monitor/config/.env.example"}
    rest = {name for name in got - expected - extra if ".dist-info/" not in name}
    assert rest == set()
    assert {n.rsplit("/", 1)[1] for n in got if "/licenses/" in n} == {"LICENSE", "NOTICE"}


def test_wheel_says_what_it_is(wheel: Path) -> None:
    """A package index would show licence, page, versions; and refuses none of it."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [n for n in archive.namelist() if n.endswith(".dist-info/METADATA")]
        head, body = archive.read(name).decode().split("\n\n", 1)
    lines = head.splitlines()
    assert "License-Expression: Apache-2.0" in lines
    assert "Description-Content-Type: text/markdown" in lines
    assert f"Version: {monitor.__version__}" in lines
    assert body.startswith("# Fundwatch")
    assert not [line for line in lines if line.startswith("Classifier: License ::")]


def test_source_package_builds_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    """The sdist holds all that is needed to build, and docs and tests beside it."""
    shutil.copytree(ROOT, tmp_path / "src", ignore=NOT_SOURCES)
    build(tmp_path / "src", tmp_path / "out")
    (again,) = (tmp_path / "out").glob("*.whl")
    assert names(again) == names(wheel)
    (packed,) = (tmp_path / "out").glob("*.tar.gz")
    with tarfile.open(packed) as archive:
        inside = {name.split("/", 1)[-1] for name in archive.getnames()}
    assert {
        "docs/install.md",
        "tests/world/home.py",
        "deploy/fundwatch.service",
        "Makefile",
    } <= inside
    assert set(WANTED) <= inside
    assert not [name for name in inside if name.endswith(".pyc")]


@dataclass(frozen=True)
class Installed:
    """A virtual environment with the wheel in it, and a folder elsewhere to work in.

    Its dependencies are those of the tests' environment, by a path: the editable install of
    this checkout, which stands there too, is not found that way."""

    python: Path
    command: Path
    elsewhere: Path

    def run(self, command: Path, *args: str, code: int = 0, timeout: float = 60, **env: str) -> str:
        """What it prints on both outputs, without a trace of the checkout in its surroundings."""
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "FUNDWATCH"))}
        done = ran(command, *args, timeout=timeout, cwd=self.elsewhere, env={**clean, **env})
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder / "venv", symlinks=True, with_pip=False)
    python = folder / "venv/bin/python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
    done = ran(*pip, "--no-deps", "--no-index", wheel)
    assert done.returncode == 0, done.stderr
    (site,) = (folder / "venv/lib").glob("python*/site-packages")
    here = dict.fromkeys(sysconfig.get_path(name) for name in ("purelib", "platlib"))
    (site / "dependencies.pth").write_text("\n".join(here) + "\n", "utf-8")
    (folder / "elsewhere").mkdir()
    return Installed(python, folder / "venv/bin/fundwatch", folder / "elsewhere")


def test_installed_command_needs_no_checkout(installed: Installed) -> None:
    """From another folder: a home is made, checked and read, by the installed files only."""
    where = installed.run(installed.python, "-c", "import monitor; print(monitor.__file__)")
    assert Path(where.strip()).is_relative_to(installed.python.parents[1])
    assert monitor.__version__ in installed.run(installed.command, "--version")
    assert "created" in installed.run(installed.command, "--home", "new", "init", "--example")
    said = installed.run(installed.command, "--home", "new", "check", "--offline", code=1)
    assert "WATCHLIST" in said
    failed = [line for line in said.splitlines() if line.lstrip().startswith("FAIL ")]
    assert ["no channel is set up" in line for line in failed] == [True]
    well = installed.run(installed.command, "--home", "new", "status", "--healthy", code=1)
    assert "no Fundwatch runs" in well


@pytest.mark.slow
def test_installed_demo_plays(installed: Installed) -> None:
    """The whole story, from the wheel alone: its verdict is that nothing was missed."""
    installed.run(installed.command, "demo", timeout=300)


# -- completion ----------------------------------------------------------------------------


def complete(installed: Installed, words: Sequence[str]) -> list[str]:
    """What bash would offer after these words, the last one begun."""
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("bash is not installed")
    script = (
        'eval "$(_FUNDWATCH_COMPLETE=bash_source fundwatch)"; '
        'COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); '
        '_fundwatch_completion fundwatch; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    path = f"{installed.command.parent}{os.pathsep}{os.environ['PATH']}"
    return installed.run(Path(bash), "-c", script, "bash", *words, PATH=path).split()


def test_bash_completes(installed: Installed) -> None:
    """Commands, commands of groups, options and choices."""
    assert complete(installed, ["fundwatch", "wat"]) == ["watchlist"]
    assert complete(installed, ["fundwatch", "alerts", "cl"]) == ["close"]
    assert complete(installed, ["fundwatch", "status", "--hea"]) == ["--healthy"]
    assert complete(installed, ["fundwatch", "transfers", "--format", "j"]) == ["jsonl"]


@pytest.mark.parametrize(
    ("shell", "line"),
    [("zsh", "#compdef fundwatch"), ("fish", "complete --no-files --command fundwatch")],
)
def test_other_shells_are_served(installed: Installed, shell: str, line: str) -> None:
    """Each gets a script in its own language."""
    said = installed.run(installed.command, _FUNDWATCH_COMPLETE=f"{shell}_source")
    assert line in said
