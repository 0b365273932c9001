"""The contract that every source adapter keeps, over real HTTP on loopback.

To join, an adapter adds a Case to CASES: a server that tells the case's story in the
adapter's dialect, what the adapter must make of it, and its refusals.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

import pytest
import test_hidden
import test_other_chain
import test_silent_caps
from world import evm_story, utxo_story
from world.scripted_server import Call, Reply, serve

from monitor.chains.address import canonical
from monitor.chains.table import streams_of
from monitor.model import Ask, Batch, Chain, Head, Interval, SourceConfig, Subject
from monitor.model.errors import BadResponse, RateLimited, Refused, SourceError, Unavailable
from monitor.model.ports import Source
from monitor.net import sources
from monitor.net.http import Http

KEY = "SECRET-key-0123456789"

Answerer = Callable[[Call], Reply]


@dataclass(frozen=True)
class Case:
    """One adapter. `expected` holds (tx, leg, block, amount) of every transfer."""

    kind: str
    chain: Chain
    address: str
    span: Interval
    server: Callable[[], Answerer]
    paged: Callable[[], Answerer]  # the same story in pages of two or three rows
    page_size: int | None
    expected: set[tuple[str, str, int | None, int]]
    refusals: tuple[tuple[Any, int, type[SourceError]], ...] = ()  # body, HTTP status, error
    head: Head = evm_story.HEAD  # that the server has
    tx: str = field(default_factory=lambda: evm_story.tx_of("in"))  # one of the story
    url: str = ""  # appended to the server's address
    equals: str = ""  # cases with the same mark tell the same rows


def _said(message: str, result: Any = None) -> dict[str, Any]:
    return {"status": "0", "message": message, "result": result}


def _notok(text: str) -> dict[str, Any]:
    return _said("NOTOK", text)


ACCOUNT_LIST_REFUSALS: tuple[tuple[Any, int, type[SourceError]], ...] = (
    (_notok("Max rate limit reached"), 200, RateLimited),
    (_notok("Max calls per sec rate limit reached (3/sec)"), 200, RateLimited),
    (_notok("Max daily rate limit reached"), 200, RateLimited),
    (_notok("Max rate limit reached, please use API Key for higher rate limit"), 200, RateLimited),
    (_notok("Too many invalid api key attempts, please try again later"), 200, RateLimited),
    (_notok(f"Invalid API Key {KEY}"), 200, Refused),
    (_notok("Missing or unsupported chainid parameter (required for v2 api)"), 200, Refused),
    (_notok("Error! Missing Or invalid Action name"), 200, Refused),
    (_notok("Error! Invalid address format"), 200, Refused),
    (_notok("Free API access is not supported for this chain. Please upgrade"), 200, Refused),
    (_notok("Free API access is temporarily unavailable due to high activity"), 200, Unavailable),
    (_notok("Sorry, it looks like you are trying to access an API Pro endpoint"), 200, Refused),
    (_said("Query Timeout occured. Please select a smaller result dataset"), 200, Unavailable),
    (
        _notok("Query Timeout occured. Please select a smaller result dataset"), 200, Unavailable,
    ),
    (
        _notok("Unexpected err, timeout occurred or server too busy. Please try again later"),
        200, Unavailable,
    ),
    (_said("An error occurred"), 200, Unavailable),
    (_notok("One or more errors occurred."), 200, Unavailable),
    (_said("Result window is too large, PageNo x Offset size must be less"), 200, BadResponse),
    (_notok("Please specify a block range smaller than 10000000 blocks"), 200, BadResponse),
    (_said("chain not supported"), 200, Refused),
    (_said("Query parameter 'address' is required"), 200, Refused),
    (_said("Something that nobody has written down"), 200, BadResponse),
    (_said("No transactions found", "surprise"), 200, BadResponse),
    ({"status": "1", "message": "OK", "result": None}, 200, BadResponse),
    ({"status": 1, "message": "OK", "result": []}, 200, BadResponse),
    ([], 200, BadResponse),
    ({}, 200, BadResponse),
    ({"error": "unauthorized"}, 401, Refused),
)  # fmt: skip
BLOCKSCOUT_REFUSALS: tuple[tuple[Any, int, type[SourceError]], ...] = (
    (_said("Too many requests. Increase limits now at https://dev.blockscout.com"), 200,
     RateLimited),
    ({"error": "no such chain", "source": "internal"}, 404, BadResponse),
    ({"error": "bad key", "source": "internal"}, 401, Refused),
    ({"message": "Invalid parameter(s)"}, 422, BadResponse),
)  # fmt: skip
BLOCKBOOK_REFUSALS: tuple[tuple[Any, int, type[SourceError]], ...] = (
    ({"error": "Invalid address, checksum mismatch"}, 400, Refused),
    ({"error": f"UNKNOWN_API_KEY {KEY}"}, 401, Refused),
    ({"error": "busy"}, 200, BadResponse),
    ({"blockbook": {"coin": "Coin"}, "backend": {}}, 200, BadResponse),
    ([], 200, BadResponse),
    ({}, 200, BadResponse),
)  # fmt: skip

CASES = (
    Case(
        kind="etherscan",
        chain=evm_story.CHAIN,
        address=evm_story.ME,
        span=Interval(0, evm_story.HEAD.height),
        server=evm_story.EtherscanServer,
        paged=evm_story.EtherscanServer,
        page_size=3,
        expected=evm_story.expected(),
        refusals=ACCOUNT_LIST_REFUSALS,
        url="/v2/api",
        equals="evm story",
    ),
    Case(
        kind="blockscout",
        chain=evm_story.CHAIN,
        address=evm_story.ME,
        span=Interval(0, evm_story.HEAD.height),
        server=evm_story.BlockscoutServer,
        paged=lambda: evm_story.BlockscoutServer(rest_page=2),
        page_size=3,
        expected=evm_story.expected(),
        refusals=BLOCKSCOUT_REFUSALS,
        equals="evm story",
    ),
    Case(
        kind="blockbook",
        chain=utxo_story.CHAIN,
        address=utxo_story.ME,
        span=Interval(0, utxo_story.HEIGHT),
        server=utxo_story.BlockbookServer,
        paged=utxo_story.BlockbookServer,
        page_size=2,
        expected=utxo_story.expected(),
        refusals=BLOCKBOOK_REFUSALS,
        head=utxo_story.HEAD,
        tx=utxo_story.tx_of(1),
    ),
)
ALL = pytest.mark.parametrize("case", CASES, ids=lambda case: case.kind)
REFUSALS = [
    pytest.param(case, *refusal, id=f"{case.kind}-{number}")
    for case in CASES
    for number, refusal in enumerate(case.refusals)
]


@contextmanager
def adapter(case: Case, answerer: Answerer, page_size: int | None = None) -> Iterator[Source]:
    """The case's adapter, built as the program builds it, against a scripted server."""
    with serve(answerer) as server:
        config = SourceConfig("the source", case.kind, server.url + case.url, KEY)
        config = replace(config, page_size=page_size)
        options = sources.http_options(config, case.chain)
        http = Http(
            config.name, options.base_url, params=options.params, headers=options.headers,
            attempts=1,
        )  # fmt: skip
        yield sources.build(config, case.chain, http)


