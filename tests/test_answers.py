"""A receiver that says yes in the wrong words: every channel takes its platform's own yes, and
nothing else, for one."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext

import pytest
import world.sample_alerts as sample
from world.sinks import HttpSink, MailSink, Mode, RawServer, answer

from monitor.model import ChannelConfig, Outgoing
from monitor.model.errors import DeliveryError
from monitor.net import channels

HTML = "text/html; charset=utf-8"
PAGES: Mapping[str, Mode] = {
    "a page": answer(200, b"<!DOCTYPE html><html><body>Welcome</body></html>", content_type=HTML),
    "a page that calls itself text": answer(
        200, b"\n<html><title>Sign in</title></html>", content_type="text/plain"
    ),
    "a page that calls itself JSON": answer(
        200, b"<!-- x -->\n<head></head>", content_type="application/json"
    ),
    "a page without a type": answer(200, b"\xef\xbb\xbf  <HTML>blocked by the gateway</HTML>"),
    "a piece of a page": answer(202, b"<p>ok</p>", content_type=HTML),
    "a page after words": answer(200, b"One moment <!doctype html><html>", content_type="x/y"),
    "a page in UTF-16": answer(200, "<html>ok</html>".encode("utf-16")),
    "a page that is not done": answer(201, b"<form action=/login", content_type="text/plain"),
    "an XHTML page": answer(
        200, b'<?xml version="1.0"?><html/>', content_type="application/xhtml+xml"
    ),
}
WORDS: Mapping[str, Mode] = {
    "ok: false": answer(200, b'{"ok": false, "error": "channel_not_found"}'),
    "success: false": answer(200, b'{"success":false}'),
    "success in words": answer(200, b'{"Success":"false"}'),
    "an error": answer(202, b'{"error":{"code":403,"message":"no"}}'),
    "errors": answer(200, b'{"data":null,"errors":[{"message":"no"}]}'),
    "a status of failure": answer(200, b'{"status":"error"}'),
    "a status code": answer(200, b'{"statusCode":500,"message":"x"}'),
    "an errcode": answer(200, b'{"errcode":310000,"errmsg":"keywords not in content"}'),
    "a list of errors": answer(200, b'[{"error":"nope"}]'),
    "a cut-off no": answer(200, b'{"ok":false,"more":"' + b"x" * 100),
    "false": answer(200, b"false"),
    "words": answer(200, b"Webhook message delivery failed with error: Microsoft Teams endpoint "
                         b"returned HTTP error 403 with ContextId tcid=0"),
    "error: words": answer(200, b"Error: no such hook"),
    "quoted words": answer(200, b'"error"'),
    "a fault": answer(200, b'<?xml version="1.0"?><soap:Fault>x</soap:Fault>'),
}  # fmt: skip
YES: Mapping[str, Mapping[str, Mode]] = {
    "webhook": {
        "nothing": answer(200),
        "204": answer(204),
        "202": answer(202, b"queued"),
        "ok": answer(200, b"ok", content_type=HTML),  # what small servers call their words
        "ok: true": answer(200, b'{"ok":true,"error":null,"errors":[],"status":"ok","code":200}'),
        "no errors": answer(200, b"received without errors"),
        "errors: 0": answer(200, b"errors: 0"),
        "an echo": answer(200, b'{"you sent":"<html><body>error</body></html>"}'),
    },
    "slack": {"ok": answer(200, b"ok")},
    "teams": {"a workflow": answer(202), "a connector": answer(200, b"1")},
    "discord": {
        "the message": answer(200, b'{"content":"' + b"x" * 9000 + b'","id":"13"}'),
        "not waited for": answer(204),
    },
}
# A 2xx that another platform would have meant as a yes, or that means nothing there.
FOREIGN: Mapping[str, Mapping[str, Mode]] = {
    "webhook": {},
    "slack": {"nothing": answer(200), "1": answer(200, b"1"), "202": answer(202), "other words":
              answer(200, b"ok then"), "invalid_payload": answer(200, b"invalid_payload")},
    "teams": {"nothing": answer(200), "ok": answer(200, b"ok"), "202 and words":
              answer(202, b'{"x":1}'), "201": answer(201)},
    "discord": {"nothing": answer(200), "no id": answer(200, b'{"content":"x"}'), "ok":
                answer(200, b"ok"), "a list": answer(200, b'[{"id":"1"}]'), "202": answer(202)},
}  # fmt: skip
CASES = [
    (kind, name, mode, True) for kind, found in YES.items() for name, mode in found.items()
] + [
    (kind, name, mode, False)
    for kind in YES
    for name, mode in {**PAGES, **WORDS, **FOREIGN[kind]}.items()
]


def send(kind: str, sink: HttpSink) -> str:
    machine = kind == "webhook"
    config = ChannelConfig("x", kind, url=sink.url(), allow_private=True, machine=machine)
    rendered = sample.mail(sample.outgoing(), channel=config)
    return channels.build(config).send(Outgoing("M-1", "x", 1_800_000_000, rendered))


@pytest.mark.parametrize(
    ("kind", "mode", "good"),
    [pytest.param(k, m, good, id=f"{k}-{name}") for k, name, m, good in CASES],
)
def test_only_its_own_yes_is_a_yes(kind: str, mode: Mode, good: bool) -> None:
    """What the platform calls a yes is one; a page, a failure in words or another's yes is a
    no that is worth a few tries."""
    with HttpSink() as sink:
        sink.default = mode
        with nullcontext() if good else pytest.raises(DeliveryError) as caught:
            assert send(kind, sink).startswith("2")
        if not good:
            error = caught.value
            assert (error.permanent, error.disable) == (False, False)
            assert error.lasting


@pytest.mark.parametrize(
    ("status", "lasting", "tries"), [(400, True, 2), (413, True, 2), (403, True, 1),
                                     (429, False, 1), (502, False, 1)],
)  # fmt: skip
def test_what_teams_tells_inside_a_200(status: int, lasting: bool, tries: int) -> None:
    """The status in its words counts: a layout goes out plainly, a pause is an outage."""
    words = (
        f"Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP "
        f"error {status} with ContextId tcid=0"
    )
    with HttpSink() as sink:
        sink.default = answer(200, words.encode())
        with pytest.raises(DeliveryError) as caught:
            send("teams", sink)
        assert (caught.value.status, caught.value.lasting) == (str(status), lasting)
        assert len(sink.seen) == tries
        sink.then(answer(200, words.encode()), answer(200, b"1"))
        if status in (400, 413):
            assert "in plain form" in send("teams", sink)


@pytest.mark.parametrize(
    ("dialogue", "what"),
    [
        ([b"220 x", b"250 x", b"250 ok", b"250 ok", b"354 go", b"252 not sure"], "the mail"),
        ([b"220 x", b"250 x", b"250 ok", b"250 ok", b"354 go", b"200 ok"], "the mail"),
        ([b"220 x", b"250 x", b"250 ok", b"252 cannot verify"], "the recipient"),
        ([b"220 x", b"250 x", b"220 hello"], "the sender"),
        ([b"250 hello"], "the connection"),
        ([b"220 x", b"250 x", b"250 ok", b"250 ok", b"250 ok"], "the mail"),
    ],
)
def test_mail_is_accepted_by_its_250_only(dialogue: list[bytes], what: str) -> None:
    """Other codes of the two hundreds mean other things."""
    with RawServer(lambda connection, _: talk(connection, dialogue)) as server:
        config = ChannelConfig(
            "desk", "email", host="127.0.0.1", port=server.port, security="none",
            sender="a@example.org",
        )  # fmt: skip
        rendered = sample.mail(sample.outgoing())
        with pytest.raises(DeliveryError, match=f"refused {what}: 2"):
            channels.build(config).send(Outgoing("M-1", "b@example.org", 1, rendered))


def talk(connection: object, dialogue: list[bytes]) -> None:
    first, *rest = dialogue
    stream = connection.makefile("rwb")  # type: ignore[attr-defined]
    stream.write(first + b"\r\n")
    stream.flush()
    text = False
    for line in stream:
        if text and line != b".\r\n":
            continue
        if not rest:
            return
        said = rest.pop(0)
        text = said.startswith(b"354")
        stream.write(said + b"\r\n")
        stream.flush()


def test_mail_needs_its_250() -> None:
    """And takes it."""
    with MailSink() as sink:
        config = ChannelConfig(
            "desk", "email", host="127.0.0.1", port=sink.port, security="none",
            sender="a@example.org",
        )  # fmt: skip
        rendered = sample.mail(sample.outgoing())
        said = channels.build(config).send(Outgoing("M-1", "b@example.org", 1, rendered))
    assert said.startswith("250")
