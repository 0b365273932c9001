"""The edge towards sources, against real servers that misbehave."""

from __future__ import annotations

import gzip
import hashlib
import json
import logging
import subprocess
import sys
import threading
import time
import traceback
import tracemalloc
from email.utils import formatdate
from pathlib import Path

import pytest
from world.sinks import (
    DRIP_BODY,
    DRIP_HEADERS,
    DRIP_STATUS,
    HttpSink,
    Mode,
    RawServer,
    answer,
    certificates,
    cut,
    hang,
    raw,
    reset,
)

from monitor.model.errors import BadResponse, RateLimited, Refused, SourceError, Unavailable
from monitor.net import wire
from monitor.net.http import Answer, Http
from monitor.net.limits import Limiter

SHORT = b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{}"


def answered(body: bytes) -> Answer:
    return Answer(200, body, {}, hashlib.sha256(body).hexdigest())


def parsed(body: bytes) -> object:
    return answered(body).json()


def test_get_brings_body_headers_and_hash() -> None:
    """A good answer is handed over whole, and the request carries what was configured."""
    with HttpSink() as sink:
        sink.then(answer(200, b'{"a": 1}', x_more="yes"))
        http = Http("scan", sink.url("/api"), params={"apikey": "K"}, headers={"X-Key": "H"})
        got = http.get("/v2", {"page": 2})
        request = sink.seen[0]
    assert (got.status, got.json(), got.text) == (200, {"a": 1}, '{"a": 1}')
    assert got.headers["x-more"] == "yes"
    assert got.sha256 == hashlib.sha256(b'{"a": 1}').hexdigest()
    assert request.path == "/api/v2?apikey=K&page=2"
    assert request.headers["user-agent"] == wire.USER_AGENT
    assert request.headers["x-key"] == "H"
    assert http.calls == 1


def test_post_sends_json() -> None:
    """A JSON-RPC call goes out as JSON."""
    with HttpSink() as sink:
        Http("node", sink.url("")).post("/rpc", {"id": 1}, {"X-A": "b"})
    request = sink.seen[0]
    assert (request.method, request.path, request.body) == ("POST", "/rpc", b'{"id": 1}')
    assert request.headers["content-type"] == "application/json"
    assert request.headers["x-a"] == "b"


@pytest.mark.parametrize("mode", [hang, DRIP_STATUS, DRIP_HEADERS, DRIP_BODY])
def test_deadline_holds_against_slow_servers(mode: Mode) -> None:
    """A server that hangs or drips is left at the deadline, on a new and on a kept
    connection."""
    with HttpSink() as sink:
        http = Http("scan", sink.url(), timeout=0.6)
        sink.then(mode, answer(200), mode)
        for kept in (False, True):
            if kept:
                http.get("")
            began = time.monotonic()
            with pytest.raises(Unavailable, match=r"within 0\.6 s|in time"):
                http.get("")
            assert time.monotonic() - began < 8  # the server itself would never end


def test_deadline_holds_in_the_tls_handshake() -> None:
    """A server that takes the connection and never shakes hands is left in time."""
    with RawServer(lambda _, closing: closing.wait() and None) as server:
        began = time.monotonic()
        with pytest.raises(Unavailable, match="within"):
            Http("scan", f"https://127.0.0.1:{server.port}", timeout=0.5).get("")
        assert time.monotonic() - began < 8  # the server itself would never end


def test_repetitions_stay_within_the_deadline() -> None:
    """The time-out bounds the call with its repetitions, not each of them."""
    with HttpSink() as sink:
        sink.default = answer(503)
        http = Http("scan", sink.url(), timeout=1.0)
        with pytest.raises(Unavailable):
            http.get("")
        assert http.calls == 2  # a third one, after 0.3 s and 1 s, would be too late


@pytest.mark.parametrize("mode", [answer(503), answer(429), reset, cut, raw(SHORT), raw(b"no\r\n")])
def test_what_may_pass_is_repeated_within_the_call(mode: Mode) -> None:
    """A short fault of any kind costs a second call and no more."""
    with HttpSink() as sink:
        sink.then(mode, answer(200, b"[]"))
        http = Http("scan", sink.url())
        assert http.get("").json() == []
        assert http.calls == 2


def test_repetition_ends() -> None:
    """The last of the attempts raises what it met."""
    with HttpSink() as sink:
        sink.default = answer(502)
        http = Http("scan", sink.url(), attempts=2)
        with pytest.raises(Unavailable, match=r"scan \(127\.0\.0\.1:\d+\): HTTP 502"):
            http.get("")
        assert http.calls == 2


