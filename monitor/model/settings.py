"""Everything that people configured, as one value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from monitor.model import Asset, Chain, ChannelConfig, Known, SourceConfig
from monitor.model.desk import DeskSettings
from monitor.model.lists import ListConfig

# Who asks: it decides whom the view of a seizure lets ask for what.
DESKS = ("bank", "exchange", "authority", "counsel")


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that people configured, checked.

    `sources` holds only those in service; `Chain.sources` names no others. `notes` are
    plain sentences about what is not as good as it could be.
    """

    home: Path
    chains: Mapping[str, Chain]
    sources: Mapping[str, SourceConfig]
    written_sources: tuple[str, ...]  # explorers and nodes by name, also those not in service
    channels: Mapping[str, ChannelConfig]
    assets: Mapping[tuple[str, str], Asset]  # by (chain, canonical contract)
    addressbook: Mapping[tuple[str, str], Known]  # by (chain or "", canonical address)
    contracts: Mapping[tuple[str, str], Known] = field(default_factory=dict)  # of tokens
    lists: Mapping[str, ListConfig] = field(default_factory=dict)  # those in use
    proxies: Mapping[str, str] = field(default_factory=dict, repr=False)  # by scheme
    ca_bundle: str = ""  # path of a PEM file, or empty: the system's
    poll_interval: int | None = None  # seconds; None: derived from the budgets
    trailing_window_days: int = 2
    hold: int = 7200  # seconds that a blind spot must last before it is told
    hold_severe: int = 1800  # the same for a severe entry
    round_severe: int = 900  # seconds that a round of reading may take with severe entries ...
    round_high: int = 3600  # ... and with entries of severity high; longer fails in `check`
    desk: str = ""  # one of DESKS; empty: nobody said
    timezone: str = "UTC"  # of the desk; the watchlist's own goes first
    reply_to: str = ""  # of mails, where the channel names none
    daily_hour: int = 8  # of the desk's day: when the daily mail goes out
    escalate_after: int = 1800  # seconds after which an alert is passed on ...
    escalate_to: tuple[str, ...] = ()  # ... to these channels, one after the other; none: never
    listen: tuple[str, int] | None = None  # where /healthz, /metrics and the pages are served
    public_url: str = ""  # under which people reach it; empty: no links in mails
    link_secret: str = field(default="", repr=False)  # signs the links; several: newest first
    link_hours: int = 72  # for which a link holds
    heartbeat_url: str = field(default="", repr=False)  # called while all is well
    retention_years: int | None = None  # for which a closed case is kept; None: nothing ends
    answers_days: int = 400  # for which answers of sources are kept as evidence ...
    answers_size: int = 2 * 1024**3  # ... and up to so many bytes
    prices: tuple[SourceConfig, ...] = ()  # who says what coins are worth, in order; none: nobody
    keys_wanted: tuple[str, ...] = ()  # variables of keys that explorers would take; not set
    web: DeskSettings = field(default_factory=DeskSettings)  # the desk in the browser
    notes: tuple[str, ...] = ()
