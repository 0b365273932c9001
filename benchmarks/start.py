"""What it costs to start a command: CPU of the whole process, beside that of a bare Python.

python benchmarks/start.py [--times 15] [--json FILE]
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from common import arguments, median, show

BARE = "python -c pass"  # outside the virtual environment, whose loading is part of ours
ROOT = Path(__file__).resolve().parents[1]
COMPILED = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}


def cpu(*args: str) -> float:
    """Seconds of CPU, user and system, of one process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(args, cwd=ROOT, env=COMPILED, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    args = arguments(__doc__ or "", times=15).parse_args()
    with tempfile.TemporaryDirectory() as home:
        program = (sys.executable, "-m", "monitor")
        subprocess.run(
            (*program, "--home", home, "init"), cwd=ROOT, check=True, stdout=subprocess.DEVNULL
        )
        commands = {
            BARE: (getattr(sys, "_base_executable", sys.executable), "-c", "pass"),
            "fundwatch --version": (*program, "--version"),
            "fundwatch status": (*program, "--home", home, "status"),
            "fundwatch transfers": (*program, "--home", home, "transfers"),
        }
        # In turns, so that a busy moment of the machine meets all of them.
        spent = [
            {name: cpu(*command) for name, command in commands.items()}
            for _ in range(args.times + 1)
        ]
    taken = {name: [each[name] for each in spent[1:]] for name in commands}  # the first compiles
    bare = median(taken[BARE])
    show(
        [
            {
                "command": name,
                "CPU ms": round(1000 * median(times)),
                "of a bare Python": round(median(times) / bare, 1),
            }
            for name, times in taken.items()
        ],
        args.json,
    )


if __name__ == "__main__":
    main()
