"""The unspent outputs of addresses, as a node of Bitcoin Core's kind finds them: it looks through
all that are unspent, which takes minutes on a long chain, for however many addresses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from monitor.chains.address import AddressError, canonical
from monitor.model import Chain
from monitor.model.errors import BadResponse, NotServed
from monitor.model.reading import Unspent
from monitor.net.http import Answer, Http
from monitor.net.sources import utxo_node
from monitor.net.sources.parsing import RowError, fields, items, place
from monitor.net.sources.utxo_legs import fields_of, hash_of
from monitor.net.sources.utxo_rpc_rows import parse_hash

SECONDS = 600.0  # for one look through all that is unspent


def unspent(name: str, http: Http, chain: Chain, addresses: Sequence[str]) -> Unspent:
    """See ports.SeesUnspent. Raises NotServed where the node is looking already, for others."""
    wanted = frozenset(addresses)
    asked = [{"desc": f"addr({address})"} for address in addresses]

    def post(sent: object) -> Answer:
        return http.post("", sent, seconds=SECONDS)

    told = fields_of(utxo_node.one(name, post, "scantxoutset", "start", asked))
    if told.get("success") is not True:
        raise NotServed(f"{name} did not look through all unspent outputs to the end")
    try:
        found = [_output(chain, fields(row)) for row in items(told.get("unspents"), "unspents")]
        height = place(told.get("height"), "height")
    except (RowError, AddressError) as error:
        raise BadResponse(f"{name}: unspent outputs cannot be read: {error}") from None
    if any(address not in wanted for _, address in found):
        raise BadResponse(f"{name} told unspent outputs of others than were asked for")
    return Unspent(height, parse_hash(told.get("bestblock")), dict(found))


def _output(chain: Chain, row: Mapping[str, object]) -> tuple[str, str]:
    number = place(row.get("vout"), "vout")
    desc = str(row.get("desc"))
    address = desc.removeprefix("addr(").partition(")")[0]
    return f"{hash_of(row.get('txid'), 'txid')}:{number}", canonical(chain, address)
