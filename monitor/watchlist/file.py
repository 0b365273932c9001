"""watchlist.yaml on the disk: the one way in which it is rewritten."""

from __future__ import annotations

import os
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
            raise ConfigError(
                [Problem(str(path), "", why, "Make it with `fundwatch init`")]
            ) from None

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
        """Write the new text in one step. Where the list is a symbolic link, the file that it
        leads to is replaced and the link stays."""
        real = self.path.resolve()
        temporary = real.with_suffix(".new")
        with temporary.open("wb") as file:
            file.write(text.encode("utf-8"))
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(real.stat().st_mode)
        if self.path.read_bytes() != self.data:
            temporary.unlink()
            why = "was changed by somebody else at this moment; nothing was written"
            raise ConfigError([Problem(self.path.name, "", why, "Run the command again")])
        temporary.replace(real)
