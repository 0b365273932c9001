"""`fundwatch check` on the desk: its address, its proxy, and whether anybody can sign in."""

from __future__ import annotations

import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from world.desk import add_person, served, turn_on
from world.home import Home, begun
from world.parts import free_port

from monitor.model.desk import Role


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return begun(tmp_path)


def checked(home: Home) -> str:
    return " ".join(home.run("check", "--offline", code=None).split())


def test_a_desk_that_is_off_is_not_spoken_of(home: Home) -> None:
    assert "the desk " not in checked(home)


def test_a_desk_that_can_be_served_and_nobody_who_signs_in(home: Home) -> None:
    port = turn_on(home.path)
    said = checked(home)
    assert f"the desk can be served on 127.0.0.1:{port}; it does not run now" in said
    assert "no lead can sign in at the desk yet" in said
    assert "fundwatch users add NAME --role lead" in said
    add_person(home.path, "m.ortiz", Role.LEAD)
    assert "no lead" not in checked(home)


def test_a_desk_that_answers(home: Home) -> None:
    port = turn_on(home.path)
    with served(home.path):
        assert f"the desk answers on 127.0.0.1:{port}" in checked(home)


def test_a_place_that_somebody_else_holds(home: Home) -> None:
    class Other(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    port = turn_on(home.path)
    with HTTPServer(("127.0.0.1", port), Other) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        said = checked(home)
        server.shutdown()
        thread.join()
    assert "it is not the desk that answers there: something else answers" in said


@pytest.mark.parametrize(
    ("web", "words"),
    [
        ({"listen": "0.0.0.0:8788"}, "can be reached from other machines"),
        ({"listen": "0.0.0.0:8788", "public_url": "https://a.example"}, "proxy:"),
        ({"public_url": "http://a.example"}, "not an address that is safe to sign in at"),
        ({"public_url": "https://a.example/desk"}, "not an address that is safe"),
        ({"proxy": "the-proxy"}, "is no address of a proxy"),
    ],
)
def test_what_is_not_safe_is_refused(home: Home, web: dict[str, str], words: str) -> None:
    turn_on(home.path, **web)
    said = " ".join(home.run("check", "--offline", code=2).split())
    assert words in said


def test_a_network_of_a_proxy_is_taken(home: Home) -> None:
    turn_on(home.path, proxy="172.28.0.0/24", public_url="https://a.example")
    assert "was not tried" in checked(home)


def test_a_port_that_is_bound_and_silent(home: Home) -> None:
    turn_on(home.path)
    port = turn_on(home.path)
    with socket.create_server(("127.0.0.1", port)):
        assert "it does not answer in time" in checked(home)
    assert free_port() != port
