"""The unspent outputs of addresses, as a node of Bitcoin Core's kind finds them: it looks through
all that are unspent, which takes minutes on a long chain, for however many addresses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from monitor.chains.payees import Payees
from monitor.model.errors import BadResponse, NotServed
from monitor.model.reading import Unspent
from monitor.net.http import Answer, Http
from monitor.net.sources import utxo_node
from monitor.net.sources.parsing import RowError, fields, items, place
from monitor.net.sources.utxo_legs import fields_of
from monitor.net.sources.utxo_rpc_rows import output_in, parse_hash, script_in

SECONDS = 600.0  # for one look through all that is unspent


def unspent(name: str, http: Http, payees: Payees, addresses: Sequence[str]) -> Unspent:
    """See ports.SeesUnspent. Raises NotServed where the node is looking already, for others."""
    wanted = frozenset(addresses)
    asked = [{"desc": f"addr({address})"} for address in addresses]

    def post(sent: object) -> Answer:
        return http.post("", sent, seconds=SECONDS)

    told = fields_of(utxo_node.one(name, post, "scantxoutset", "start", asked))
    if told.get("success") is not True:
        raise NotServed(f"{name} did not look through all unspent outputs to the end")
    try:
        found = [_output(payees, fields(row)) for row in items(told.get("unspents"), "unspents")]
        height = place(told.get("height"), "height")
    except RowError as error:
        raise BadResponse(f"{name}: unspent outputs cannot be read: {error}") from None
    if any(address not in wanted for _, address in found):
        raise BadResponse(f"{name} told unspent outputs of others than were asked for")
    return Unspent(height, parse_hash(told.get("bestblock")), dict(found))


def _output(payees: Payees, row: Mapping[str, object]) -> tuple[str, str]:
    """Whose it is is told by its script: the descriptor may name its key instead (`rawtr`)."""
    address = payees.address(script_in(row.get("scriptPubKey"), "scriptPubKey"))
    return output_in(row), address or ""
