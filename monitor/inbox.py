"""Requests to a running daemon: files renamed into `requests/`, answered beside them.

The daemon is the only writer of the record; a command that changes something while it runs
asks it to. A request is a JSON object {"action": name, "args": {...}}.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path

from monitor.errors import ConfigError, MonitorError

ANSWER_WITHIN = 30.0  # seconds that a command waits for the daemon
POLL = 0.1

Action = Callable[..., str]


def ask(home: Path, action: str, args: Mapping[str, object]) -> str:
    """Hand the daemon a request and wait for its answer.

    Raises MonitorError with the daemon's words when it refuses or does not answer.
    """
    folder = home / "requests"
    folder.mkdir(exist_ok=True)
    name = uuid.uuid4().hex
    _put(folder / f"{name}.json", {"action": action, "args": dict(args)})
    answer_file = folder / f"{name}.answer"
    deadline = time.monotonic() + ANSWER_WITHIN
    while time.monotonic() < deadline:
        if answer_file.exists():
            answer = json.loads(answer_file.read_text("utf-8"))
            answer_file.unlink()
            if not answer["ok"]:
                raise MonitorError(answer["text"])
            return str(answer["text"])
        time.sleep(POLL)
    (folder / f"{name}.json").unlink(missing_ok=True)
    raise MonitorError(
        "The running Fundwatch did not answer within 30 s; nothing was changed. "
        "See `fundwatch status`"
    )


def serve(home: Path, actions: Mapping[str, Action]) -> int:
    """Carry out every request that waits; returns how many."""
    folder = home / "requests"
    waiting = sorted(folder.glob("*.json")) if folder.is_dir() else []
    for path in waiting:
        answer = _carry_out(path, actions)
        path.unlink(missing_ok=True)
        _put(path.with_suffix(".answer"), answer)
    return len(waiting)


def _carry_out(path: Path, actions: Mapping[str, Action]) -> dict[str, object]:
    try:
        request = json.loads(path.read_text("utf-8"))
        return {"ok": True, "text": actions[request["action"]](**request["args"])}
    except ConfigError as error:
        return {"ok": False, "text": str(error)}
    except (MonitorError, OSError, ValueError, TypeError, KeyError) as error:
        return {"ok": False, "text": f"{error}"}


def _put(path: Path, value: object) -> None:
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(value), "utf-8")
    temporary.replace(path)