@pytest.mark.parametrize(("status", "kind"), [(429, RateLimited), (503, Unavailable)])
def test_long_retry_after_is_not_waited_for(status: int, kind: type[SourceError]) -> None:
    """A wait that the source asks for is handed up, not slept through."""
    with HttpSink() as sink:
        sink.then(answer(status, retry_after="60"))
        http = Http("scan", sink.url())
        with pytest.raises(kind) as caught:
            http.get("")
        assert (caught.value.retry_after, http.calls) == (60.0, 1)


@pytest.mark.parametrize("status", [400, 403, 404, 422])
def test_client_errors_are_answers(status: int) -> None:
    """An adapter reads the body of a 4xx itself."""
    with HttpSink() as sink:
        sink.then(answer(status, b'{"message": "no"}'))
        got = Http("scan", sink.url()).get("")
        assert (got.status, got.json()) == (status, {"message": "no"})


@pytest.mark.parametrize("status", [301, 302, 303, 304, 307, 308])
def test_redirects_are_not_followed(status: int) -> None:
    """A redirect is a fault; the key in the query goes nowhere else."""
    with HttpSink() as sink, HttpSink() as other:
        sink.then(answer(status, location=other.url()))
        with pytest.raises(BadResponse, match="not followed"):
            Http("scan", sink.url(), params={"apikey": "K"}).get("")
        assert other.connections == 0


@pytest.mark.parametrize("packed", [False, True])
def test_large_bodies_are_left_early(packed: bool) -> None:
    """Neither a long body nor a small one that unpacks to 200 MB is taken in."""
    body = gzip.compress(bytes(200_000_000), 1) if packed else bytes(3_000_000)
    with HttpSink() as sink:
        extra = {"content_encoding": "gzip"} if packed else {}
        sink.then(answer(200, body, **extra))
        tracemalloc.start()
        try:
            with pytest.raises(BadResponse, match="more than 1,000,000 bytes"):
                Http("scan", sink.url(), max_bytes=1_000_000).get("")
            assert tracemalloc.get_traced_memory()[1] < 20_000_000
        finally:
            tracemalloc.stop()


ALL_LOADED = """
import json
from importlib import import_module
from monitor.net.channels import CHANNELS
from monitor.net.http import Answer
from monitor.net.sources import SOURCES
for kind in SOURCES.values():
    import_module(kind.adapter.partition(":")[0])
import apprise, web3
for body in (b"[" * 100_000, b'{"a":' * 100_000):
    try:
        Answer(200, body, {}, "").json()
    except Exception as error:
        print(type(error).__name__, "nested too deeply" in str(error))
"""


def test_nested_json_ends_no_process_whatever_is_loaded() -> None:
    """web3 brings a library that lets Python recurse beyond what its stack holds."""
    done = subprocess.run(
        [sys.executable, "-c", ALL_LOADED], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "BadResponse True\n" * 2), done.stderr


# What is not looked for in the megabytes of blocks.
LOOKED_OVER = (b'{"a": 1, "a": 2}', b"[" + b"9" * 401 + b"]")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b'{"a": 1',
        b'{"a": 1, "a": 2}',
        b"[NaN]",
        b"[Infinity]",
        b"[-Infinity]",
        b"[1e999]",
        b"[" + b"9" * 401 + b"]",
        b"[" + b"9" * 5000 + b"]",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"[1] 2",
        b"\x00\xff\xfe",
    ],
)
def test_what_is_not_strict_json_is_a_bad_response(body: bytes) -> None:
    """Nothing unreadable is ever taken for an answer, and nothing crashes."""
    raised = sys.getrecursionlimit()
    sys.setrecursionlimit(1000)  # as in production; Hypothesis raises it for its own ends
    try:
        with pytest.raises(BadResponse, match="not readable as JSON"):
            parsed(body)
        if body not in LOOKED_OVER:
            with pytest.raises(BadResponse, match="not readable as JSON"):
                answered(body).json_of_blocks()
    finally:
        sys.setrecursionlimit(raised)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a": 115792089237316195423570985008687907853269984665640564039457584007913129639935}',
         {"a": 2**256 - 1}),
        (b'\xef\xbb\xbf{"a": null}', {"a": None}),
        (b'["US\xffDT"]', ["US\ufffdDT"]),
        (b'["\\ud83d\\ude00"]', ["\U0001f600"]),
        (b'["\\ud83d", "\\udE00x"]', ["\ufffd", "\ufffdx"]),
        (b'["\\\\ud83d"]', ["\\ud83d"]),
        (b'["\\\\\\ud83d"]', ["\\\ufffd"]),
    ],
)  # fmt: skip
def test_json_keeps_numbers_and_mends_text(body: bytes, value: object) -> None:
    """Integers are exact; a broken token name does not make its page unreadable."""
    assert parsed(body) == answered(body).json_of_blocks() == value


