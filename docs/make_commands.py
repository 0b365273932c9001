"""Writes docs/commands.md, every command's own --help: `make docs`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from monitor.cli import main

PAGE = Path(__file__).with_name("commands.md")
WIDTH = 80  # columns, whatever the terminal that this runs in
HEAD = """\
# Commands

Every command with all its options, as `fundwatch COMMAND -h` says it. Made by `make docs`; to
change a text, change the command in `monitor/cli/`. What to do when:
[running it](operating.md).
"""


def contexts(command: click.Command, parent: click.Context | None) -> Iterator[click.Context]:
    """The program, then every command and group below it, by name."""
    context = click.Context(
        command,
        parent,
        info_name=command.name if parent else "fundwatch",
        terminal_width=WIDTH,
        max_content_width=WIDTH,
        **command.context_settings,
    )
    yield context
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from contexts(inner, context)


def page() -> str:
    """The text of docs/commands.md."""
    parts = [
        f"\n## {context.command_path}\n\n```text\n{context.get_help().rstrip()}\n```\n"
        for context in contexts(main, None)
    ]
    return HEAD + "".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
