"""What people configure: chains, tokens, sources and channels."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class PriceIds:
    """How price sources call a chain; empty: they do not know it, or nobody confirmed it."""

    coin: str = ""  # CoinGecko's id of the chain's own coin
    defillama: str = ""  # before a contract: "ethereum" in ethereum:0x...
    coingecko: str = ""  # its platform, for tokens by contract


@dataclass(frozen=True, slots=True)
class Issuer:
    """One row of config/issuers.yaml: who can freeze or destroy a token, and how it is told."""

    contract: str  # canonical
    name: str  # of the issuer, as people say it: "Tether"
    symbol: str  # of the token, as in config/assets.yaml
    families: tuple[str, ...]  # keys of acts.FAMILIES: which events the contract writes


# How a chain is read: address by address, or each block once for all of them; auto: by what
# either costs.
READ = ("addresses", "blocks", "auto")


class Way(StrEnum):
    """How a chain is read now, whatever was asked for. `reading.mode` of `status --json`."""

    ADDRESSES = "addresses"  # each list is asked for each address
    # Lists that a node gives for all addresses at once are read so by ranges of blocks, all
    # others address by address.
    MIXED = "mixed"
    BLOCKS = "blocks"  # each new block is read once, whatever the number of addresses


@dataclass(frozen=True, slots=True)
class Chain:
    """One row of config/chains.yaml."""

    key: str
    name: str  # as people say it: "BNB Chain"
    family: str  # evm | utxo | tron
    symbol: str
    decimals: int
    finality: int  # blocks
    sources: tuple[str, ...] = ()
    chain_id: int | None = None
    block_time: float = 12.0  # seconds, for estimates only
    link_tx: str = ""  # public page of a transaction, with {tx}
    bech32: str | None = None  # utxo: human-readable part, e.g. "bc"
    base58: tuple[int, ...] = ()  # utxo: versions of a key's hash, then of a script's
    prices: PriceIds = PriceIds()
    # Left out of the hash, which is taken for every address that is read.
    issuers: tuple[Issuer, ...] = field(default=(), hash=False)  # config/issuers.yaml
    # What no list of any source holds, one sentence each.
    not_listed: tuple[str, ...] = field(default=(), hash=False)
    wrapped: str = ""  # evm: contract of the wrapped coin, which wraps without a Transfer
    shielded: bool = False  # utxo: a transaction may have inputs and outputs that nobody sees
    link_address: str = ""  # public page of an address, with {address}
    cashaddr: str = ""  # utxo: prefix of addresses of Bitcoin Cash's form; base58 is older
    read: str = "auto"  # one of READ

    def issuer_of(self, contract: str | None) -> Issuer | None:
        return next((i for i in self.issuers if i.contract == contract), None)


CONFIDENCES = ("high", "medium", "low")  # how sure a source is of what it says
# Functions of a contract that tell how many shares of a rebasing token an address has.
SHARES = ("sharesOf", "scaledBalanceOf")
REBASES = (*SHARES, "yes")


@dataclass(frozen=True, slots=True)
class Asset:
    """config/assets.yaml: the only meaning of "verified"."""

    chain: str
    contract: str
    symbol: str
    decimals: int
    name: str = ""
    source: str = ""
    date: str = ""
    confidence: str = ""  # one of CONFIDENCES; empty: not said
    # One of REBASES: balances change without a transfer. Empty: they do not.
    rebases: str = ""
    fee_on_transfer: bool = False  # less arrives than a transfer says

    @property
    def shares(self) -> str:
        """The function that tells an address's shares; empty: it has none."""
        return self.rebases if self.rebases in SHARES else ""


@dataclass(frozen=True, slots=True)
class SourceConfig:
    """One row of config/sources.yaml, its secret resolved."""

    name: str
    kind: str  # a key of sources.SOURCES
    # May hold {chain_id}, and a node's address often holds its key.
    url: str = field(repr=False)
    api_key: str | None = field(default=None, repr=False)
    rate_per_second: float = 3.0
    calls_per_hour: int | None = None
    calls_per_day: int | None = None
    page_size: int | None = None  # None: the kind's own
    index_lag: int | None = None  # blocks; None: the kind's own
    operator: str = ""  # who runs it: two sources of one operator are one witness
    traces: str = "auto"  # evm_rpc, one of TRACES: how it shows calls inside transactions


TRACES = ("trace_block", "debug", "none", "auto")  # auto: found out


@dataclass(frozen=True, slots=True)
class Only:
    """Which alerts a channel takes; an empty set takes all."""

    severity: frozenset[str] = frozenset()
    case: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()
    direction: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class ChannelConfig:
    """One row of config/channels.yaml, its secrets resolved."""

    name: str
    kind: str  # a key of channels.CHANNELS
    # desk: movements; operations: Fundwatch itself; escalation: only what is passed on
    audience: frozenset[str] = frozenset({"desk", "operations"})
    only: Only = Only()
    quiet_hours: tuple[int, int] | None = None  # minutes of the desk's day, from and to
    daily_test: bool = False  # a test message once a day
    detail: str = "full"  # full | reference
    url: str = field(default="", repr=False)  # webhook; may hold a secret
    secrets: tuple[str, ...] = field(default=(), repr=False)  # webhook: newest first
    urls: tuple[str, ...] = field(default=(), repr=False)  # apprise: as it writes services
    allow_private: bool = False
    host: str = ""
    port: int = 0
    security: str = "starttls"  # email: starttls | tls | none
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    sender: str = ""  # email: the From address
    to: tuple[str, ...] = ()  # none: the channel itself is the recipient
    reply_to: str = ""
    machine: bool = False  # gets every alert of both lanes as JSON
    ca_file: str = ""  # PEM file to trust instead of the system's

    @property
    def recipients(self) -> tuple[str, ...]:
        """Those with an outcome of their own."""
        return self.to or (self.name,)
