"""Whether anybody can be told anything, by what channels took and refused. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from monitor.model import ChannelConfig
from monitor.model.ways import Reach


def refused_since(
    channels: Mapping[str, ChannelConfig], known: Mapping[str, Reach], tested: Mapping[str, int]
) -> dict[str, int]:
    """Audiences (desk, operations) of which every channel refuses, and since when (Unix
    seconds) all of them do; an audience without a channel is told by all, as in routing.

    A channel refuses when nobody has taken anything since a try of it failed: each of its
    recipients was asked in vain, or waits to be. Or it is switched off, or fails its tests
    (`tested`: since when). `channels`: as in the settings.
    """
    times = {
        name: _refuses(config, known.get(name, Reach()), tested.get(name))
        for name, config in channels.items()
    }
    since = {name: at for name, at in times.items() if at is not None}
    found = {}
    for audience in ("desk", "operations"):
        names = [name for name, config in channels.items() if audience in config.audience]
        names = names or list(channels)
        if names and all(name in since for name in names):
            found[audience] = max(since[name] for name in names)
    return found


def _refuses(config: ChannelConfig, at: Reach, tested: int | None) -> int | None:
    """Since when a channel takes nothing from anybody; None: it does."""
    if at.off is not None:
        return at.off
    to = config.recipients
    silent = {each: since for each, since in at.refusing.items() if each in to}
    yes = {each: when for each, when in at.accepted.items() if each in to}
    if tested is not None and all(tested > when for when in yes.values()):
        return min([tested, *silent.values()])
    # Later than any yes to another one: what began before that is one recipient's trouble.
    begun = [since for each, since in silent.items() if since > _newest(yes, each)]
    if len(silent) == len(to):
        return min(begun, default=max(silent.values()))
    asked = silent.keys() | at.asked
    return min(begun) if begun and asked.issuperset(to) else None


def _newest(yes: Mapping[str, int], but: str) -> int:
    """The newest yes of any other recipient; 0 if there was none."""
    return max((when for each, when in yes.items() if each != but), default=0)