def ask_for(case: Case, source: Source, streams: frozenset[str], **changes: Any) -> Ask:
    subject = Subject(case.chain.key, case.address)
    return replace(Ask((subject,), streams, case.span, source.head()), **changes)


def read_all(case: Case, source: Source, max_rows: int) -> list[Batch]:
    """Every bundle, batch by batch until nothing rests."""
    batches = []
    for streams in source.bundles:
        ask: Ask | None = ask_for(case, source, streams, max_rows=max_rows)
        while ask is not None:
            batch = source.fetch(ask)
            batches.append(batch)
            assert len(batches) < 500, "the walk does not end"
            going_on = batch.rest is not None
            ask = replace(ask, span=batch.rest, cursor=batch.cursor) if going_on else None
    return batches


def rows_of(batches: list[Batch]) -> list[tuple[str, str, int | None, int]]:
    return [(t.tx, t.leg, t.block_height, t.amount) for b in batches for t in b.transfers]


@ALL
def test_whole_history(case: Case) -> None:
    """One reading of each bundle tells the story exactly, each row once."""
    with adapter(case, case.server()) as source:
        rows = rows_of(read_all(case, source, 2000))
    assert sorted(rows, key=str) == sorted(case.expected, key=str)


@ALL
@pytest.mark.parametrize("max_rows", [1, 3, 5])
def test_cut_pages_lose_nothing(case: Case, max_rows: int) -> None:
    """Read in the smallest bites, the rows are the same and what was read joins up."""
    with adapter(case, case.paged(), case.page_size) as source:
        batches = read_all(case, source, max_rows)
        bundles = source.bundles
    assert sorted(rows_of(batches), key=str) == sorted(case.expected, key=str)
    assert len(batches) > len(bundles)
    for streams in bundles:
        read = sorted(b.read for b in batches if b.streams == streams and b.read is not None)
        assert (read[0].lo, read[-1].hi) == (case.span.lo, case.span.hi)
        assert all(above.lo == below.hi + 1 for below, above in pairwise(read))


