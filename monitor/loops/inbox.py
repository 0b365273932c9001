"""Requests to a running daemon: files renamed into `requests/`, answered beside them.

A command that changes something while the daemon runs asks it to. A request is a JSON object
{"action": name, "args": {...}}; who asks is the owner of its file.
"""

from __future__ import annotations

import inspect
import json
import logging
import os
import stat
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import astuple
from pathlib import Path
from typing import Any

from monitor.loops import doors
from monitor.loops.doors import Caller
from monitor.model.errors import ConfigError, MonitorError, Problem

log = logging.getLogger("fundwatch.inbox")

ANSWER_WITHIN = 30.0  # seconds that a command waits for the daemon
POLL = 0.1
LARGEST = 4_000_000  # bytes of a request

Action = Callable[..., str]


def ask(home: Path, action: str, args: Mapping[str, object]) -> str:
    """Hand the daemon a request and wait for its answer.

    Raises ConfigError or MonitorError with the daemon's words when it refuses, MonitorError
    when it does not answer.
    """
    folder = home / "requests"
    folder.mkdir(mode=0o700, exist_ok=True)
    name = uuid.uuid4().hex
    _put(folder / f"{name}.json", {"action": action, "args": dict(args)})
    answer_file = folder / f"{name}.answer"
    deadline = time.monotonic() + ANSWER_WITHIN
    while time.monotonic() < deadline:
        if answer_file.exists():
            answer = json.loads(answer_file.read_text("utf-8"))
            answer_file.unlink()
            return _outcome(answer)
        time.sleep(POLL)
    try:
        (folder / f"{name}.json").unlink()
        became = "nothing was changed"
    except FileNotFoundError:
        became = "it has begun, and may still do it"
    raise MonitorError(
        f"The running Fundwatch did not answer within 30 s; {became}. See `fundwatch status`"
    )


def _outcome(answer: Mapping[str, Any]) -> str:
    if "problems" in answer:
        raise ConfigError([Problem(*fields) for fields in answer["problems"]])
    if not answer["ok"]:
        raise MonitorError(answer["text"])
    return str(answer["text"])


def serve(home: Path, actions: Mapping[str, Action]) -> int:
    """Carry out every request that waits; returns how many."""
    folder = home / "requests"
    found = sorted(folder.glob("*.json")) if folder.is_dir() else []
    waiting = [path for path in found if not path.is_dir()]
    for path in waiting:
        taken = path.with_suffix(".taken")
        try:
            path.replace(taken)
        except FileNotFoundError:
            continue  # whoever asked has given up
        answer = _carry_out(taken, actions)
        taken.unlink()
        _put(path.with_suffix(".answer"), answer)
    return len(waiting)


def _carry_out(path: Path, actions: Mapping[str, Action]) -> dict[str, object]:
    try:
        caller, text = _read(path)
        action, args = _request(text, actions)
        return {"ok": True, "text": action(caller, **args)}
    except ConfigError as error:
        return {"ok": False, "problems": [astuple(problem) for problem in error.problems]}
    except (MonitorError, OSError, ValueError) as error:
        return {"ok": False, "text": f"{error}"}
    except Exception:  # one request must not stop those behind it; it is loud in the log
        log.exception("a request could not be carried out")
        return {"ok": False, "text": "A fault in Fundwatch: its log tells more"}


def _read(path: Path) -> tuple[Caller, str]:
    """Who asks, and what. Raises ConfigError for what is no file, or too long."""
    # No link: the owner of what it leads to has not asked for anything. A pipe would be waited for.
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(handle, encoding="utf-8") as file:
        about = os.fstat(handle)
        if not stat.S_ISREG(about.st_mode) or about.st_size > LARGEST:
            remedy = f"Write a file of at most {LARGEST:,} bytes"
            raise ConfigError([Problem("request", path.stem, "is no file, or too long", remedy)])
        return doors.by_request(about.st_uid), file.read(LARGEST)


def _request(text: str, actions: Mapping[str, Action]) -> tuple[Action, Mapping[str, object]]:
    """What is asked for. Raises ConfigError where that is none of what can be asked for."""
    remedy = 'Write {"action": NAME, "args": {...}} as UTF-8, and rename the file into requests/'
    try:
        request = json.loads(text)
        name, args = str(request["action"]), dict(request["args"])
    except (ValueError, TypeError, LookupError) as error:
        raise ConfigError([Problem("request", "", "is none", remedy)]) from error
    if name not in actions:
        raise ConfigError([Problem("action", name, "is none", f"There are: {', '.join(actions)}")])
    try:
        inspect.signature(actions[name]).bind(None, **args)
    except TypeError as error:
        why = f"does not go with these args ({error})"
        raise ConfigError([Problem("action", name, why, "Correct args")]) from error
    return actions[name], args


def _put(path: Path, value: object) -> None:
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(value), "utf-8")
    temporary.replace(path)
