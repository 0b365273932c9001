"""The table of sources, and how one is built from its settings."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import Any, cast

from monitor.model import Ask, Batch, Chain, Gap, SourceConfig
from monitor.model.errors import Refused
from monitor.model.ports import Source
from monitor.net.hidden import Hidden
from monitor.net.http import Http

# kind -> where its adapter lives; loaded on first use.
SOURCES: dict[str, str] = {
    "etherscan": "monitor.net.sources.etherscan:Etherscan",
    "blockscout": "monitor.net.sources.blockscout:Blockscout",
    "esplora": "monitor.net.sources.esplora:Esplora",
    "blockbook": "monitor.net.sources.blockbook:Blockbook",
    "trongrid": "monitor.net.sources.trongrid:TronGrid",
    "evm_rpc": "monitor.net.sources.evm_rpc:EvmRpc",
}
# kind -> where an API key goes. Kinds without a line take it as part of their url.
KEY_PARAM = {"etherscan": "apikey", "blockscout": "apikey"}
KEY_HEADER = {"trongrid": "TRON-PRO-API-KEY", "blockbook": "api-key"}  # the latter: NOWNodes


@dataclass(frozen=True, slots=True)
class HttpOptions:
    """What monitor.net.http.Http needs to know of a source; url and the rest may be secret."""

    base_url: str = field(repr=False)
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
    param, header = KEY_PARAM.get(config.kind), KEY_HEADER.get(config.kind)
    key = config.api_key
    return HttpOptions(
        base_url=url.rstrip("/"),
        params={param: key} if param and key else {},
        headers={header: key} if header and key else {},
    )


class Discreet:
    """A source whose words hold no secret that was sent to it: neither in its errors nor in
    what it says of rows that cannot be read. All else is the source's own."""

    def __init__(self, source: Any, words: Hidden) -> None:  # noqa: ANN401 - any adapter
        self._source, self._hidden = source, words

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the adapter has
        found = getattr(self._source, name)
        return self._hidden.discreet(found) if callable(found) else found

    def fetch(self, ask: Ask) -> Batch:
        batch: Batch = self._hidden.discreet(self._source.fetch)(ask)
        return replace(batch, gaps=tuple(self._clean(gap) for gap in batch.gaps))

    def _clean(self, gap: Gap) -> Gap:
        hide = self._hidden.hide
        return replace(gap, reason=hide(gap.reason), raw=hide(gap.raw))


def build(config: SourceConfig, chain: Chain, http: Http) -> Source:
    """The adapter for a source on a chain. Raises KeyError for an unknown kind, Refused
    where the adapter cannot serve this chain."""
    module, _, name = SOURCES[config.kind].partition(":")
    made = getattr(import_module(module), name)(config, chain, http)
    return cast(Source, Discreet(made, http.hidden))
