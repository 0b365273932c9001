"""The demo's world for somebody who runs Fundwatch on it by hand, in a second terminal."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

from rich.console import Console

from monitor.demo import cast, story
from monitor.demo.ending import command, near
from monitor.demo.opening import with_desk
from monitor.demo.receivers import MailServer
from monitor.demo.show import NAMES
from monitor.demo.stage import surroundings
from monitor.model.errors import StoreError
from monitor.store import watch
from monitor.store.guard import DATABASE, runs
from monitor.store.sqlite import Store

PACE = 12.0  # seconds between two events
LOOK = 1.0  # seconds between two looks at whether Fundwatch runs
BLOCKS = 5.0  # seconds between two blocks where nothing happens


def serve(folder: Path) -> None:
    """Keep the world going until interrupted; money moves once Fundwatch has read the past."""
    world = story.ledgers(int(time.time()))
    out = Console(highlight=False)
    with surroundings(folder, world) as (mail, _):
        home = folder / "home"
        with_desk(home)
        _explain(out, folder)
        _wait(world, lambda: runs(home) and past_told(home))
        out.print("\nFundwatch has read the past. Now money moves.\n")
        for beat in story.BEATS:
            out.print(
                f"{time.strftime('%H:%M:%S')}  {NAMES.get(beat.chain, 'all'):<8}  {beat.title}"
            )
            blocks(world)
            beat.apply(world, int(time.time()))
            seen = len(mail.letters)
            _wait(world, _later(PACE))
            _say_mails(out, mail, seen)
        out.print("\nThe story is over; the chains go on. Ctrl-C ends the world.")
        _wait(world, lambda: False)


def _explain(out: Console, folder: Path) -> None:
    typed = f"{command()} --home {near(folder / 'home')}"
    out.print(
        "An invented world runs here until you press Ctrl-C: four chains behind a local explorer,\n"
        "a mail server, and a home folder that watches some of its addresses.\n\n"
        "Type this in a second terminal:\n\n"
        f"  {typed} check     what Fundwatch can read, and what not\n"
        f"  {typed} run       starts to watch; leave it running\n\n"
        f"Mails come into {near(folder / 'mails')} : open the newest .html file in a browser. The\n"
        "button in it opens a page where you take the alert in hand. Then, in a third terminal:\n\n"
        f"  {typed} alerts    which alerts are open, and which are taken\n"
        f"  {typed} status    what was read up to when\n"
        f"  {typed} seizure {cast.FOLLOWED}    at the end: where the stolen money is\n\n"
        "To work at the desk in a browser, with an app for one-time codes, open the link that\n"
        "this prints:\n\n"
        f"  {typed} users add m.ortiz --role lead\n",
        soft_wrap=True,
    )


def past_told(home: Path) -> bool:
    """Whether every entry has its start-up summary."""
    if not (home / DATABASE).is_file():
        return False
    try:
        with closing(Store(home / DATABASE, readonly=True)) as store:
            entries, told = watch.summarised(store)
    except StoreError:
        return False  # it is being made just now
    return entries > 0 and entries == told


def _wait(world: story.World, done: Callable[[], bool]) -> None:
    """Wait for something while the chains go on."""
    last = time.monotonic()
    while not done():
        time.sleep(LOOK)
        if time.monotonic() - last > BLOCKS:
            blocks(world)
            last = time.monotonic()


def _later(seconds: float) -> Callable[[], bool]:
    end = time.monotonic() + seconds
    return lambda: time.monotonic() > end


def blocks(world: story.World) -> None:
    """A block on every chain that has accounts."""
    moment = int(time.time())
    for chain in ("ethereum", "polygon", "tron"):
        ledger = world.account(chain)
        ledger.mine((), max(moment, ledger.head.time + 1))


def _say_mails(out: Console, mail: MailServer, seen: int) -> None:
    letters: Sequence[str] = [letter.subject for letter in mail.letters[seen:]]
    for subject in letters:
        out.print(f"          mail      {subject}", style="dim", markup=False, soft_wrap=True)
