"""How published lists stand: which version is in force, what is watched of it, which are late."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.model.lists import ListConfig, ListState, Publication, is_late
from monitor.model.plain import rfc3339
from monitor.model.settings import Settings
from monitor.store import listing
from monitor.store.port import Reader


@dataclass(frozen=True, slots=True)
class Standing:
    """A list that is in use, or of which something was ever taken."""

    name: str
    title: str
    kind: str  # empty: it is no list of the settings any more
    newest: Publication | None
    state: ListState
    watched: int  # rows of the version in force
    removals: int  # entries that wait for a person
    use: str = ""  # what it is for, where it is not watched

    @property
    def refused(self) -> int:
        return sum(self.newest.refused.values()) if self.newest else 0

    @property
    def error(self) -> str:
        """What is wrong with it, for people; empty: nothing."""
        found = [wrong(self.name, self.state)]
        if not self.kind and self.watched:
            found.append("it is no list of config/lists.yaml any more; its entries stay watched")
        if self.kind and self.watched and self.use:
            found.append("its settings say  watch: no; what it made stays watched until retired")
        return "; ".join(filter(None, found))

    def told(self) -> dict[str, object]:
        """For programs: `lists status --format jsonl`."""
        p = self.newest
        return {
            **{"list": self.name, "kind": self.kind or None, "version": p.sha256 if p else None},
            **{"published": (p.published or None) if p else None},
            **{"fetched": rfc3339(p.fetched) if p else None, "rows": p.rows if p else 0},
            **{"watched": self.watched, "refused": self.refused},
            **{"refused_because": dict(p.refused) if p else {}},
            "remarks": [*p.remarks] if p else [],
            **{"removals_waiting": self.removals, "error": self.error or None},
        }


def wrong(name: str, state: ListState) -> str:
    """What came of asking for it last, where that was nothing good, for people."""
    found = [state.error] if state.failing is not None else []
    if state.held:
        how = f"fundwatch lists update {name} --accept-shrunk"
        found.append(f"a newer version is not taken: {state.held_why}. See it, then {how}")
    return "; ".join(found)


def names(store: Reader, settings: Settings) -> list[str]:
    """Those in use in their order, then those that were once."""
    return list(dict.fromkeys([*settings.lists, *listing.names(store)]))


def standing(store: Reader, settings: Settings) -> list[Standing]:
    return [_one(store, name, settings.lists.get(name)) for name in names(store, settings)]


def _one(store: Reader, name: str, config: ListConfig | None) -> Standing:
    counts = listing.counts(store, name)
    return Standing(
        name=name,
        title=config.title if config else name,
        kind=config.kind if config else "",
        newest=listing.newest(store, name),
        state=listing.state(store, name),
        watched=counts.watched,
        removals=counts.removals,
        use=_use(config),
    )


def _use(config: ListConfig | None) -> str:
    if config is None or config.watch:
        return ""
    if config.ours:
        return "our own: compared, never sent to anybody"
    return "kept and compared, not watched"


def ages(store: Reader, settings: Settings, now: int) -> dict[str, int | None]:
    """Seconds since each list that is asked for by itself was last had; None: never."""
    asked = [name for name, config in settings.lists.items() if config.every is not None]
    had = {name: listing.state(store, name).had for name in asked}
    return {name: None if at is None else max(0, now - at) for name, at in had.items()}


@dataclass(frozen=True, slots=True)
class Late:
    """A list that could not be had or read for too long."""

    title: str
    day: str  # of the version in force; empty: none was ever taken
    since: int  # Unix seconds
    why: str


NEVER_ENDED = "Fundwatch was not running, or ended each time before it was taken"


def lateness(store: Reader, settings: Settings, now: int) -> dict[str, Late]:
    """By name: the lists of which nothing could be had or read for a day. Asks the record once
    for each list in use."""
    found = {}
    for name, config in settings.lists.items():
        age = listing.age(store, name, asked=config.every is not None)
        if age.missing is not None and is_late(age.missing, now):
            why = listing.state(store, name).error
            found[name] = Late(config.title, age.day, age.missing, why or NEVER_ENDED)
    return found
