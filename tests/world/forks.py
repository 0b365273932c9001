"""Commands as processes of their own, without importing the program anew for each.

A server process has imported the commands once; for each command it forks. What runs is a
real process with its own environment, folder, output and exit code; only the half second
that Python takes to load the libraries is saved, which is most of what a short test costs.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def run(
    args: Sequence[str], env: Mapping[str, str], timeout: float
) -> subprocess.CompletedProcess[str]:
    """`python -m monitor ARGS` in the project's folder; its outcome as subprocess.run gives
    it. Raises subprocess.TimeoutExpired after the process has been killed."""
    with tempfile.TemporaryDirectory(prefix="fundwatch-run-") as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        process, late = Process(args, env, out, err), False
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            late = True
            process.kill()
        code = process.wait()
        said = [path.read_bytes().decode("utf-8", "replace") for path in (out, err)]
        if late:
            raise subprocess.TimeoutExpired(process.args, timeout, *said)
        return subprocess.CompletedProcess(process.args, code, *said)


class Process:
    """A command that runs, its output at the end of these files; what subprocess.Popen says of
    one, as far as tests ask."""

    def __init__(self, args: Sequence[str], env: Mapping[str, str], out: Path, err: Path) -> None:
        self.args = list(args)
        self.returncode: int | None = None
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(_server())
        asked = {"args": self.args, "env": dict(env), "out": str(out), "err": str(err)}
        self._socket.sendall(f"{json.dumps(asked)}\n".encode())
        self.pid = self._number()

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code. Raises subprocess.TimeoutExpired."""
        if self.returncode is None:
            if not select.select([self._socket], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
            self.returncode = self._number()
            self._socket.close()
        return self.returncode

    def poll(self) -> int | None:
        """Its exit code; None while it runs."""
        with suppress(subprocess.TimeoutExpired):
            return self.wait(0)
        return None

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            with suppress(ProcessLookupError):  # it has just ended
                os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _number(self) -> int:
        """The next that the server tells."""
        told = b""
        while not told.endswith(b"\n"):
            piece = self._socket.recv(1)  # no more than this line
            assert piece, "the server of commands is gone"
            told += piece
        return int(told)


@cache
def _server() -> str:
    """Where this test process's own server listens."""
    folder = tempfile.TemporaryDirectory(prefix="fundwatch-forks-")
    place = str(Path(folder.name, "socket"))
    process = subprocess.Popen(
        [sys.executable, __file__, place], cwd=ROOT, stdout=subprocess.PIPE, stdin=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"listening\n"

    @atexit.register
    def end() -> None:
        process.kill()
        process.communicate()
        folder.cleanup()

    return place


# -- in the server ---------------------------------------------------------------------------


def serve(place: str) -> None:
    """Fork for every connection until the parent is gone."""
    sys.path.insert(0, str(ROOT))
    import monitor.net.sources.blockscout
    import monitor.net.sources.etherscan
    import monitor.store.migrations  # noqa: F401
    from monitor.cli import COMMANDS

    for place_of in COMMANDS.values():  # this is what the forks need not do
        import_module(f"monitor.cli.{place_of.partition(':')[0]}")
    gc.freeze()  # or each fork copies what it looks through

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(place)
        listener.listen(64)
        print("listening", flush=True)
        while True:
            connection, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                _handle(connection)
            connection.close()


def _handle(connection: socket.socket) -> None:
    """Start one command, tell its process id, wait for it, tell its exit code."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    words = connection.makefile("rw")
    asked = json.loads(words.readline())
    pid = os.fork()
    if pid == 0:
        connection.close()
        _become(asked)
    words.write(f"{pid}\n")
    words.flush()
    _, status = os.waitpid(pid, 0)
    words.write(f"{os.waitstatus_to_exitcode(status)}\n")
    words.flush()
    os._exit(0)


def _become(asked: Mapping[str, Any]) -> None:
    import logging
    import runpy
    import threading

    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    for number, name, mode in (
        (0, os.devnull, os.O_RDONLY), (1, asked["out"], flags), (2, asked["err"], flags)
    ):  # fmt: skip
        os.dup2(os.open(name, mode, 0o600), number)
    os.environ.clear()
    os.environ.update(asked["env"])
    sys.argv = ["fundwatch", *asked["args"]]
    code: object = 0
    try:
        runpy.run_module("monitor", run_name="__main__", alter_sys=True)
    except SystemExit as end:
        code = end.code
    except BaseException:  # noqa: BLE001 - printed, as the interpreter does
        sys.excepthook(*sys.exc_info())
        code = 1
    threading._shutdown()  # what the interpreter does at its end: workers are waited for
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else code is not None)


if __name__ == "__main__":
    serve(sys.argv[1])
