"""What explorers answered, as it was kept."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click

from monitor.cli import terminal
from monitor.cli.common import Home, format_option
from monitor.loops import find
from monitor.messages import lines
from monitor.model.errors import ConfigError, Problem
from monitor.model.plain import one_line, plural, rfc3339, utc
from monitor.store import answers
from monitor.store.answers import Answer
from monitor.store.port import Reader

MANIFEST, SUMS = "answers.jsonl", "SHA256SUMS"
_WHY = {
    "news": "names it",
    "head": "gave the newest block that it was read under",
    "lookup": "was asked for by hash",
    "silence": "shows a list that brought nothing",
}


@click.command(name="answers")
@click.argument("tx", metavar="TX")
@format_option
@click.option(
    "--save",
    type=click.Path(path_type=Path, file_okay=False),
    help="A new folder for the answers as they were kept, with their digests.",
)
@click.pass_obj
def answers_(home: Home, tx: str, form: str, save: Path | None) -> None:
    """List what explorers answered about a transaction, as evidence.

    Says of each answer that is kept who gave it, when, to which request, and its SHA-256 as it
    came and as it is kept: without secrets, and of a whole block only what matched. --save writes
    the bodies into a folder; `sha256sum -c SHA256SUMS` there checks them, answers.jsonl says what
    they are. A hash that the record does not know is an error. Only reads.

    \b
    Example
      fundwatch answers 0x5c50...e1a7 --save ./evidence
    """
    columns = terminal.width()
    with home.reading() as (store, settings):
        found = answers.of_tx(store, find.known_tx(store, settings.chains, tx))
        if save is not None:
            _save(store, found, save)
        for answer in found:
            click.echo(json.dumps(_object(answer)) if form == "jsonl" else _lines(answer, columns))
    if form == "table":
        click.echo(_summary(found, save))


def _object(answer: Answer) -> dict[str, object]:
    told = {**asdict(answer), "at": rfc3339(answer.at), "request": json.loads(answer.request)}
    del told["id"]
    return told


def _lines(answer: Answer, columns: int) -> str:
    """Who and when; below it to which request, and what can be held against `sha256sum`."""
    same = answer.sha256 == answer.body_sha256
    part = "what matched of a whole block, " if answer.extract else ""
    kept = f"kept{' as it came' if same else ''} ({part}{answer.size:,} bytes)"
    body = "deleted to keep within its bounds" if answer.pruned else kept
    parts = [
        f"{utc(answer.at)}  {answer.source}  HTTP {answer.status}  {_WHY[answer.why]}",
        f"asked {one_line(answer.request)}",
        "" if same else f"came as SHA-256 {answer.sha256}",
        f"{body}: SHA-256 {answer.body_sha256}",
    ]
    return lines.laid_out(parts, columns)


def _summary(found: Sequence[Answer], save: Path | None) -> str:
    if not found:
        return (
            "No answer about it is kept: it was read before Fundwatch began to keep answers as "
            "evidence"
        )
    said = f"{plural(len(found), 'answer')} (times in UTC)"
    gone = sum(answer.pruned for answer in found)
    left = f"; of {gone:,} only digest and request are left" if gone else ""
    return f"{said}{left}{f', written to {save}' if save is not None else ''}"


def _save(store: Reader, found: Sequence[Answer], folder: Path) -> None:
    """Write bodies, their sums and what they are; for this user only."""
    if folder.exists() and any(folder.iterdir()):
        why, remedy = "is not empty", "Name a new folder, so that nothing is mixed up"
        raise ConfigError([Problem("--save", str(folder), why, remedy)])
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    sums, told = [], []
    for number, answer in enumerate(found, 1):
        body = answers.body(store, answer.body_sha256)
        name = f"{number:03}-{answer.source}.body" if body is not None else None
        if body is not None and name is not None:
            _write(folder / name, body)
            sums.append(f"{answer.body_sha256}  {name}\n")
        told.append(json.dumps({"file": name, **_object(answer)}) + "\n")
    _write(folder / SUMS, "".join(sums).encode())
    _write(folder / MANIFEST, "".join(told).encode())


def _write(path: Path, data: bytes) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
