"""Lists are fetched whole or not at all, from servers that misbehave, and from nowhere else."""

from __future__ import annotations

import gzip
import hashlib
import socket
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from world.sinks import HttpSink, Mode, RawServer, answer, certificates, cut, drip, hang, raw, reset

from monitor.model.errors import BadResponse, RateLimited, Refused, SourceError, Unavailable
from monitor.model.lists import Fetched, Validators
from monitor.net.download import Way, download

NEW = Validators()
LIST = b"0x0000000000000000000000000000000000000001\n" * 1000
TOKEN = "X-Amz-Signature=9f86d081884c7d659a2feaa0c55ad015"


def fetch(url: str, into: Path, known: Validators = NEW, **way: object) -> Fetched | None:
    options = {"proxies": {}, "within": 5.0, "silent": 1.0, **way}
    return download("ofac", url, into / "coming", known, Way(**options), lambda _: None)


@pytest.fixture
def sink() -> Iterator[HttpSink]:
    with HttpSink() as made:
        yield made


def test_a_file_comes_whole_with_its_hash(sink: HttpSink, tmp_path: Path) -> None:
    sink.then(answer(200, LIST, etag='"a1"', last_modified="Fri, 13 Mar 2026 14:00:00 GMT"))
    got = fetch(sink.url("/exports/sanctioned_XBT.txt?a=b"), tmp_path)
    assert got is not None
    assert got.path.read_bytes() == LIST
    assert (got.sha256, got.bytes) == (hashlib.sha256(LIST).hexdigest(), len(LIST))
    assert got.name == "sanctioned_XBT.txt"
    assert got.validators == Validators('"a1"', "Fri, 13 Mar 2026 14:00:00 GMT")
    assert stat.S_IMODE(got.path.stat().st_mode) == 0o600
    assert "if-none-match" not in sink.seen[0].headers


def test_what_is_known_is_asked_for_by_condition(sink: HttpSink, tmp_path: Path) -> None:
    known = Validators('"a1"', "Fri, 13 Mar 2026 14:00:00 GMT")
    sink.then(answer(302, location="/moved"), answer(304))
    assert fetch(sink.url(), tmp_path, known) is None
    for request in sink.seen:
        assert request.headers["if-none-match"] == known.etag
        assert request.headers["if-modified-since"] == known.modified


def test_a_304_that_nothing_asked_for_is_not_believed(sink: HttpSink, tmp_path: Path) -> None:
    sink.then(answer(304))
    with pytest.raises(BadResponse, match="304"):
        fetch(sink.url(), tmp_path)


