"""Waiting for what the running daemon was asked to do and takes minutes for."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import TypeVar

import click

from monitor.cli.common import Home
from monitor.loops import inbox
from monitor.model.plain import tidy

PAUSE = 0.5  # seconds between two questions to the daemon
SAY_EVERY = 2.0  # seconds between two words on how far it is

T = TypeVar("T")


def outcome(home: Home, asked: str, ticket: str, key: str, make: Callable[..., T]) -> list[T]:
    """What came of it, by the request `asked`, whose answer holds it under `key`: rows, of each of
    which one is made. Waits for as long as it takes. Raises MonitorError where the daemon does not
    answer."""
    said = time.monotonic()
    while True:
        told = json.loads(inbox.ask(home.folder, asked, {"ticket": ticket}))
        if told[key] is not None:
            return [make(*each) for each in told[key]]
        if told["doing"] and time.monotonic() - said > SAY_EVERY:
            said = time.monotonic()
            say(told["doing"])
        time.sleep(PAUSE)


def say(words: str) -> None:
    """To a person who waits; a program reads the outcome alone."""
    if sys.stderr.isatty():
        click.echo(tidy(words), err=True)