@ALL
def test_no_transaction_is_cut(case: Case) -> None:
    """All rows that one list holds of a transaction come in one batch."""
    with adapter(case, case.paged(), case.page_size) as source:
        batches = read_all(case, source, 1)
    for streams in {b.streams for b in batches}:
        homes: dict[str, set[int]] = {}
        for number, batch in enumerate(b for b in batches if b.streams == streams):
            for transfer in batch.transfers:
                homes.setdefault(transfer.tx, set()).add(number)
        assert all(len(numbers) == 1 for numbers in homes.values())


@ALL
def test_values_are_canonical(case: Case) -> None:
    """Addresses are in their one form, keys are unique, amounts whole, chain as asked."""
    with adapter(case, case.server()) as source:
        transfers = [t for b in read_all(case, source, 2000) for t in b.transfers]
    assert len({t.identity for t in transfers}) == len(transfers)
    for transfer in transfers:
        assert transfer.chain == case.chain.key
        assert type(transfer.amount) is int
        for address in (*transfer.parties(), *filter(None, [transfer.contract])):
            assert address == canonical(case.chain, address)


@ALL
def test_what_is_told_of_a_batch(case: Case) -> None:
    """A batch names its source, head, streams, axis and calls, and hashes its answers."""
    with adapter(case, case.server()) as source:
        for streams in source.bundles:
            ask = ask_for(case, source, streams)
            batch = source.fetch(ask)
            told = (batch.source, batch.streams, batch.axis, batch.head, batch.subjects)
            assert told == ("the source", streams, source.axis, ask.head, ask.subjects)
            assert batch.calls > 0
            assert len(batch.sha256) == 64
            assert batch.read is not None
            assert batch.read.hi <= case.span.hi


@ALL
def test_nothing_above_the_head_is_proven(case: Case) -> None:
    """A span that ends beyond the head is read to the head and no further."""
    with adapter(case, case.server()) as source:
        far = Interval(case.span.lo, case.span.hi * 1000)
        for streams in source.bundles:
            batch = source.fetch(ask_for(case, source, streams, span=far))
            assert (batch.read, batch.rest) == (case.span, None)


@ALL
def test_same_rows_from_every_dialect(case: Case) -> None:
    """Adapters of one chain give the same identities for the same story."""
    twins = [c for c in CASES if c.equals and c.equals == case.equals]
    told = []
    for twin in twins:
        with adapter(twin, twin.server()) as source:
            told.append(sorted(rows_of(read_all(twin, source, 2000)), key=str))
    assert all(rows == told[0] for rows in told)


def _provoke(source: Source, case: Case) -> list[SourceError]:
    """What each bundle raises; the head is given, so that only the list is refused."""
    raised = []
    for streams in source.bundles:
        ask = Ask((Subject(case.chain.key, case.address),), streams, case.span, case.head)
        with pytest.raises(SourceError) as caught:
            source.fetch(ask)
        raised.append(caught.value)
    return raised