def test_redirects_are_followed_within_https(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_bytes(certificates().ca_pem)
    with HttpSink(certificates()) as store, HttpSink(certificates()) as front:
        front.then(answer(302, location=store.url(f"/SDN.XML?{TOKEN}", "localhost")))
        store.default = answer(200, LIST)
        got = fetch(front.url("/list"), tmp_path, verify=str(tmp_path / "ca.pem"))
        assert got is not None
        assert got.bytes == len(LIST)
        assert got.name == "list"


@pytest.mark.parametrize(
    ("to", "words"),
    [
        ("http://example.org/list", "not https"),
        ("ftp://127.0.0.1/list", "not https"),
        ("file:///etc/passwd", "not https"),
        ("https://169.254.169.254/latest/meta-data", "public internet"),
        ("https://10.0.0.7/", "public internet"),
        ("https://[::ffff:10.0.0.7]/", "public internet"),
        ("https://me:secret@example.org/", "holds a login"),
        ("//192.168.1.1/list", "not https"),
    ],
)
def test_redirects_that_must_not_be_followed(
    sink: HttpSink, tmp_path: Path, to: str, words: str
) -> None:
    """Nothing is asked there, and the message names the host alone."""
    sink.then(answer(302, location=to))
    with pytest.raises(BadResponse, match=words):
        fetch(sink.url(), tmp_path)
    assert len(sink.seen) == 1


def test_a_public_publisher_cannot_lead_to_this_machine(
    sink: HttpSink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor by a name that leads here: where the connection goes is what counts."""
    names = {"lists.example.org": "127.0.0.1", "rebound.example.org": "127.0.0.1"}
    asked = socket.getaddrinfo

    def resolved(host: str, *rest: object, **named: object) -> object:
        return asked(names.get(host, host), *rest, **named)

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    (tmp_path / "ca.pem").write_bytes(certificates().ca_pem)
    sink.then(answer(200, LIST))
    with pytest.raises(BadResponse, match="not https"):
        download_from(tmp_path, "http://lists.example.org", sink.url("/x"))
    with pytest.raises(Unavailable, match="not on the public internet"):
        download_from(tmp_path, "http://lists.example.org", "https://rebound.example.org:1/")
    assert sink.seen == []


def download_from(into: Path, front: str, to: str) -> Fetched | None:
    with HttpSink() as first:
        first.default = answer(302, location=to)
        return fetch(f"{front}:{first.port}/list", into)


def test_a_circle_of_redirects_ends(sink: HttpSink, tmp_path: Path) -> None:
    sink.default = answer(301, location="/again")
    with pytest.raises(BadResponse, match="leads on more than 5 times"):
        fetch(sink.url(), tmp_path)
    assert len(sink.seen) == 6


HEAD = b"HTTP/1.1 200 OK\r\n"
CUT_GZIP = gzip.compress(LIST * 50)[:-200]


@pytest.mark.parametrize(
    ("mode", "kind", "words"),
    [
        (raw(HEAD + b"Content-Length: 5000\r\n\r\n" + LIST[:100]), Unavailable, "cut"),
        (raw(HEAD + b"Transfer-Encoding: chunked\r\n\r\n10\r\n" + LIST[:16]), Unavailable, "cut"),
        (answer(200, CUT_GZIP, content_encoding="gzip"), Unavailable, "cut short"),
        (answer(200, b"no gzip", content_encoding="gzip"), Unavailable, "unpacked"),
        (answer(200, LIST, content_encoding="br"), BadResponse, "not asked for"),
        (answer(200, b""), BadResponse, "answered with nothing"),
        (answer(200, b"\xef\xbb\xbf\n <!DOCTYPE html><html>Log in"), BadResponse, "web page"),
        (answer(206, LIST), BadResponse, "HTTP 206"),
        (answer(204), BadResponse, "HTTP 204"),
        (answer(302), BadResponse, "HTTP 302"),
        (answer(404), Refused, "HTTP 404"),
        (answer(403, b"<Error>AccessDenied</Error>"), Refused, "HTTP 403"),
        (answer(503), Unavailable, "HTTP 503"),
        (answer(429, retry_after="7"), RateLimited, "HTTP 429"),
        (raw(HEAD + b"Content-Length: 600000000\r\n\r\n"), BadResponse, "larger than 500 MB"),
        (hang, Unavailable, "no answer in time"),
        (cut, Unavailable, "closed the connection"),
        (reset, Unavailable, "cut the connection"),
        (raw(b"what is this?\r\n\r\n"), Unavailable, "not HTTP"),
    ],
)
def test_what_is_not_a_whole_list_is_not_had(
    sink: HttpSink, tmp_path: Path, mode: Mode, kind: type[SourceError], words: str
) -> None:
    sink.default = mode
    with pytest.raises(kind, match=words):
        fetch(sink.url(), tmp_path, silent=0.3)


def test_a_server_that_drips_is_left_at_the_deadline(sink: HttpSink, tmp_path: Path) -> None:
    sink.default = drip(HEAD + b"Content-Length: 5000\r\n\r\n")
    with pytest.raises(Unavailable, match=r"no full answer within 0\.4 s"):
        fetch(sink.url(), tmp_path, within=0.4)


def test_a_bomb_fills_neither_memory_nor_disk(sink: HttpSink, tmp_path: Path) -> None:
    bomb = gzip.compress(b"\0" * 30_000_000)
    sink.default = answer(200, bomb, content_encoding="gzip")
    with pytest.raises(BadResponse, match="larger than 1 MB"):
        fetch(sink.url(), tmp_path, most=1_000_000)
    assert (tmp_path / "coming").stat().st_size <= 1_000_000


def test_an_answer_may_come_packed_in_several_members(sink: HttpSink, tmp_path: Path) -> None:
    packed = gzip.compress(LIST) + gzip.compress(LIST)
    sink.default = answer(200, packed, content_encoding="gzip")
    got = fetch(sink.url(), tmp_path)
    assert got is not None
    assert got.path.read_bytes() == LIST * 2


def test_a_file_that_is_packed_itself_stays_as_it_is(sink: HttpSink, tmp_path: Path) -> None:
    sink.default = answer(200, gzip.compress(LIST))
    got = fetch(sink.url("/list.json.gz"), tmp_path)
    assert got is not None
    assert got.path.read_bytes() == gzip.compress(LIST)


def test_an_answer_without_an_end_is_asked_for_twice(sink: HttpSink, tmp_path: Path) -> None:
    """It could be cut anywhere: only two that are alike are believed."""
    sink.default = raw(HEAD + b"\r\n" + LIST)
    assert fetch(sink.url(), tmp_path) is not None
    assert len(sink.seen) == 2
    sink.then(raw(HEAD + b"\r\n" + LIST[:-500]))
    with pytest.raises(Unavailable, match="does not say where it ends"):
        fetch(sink.url(), tmp_path)


def test_what_a_url_holds_stays_inside(sink: HttpSink, tmp_path: Path) -> None:
    """Neither our own key nor a redirect's signature is in an error, or in what is recorded."""
    sink.then(
        answer(302, location=f"/x?{TOKEN}"),
        answer(500, TOKEN.encode()),
        answer(200, LIST, etag='"key-0123456789abcdef"'),
    )
    url = sink.url("/list?apikey=key-0123456789abcdef")
    with pytest.raises(Unavailable) as caught:
        fetch(url, tmp_path)
    assert "9f86d081" not in str(caught.value)
    assert "0123456789" not in str(caught.value)
    assert caught.value.__context__ is None
    got = fetch(url, tmp_path)
    assert got is not None
    assert got.validators == NEW


def test_the_proxy_is_asked_but_not_for_this_machine(sink: HttpSink, tmp_path: Path) -> None:
    """Through it a redirect cannot lead to an address of our own network either."""
    sink.then(answer(302, location="https://10.0.0.7/"))
    proxies = {"http": sink.url(""), "https": sink.url("")}
    with pytest.raises(BadResponse, match="not on the public internet"):
        fetch("http://lists.example.org/list", tmp_path, proxies=proxies)
    assert sink.seen[0].path == "http://lists.example.org/list"
    with HttpSink() as own:
        own.default = answer(200, LIST)
        assert fetch(own.url(), tmp_path, proxies=proxies) is not None


def test_a_fetch_can_be_ended(tmp_path: Path) -> None:
    """What looks on is asked again and again, and may say stop."""

    class StopError(Exception):
        pass

    def talk(connection: socket.socket, closing: threading.Event) -> None:
        connection.recv(4096)
        connection.sendall(HEAD + b"Content-Length: 400000000\r\n\r\n")
        while not closing.is_set():
            connection.sendall(b"x" * 65_536)

    def watch(size: int) -> None:
        if size > 1_000_000:
            raise StopError

    with RawServer(talk) as server:
        url = f"http://127.0.0.1:{server.port}/list"
        with pytest.raises(StopError):
            download("ofac", url, tmp_path / "coming", NEW, Way({}), watch)


def test_a_link_in_the_place_of_the_file_is_not_followed(sink: HttpSink, tmp_path: Path) -> None:
    (tmp_path / "else").write_text("mine")
    (tmp_path / "coming").symlink_to(tmp_path / "else")
    sink.default = answer(200, LIST)
    with pytest.raises(Unavailable):
        fetch(sink.url(), tmp_path)
    assert (tmp_path / "else").read_text() == "mine"
