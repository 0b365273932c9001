"""A process that opens an older record, and is killed by the system at the write that would make
a file larger than LIMIT bytes: from the start, or from where its copy is made and it migrates.

python upgrade.py RECORD LIMIT copy|migrate
"""

from __future__ import annotations

import resource
import signal
import sys
from pathlib import Path

from monitor.store.sqlite import Store


def limit(size: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def limit_migration(size: int) -> None:
    """The migrations are imported when the copy is made."""

    def hook(event: str, args: tuple[object, ...]) -> None:
        if event == "import" and args[0] == "monitor.store.migrations":
            limit(size)

    sys.addaudithook(hook)


if __name__ == "__main__":
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # as deadly as SIGKILL
    {"copy": limit, "migrate": limit_migration}[sys.argv[3]](int(sys.argv[2]))
    Store(Path(sys.argv[1])).close()
    print("upgraded")
