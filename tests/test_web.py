"""What `fundwatch run` serves: health, metrics, and the page on which an alert is taken."""

from __future__ import annotations

import base64
import errno
import hashlib
import json
import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import yaml
from prometheus_client.parser import text_string_to_metric_families
from world.home import ALICE, BANK, BOB, ROOT, SHOP, Scene, entry, staged, stop, wait_for, watchlist
from world.parts import free_port

from monitor.app import pages
from monitor.app.fundwatch import Fundwatch
from monitor.app.home import open_home
from monitor.loops import doors
from monitor.messages import ack_links
from monitor.model import Subject
from monitor.model.acts import Take
from monitor.model.errors import ConfigError
from monitor.store import alerts
from monitor.store.commit import commit
from monitor.web.ack import SHOWN
from monitor.web.server import BODY_MOST, Server

SECRET = "a-secret-that-signs-links-for-tests-only"
PUBLIC = "https://fundwatch.example/watch"


@dataclass
class Served:
    """A home folder that is open and served."""

    scene: Scene
    app: Fundwatch
    port: int
    seen: list[requests.Response] = field(default_factory=list)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def get(self, path: str, **more: Any) -> requests.Response:
        return requests.get(self.url(path), timeout=10, **more)

    def post(self, path: str, **form: str) -> requests.Response:
        return requests.post(self.url(path), data=form, timeout=10)

    def tell(self, *ways: tuple[str, str]) -> str:
        """Let these payments happen and be told; returns the id of the newest mail."""
        time.sleep(1.1)  # a head is kept for a second
        self.scene.pay(*ways)
        self.scene.home.sql("UPDATE scope SET due = 0")
        self.app.poll(everything=False)
        self.app.deliver(everything=True)
        rows = self.scene.home.sql("SELECT id FROM message WHERE channel = 'mail' ORDER BY rowid")
        return str(rows[-1][0])

    def hold(self) -> None:
        """Hold an address against its chain: there are figures of balances then."""
        self.app.reconciler.check([Subject("dev", ALICE)])

    def states(self) -> dict[str, str]:
        return dict(self.scene.home.sql("SELECT id, state FROM alert WHERE kind = 'movement'"))

    def log(self) -> list[tuple[str, str]]:
        return self.scene.home.sql("SELECT name, note FROM alert_log ORDER BY rowid")


def link(message: str, until: float | None = None) -> str:
    """Path and query of the link as the proxy of PUBLIC hands it on."""
    until = int(time.time() + 3600 if until is None else until)
    parts = urlsplit(ack_links.link(PUBLIC, SECRET, message, until))
    return f"{parts.path}?{parts.query}"


@contextmanager
def serving(path: Path, channels: dict[str, Any] | None = None, **more: Any) -> Iterator[Served]:
    port = free_port()
    with staged(path) as scene:
        settings = {
            "every": 2, "listen": f"127.0.0.1:{port}", "public_url": PUBLIC,
            "link_secret_file": "link-secret", **more,
        }  # fmt: skip
        scene.home.write("link-secret", SECRET)
        scene.home.write("config/settings.yaml", {k: v for k, v in settings.items() if v})
        for name, lines in (channels or {}).items():
            configured = yaml.safe_load((path / "config/channels.yaml").read_text("utf-8"))
            configured["channels"][name] |= lines
            scene.home.write("config/channels.yaml", configured)
        scene.ledger.mine(time=int(time.time()))
        with open_home(path, {}) as app:
            app.reload()
            assert app.settings.listen
            site = pages.site(app)
            server = Server(app.settings.listen, site)
            server.start()
            try:
                yield Served(scene, app, port)
            finally:
                server.stop()
                site.close()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with serving(tmp_path) as made:
        yield made


# -- health and metrics ------------------------------------------------------------------


def test_health_is_that_of_the_command(tmp_path: Path) -> None:
    """200 and a sentence while all is well; 503 and the reason when it is not."""
    with serving(tmp_path / "good") as served:
        served.tell((ALICE, SHOP))
        good = served.get("/healthz")
        assert (good.status_code, good.text) == (200, "well: 2 of 2 entries fully read\n")
    with serving(tmp_path / "bad") as served:
        served.tell((ALICE, SHOP))
        served.scene.home.sql("UPDATE delivery SET state = 'dead'")
        bad = served.get("/healthz")
    assert bad.status_code == 503
    assert "were given up" in bad.text