@pytest.mark.parametrize(("case", "body", "status", "error"), REFUSALS)
def test_refusals(case: Case, body: Any, status: int, error: type[SourceError]) -> None:
    """Every error body is classified, none is taken for empty, none shows the key."""
    with adapter(case, lambda call: Reply(body, status)) as source:
        for raised in _provoke(source, case):
            assert type(raised) is error, raised
            assert KEY not in str(raised) + repr(raised)


@ALL
@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        (b"<html>Just a moment...</html>", 200, BadResponse),
        (b"<html>Just a moment...</html>", 403, BadResponse),
        (b"", 200, BadResponse),
        (b'{"status":"1","message":"OK","result":[', 200, BadResponse),
        (b"\x00\xff\xfe", 200, BadResponse),
        (b"null", 200, BadResponse),
        (b"<html>Bad gateway</html>", 502, Unavailable),
        (b"slow down", 429, RateLimited),
        (b"", 302, BadResponse),
    ],
)
def test_garbage(case: Case, body: bytes, status: int, error: type[SourceError]) -> None:
    """What is no answer at all is an error of the right kind, everywhere."""
    with adapter(case, lambda call: Reply(body, status)) as source:
        for raised in _provoke(source, case):
            assert type(raised) is error, raised
        for look in (source.head, lambda: source.transaction(case.tx)):
            with pytest.raises(SourceError) as caught:
                look()
            assert KEY not in str(caught.value) + repr(caught.value)


@ALL
def test_the_key_is_sent_and_not_shown(case: Case) -> None:
    """The key travels with every call and is in no repr of what holds it."""
    seen: list[Call] = []
    answerer = case.server()

    def watched(call: Call) -> Reply:
        seen.append(call)
        return answerer(call)

    with adapter(case, watched) as source:
        read_all(case, source, 2000)
        config = SourceConfig("the source", case.kind, "http://localhost", KEY)
        assert KEY not in repr(config) + repr(sources.http_options(config, case.chain))
        assert KEY not in repr(source)
    assert seen
    assert all(KEY in (*call.query.values(), *call.headers.values()) for call in seen)


# Older than the contract, with tests of their own for what it holds. It may only shrink.
WITHOUT_A_CASE = {"esplora", "evm_rpc", "trongrid"}
# Nodes that have no list of an address: what they tell by blocks, test_source_utxo_rpc.py holds.
WITHOUT_LISTS = {"utxo_rpc"}


def test_every_kind_joins_the_tests_of_all_kinds() -> None:
    """What all adapters have to stand, each line of the table stands."""
    kinds = set(sources.SOURCES)
    assert {case.kind for case in CASES} == kinds - WITHOUT_A_CASE - WITHOUT_LISTS
    assert {case.kind for case in test_other_chain.CASES} == kinds - WITHOUT_LISTS
    assert set(test_hidden.KINDS) == kinds
    cuts = {"evm_rpc"}  # with a refusal
    assert set(test_silent_caps.LISTS) == kinds - WITHOUT_LISTS - cuts


def test_every_case_is_as_the_protocol_wants() -> None:
    """Each case's class calls itself as it was called, and serves lists that there are."""
    for case in CASES:
        lag = 0 if case.chain.family == "utxo" else 5
        with adapter(case, case.server()) as source:
            assert {s for b in source.bundles for s in b} <= set(streams_of(case.chain))
            assert (source.name, source.chain, source.index_lag) == ("the source", "test", lag)
            source.identify()


def test_url_with_a_chain_id() -> None:
    """{chain_id} in a url becomes the chain's own; a chain without one is refused."""
    config = SourceConfig("r", "etherscan", "https://r.example/{chain_id}/api/")
    options = sources.http_options(config, evm_story.CHAIN)
    assert options.base_url == "https://r.example/31337/api"
    assert (options.params, options.headers) == ({}, {})
    with pytest.raises(Refused):
        sources.http_options(config, replace(evm_story.CHAIN, chain_id=None))
