"""Who comes by which door. The name is what they give; how far it is proven we find out."""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass, replace
from pathlib import Path

from monitor.model.acts import DAEMON, Actor, ActorKind
from monitor.model.errors import ConfigError, Problem
from monitor.model.plain import tidy, utc

LONGEST_NAME = 80


@dataclass(frozen=True, slots=True)
class Caller:
    """The system user behind a command or a file, as the machine knows them."""

    uid: int
    did: str  # what ties them to the act: "ran the command"

    @property
    def user(self) -> str:
        """Their name on this machine; a container may run under a number without one."""
        return self._name or f"uid {self.uid}"

    @property
    def _name(self) -> str:
        try:
            return tidy(pwd.getpwuid(self.uid).pw_name, LONGEST_NAME)
        except KeyError:
            return ""

    def named(self, name: str | None = None) -> Actor:
        """Who acts, by the name that they give; without one it is the system user's. Raises
        ConfigError for a name that nobody could read."""
        shown = self.user if name is None else tidy(name, LONGEST_NAME)
        if not shown:
            raise ConfigError([Problem("--by", name or "", "is empty", "Give your name")])
        how = "no other name was given" if name is None else "the name is what they typed"
        return Actor(ActorKind.CLI, shown, f"{self.said} {self.did}; {how}")

    @property
    def said(self) -> str:
        return " ".join(filter(None, ("system user", self._name, f"(uid {self.uid})")))


def this_user() -> Caller:
    """Who runs this process."""
    return Caller(os.geteuid(), "ran the command")


def by_request(uid: int) -> Caller:
    """Who owns a file of requests, whatever it claims."""
    return Caller(uid, "owns the file of the request")


def by_link(name: str, message: str, until: int) -> Actor:
    """Who comes by the signed link of a message: the name is what they wrote."""
    authority = f"the signed link of message {message}, valid until {utc(until)}"
    return Actor(ActorKind.LINK, name, f"{authority}; the name is what they typed")


def by_file(path: Path, editor: Actor | None = None) -> Actor:
    """The program, which takes a file as it finds it; or who has just changed it by a command,
    and takes with it what others may have changed."""
    owner = Caller(path.stat().st_uid, "owns it").said
    found = f"the file {path.name} as found, of {owner}"
    if editor is None:
        return Actor(DAEMON.kind, DAEMON.name, f"{found}; who changed it is not known")
    return replace(editor, authority=f"{editor.authority}; with the rest of {found}")
