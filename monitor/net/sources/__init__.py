"""The table of sources, and how one is built from its settings."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from monitor.chains.evm import EVM
from monitor.chains.family import Family
from monitor.chains.table import family_of
from monitor.chains.tron import TRON
from monitor.chains.utxo import UTXO
from monitor.model import Ask, Batch, Chain, Gap, SourceConfig
from monitor.model.answers import Heard
from monitor.model.errors import Refused
from monitor.model.ports import Source, WholeBlocks

if TYPE_CHECKING:  # settings read the table, and need no network for it
    from monitor.net.http import Http


@dataclass(frozen=True, slots=True)
class SourceKind:
    """One line of the table: where the adapter lives (loaded on first use), whose chains it
    answers for, and where an API key goes: nowhere, where it is part of the url."""

    adapter: str
    answers_for: Family
    keyless: bool = False  # answers without a key, if slowly
    key_param: str = ""
    key_header: str = ""
    most_bytes: int = 20_000_000  # of an answer; what holds more was made to fill our memory

    def serves(self, chain: Chain) -> bool:
        return self.answers_for is family_of(chain)


_HERE = "monitor.net.sources"
SOURCES: dict[str, SourceKind] = {
    "etherscan": SourceKind(f"{_HERE}.etherscan:Etherscan", EVM, key_param="apikey"),
    "blockscout": SourceKind(f"{_HERE}.blockscout:Blockscout", EVM, key_param="apikey"),
    "evm_rpc": SourceKind(f"{_HERE}.evm_rpc:EvmRpc", EVM, keyless=True),
    "esplora": SourceKind(f"{_HERE}.esplora:Esplora", UTXO, keyless=True),
    "blockbook": SourceKind(
        f"{_HERE}.blockbook:Blockbook",
        UTXO,
        key_header="api-key",  # NOWNodes
    ),
    "utxo_rpc": SourceKind(
        f"{_HERE}.utxo_rpc:UtxoRpc",
        UTXO,
        keyless=True,
        key_header="api-key",
        most_bytes=60_000_000,  # a full block of Bitcoin's, of witnesses mostly, with all it spends
    ),
    "trongrid": SourceKind(
        f"{_HERE}.trongrid:TronGrid", TRON, keyless=True, key_header="TRON-PRO-API-KEY"
    ),
}


@dataclass(frozen=True, slots=True)
class HttpOptions:
    """What monitor.net.http.Http needs to know of a source; url and the rest may be secret."""

    base_url: str = field(repr=False)
    max_bytes: int  # of an answer
    params: dict[str, str] = field(default_factory=dict, repr=False)
    headers: dict[str, str] = field(default_factory=dict, repr=False)


def http_options(config: SourceConfig, chain: Chain) -> HttpOptions:
    """The source's address on this chain and where its key goes. Raises Refused when the
    url needs a chain id that the chain does not have."""
    url = config.url
    if "{chain_id}" in url:
        if chain.chain_id is None:
            raise Refused(f"{config.name}: its url needs a chain_id, {chain.name} has none")
        url = url.replace("{chain_id}", str(chain.chain_id))
    kind, key = SOURCES[config.kind], config.api_key
    return HttpOptions(
        base_url=url.rstrip("/"),
        params={kind.key_param: key} if kind.key_param and key else {},
        headers={kind.key_header: key} if kind.key_header and key else {},
        max_bytes=kind.most_bytes,
    )


class Discreet:
    """A source whose words hold no secret that was sent to it: neither in its errors nor in
    what it says of rows that cannot be read. All else is the source's own."""

    def __init__(self, source: Any, http: Http) -> None:  # noqa: ANN401 - any adapter
        self._source, self._http, self._hidden = source, http, http.hidden

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the adapter has
        found = getattr(self._source, name)
        return self._hidden.discreet(found) if callable(found) else found

    def fetch(self, ask: Ask) -> Batch:
        batch: Batch = self._hidden.discreet(self._source.fetch)(ask)
        return replace(batch, gaps=tuple(self._clean(gap) for gap in batch.gaps))

    @contextmanager
    def hearing(self) -> Iterator[list[Heard]]:
        """See ports.Hears."""
        from monitor.net.heard import heard_of  # noqa: PLC0415 - settings need no network

        found: list[Heard] = []
        with self._http.hearing() as said:
            yield found
        found += [heard_of(self._http, answer) for answer in said]

    def face(self, name: str) -> Discreet | None:
        """What a method of the adapter gives that is a source too, as discreet as this one; None
        where the adapter has no such method."""
        made = getattr(self._source, name, None)
        return None if made is None else Discreet(made(), self._http)

    def _clean(self, gap: Gap) -> Gap:
        hide = self._hidden.hide
        return replace(gap, reason=hide(gap.reason), raw=hide(gap.raw))


def build(config: SourceConfig, chain: Chain, http: Http) -> Source:
    """The adapter for a source on a chain. Raises KeyError for an unknown kind, Refused
    where the adapter cannot serve this chain."""
    module, _, name = SOURCES[config.kind].adapter.partition(":")
    made = getattr(import_module(module), name)(config, chain, http)
    return cast(Source, Discreet(made, http))


def whole_of(source: Source) -> WholeBlocks | None:
    """The face of a source that reads whole blocks, None where it has none: see
    ports.ReadsBlocks. No word of it holds a secret either."""
    if isinstance(source, Discreet):
        return cast("WholeBlocks | None", source.face("whole"))
    made = getattr(source, "whole", None)
    return None if made is None else cast(WholeBlocks, made())