FAULTS: list[Mode] = [
    hang, DRIP_HEADERS, DRIP_BODY, reset, cut, raw(SHORT), raw(b"rubbish\r\n\r\n"),
    answer(302, location="http://other.invalid/?apikey=CANARY"), answer(429, b"CANARY"),
    answer(500, b"CANARY"), answer(200, b"CANARY", content_encoding="gzip"),
    answer(200, b"x" * 2000), answer(200, b'{"CANARY'), raw(b"HTTP/1.1 200 OK\r\nCANARY\r\n\r\n{"),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(FAULTS)))
def test_no_secret_in_errors_or_logs(number: int, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever goes wrong, text, traceback and debug log are free of key, path and query."""
    caplog.set_level(logging.DEBUG)
    with HttpSink() as sink:
        sink.default = FAULTS[number]
        url = sink.url("/CANARY").replace("http://", "http://CANARY:CANARY@")
        http = Http(
            "scan", url, params={"apikey": "CANARY"}, headers={"X": "CANARY"}, timeout=0.5,
            max_bytes=1000, attempts=2,
        )  # fmt: skip
        with pytest.raises(SourceError) as caught:
            http.get("/address/CANARY").json()
    trace = "".join(traceback.format_exception(caught.value))
    assert "CANARY" not in trace.replace(Path(__file__).read_text(), "").replace(
        'http.get("/address/CANARY").json()', ""
    )
    assert caught.value.__cause__ is None
    assert "CANARY" not in caplog.text
    assert "scan (127.0.0.1:" in str(caught.value)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://127.0.0.1:1/CANARY", "refused the connection"),
        ("http://no-such-host.invalid/CANARY", "its name cannot be resolved"),
        (f"http://{'a' * 70}.invalid/CANARY", "its name cannot be resolved"),
    ],
)
def test_unreachable_sources_are_named(url: str, words: str) -> None:
    """The person reads which host it was and what happened."""
    with pytest.raises(Unavailable, match=words) as caught:
        Http("scan", url, attempts=1).get("")
    assert "CANARY" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["htp://x/CANARY", "http:///CANARY", "CANARY", "http://[::1/CANARY"]
)
def test_unusable_urls_are_refused(url: str) -> None:
    """A URL that cannot be used needs a person; it is not shown."""
    with pytest.raises(Refused) as caught:
        Http("scan", url).get("")
    assert "CANARY" not in str(caught.value).replace("scan (CANARY)", "")


def test_certificates_are_checked(tmp_path: Path) -> None:
    """An unknown certificate is a fault in plain words; with the CA bundle it is trusted."""
    bundle = tmp_path / "ca.pem"
    bundle.write_bytes(certificates().ca_pem)
    with HttpSink(certificates()) as sink:
        with pytest.raises(Unavailable, match="certificate is not trusted"):
            Http("scan", sink.url(), attempts=1).get("")
        assert sink.seen == []
        assert Http("scan", sink.url(), verify=str(bundle)).get("").status == 200


def test_environment_is_ignored(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No proxy and no password is taken from the environment."""
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login CANARY password CANARY\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    with HttpSink() as sink, HttpSink() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url(""))
        Http("scan", sink.url()).get("")
        assert proxy.connections == 0
        assert "authorization" not in sink.seen[0].headers


def test_configured_proxy_is_used_except_for_loopback() -> None:
    """Sources go through the proxy of the settings, this machine's own nodes do not."""
    with HttpSink() as sink, HttpSink() as proxy:
        proxies = {"http": proxy.url(""), "https": proxy.url("")}
        Http("scan", "http://explorer.invalid", proxies=proxies).get("/api")
        Http("node", sink.url(), proxies=proxies).get("")
        assert [request.path for request in proxy.seen] == ["http://explorer.invalid/api"]
        proxy.default = answer(403)
        with pytest.raises(Unavailable, match="at the proxy"):
            Http("scan", "https://explorer.invalid", proxies=proxies, attempts=1).get("/api")
        assert len(sink.seen) == 1