@pytest.mark.parametrize("path", ["/healthz", "/metrics", "/nothing"])
def test_head_is_answered_as_get_without_a_body(served: Served, path: str) -> None:
    """What uptime monitors ask with: the same status and headers, and nothing behind them."""
    served.tell((ALICE, SHOP))
    full = served.get(path)
    with socket.create_connection(("127.0.0.1", served.port), timeout=10) as connection:
        connection.sendall(f"HEAD {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        head, _, body = connection.makefile("rb").read().partition(b"\r\n\r\n")
    assert head.split()[1] == str(full.status_code).encode()
    assert f"Content-Type: {full.headers['Content-Type']}".encode() in head
    assert body == b""


def figures(text: str) -> dict[str, dict[tuple[str, ...], float]]:
    return {
        family.name: {tuple(s.labels.values()): s.value for s in family.samples}
        for family in text_string_to_metric_families(text)
    }


def test_metrics_are_the_figures_of_the_status(served: Served) -> None:
    """What Prometheus parses: entries, alerts, deliveries, the record, with their labels."""
    served.tell((ALICE, SHOP), (BANK, BOB))
    answer = served.get("/metrics")
    found = figures(answer.text)
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert found["fundwatch_healthy"] == {(): 1.0}
    assert found["fundwatch_entries"]["dev", "complete"] == 2.0
    # Two movements, and two start-up summaries of addresses whose funds moved lately.
    assert found["fundwatch_alerts_unacknowledged"] == {(): 4.0}
    assert found["fundwatch_deliveries"]["hook", "accepted"] >= 1.0
    assert found["fundwatch_record_rows"][("alert",)] >= 2.0
    assert found["fundwatch_last_pass_age_seconds"][()] < 60
    assert found["fundwatch_reading_age_seconds"][("dev",)] < 60


def test_metrics_hold_no_names_of_cases_labels_or_addresses(served: Served) -> None:
    """Monitoring has more readers than cases."""
    served.tell((ALICE, SHOP))
    text = served.get("/metrics").text + served.get("/healthz").text
    assert not [word for word in (ALICE, SHOP, "label a", "CASE-1", "a reason") if word in text]


def test_the_docs_tell_every_metric(served: Served) -> None:
    """And none that there is not."""
    served.hold()
    page = (ROOT / "docs/operating.md").read_text("utf-8")
    assert set(re.findall(r"`(fundwatch_\w+)`", page)) == set(figures(served.get("/metrics").text))


def queries(name: str) -> set[str]:
    """The metrics that a file under deploy/ asks for."""
    text = (ROOT / "deploy" / name).read_text("utf-8")
    tree = json.loads(text) if name.endswith(".json") else yaml.safe_load(text)

    def walk(node: Any) -> Iterator[str]:
        if isinstance(node, dict):
            yield from (str(v) for k, v in node.items() if k in ("expr", "query"))
            yield from (found for value in node.values() for found in walk(value))
        elif isinstance(node, list):
            yield from (found for value in node for found in walk(value))

    expressions = list(walk(tree))
    assert expressions
    return {m for e in expressions for m in re.findall(r"\bfundwatch_\w+", e)}


@pytest.mark.parametrize("name", ["grafana-dashboard.json", "prometheus-alerts.yml"])
def test_dashboard_and_rules_ask_for_what_exists(served: Served, name: str) -> None:
    """Every metric in a query is one that /metrics gives."""
    served.hold()
    exists = set(figures(served.get("/metrics").text))
    exists |= {f"{each}_info" for each in exists}
    assert queries(name) - exists == set()


# -- the page of a link ------------------------------------------------------------------


def test_looking_changes_nothing(served: Served) -> None:
    """The page says what the mail says, and a scanner that opens it acknowledges nothing."""
    message = served.tell((ALICE, SHOP))
    page = served.get(link(message))
    (alert,) = served.states()
    assert page.status_code == 200
    assert "ETH to " in page.text
    assert alert in page.text
    assert '<form method="post">' in page.text
    assert served.states() == {alert: "open"}
    assert served.log() == []


def test_the_button_takes_the_alert(served: Served) -> None:
    """State, name (as claimed) and note are recorded; whoever comes second is told who has
    it, and changes nothing."""
    message = served.tell((ALICE, SHOP))
    done = served.post(link(message), name="Ann  Miller", note="I call the bank")
    assert done.status_code == 200
    assert "Recorded: Ann Miller has 1 alert in hand." in done.text
    assert "<form" not in done.text
    again = served.post(link(message), name="Bob")
    assert "Nothing was changed" in again.text
    assert "Ann Miller (claimed, by link)" in again.text
    assert list(served.states().values()) == ["acknowledged"]
    assert served.log() == [("Ann Miller (claimed, by link)", "I call the bank")]
    assert "in hand already" in served.get(link(message)).text


def test_a_name_is_needed(served: Served) -> None:
    """Without one nothing is recorded, and the note is not lost."""
    message = served.tell((ALICE, SHOP))
    for name in ("", "  ", "\u200b\x07"):
        page = served.post(link(message), name=name, note="my words")
        assert page.status_code == 422
        assert "Please write your name" in page.text
        assert "my words" in page.text
    assert served.log() == []


def test_an_expired_link_says_so(served: Served) -> None:
    """It shows nothing of the alert and names the command; its button is dead too."""
    message = served.tell((ALICE, SHOP))
    old = link(message, time.time() - 60)
    for page in (served.get(old), served.post(old, name="Ann")):
        assert page.status_code == 410
        assert "This link held until" in page.text
        assert "fundwatch alerts ack" in page.text
        assert "ETH" not in page.text
    assert served.log() == []


def test_a_link_that_is_not_ours_is_no_page(served: Served) -> None:
    """A changed time, message or signature, and a message that is not there: all the same
    answer as any other wrong address."""
    message = served.tell((ALICE, SHOP))
    good = link(message)
    nothing = served.get("/nothing")
    wrong = [
        good[:-1] + ("A" if good[-1] != "A" else "B"),
        good.replace("until=", "until=1"),
        good.replace(message, "M-0000-0000-0000"),
        good.partition("?")[0],
        good.replace("sig=", "sig=%00"),
        good + "&until=99999999999",
        link("M-0000-0000-0000"),
    ]
    for path in wrong[:-2] + wrong[-1:]:
        for answer in (served.get(path), served.post(path, name="Mallory")):
            assert (answer.status_code, answer.text) == (404, nothing.text), path
    assert served.get(wrong[-2]).status_code == 200, "the first value counts: it is the signed one"
    assert served.log() == []


def test_without_public_url_there_is_no_page(tmp_path: Path) -> None:
    """The links are off by default: health and metrics are served, nothing else."""
    with serving(tmp_path, public_url=None, link_secret_file=None) as served:
        message = served.tell((ALICE, SHOP))
        assert served.get(link(message)).status_code == 404
        assert served.post(link(message), name="Ann").status_code == 404
        assert served.get("/healthz").status_code == 200


def test_many_alerts_are_taken_at_once(served: Served) -> None:
    """The first twenty are shown and all are counted; the button takes all that are open."""
    message = served.tell(*[(ALICE, SHOP)] * 31)
    told = alerts.alerts_of_message(served.app.store, message)
    many = len(told)
    assert many > SHOWN + 1
    commit(served.app.store, doors.this_user().named("Zoe"), Take(5, told[:1], "acknowledged", ""))
    page = served.get(link(message)).text
    assert page.count("<li>") == SHOWN
    assert f"and {many - SHOWN} more alerts" in page
    assert f"I have all {many - 1} in hand" in page
    assert f"1 of {many} alerts are in hand already; {many - 1} are still open" in page
    done = served.post(link(message), name="Ann").text
    assert f"Ann has {many - 1} alerts in hand. 1 alert had been taken before" in done
    states = alerts.states(served.app.store, told)
    assert set(states.values()) == {"acknowledged"}
    assert len(served.log()) == many


def test_hostile_text_stays_text(served: Served) -> None:
    """Names, notes and what was frozen for the mail are shown, never run."""
    message = served.tell((ALICE, SHOP))
    bad = "</textarea><script>alert(1)</script>"
    rows = served.scene.home.sql("SELECT rendered FROM message WHERE id = ?", message)
    rendered = json.dumps({**json.loads(rows[0][0]), "subject": f"[X] {bad}"})
    served.scene.home.sql("UPDATE message SET rendered = ? WHERE id = ?", rendered, message)
    pages = [
        served.get(link(message)),
        served.post(link(message), name="", note=bad),
        served.post(link(message), name=f'"{bad}', note=bad),
        served.get(link(message)),
    ]
    for page in pages:
        assert "<script" not in page.text
        assert "&lt;script&gt;" in page.text
        assert page.text.count("</textarea>") <= 1


def test_a_channel_of_references_learns_no_more_here(tmp_path: Path) -> None:
    """What its mail keeps back, the page keeps back too."""
    with serving(tmp_path, {"mail": {"detail": "reference"}}) as served:
        message = served.tell((ALICE, SHOP))
        served.post(link(message), name="Ann", note="about CASE-1")
        page = served.get(link(message)).text
        (alert,) = served.states()
    assert alert in page
    assert "movement - dev" in page
    assert not [w for w in ("CASE-1", "ETH", "LEFT", "label a", "0.01", ALICE) if w in page]


def test_the_command_takes_a_message_too(served: Served) -> None:
    """`alerts ack` with the number of a message takes all of it, as its mail says."""
    message = served.tell((ALICE, SHOP), (BANK, ALICE), *[(ALICE, BANK)] * 6)
    act = partial(served.app.acts.table()["set_state"], doors.this_user())
    first = next(iter(served.states()))
    said = act(ids=[first], state="acknowledged", name="Zoe", note="")
    assert first in said
    said = act(ids=[message], state="acknowledged", name="Ann", note="mine")
    assert f"7 of 8 alerts of {message} by Ann" in said
    assert "8 of 8" in act(ids=[message], state="closed", name="Ann", note="done")
    with pytest.raises(ConfigError, match="all of its 8 alerts are taken"):
        act(ids=[message], state="acknowledged", name="Ann", note="")
    assert set(served.states().values()) == {"closed"}


def test_a_page_sent_twice_is_recorded_once(served: Served) -> None:
    message = served.tell((ALICE, SHOP))
    for _ in range(2):
        done = served.post(link(message), name="Ann", note="I call the bank")
    assert "Nothing was changed" in done.text
    assert served.log() == [("Ann (claimed, by link)", "I call the bank")]


def test_both_doors_keep_the_same_rules(served: Served) -> None:
    """By the command and by the link: who has an alert may add to it, nobody else takes it."""
    message = served.tell((ALICE, SHOP))
    act = partial(served.app.acts.table()["set_state"], doors.this_user())
    served.post(link(message), name="Ann", note="I call the bank")
    assert "by ann" in act(ids=[message], state="acknowledged", name="ann", note="no answer")
    assert "Recorded: ANN" in served.post(link(message), name="ANN", note="they called").text
    assert "Nothing was changed" in served.post(link(message), name="Bob", note="me too").text
    with pytest.raises(ConfigError, match="is acknowledged by ANN"):
        act(ids=[message], state="acknowledged", name="Bob", note="me too")
    by_link = "(claimed, by link)"
    assert served.log() == [
        (f"Ann {by_link}", "I call the bank"),
        ("ann", "no answer"),
        (f"ANN {by_link}", "they called"),
    ]


# -- what strangers send -----------------------------------------------------------------


def test_the_page_is_locked_down(served: Served) -> None:
    """No script, no foreign content, no frame, no copy in a cache; the one style sheet is
    allowed by its hash and nothing is styled inline."""
    message = served.tell((ALICE, SHOP))
    page = served.get(link(message))
    policy = page.headers["Content-Security-Policy"]
    (sheet,) = re.findall(r"<style>(.*?)</style>", page.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(sheet.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "script" not in policy
    assert not re.search(r"\sstyle=|\son\w+=|<script|https?://", page.text)
    for answer in (page, served.get("/healthz"), served.get("/nothing")):
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert "Server" not in answer.headers


HUNG_UP = (errno.EPIPE, errno.ECONNRESET, errno.ENOTCONN)


@contextmanager
def until_hung_up() -> Iterator[None]:
    """A server that refuses may close before it has read everything: no other error is one."""
    try:
        yield
    except OSError as error:
        if error.errno not in HUNG_UP:
            raise


def raw(port: int, data: bytes) -> bytes:
    """The first line of the answer to these bytes; empty where there is none."""
    line = b""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        with until_hung_up():
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
        with until_hung_up(), connection.makefile("rb") as answer:
            line = answer.readline()
    return line


@pytest.mark.parametrize(
    "data",
    [
        b"GET /ack/../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /ack/%ff%00%0d%0aSet-Cookie:x HTTP/1.1\r\nHost: \xff\xfe\r\n\r\n",
        b"GET /watch/ack/M-0000-0000-0000?" + b"a=1&" * 3000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET http://evil.example/healthz/x HTTP/1.1\r\nHost: evil.example\r\n\r\n",
        b"DELETE /healthz HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
        b"POST /watch/ack/x HTTP/1.1\r\nContent-Length: " + b"9" * 30 + b"\r\n\r\n",
        b"POST /healthz HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
def test_nonsense_is_refused_and_forgotten(served: Served, data: bytes) -> None:
    """Whatever comes gets an answer of the 4xx kind or none, and the next one is served."""
    line = raw(served.port, data)
    assert line == b"" or line.split()[1].startswith((b"4", b"50")), line
    assert not line.startswith(b"HTTP/1.1 500")
    assert served.get("/healthz").status_code in (200, 503)


def test_a_body_is_capped(served: Served) -> None:
    """Nobody fills the memory through a form."""
    message = served.tell((ALICE, SHOP))
    answer = served.post(link(message), name="Ann", note="x" * (BODY_MOST + 1))
    assert answer.status_code == 413
    assert served.log() == []


def test_a_body_that_is_no_form_is_no_name(served: Served) -> None:
    """JSON and broken fields acknowledge nothing."""
    message = served.tell((ALICE, SHOP))
    url = served.url(link(message))
    for body, kind in ((b'{"name": "x"}', "application/json"), (b"&" * 50, "")):
        answer = requests.post(url, data=body, headers={"Content-Type": kind}, timeout=10)
        assert answer.status_code == 422
    assert served.log() == []


# -- inside the daemon -------------------------------------------------------------------


def listening(scene: Scene, port: int) -> None:
    scene.home.write("config/settings.yaml", {"every": 2, "listen": f"127.0.0.1:{port}"})


def test_a_taken_port_is_said_and_ends_it(tmp_path: Path) -> None:
    """Exit code 2, the setting by its name: a service must not start deaf."""
    with staged(tmp_path) as scene, socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        listening(scene, port)
        said = scene.home.run("run", code=2)
        scene.home.write("config/settings.yaml", {"listen": "no.such.host.invalid:8787"})
        other = scene.home.run("run", code=2)
    assert f"listen: '127.0.0.1:{port}' cannot be listened on" in said
    assert "listen: 'no.such.host.invalid:8787' cannot be listened on" in other


@pytest.mark.slow
def test_from_the_mail_to_the_record(tmp_path: Path) -> None:
    """The link as it stands in a mail, through a proxy that hands it on as it is: the alert
    that it told is acknowledged by the running daemon."""
    port = free_port()
    with staged(tmp_path) as scene:
        scene.home.write("link-secret", SECRET)
        settings = {"every": 2, "listen": f"127.0.0.1:{port}", "public_url": PUBLIC}
        scene.home.write("config/settings.yaml", {**settings, "link_secret_file": "link-secret"})
        with scene.home.daemon() as process:
            scene.pay((ALICE, SHOP))
            wait_for(lambda: scene.alerts("movement"), 20, scene.home.log)
            (alert,) = scene.alerts("movement")
            wait_for(lambda: scene.mails_of(alert["id"]), 20, scene.home.log)
            mail = scene.mails_of(alert["id"])[0].get_body(("plain",))
            assert mail is not None
            (found,) = set(re.findall(r"https://fundwatch\.example\S+", mail.get_content()))
            url = found.replace("https://fundwatch.example", f"http://127.0.0.1:{port}")
            assert alert["id"] in requests.get(url, timeout=10).text
            assert scene.alerts("movement")[0]["state"] == "open"
            requests.post(url, data={"name": "Ann", "note": "mine"}, timeout=10)
            assert scene.alerts("movement")[0]["state"] == "acknowledged"
            assert stop(process) == 0
        assert "sig=" not in scene.home.log()
        shown = scene.home.run("alerts", "show", alert["id"])
        assert 'Ann (claimed, by link): "mine"' in " ".join(shown.split())


def test_crowds_and_dawdlers_do_not_stop_the_watch(tmp_path: Path) -> None:
    """Two hundred connections that never finish a request: payments are told all the same,
    and the stop is as quick as ever."""
    port = free_port()
    with staged(tmp_path) as scene:
        listening(scene, port)
        with scene.home.daemon() as process:
            answer = requests.get(f"http://127.0.0.1:{port}/healthz", timeout=10)
            assert answer.status_code in (200, 503)
            crowd = [socket.create_connection(("127.0.0.1", port)) for _ in range(200)]
            try:
                for each in crowd:
                    each.sendall(b"POST /healthz HTTP/1.1\r\nContent-Length: 1000\r\n")
                scene.pay((ALICE, SHOP), (BANK, BOB))
                wait_for(lambda: sum(scene.moved().values()) == 2, 30, scene.home.log)
                wait_for(lambda: scene.hook.seen, 10, scene.home.log)
                began = time.monotonic()
                assert stop(process) == 0
                assert time.monotonic() - began < 10
            finally:
                for each in crowd:
                    each.close()
        assert "fault" not in scene.home.log().lower()


def test_check_tries_the_port(tmp_path: Path) -> None:
    """Held by another program it fails; free, or held by the Fundwatch of this home, it does
    not."""
    with staged(tmp_path) as scene:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            listening(scene, port)
            held = scene.home.run("check", "--offline", code=None)
        free = scene.home.run("check", "--offline", code=None)
        with scene.home.daemon():
            ours = scene.home.run("check", "--offline", code=None)
    served = f"served on 127.0.0.1:{port}"
    assert f"FAIL  listen: 127.0.0.1:{port} cannot be listened on" in held
    assert "another program holds it" in held
    assert (served in held, served in free, served in ours) == (False, True, True)
    assert "cannot be listened on" not in free + ours


def test_check_warns_of_an_open_port(tmp_path: Path) -> None:
    """Listening for other machines needs a proxy with TLS and a login before it."""
    with staged(tmp_path) as scene:
        scene.home.write("watchlist.yaml", watchlist(entry(ALICE)))
        scene.home.write("config/settings.yaml", {"listen": "0.0.0.0:8787"})
        said = scene.home.run("check", "--offline", code=None)
        scene.home.write("config/settings.yaml", {"listen": "127.0.0.1:8787"})
        fine = scene.home.run("check", "--offline", code=None)
    assert "WARN  0.0.0.0:8787 can be reached from other machines" in said
    assert "can be reached from other machines" not in fine


@pytest.mark.parametrize("said", [b"", b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /ack"])
def test_connections_that_are_kept_open_shut_nobody_out(served: Served, said: bytes) -> None:
    """More than the server takes: after an answer, without a word, or half-way through one.
    Whoever comes after them is answered all the same, and again."""
    kept = []
    try:
        for _ in range(130):
            connection = socket.create_connection(("127.0.0.1", served.port), timeout=10)
            kept.append(connection)
            with until_hung_up():
                connection.sendall(said)
        for _ in range(3):
            assert served.get("/livez").text == "alive\n"
    finally:
        for connection in kept:
            connection.close()
