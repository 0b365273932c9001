"""Secrets: from the environment, .env or a file, never from the settings themselves."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from monitor.app.settings.rows import Secret
from monitor.watchlist import yaml_nodes
from monitor.watchlist.yaml_nodes import Fields, Notes, Text, is_blank

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
# May also stand in the file itself, where they hold no secret.
_OPEN = ("url", "proxy", "heartbeat_url")
_WAYS = re.compile(
    r"(url|urls|proxy|api_key|secret|user|password|link_secret|heartbeat_url)(_env|_file)?\Z"
)
# A secret in the place of its file's name is not repeated.
_PASTED = re.compile(r"whsec_|://|\A[^/.]{24,}\Z")
_MAX_SECRET = 65_536  # bytes of a secret's file


def read_bytes(path: Path, shown: str, notes: Notes) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        notes.at(shown, 0, "", f"cannot be read ({error.strerror})", "Check its permissions")
        return b""


def way_of(key: str) -> str:
    """ "api_key" for api_key_env and api_key_file; empty for what is no secret."""
    match = _WAYS.match(key)
    return match[1] if match else ""


def read_dotenv(home: Path, notes: Notes, remarks: list[str]) -> dict[str, str]:
    """The variables of .env exactly as written (no ${...} is filled in)."""
    path = home / ".env"
    if not path.exists():
        return {}
    from dotenv.parser import parse_stream  # noqa: PLC0415 - the file may not be there

    text = yaml_nodes.decode(read_bytes(path, ".env", notes), ".env", notes) or ""
    if path.stat().st_mode & 0o077:
        remarks.append(".env can be read by other users of this machine (chmod 600 .env)")
    found: dict[str, str] = {}
    for binding in parse_stream(io.StringIO(text)):
        lead = len(binding.original.string) - len(binding.original.string.lstrip())
        line = binding.original.line + binding.original.string[:lead].count("\n")
        problem = _dotenv_problem(binding.key, binding.value, binding.error, found)
        if problem:
            notes.at(".env", line, "", *problem)
        elif binding.key is not None:
            found[binding.key] = binding.value or ""
    return found


def _dotenv_problem(
    key: str | None, value: str | None, error: bool, found: Mapping[str, str]
) -> tuple[str, str] | None:
    if error:
        return "is not a line of the form NAME=value", "Check its quotes and the = sign"
    if key is None:
        return None
    if not _VARIABLE.match(key):
        return "does not start with the name of a variable", "Use letters, digits and _"
    if value is None:
        return f"{key} has no value", f"Write  {key}=..."
    if key in found:
        return f"{key} is written twice", "Keep one of the two lines"
    if any(ord(c) < 32 and c not in "\n\t\r" for c in value):
        return f"{key} holds an invisible character", "Copy the value again"
    return None


@dataclass(frozen=True, slots=True)
class Secrets:
    home: Path
    variables: Mapping[str, str] = field(repr=False)
    notes: Notes

    def get(self, node: Fields, name: str) -> Secret:
        """The secret that a row names as NAME_env or NAME_file."""
        variable, path = node.get(f"{name}_env"), node.get(f"{name}_file")
        written = [n for n in (variable, path) if n is not None and not is_blank(n)]
        literal = node.get(name) if name in _OPEN else None
        if len(written) + (literal is not None and not is_blank(literal)) > 1:
            self.notes.say(written[0], f"{name}: is given in two ways", "Keep one of them")
        if not written:
            return Secret(False)
        if not isinstance(written[0], Text):
            self.notes.say(written[0], f"{name}: needs one name", f"Write  {name}_env: NAME")
            return Secret(True)
        read = self._variable if written[0] is variable else self._file
        return read(written[0], written[0].text.strip())

    def _variable(self, at: Text, name: str) -> Secret:
        if not _VARIABLE.match(name):
            self.notes.say(
                at,
                "is not the name of an environment variable (is it the secret itself?)",
                "Write a name like SMTP_PASSWORD here and its value into .env",
            )
            return Secret(True)
        return Secret(True, self.variables.get(name, "").strip(), f"set {name}")

    def _file(self, at: Text, written: str) -> Secret:
        path = self.home / Path(written).expanduser()
        try:
            data = path.read_bytes()
            value = data.decode("utf-8-sig").strip()
        except (OSError, UnicodeDecodeError):
            shown = "(is it the secret itself?)" if _PASTED.search(written) else str(path)
            why = f"names a file that cannot be read: {shown}"
            self.notes.say(at, why, "Check path and permissions")
            return Secret(True)
        if len(data) > _MAX_SECRET or "\0" in value:
            self.notes.say(at, "names a file that holds no secret", "Check the path")
            return Secret(True)
        return Secret(True, value, "fill the file")