def test_threads_share_a_client() -> None:
    """Calls from many threads are counted and each gets its own answer."""
    with HttpSink() as sink:
        sink.default = answer(200, b"{}")
        http = Http("scan", sink.url())
        threads = [
            threading.Thread(target=lambda: [http.get("") for _ in range(10)]) for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert http.calls == len(sink.seen) == 80
        assert sink.connections <= 8


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None), ("", None), ("soon", None), ("-5", None), ("1.5.2", None), ("0", 0.0),
        ("17", 17.0), (" 17 ", 17.0), ("86400", 3600.0), ("9" * 5000, 3600.0), ("１７", None),
        (formatdate(1_800_000_090, usegmt=True), 90.0), (formatdate(1_700_000_000), 0.0),
        (formatdate(2_000_000_000), 3600.0), ("Wed, 99 Foo 2026 99:99:99 GMT", None),
        ("Sun, 06 Nov 99999 08:49:37 GMT", None),
    ],
)  # fmt: skip
def test_retry_after(value: str | None, seconds: float | None) -> None:
    """Seconds or a date, bounded to an hour; anything else is as if it were not there."""
    assert wire.retry_after(value, 1_800_000_000.0) == seconds


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0", "10.1.2.3", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.31.0.1",
        "192.0.0.8", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "203.0.113.5",
        "224.0.0.1", "240.0.0.1", "255.255.255.255", "::", "::1", "::ffff:127.0.0.1",
        "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "64:ff9b:1::1", "100::1", "2001::1",
        "2001:db8::1", "2002:7f00:1::", "3fff::1", "fc00::1", "fe80::1%eth0", "fec0::1", "ff02::1",
        "5f00::1",
    ],
)  # fmt: skip
def test_addresses_that_are_not_public(address: str) -> None:
    """Every way inside is known, translated ones too."""
    assert not wire.is_public(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "100.63.255.255", "2606:4700::1", "::ffff:8.8.8.8"])
def test_addresses_that_are_public(address: str) -> None:
    """The public internet stays reachable."""
    assert wire.is_public(address)


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def limiter(self, *args: object, **more: object) -> Limiter:
        return Limiter(*args, clock=self, wall=self, sleep=self.sleep, **more)  # type: ignore[arg-type]


def test_limiter_spaces_calls() -> None:
    """Three a second means a third of a second between calls, and none before the first."""
    clock = Clock()
    limiter = clock.limiter("k", 3.0)
    for _ in range(4):
        limiter.acquire()
    assert clock.slept == pytest.approx([1 / 3] * 3)
    clock.now += 60
    limiter.acquire()
    assert len(clock.slept) == 3


