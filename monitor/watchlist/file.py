"""watchlist.yaml on the disk, and the one way in which files of a home are rewritten."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from monitor.model.errors import ConfigError, Problem

WATCHLIST = "watchlist.yaml"


@dataclass(frozen=True, slots=True)
class ListFile:
    """watchlist.yaml as it was read; written back only if nobody changed it meanwhile."""

    path: Path
    data: bytes

    @classmethod
    def read(cls, home: Path) -> ListFile:
        path = home / WATCHLIST
        try:
            return cls(path, path.read_bytes())
        except OSError as error:
            why = f"cannot be read ({error.strerror})"
            remedy = "Put it back, or make one with `fundwatch init`"
            raise ConfigError([Problem(WATCHLIST, "", why, remedy)]) from None

    @property
    def text(self) -> str:
        """With the file's own line ends. Raises ConfigError where it is not UTF-8."""
        try:
            return self.data.decode("utf-8-sig")
        except UnicodeDecodeError:
            remedy = 'Save it again with the encoding "UTF-8"'
            raise ConfigError([Problem(self.path.name, "", "is not UTF-8 text", remedy)]) from None

    def back_up(self) -> Path:
        """A copy beside the file, under a name that tells when; overwrites nothing."""
        at = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        for n in range(1, 100):
            more = f"-{n}" if n > 1 else ""
            copy = self.path.with_name(f"{self.path.name}.before-import-{at}{more}")
            try:
                with copy.open("xb") as file:
                    file.write(self.data)
            except FileExistsError:
                continue
            copy.chmod(self.path.stat().st_mode)
            return copy
        raise ConfigError([Problem(str(copy), "", "is there already", "Move the copies away")])

    def replace(self, text: str) -> None:
        """Write the new text. Raises ConfigError as `put`."""
        put(self.path, text, self.data)


def put(path: Path, text: str, was: bytes | None) -> None:
    """Write a file in one step, whole or not at all. `was`: what it holds now; None: there is none.
    Where it is a symbolic link, the file that it leads to is replaced and the link stays. Raises
    ConfigError where it cannot be written, or holds something else by now."""
    real = path.resolve()
    temporary = real.with_suffix(".new")
    try:
        with temporary.open("wb") as file:
            file.write(text.encode("utf-8"))
            file.flush()
            os.fsync(file.fileno())
        if was is not None:
            temporary.chmod(real.stat().st_mode)
        if (real.read_bytes() if real.exists() else None) != was:
            why = "was changed by somebody else at this moment; nothing was written"
            raise ConfigError([Problem(path.name, "", why, "Try it again")])
        temporary.replace(real)
    except OSError as error:
        why = f"cannot be written ({error.strerror})"
        remedy = "Let the user that runs Fundwatch write it and its folder"
        raise ConfigError([Problem(path.name, "", why, remedy)]) from None
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
