"""No secret comes back, however a server spells it: in errors, in what is said of rows, in
answers of receivers, in the record."""

from __future__ import annotations

import base64
import html
import json
import traceback
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st
from world.home import Home, evm_home
from world.scripted_server import Call, Reply, serve
from world.sinks import HttpSink, MailSink, answer

from monitor.loops.witness import sees_balances
from monitor.model import (
    Ask,
    Chain,
    ChannelConfig,
    Head,
    Interval,
    Outgoing,
    PriceIds,
    Rendered,
    SourceConfig,
    Subject,
    answers,
)
from monitor.model.balance import Holding
from monitor.model.errors import DeliveryError, SourceError
from monitor.model.scope import Members
from monitor.net import channels, hidden, prices, sources
from monitor.net.heard import heard_of
from monitor.net.http import Http
from monitor.net.limits import Limiter

RENDERED = Rendered("s", "t", json='{"text": "t"}')
MESSAGE = Outgoing("M-AAAA-BBBB-CCCC", "desk@example.org", 1_800_000_000, RENDERED)
KEY = "Canary/9xYz+Key-5f1c77a1"
CHAINS = {
    "evm": Chain("dev", "dev", "evm", "ETH", 18, 12, chain_id=31337),
    "utxo": Chain("bitcoin", "Bitcoin", "utxo", "BTC", 8, 6),
    "tron": Chain("tron", "Tron", "tron", "TRX", 6, 19),
}
KINDS = {
    "etherscan": ("evm", "/api", "0x" + "a1" * 20),
    "blockscout": ("evm", "", "0x" + "a1" * 20),
    "evm_rpc": ("evm", "/v3/{key}", "0x" + "a1" * 20),
    "esplora": ("utxo", "/{key}/api", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"),
    "blockbook": ("utxo", "", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"),
    "utxo_rpc": ("utxo", "/{key}", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"),
    "trongrid": ("tron", "", "TXhf9nU9bjo1j9z5qEesHdr6gtdndfnA4T"),
}

# How a server spells what it was sent.
SPELLINGS: dict[str, Callable[[str], str]] = {
    "as sent": str,
    "in capitals": str.upper,
    "in small letters": str.lower,
    "percent": lambda s: quote(s, safe=""),
    "percent twice": lambda s: quote(quote(s, safe=""), safe=""),
    "every byte in percent": lambda s: "".join(f"%{b:02x}" for b in s.encode()),
    "plus": quote_plus,
    "JSON": json.dumps,
    "JSON in JSON": lambda s: json.dumps(json.dumps(s)),
    "JSON in numbers": lambda s: "".join(f"\\u{ord(c):04X}" for c in s),
    "HTML": html.escape,
    "HTML in numbers": lambda s: "".join(f"&#{ord(c)};" for c in s),
    "cut at its end": lambda s: s[: len(s) // 2 + 2],
    "cut at its beginning": lambda s: s[len(s) // 2 - 2 :],
    "base64": lambda s: base64.b64encode(s.encode()).decode(),
    "base64 of a login": lambda s: base64.b64encode(f"me:{s}".encode()).decode(),
    "base64 in a longer one": lambda s: base64.urlsafe_b64encode(f"{{{s}, and}}".encode()).decode(),
    "hex": lambda s: s.encode().hex(),
}


def can_be_read_in(secret: str, text: str) -> bool:
    """Whether a piece of eight characters or more stands there, in any spelling."""
    pieces = [secret[n : n + 8] for n in range(len(secret) - 7)]
    plain = {spell(p).strip('"\\') for p in pieces for spell in SPELLINGS.values()}
    return any(piece.lower() in text.lower() for piece in plain if len(piece) >= 8)


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_is_hidden(spelling: str) -> None:
    """And the words around it stay."""
    said = hidden.Hidden([KEY]).hide(f"the key {SPELLINGS[spelling](KEY)} is not known")
    assert hidden.MARK in said
    assert not can_be_read_in(KEY, said)
    assert said.startswith("the key ")
    assert said.endswith(" is not known")


@given(st.text(min_size=12, max_size=40).filter(lambda s: s.strip() == s), st.text(max_size=30))
def test_any_secret_is_hidden(secret: str, around: str) -> None:
    """Of any characters, between any others, in every spelling that keeps it whole."""
    hides = hidden.Hidden([secret])
    for spell in (str, quote_plus, json.dumps, html.escape):
        text = f"{around} {spell(secret)} {around}"
        assert secret not in hides.hide(text)


@given(st.text(max_size=300))
def test_other_words_stay_as_they_are(words: str) -> None:
    """What holds nothing of a secret is not changed."""
    assert hidden.Hidden(["Kx77-unlikely-Qz"]).hide(words) == words


def test_words_of_an_address_stay_readable() -> None:
    """Parts of a URL that are words are hidden only where the whole of them stands."""
    hides = hidden.of_request("https://h.example/mainnet/v3/k9D83hdkLs02", {"chainid": "1"}, {})
    assert hides.hide("mainnet is busy at h.example, block 1") == (
        "mainnet is busy at h.example, block 1"
    )
    named = hidden.of_request("https://h.example/blockscout/etherscan/api", {}, {})
    assert named.hide("blockscout (h.example): HTTP 500") == "blockscout (h.example): HTTP 500"
    assert "k9D83hdk" not in hides.hide("Cannot POST /mainnet/v3/k9D83hdkLs02")


def test_the_login_of_a_proxy_is_hidden() -> None:
    """In its own spelling and as the header that it is sent in."""
    login = "me:pass-Word-77"
    hides = hidden.of_request("https://h.example", {}, {}, [f"http://{login}@proxy:3128"])
    header = base64.b64encode(login.encode()).decode()
    said = hides.hide(f"407: Basic {header} is refused for me with pass-Word-77")
    assert not can_be_read_in("pass-Word-77", said)


# -- every source ----------------------------------------------------------------------------


def echo(call: Call) -> str:
    """Everything that the server was sent, in every spelling."""
    sent = [call.path, *call.query.values(), *call.headers.values()]
    words = [w for w in sent if "Canary" in w or "anary" in w]
    return " ; ".join(spell(w) for w in words for spell in SPELLINGS.values())


# What may come back: an error of each kind, a page, a row that cannot be read.
ANSWERS: dict[str, Callable[[Call, str], Reply]] = {
    "refused": lambda _c, said: Reply({"error": {"message": said, "code": 1}}, 403),
    "a page": lambda _c, said: Reply(f"<html>Cannot GET {said}</html>".encode(), 404),
    "a text": lambda _c, said: Reply(said.encode(), 400),
    "a text as success": lambda _c, said: Reply(said.encode()),
    "broken": lambda _c, said: Reply({"message": said, "detail": said}, 500),
    "not ok": lambda _c, said: Reply({"status": "0", "message": "NOTOK", "result": said}),
    "in words": lambda _c, said: Reply({"success": False, "error": said, "Error": said}),
    "RPC": lambda _c, said: Reply(
        {"jsonrpc": "2.0", "id": 1, "error": {"code": -32000, "message": said, "data": said}}
    ),
    "rows": lambda _c, said: Reply([{"txid": said, "hash": said, "status": said}]),
    "result": lambda _c, said: Reply({"status": "1", "message": "OK", "result": [{"hash": said}]}),
}


@contextmanager
def source(kind: str, reply: Callable[[Call, str], Reply]) -> Iterator[sources.Source]:
    family, path, _ = KINDS[kind]
    with serve(lambda call: reply(call, echo(call))) as server:
        url = server.url + path.replace("{key}", quote(KEY, safe=""))
        config = SourceConfig("mine", kind, url, api_key="" if "{key}" in path else KEY)
        options = sources.http_options(config, CHAINS[family])
        http = Http("mine", options.base_url, params=options.params, headers=options.headers,
                    attempts=1)  # fmt: skip
        yield sources.build(config, CHAINS[family], http)


def words_of(call: Callable[[], Any]) -> str:
    """All that is left of a call: what it returned, or its error with the whole trace."""
    try:
        return repr(call())
    except SourceError as error:
        return "".join(traceback.format_exception(error))


@pytest.mark.parametrize("reply", ANSWERS)
@pytest.mark.parametrize("kind", KINDS)
def test_no_source_brings_a_key_back(
    kind: str, reply: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever the server repeats, in an error, a page or a row."""
    family, _, address = KINDS[kind]
    head = Head(100, 1_700_000_000, None)
    with source(kind, ANSWERS[reply]) as made:
        top = made.axis.top(head)
        asks = [
            Ask((Subject(CHAINS[family].key, address),), bundle, Interval(0, top), head)
            for bundle in made.bundles
        ]
        said = [words_of(made.identify), words_of(made.head)]
        said += [words_of(partial(made.fetch, ask)) for ask in asks]
        said += [words_of(lambda: made.transaction("0x" + "77" * 32))]
        holdings = [Holding(address), Holding(address, address)]
        if able := sees_balances(made):
            said += [words_of(partial(able.balances, holdings, height)) for height in (None, 7)]
        if whole := sources.whole_of(made):
            ask = Ask((), whole.bundles[0], Interval(5, 7), head, members=Members({address: 0}))
            said += [words_of(whole.head), words_of(partial(whole.fetch, ask))]
        said += [words_of(lambda: made.block_hash(7))]
    text = "\n".join([*said, caplog.text])
    assert text
    assert not can_be_read_in(KEY, text)


@pytest.mark.parametrize("reply", ANSWERS)
@pytest.mark.parametrize("kind", prices.PRICES)
def test_no_price_source_brings_a_key_back(kind: str, reply: str) -> None:
    """The same for who says what coins are worth."""
    chain = replace(CHAINS["evm"], prices=PriceIds(coin="ethereum", defillama="dev"))
    with serve(lambda call: ANSWERS[reply](call, echo(call))) as server:
        url = f"{server.url}/{quote(KEY, safe='')}"
        config = SourceConfig("mine", kind, url, api_key=KEY)
        made = prices.build(config, Limiter("mine", 1000))
        said = [words_of(partial(made.ask, [(chain, "")], moment)) for moment in (None, 1)]
    assert not can_be_read_in(KEY, "\n".join(said))


# -- every channel ---------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 400, 410, 500])
@pytest.mark.parametrize("secret", [KEY, f"{KEY}2", "other-Secret-123"])
@pytest.mark.parametrize("kind", ["webhook", "slack", "teams", "discord"])
def test_no_webhook_brings_its_address_back(kind: str, secret: str, status: int) -> None:
    """Its path, its query and its secret are keys."""
    with HttpSink() as sink:
        said = " ; ".join(spell(secret) for spell in SPELLINGS.values())
        sink.default = answer(status, said.encode())
        url = sink.url(f"/services/{quote(KEY, safe='')}?sig={quote(KEY + '2', safe='')}")
        config = ChannelConfig("hook", kind, url=url, allow_private=True,
                               secrets=("other-Secret-123",))  # fmt: skip
        text = outcome(channels.build(config))
    assert not can_be_read_in(secret, text)


@pytest.mark.parametrize("where", ["rcpt", "sender", "data"])
def test_no_mail_server_brings_the_password_back(where: str) -> None:
    """A server that repeats the login that it was given."""
    said = " ".join(spell(KEY) for spell in SPELLINGS.values()).replace("\n", " ")
    refusal = f"550 5.7.1 {said}".encode("ascii", "replace").decode()
    with MailSink(login=("me", KEY)) as sink:
        if where == "rcpt":
            sink.rcpt = {"desk@example.org": refusal}
        else:
            setattr(sink, where, refusal)
        config = ChannelConfig("desk", "email", host="127.0.0.1", port=sink.port, user="me",
                               password=KEY, security="none", sender="me@example.org")  # fmt: skip
        text = outcome(channels.build(config))
    assert "550" in text
    assert not can_be_read_in(KEY, text)


def outcome(channel: channels.CheckedChannel) -> str:
    try:
        return channel.send(MESSAGE)
    except DeliveryError as error:
        return "".join(traceback.format_exception(error))


# -- all the way -----------------------------------------------------------------------------


def everything(home: Home) -> str:
    """All that a home folder holds but .env, the record text by text, and all that was said."""
    texts = list(home.said)
    for path in sorted(home.path.rglob("*")):
        if path.is_file() and path.name != ".env":
            texts.append(path.read_bytes().decode("utf-8", "replace"))
    return "\n".join(texts)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["etherscan", "evm_rpc"])
def test_no_command_shows_a_key_that_came_back(tmp_path: Path, kind: str) -> None:
    """Logs, `check`, `status`, the record and the messages after a server has repeated what it
    was sent: an ordinary "Cannot POST /v3/KEY" was once in eight mails."""
    _, path, address = KINDS[kind]
    answers = ANSWERS["RPC" if kind == "evm_rpc" else "not ok"]
    with serve(lambda call: answers(call, echo(call))) as server, HttpSink() as hook:
        url = server.url + path.replace("{key}", quote(KEY, safe=""))
        home = evm_home(tmp_path, "unused", kind, [address])
        source = {"kind": kind, "url_env": "NODE_URL", "rate_per_second": 1000}
        if "{key}" not in path:
            source["api_key_env"] = "NODE_KEY"
        home.write("config/sources.yaml", {"sources": {"mine": source}})
        home.write(".env", f"NODE_URL={url}\nNODE_KEY={KEY}\nHOOK={hook.url()}\n")
        (tmp_path / ".env").chmod(0o600)
        machine = {"kind": "webhook", "url_env": "HOOK", "allow_private": True}
        home.write("config/channels.yaml", {"channels": {"hook": machine}})
        home.run("check", code=None)
        home.run("poll", code=None)
        home.sql("UPDATE incident SET since = since - 90000")
        home.run("poll", code=None)
        home.run("status", code=None)
        home.run("alerts", "list", code=None)
        sent = "\n".join(request.body.decode() for request in hook.seen)
    assert "[hidden]" in everything(home)
    assert not can_be_read_in(KEY, everything(home) + sent)


# -- what is kept of answers -----------------------------------------------------------------


def history(call: Call, said: str) -> Reply:
    """A list that names a transaction, and repeats everything that it was sent, headers and
    all; and a cursor that holds it too, to be sent back."""
    row = {
        "hash": "0x" + "77" * 32, "blockNumber": "5", "timeStamp": "1700000000", "value": "5",
        "from": "0x" + "b2" * 20, "to": "0x" + "a1" * 20, "gasUsed": "1", "gasPrice": "1",
        "isError": "0", "input": "0x", "contractAddress": "",
    }  # fmt: skip
    body = {"status": "1", "message": "OK", "result": [row], "echo": said}
    return Reply({**body, "said": dict(call.headers)})


@pytest.mark.parametrize("padding", [0, 60_000])
def test_no_kept_answer_or_request_holds_a_key(padding: int) -> None:
    """Of a long body too, which is searched for long pieces only."""
    seen: list[str] = []

    def answer_to(call: Call, said: str) -> Reply:
        # A run of fourteen characters may stand in data by chance; what is longer may not.
        seen.append("; ".join(w for w in said.split(" ; ") if not is_cut(w)) + "x" * padding)
        return history(call, seen[-1])

    with source("etherscan", answer_to) as made:
        head = Head(100, 1_700_000_000, None)
        subject = Subject(CHAINS["evm"].key, "0x" + "a1" * 20)
        batch = made.fetch(Ask((subject,), frozenset({"native"}), Interval(0, 100), head))
    kept = [answers.keep(heard, "news") for heard in batch.heard]
    assert kept
    assert can_be_read_in(KEY, "".join(seen))
    for each in kept:
        body = zlib.decompress(each.packed).decode()
        assert "[hidden]" in body
        assert each.body_sha256 != each.sha256
        assert not can_be_read_in(KEY, body)
        assert not can_be_read_in(KEY, each.request)
        assert not can_be_read_in(KEY, repr(batch))


def is_cut(words: str) -> bool:
    """Whether it is half of the key."""
    halves = [SPELLINGS[name](KEY) for name in ("cut at its end", "cut at its beginning")]
    return any(half in words for half in halves) and KEY.lower() not in words.lower()


@pytest.mark.parametrize("status", [400, 404, 500])
def test_of_a_refusal_no_body_is_kept(status: int) -> None:
    """Only that it came, with its digest: its words may be anything."""
    with serve(lambda _call: Reply(f"no {KEY}".encode(), status)) as server:
        http = Http("mine", server.url, params={"apikey": KEY}, attempts=1)
        with http.hearing() as said, suppress(SourceError):
            http.get("/api", {"module": "x"})
        heard = [heard_of(http, each) for each in said]
    assert [each.data for each in heard] == ([] if status == 500 else [b""])


@pytest.mark.parametrize("body", [
    {"jsonrpc": "2.0", "id": 1, "error": {"code": -32000, "message": "no"}},
    {"status": "0", "message": "NOTOK", "result": "Invalid API Key"},
])  # fmt: skip
def test_a_refusal_that_calls_itself_a_success_is_one_too(body: object) -> None:
    with serve(lambda _call: Reply(body)) as server:
        http = Http("mine", server.url, attempts=1)
        assert heard_of(http, http.get("/api")).data == b""
