"""A home folder for tests, and the real command on it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


@dataclass
class Home:
    """A folder with settings as given; `run` is what a person types."""

    path: Path

    def write(self, name: str, content: object) -> None:
        """A settings file from a value (JSON is YAML), or a file from a text."""
        target = self.path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        text = content if isinstance(content, str) else json.dumps(content)
        target.write_text(text, "utf-8")

    def command(self, *args: str) -> list[str]:
        return [sys.executable, "-m", "monitor", "--home", str(self.path), *args]

    def run(self, *args: str, code: int | None = 0, timeout: float = 240) -> str:
        """Run a command to its end; returns standard output. `code` None: any exit code."""
        done = subprocess.run(
            self.command(*args),
            capture_output=True,
            text=True,
            timeout=timeout,
            cwd=ROOT,
            env=environment(),
            check=False,
        )
        if code is not None and done.returncode != code:
            raise AssertionError(
                f"{args}: exit {done.returncode}, not {code}\n{done.stdout}\n{done.stderr}"
            )
        return done.stdout if code == 0 else done.stdout + done.stderr

    def start(self, *args: str) -> subprocess.Popen[bytes]:
        """Start a command and leave it running; its output goes to a file beside the record."""
        log = (self.path / "output.log").open("ab")
        return subprocess.Popen(
            self.command(*args), cwd=ROOT, env=environment(), stdout=log, stderr=log
        )

    def lines(self, *args: str) -> list[dict[str, Any]]:
        """The JSON lines of a command."""
        return [json.loads(line) for line in self.run(*args).splitlines()]

    def transfers(self, *args: str) -> list[dict[str, Any]]:
        return self.lines("transfers", "--format", "jsonl", *args)

    def alerts(self, *args: str) -> list[dict[str, Any]]:
        return self.lines("alerts", "list", "--format", "jsonl", *args)


def environment() -> Mapping[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def stop(process: subprocess.Popen[bytes], how: signal.Signals = signal.SIGTERM) -> int:
    process.send_signal(how)
    return process.wait(30)


def evm_home(path: Path, url: str, kind: str, addresses: Sequence[str], **source: object) -> Home:
    """A home that watches addresses of the local EVM chain through one source."""
    home = Home(path)
    home.write(
        "config/chains.yaml",
        {"chains": {"dev": {
            "family": "evm", "chain_id": 31337, "native": {"symbol": "ETH", "decimals": 18},
            "finality": 12, "sources": ["mine"],
        }}},
    )  # fmt: skip
    home.write(
        "config/sources.yaml",
        {"sources": {"mine": {"kind": kind, "url": url, "rate_per_second": 1000, **source}}},
    )
    home.write(
        "watchlist.yaml",
        {"addresses": [{"address": a, "chain": "dev", "label": f"watched {i}"}
                       for i, a in enumerate(addresses)]},
    )  # fmt: skip
    return home
