"""Whether an open file still stands where it was opened: what goes into one that was deleted or
replaced is lost, although the database says that it is written."""

from __future__ import annotations

from pathlib import Path

from monitor.model.errors import StoreError


def identity(path: Path) -> tuple[int, int] | None:
    """Of the file that stands there now; None: there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


class InPlace:
    """A file that is in use from now on."""

    def __init__(self, path: Path) -> None:
        self._path, self._known = path, identity(path)

    def check(self) -> None:
        """Raises StoreError where it is not there any more, or another one is."""
        try:
            found = identity(self._path)
        except OSError as error:
            raise StoreError(f"{self._path}: {error.strerror}") from error
        if found != self._known:
            raise StoreError(
                f"{self._path} was deleted or replaced while it was in use. What was done since "
                "then is not in it; restart Fundwatch, which goes on with the file that is there"
            )