def test_limiter_spaces_threads() -> None:
    """Threads that share a limiter together keep to its rate."""
    limiter = Limiter("k", 50.0)
    began = time.monotonic()
    threads = [
        threading.Thread(target=lambda: [limiter.acquire() for _ in range(5)]) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 0.37 < time.monotonic() - began < 5


def test_whoever_gives_way_waits_for_the_others() -> None:
    """While others wait for turns, one in six goes to who gives way; a turn that is free is taken
    at once."""
    behind = threading.local()
    limiter = Limiter("k", 100.0, behind=lambda: getattr(behind, "so", False))
    turns: list[str] = []
    both = threading.Barrier(8)

    def ask(name: str, times: int) -> None:
        behind.so = name == "behind"
        both.wait()
        for _ in range(times):
            limiter.acquire()
            turns.append(name)

    asking = [("front", 30)] * 4 + [("behind", 60)] * 4
    threads = [threading.Thread(target=ask, args=each) for each in asking]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    last = len(turns) - turns[::-1].index("front")
    assert turns.count("behind") == 240
    assert 15 <= turns[:last].count("behind") <= 35, "120 of the others, and a sixth of all turns"

    began = time.monotonic()
    behind.so = True
    time.sleep(0.02)
    limiter.acquire()
    assert time.monotonic() - began < 0.05


def test_hourly_budget_ends_and_begins_again() -> None:
    """When the hour's calls are used up the limiter says how long that lasts."""
    clock = Clock(1_800_000_000.0 + 600)  # ten minutes into an hour
    limiter = clock.limiter("k", 1e9, per_hour=3, per_day=100)
    for _ in range(3):
        limiter.acquire()
    with pytest.raises(RateLimited, match="3 calls an hour") as caught:
        limiter.acquire()
    assert caught.value.retry_after == pytest.approx(3000, abs=1)
    clock.now += 3000
    limiter.acquire()


def test_budget_is_reserved_in_blocks_before_use() -> None:
    """What a process may use is in the record first; a second process gets what is left."""
    used: dict[tuple[str, int, int], int] = {}
    asked: list[int] = []

    def reserve(key: str, start: int, seconds: int, n: int) -> int:
        granted = min(n, 700 - used.get((key, start, seconds), 0))
        used[key, start, seconds] = used.get((key, start, seconds), 0) + granted
        asked.append(n)
        return granted

    clock = Clock(1_800_000_000.0)
    done = 0
    for _ in range(2):  # the first process is killed after 400 calls
        limiter = clock.limiter("k", 1e12, per_hour=700, reserve=reserve)
        try:
            for _ in range(400):
                limiter.acquire()
                done += 1
        except RateLimited:
            break
    assert used == {("k", 1_800_000_000, 3600): 700}
    assert 690 <= done <= 700
    assert set(asked) == {7}


def test_each_question_of_a_batch_is_a_call_of_the_budget() -> None:
    """As the plans of nodes count. What is left is not taken by a batch for which it is too small,
    and a batch that is larger than the whole budget takes all of it, not nothing for ever."""
    clock, taken = Clock(1_800_000_000.0), [0]

    def reserve(_key: str, _start: int, _seconds: int, n: int) -> int:
        granted = min(n, 1000 - taken[0])
        taken[0] += granted
        return granted

    limiter = clock.limiter("k", 1e9, per_day=1000, reserve=reserve)
    for _ in range(19):
        limiter.acquire(50)
    limiter.acquire(40)
    assert 990 <= taken[0] <= 1000
    with pytest.raises(RateLimited, match="1000 calls a day"):
        limiter.acquire(11)
    for _ in range(10):
        limiter.acquire()
    with pytest.raises(RateLimited):
        limiter.acquire()
    assert taken == [1000]
    clock.now, taken[0] = clock.now + 86_400, 0
    limiter.acquire(5000)
    with pytest.raises(RateLimited):
        limiter.acquire()


def test_a_batch_that_is_sent_counts_by_its_questions() -> None:
    with HttpSink() as sink:
        http = Http("node", sink.url(), limiter=Limiter("node", 1e9, per_day=5))
        http.post("", [{"id": n} for n in range(3)])
        http.post("", {"id": 1})
        with pytest.raises(RateLimited):
            http.post("", [{"id": n} for n in range(2)])
        http.post("", {"id": 1})
        assert len(sink.seen) == 3


def test_used_up_budget_names_the_source_and_makes_no_call() -> None:
    """A call over the budget is not made, and the error says whose budget it was."""
    with HttpSink() as sink:
        http = Http("scan", sink.url(), limiter=Limiter("KEY", 1e9, per_day=1))
        http.get("")
        with pytest.raises(RateLimited, match=r"scan .*: our budget of 1 calls a day") as caught:
            http.get("")
        assert "KEY" not in str(caught.value)
        assert len(sink.seen) == 1


@pytest.mark.parametrize("value", [b"{},", b"[],", b"1,", b'"",', b'"\\\\",'])
def test_an_answer_that_would_fill_our_memory_is_not_decoded(value: bytes) -> None:
    """Twenty megabytes of nothing would take half a gigabyte and a minute."""
    body = b"[" + value * (19_000_000 // len(value)) + b"0]"
    with pytest.raises(BadResponse, match="more values than any list has"):
        Answer(200, body, {}, "").json()


@pytest.mark.slow
def test_the_largest_honest_answers_are_decoded() -> None:
    """Ten thousand rows of twenty fields, and a block's receipts with all their logs."""
    row = {f"field {n}": "0x" + "ab" * 32 for n in range(20)}
    rows = json.dumps([row] * 10_000).encode()
    assert len(Answer(200, rows, {}, "").json()) == 10_000
    receipt = {"logs": [{"topics": ["0x1"] * 4, "data": "0x"}] * 15}
    block = json.dumps([receipt] * 8_000).encode()
    assert len(Answer(200, block, {}, "").json()) == 8_000


@pytest.mark.parametrize("stumble", [AttributeError, ValueError])
def test_what_a_library_stumbles_over_when_time_is_over_is_a_time_out(
    stumble: type[Exception],
) -> None:
    """urllib3 asks a connection that was cut for its socket, which is gone."""

    def work(deadline: wire.Deadline) -> None:
        with deadline:
            while not deadline.expired and deadline.seconds < 1:
                time.sleep(0.001)
            raise stumble("'NoneType' object has no attribute 'settimeout'")

    with pytest.raises(TimeoutError):
        work(wire.Deadline(0.0))
    with pytest.raises(stumble):
        work(wire.Deadline(60.0))
