"""Esplora REST API: Blockstream, mempool.space, self-hosted electrs and its forks.

An address has one list, newest first, continued after the last transaction seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from urllib.parse import quote

from monitor.chains import landmarks
from monitor.chains.utxo import UTXO
from monitor.model import Ask, Batch, Chain, Head, Lookup, SourceConfig
from monitor.model.balance import BalanceWord, Holding
from monitor.model.errors import BadResponse, Refused
from monitor.model.trace import Profile
from monitor.net.http import Answer, Http
from monitor.net.sources import utxo_balances, utxo_profile
from monitor.net.sources.esplora_answers import checked, hash_in, hash_text
from monitor.net.sources.esplora_blocks import EsploraBlocks
from monitor.net.sources.esplora_rows import (
    parse_count,
    parse_head,
    parse_lookup,
    parse_transactions,
    parse_unconfirmed,
)
from monitor.net.sources.esplora_walk import Descent, Place
from monitor.net.sources.newest_balances import Newest
from monitor.net.sources.paging import Recorder, Walk, batch_of
from monitor.net.sources.parsing import Parsed
from monitor.net.sources.utxo_legs import fields_of

PAGE_SIZE = 25  # Blockstream and mempool.space; self-hosted servers may be set otherwise


class Esplora:
    """Source for one UTXO chain. `url` is what `/address/...` is appended to.

    Batches of stream `utxo` on the axis of heights, one subject each. A cursor is
    "txid height seen": the last transaction above the block that the next batch begins
    with, its height, and how many transactions were seen down to it.
    """

    axis = UTXO.axis
    bundles = (frozenset({"utxo"}),)
    many = False
    one_index = True
    list_calls = 2  # one for the chain and one for the mempool
    act_calls = 0  # nobody can freeze coins of these chains

    def __init__(self, config: SourceConfig, chain: Chain, http: Http) -> None:
        self.name = config.name
        self.chain = chain.key
        self.index_lag = config.index_lag or 0
        self._chain = chain
        self._http = http
        self._page_size = config.page_size or PAGE_SIZE
        self._newest = Newest(self.name, self.head, head_calls=2)

    def identify(self) -> None:
        expected = landmarks.FIRST.get(self.chain)
        if expected is None:
            return
        reported = self.block_hash(0)
        if reported not in (expected, None):  # None: a pruned server has no word on it
            raise Refused(
                f"{self.name} answers for another chain than {self._chain.name}: its first block "
                f"is {reported}, not {expected}. Correct the url or the chain's sources"
            )

    def head(self) -> Head:
        tip = hash_text(self._get("/blocks/tip/hash"))
        return parse_head(self._get(f"/block/{tip}").json(), tip)

    def transaction(self, tx: str) -> Lookup:
        head = self.head()
        answer = self._http.get(f"/tx/{quote(tx, safe='')}")
        if answer.status == 404:
            return Lookup(self.name, tx, found=False, head=head)
        return parse_lookup(self._checked(answer).json(), self.name, tx, head)

    def block_hash(self, height: int) -> str | None:
        answer = self._http.get(f"/block-height/{height}")
        return hash_in(self.name, answer)

    @property
    def old_heights(self) -> bool:
        """It keeps only the newest figures."""
        return False

    def balances(self, asked: Sequence[Holding], height: int | None) -> BalanceWord:
        """See ports.SeesBalances."""
        put = partial(
            utxo_balances.put, self._totals, utxo_balances.parse_totals, self._chain, asked
        )
        return self._newest.word(asked, height, put)

    def balance_calls(self, asked: Sequence[Holding]) -> int:
        """See ports.SeesBalances."""
        return self._newest.calls(len(asked))

    def profile(self, address: str, most: int) -> Profile:
        """See ports.Profiles: the count of its transactions, and the newest page of them."""
        del most
        path = f"/address/{quote(address, safe='')}"
        told = fields_of(self._of_address(self._http.get(path)).json())
        sketch = utxo_profile.counted(self.name, self._chain, address, told, parse_count(told))
        if not sketch.counted:
            return sketch.profile(1)
        rows = self._of_address(self._http.get(f"{path}/txs/chain")).json()
        if not isinstance(rows, list):
            raise BadResponse(f"{self.name} answered something else than a list of transactions")
        utxo_profile.take(sketch, parse_transactions(self._chain, rows))
        return sketch.profile(2)

    def _totals(self, address: str) -> object:
        return self._of_address(self._http.get(f"/address/{quote(address, safe='')}")).json()

    def fetch(self, ask: Ask) -> Batch:
        """Read downwards from the newest transaction, or from the cursor.

        Unconfirmed transactions are read first: one that is mined meanwhile is then reported
        twice and not left out.
        """
        recorder = Recorder(self._http)
        pending, mempool_read = self._mempool(ask, recorder) if ask.mempool else (Parsed(), False)
        walk = self._walk(ask, recorder)
        read, rest, cursor = walk.covered(ask)
        parsed = parse_transactions(self._chain, walk.rows_above(rest))
        found = Walk((), read, rest, cursor=cursor)
        return batch_of(
            self.name, ask, found, parsed, recorder, pending=pending, mempool_read=mempool_read
        )

    def _mempool(self, ask: Ask, recorder: Recorder) -> tuple[Parsed, bool]:
        """The list of unconfirmed transactions, which has no paging and is cut in silence:
        whole only where the address's own count of them agrees."""
        rows = self._rows(recorder, f"{_address_path(ask)}/txs/mempool")
        parsed = parse_unconfirmed(self._chain, rows, ask.head.height)
        if not rows or parsed.gaps:
            return parsed, not parsed.gaps
        reported = self._checked(recorder.get(_address_path(ask), {})).json()
        return parsed, parse_count(reported, "mempool_stats") <= len(rows)

    def _walk(self, ask: Ask, recorder: Recorder) -> Descent:
        start = Place.read(ask.cursor)
        if start is not None and not self._stands(start, recorder):
            start = None
        walk = Descent(start)
        last = start.tx if start is not None else None
        while not walk.below(ask.span.lo) and not walk.full(ask.max_rows):
            rows = self._rows(recorder, _page_path(ask, last))
            if rows:
                last = walk.add(rows)
                if last is None:
                    break
            if len(rows) < self._page_size:
                walk.ended = self._ended(ask, walk, recorder, empty=not rows)
                walk.broken = not rows and not walk.ended
                if walk.ended or walk.broken:
                    break
        return walk

    def _ended(self, ask: Ask, walk: Descent, recorder: Recorder, *, empty: bool) -> bool:
        """Whether a short or empty page is the end of the history.

        The address's own count of transactions decides. It may be seconds old, and below a
        cursor newer ones may have come on top: then an empty page counts if the transaction
        asked after still stands in its block, because electrs answers an empty page for an
        unknown one too.
        """
        count = parse_count(self._of_address(recorder.get(_address_path(ask), {})).json())
        last = walk.last_place()
        if count == walk.total() or not empty or last is None:
            return count == walk.total()
        moved = count < walk.total() or walk.start is not None
        return moved and self._stands(last, recorder)

    def _stands(self, at: Place, recorder: Recorder) -> bool:
        """Whether its transaction is still in the block it was seen in."""
        answer = recorder.get(f"/tx/{quote(at.tx, safe='')}/status", {})
        if answer.status in (400, 404):
            return False
        status = fields_of(self._checked(answer).json())
        return status.get("confirmed") is True and status.get("block_height") == at.height

    def _rows(self, recorder: Recorder, path: str) -> list[object]:
        rows = self._of_address(recorder.get(path, {})).json()
        if not isinstance(rows, list):
            raise BadResponse(f"{self.name} answered something else than a list of transactions")
        return rows

    def _get(self, path: str) -> Answer:
        return self._checked(self._http.get(path))

    def _of_address(self, answer: Answer) -> Answer:
        """As `_checked`, for the lists of an address: what is refused there as unreadable is
        the address, in whatever words."""
        if answer.status not in (400, 422):
            return self._checked(answer)
        said = " ".join(answer.text.split())[:120]
        why = f"{self.name} does not take this address (HTTP {answer.status}: {said})"
        raise Refused(why, of_address=True)

    def _checked(self, answer: Answer) -> Answer:
        return checked(self.name, answer)

    def whole(self) -> EsploraBlocks:
        """See ports.ReadsBlocks."""
        return EsploraBlocks(self, self._chain, self._http)


def _address_path(ask: Ask) -> str:
    return f"/address/{quote(ask.subjects[0].address, safe='')}"


def _page_path(ask: Ask, last: str | None) -> str:
    path = f"{_address_path(ask)}/txs/chain"
    return path if last is None else f"{path}/{last}"
