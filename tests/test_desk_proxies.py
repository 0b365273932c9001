"""The proxies of docs/install.md before the desk: the blocks that stand there, run for real."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme
import yaml
from world.desk import add_person, served, turn_on
from world.home import ROOT, begun, wait_for
from world.parts import free_port

from monitor.model.desk import Role
from monitor.net import knock

NAME = "desk.example.org"
TEXT = (ROOT / "docs/install.md").read_text("utf-8")


def block(language: str, words: str) -> str:
    """The fenced block of this language that has these words."""
    found = [b for b in re.findall(rf"```{language}\n(.*?)```", TEXT, re.S) if words in b]
    assert len(found) == 1, found
    return str(found[0])


@contextmanager
def running(command: Sequence[str], folder: Path) -> Iterator[None]:
    with (folder / "proxy.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, stdout=log, stderr=log,
            env={"HOME": str(folder), "XDG_DATA_HOME": str(folder), "PATH": "/usr/bin:/usr/sbin"},
        )  # fmt: skip
    try:
        yield
    finally:
        process.terminate()
        process.wait(20)


def caddy(folder: Path, port: int, desk: int, cert: Path, key: Path) -> list[str]:
    config = block("caddyfile", NAME).replace("8788", str(desk))
    config = config.replace(f"{NAME} {{", f"localhost:{port} {{\n    tls {cert} {key}")
    (folder / "Caddyfile").write_text(
        f"{{\n  admin off\n  auto_https disable_redirects\n}}\n{config}"
    )
    return ["caddy", "run", "--config", "Caddyfile", "--adapter", "caddyfile"]


def nginx(folder: Path, port: int, desk: int, cert: Path, key: Path) -> list[str]:
    config = block("nginx", NAME).replace("8788", str(desk)).replace("listen 443", f"listen {port}")
    config = re.sub(r"/etc/ssl/\S+\.pem", str(cert), config)
    config = re.sub(r"/etc/ssl/\S+\.key", str(key), config).replace(NAME, "localhost")
    paths = "".join(
        f"{each}_temp_path {folder}/{each};\n"
        for each in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off;\npid {folder}/pid;\nerror_log stderr;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{paths}{config}\n}}\n"
    )
    return ["nginx", "-e", "stderr", "-p", str(folder), "-c", str(folder / "nginx.conf")]


@pytest.mark.parametrize("proxy", [caddy, nginx])
def test_a_colleague_comes_in_through_a_proxy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, proxy: object
) -> None:
    assert callable(proxy)
    if shutil.which(proxy.__name__) is None:
        pytest.skip(f"{proxy.__name__} is not installed")
    home, folder = begun(tmp_path / "home"), tmp_path / "proxy"
    folder.mkdir()
    port = free_port()
    desk_port = turn_on(home.path, public_url=f"https://localhost:{port}", proxy="127.0.0.1")
    add_person(home.path, "m.ortiz", Role.LEAD)
    authority = trustme.CA()
    issued = authority.issue_cert("localhost")
    cert, key, ca = (folder / name for name in ("cert.pem", "key.pem", "ca.pem"))
    issued.cert_chain_pems[0].write_to_path(str(cert))
    issued.private_key_pem.write_to_path(str(key))
    authority.cert_pem.write_to_path(str(ca))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(ca))
    page_at = f"https://localhost:{port}/sign-in"
    with served(home.path) as desk, running(proxy(folder, port, desk_port, cert, key), folder):
        log = folder / "proxy.log"
        wait_for(
            lambda: not knock.at(page_at, "Sign in - Fundwatch"), 30,
            lambda: knock.at(page_at, "Sign in - Fundwatch") + log.read_text(),
        )  # fmt: skip
        said = home.run("users", "add", "j.weber", "--role", "analyst")
        link = re.search(rf"https://localhost:{port}/welcome/\S+", said)
        assert link, said
        said = home.run("check", "--offline", code=None)
        assert f"the desk answers on 127.0.0.1:{desk_port}" in said
        page = desk.context(ignore_https_errors=True).new_page()
        errors: list[str] = []
        page.on("console", lambda m: errors.append(m.text))
        page.goto(link[0])
        from world.desk import PASSWORD, User

        user = User("j.weber", page.inner_text("form .mono").removesuffix("copy").replace(" ", ""))
        page.fill("#password", PASSWORD)
        page.fill("#password2", PASSWORD)
        page.fill("#code", user.now())
        page.click("main .btn.main")
        page.wait_for_selector("ul.codes")
        page.goto(f"https://localhost:{port}/me")
        assert "j.weber" in page.inner_text("header")
        page.click("text=Sign out")
        page.wait_for_url("**/sign-in")
        page.fill("#name", "j.weber")
        page.fill("#password", PASSWORD)
        page.fill("#code", user.now())
        page.click("main .btn.main")
        page.wait_for_url(lambda url: "/sign-in" not in url)
        assert errors == []


def test_the_command_of_the_compose_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The block is sound, and what it starts finds the desk."""
    tree = yaml.safe_load(block("compose", "image: caddy"))
    assert tree["services"]["caddy"]["networks"]["desk"]["ipv4_address"] == "172.28.0.2"
    assert tree["networks"]["desk"]["ipam"]["config"] == [{"subnet": "172.28.0.0/24"}]
    assert "`proxy: 172.28.0.2`" in TEXT
    whole = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
    assert set(tree["services"]) - {"caddy"} <= set(whole["services"])
    if shutil.which("caddy") is None:
        pytest.skip("caddy is not installed")
    home, folder = begun(tmp_path / "home"), tmp_path / "proxy"
    folder.mkdir()
    port = free_port()
    desk_port = turn_on(home.path, public_url=f"https://localhost:{port}", proxy="127.0.0.1")
    command = tree["services"]["caddy"]["command"].split()
    command = [
        each.replace(NAME, f"localhost:{port}").replace("fundwatch:8788", f"127.0.0.1:{desk_port}")
        for each in command
    ]
    root = folder / "caddy/pki/authorities/local/root.crt"
    with served(home.path), running([*command, "--internal-certs"], folder):
        wait_for(root.exists, 30, (folder / "proxy.log").read_text)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(root))
        page_at = f"https://localhost:{port}/sign-in"
        wait_for(
            lambda: not knock.at(page_at, "Sign in - Fundwatch"), 30,
            lambda: knock.at(page_at, "Sign in - Fundwatch"),
        )  # fmt: skip
