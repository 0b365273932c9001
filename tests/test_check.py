"""`fundwatch check`: true words about what would work, without changing or sending anything."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from world.home import (
    ALICE,
    BOB,
    KEY,
    SECRETS,
    Home,
    Scene,
    configured,
    dev_chain,
    entry,
    staged,
    watchlist,
    with_prices,
)
from world.scripted_server import Reply, serve

from monitor.app import setup
from monitor.app.check import cost, run
from monitor.model import SourceConfig


def checked(home: Home, *, offline: bool = False) -> tuple[int, list[str]]:
    """Exit code and lines."""
    lines: list[str] = []
    code = run.run(home.path, {}, offline=offline, now=int(time.time()), write=lines.append)
    home.said.append("\n".join(lines))
    return code, lines


def flat(lines: list[str]) -> str:
    """The text without line breaks, so that a wrapped sentence is found."""
    return " ".join(" ".join(lines).split())


def well(scene: Scene) -> None:
    """Nothing to complain of: a recent head, two channels, operations through another."""
    scene.ledger.mine(time=int(time.time()))
    home, mail = scene.home, scene.mail
    hook = {"kind": "webhook", "url": scene.hook.url(), "secret_env": "HOOK_SECRET",
            "allow_private": True, "audience": ["operations", "desk"]}  # fmt: skip
    desk = {"kind": "email", "host": "127.0.0.1", "port": mail.port, "security": "starttls",
            "user_env": "SMTP_USER", "password_env": "SMTP_PASSWORD", "ca_file": "config/ca.pem",
            "from": "fundwatch@example.org", "to": ["desk@example.org"],
            "audience": "desk"}  # fmt: skip
    home.write("config/channels.yaml", {"channels": {"hook": hook, "mail": desk}})


def test_a_sound_home_fails_nowhere_and_names_every_section(tmp_path: Path) -> None:
    """Exit 0, every list is read, the clock agrees, nothing was sent, nothing was written."""
    with staged(tmp_path) as scene:
        well(scene)
        record = (tmp_path / "fundwatch.db").read_bytes()
        code, lines = checked(scene.home)
        assert (tmp_path / "fundwatch.db").read_bytes() == record
        assert scene.hook.seen == []
        assert scene.mail.mails == []
    text = flat(lines)
    assert (code, [line for line in lines if "FAIL " in line[:7]]) == (0, [])
    sections = [line.split()[0] for line in lines if line[:1].isupper()]
    assert sections == [
        *("Fundwatch", "SETTINGS", "WATCHLIST", "SOURCES", "READING", "PRICES", "CHANNELS"),
        *("COST", "BALANCES", "PRIVACY", "FIREWALL", "RESULT"),
    ]
    assert "native, internal, tokens, NFTs" in text
    assert "clock agrees with the newest block of mine" in text
    assert "2 of 2 entries can be read fully" in text
    assert all(len(line) <= 100 for line in lines[1:]), "the first line holds the path"


def test_offline_makes_no_connection(tmp_path: Path) -> None:
    """The same sections without a call to the explorer or the mail server."""
    with staged(tmp_path) as scene:
        well(scene)
        code, lines = checked(scene.home, offline=True)
        assert code == 0
        assert not scene.explorer.calls
        assert scene.hook.connections == scene.mail.sessions == 0
    assert "by the settings; nothing was asked" in flat(lines)


def test_it_asks_little(tmp_path: Path) -> None:
    """A head and one call for each list of one address, whatever the number of entries."""
    with staged(tmp_path) as scene:
        well(scene)
        checked(scene.home)
        assert 0 < sum(scene.explorer.calls.values()) <= 10


def test_a_source_that_is_down_fails_and_names_the_lists(tmp_path: Path) -> None:
    """Nobody can read the chain: exit 1, and the error is the source's own."""
    with staged(tmp_path) as scene:
        well(scene)
        scene.explorer.knobs("dev", "etherscan").fail_next = 10**6
        code, lines = checked(scene.home)
    text = flat(lines)
    assert code == 1
    assert "HTTP 500" in text
    assert "cannot be read now: native, internal, tokens, NFTs, for 2 entries on dev" in text
    assert "2 not at all" in text


def test_a_standby_makes_up_for_a_source_that_is_down(tmp_path: Path) -> None:
    """The first is a warning, the second is in service: it can run."""
    with staged(tmp_path) as scene:
        well(scene)
        scene.home.write("config/chains.yaml", {"chains": {"dev": dev_chain("mine", "other")}})
        made = scene.explorer
        sources = {"mine": configured(made), "other": configured(made, "blockscout")}
        scene.home.write("config/sources.yaml", {"sources": sources})
        scene.explorer.knobs("dev", "etherscan").fail_next = 10**6
        code, lines = checked(scene.home)
    assert code == 0
    assert any(line.startswith(" WARN") and "mine" in line for line in lines)
    assert any(line.startswith(" ok") and "other" in line for line in lines)
    assert "127.0.0.1 (this machine) 2" in flat(lines)


def test_a_refused_key_fails_without_showing_it(tmp_path: Path) -> None:
    """What a person has to mend is FAIL, and the key stands nowhere."""
    with staged(tmp_path) as scene:
        well(scene)
        scene.explorer.knobs("dev", "etherscan").api_key = "another"
        code, lines = checked(scene.home)
    assert code == 1
    assert any(line.startswith(" FAIL") and "mine" in line for line in lines)
    assert KEY not in flat(lines)


def beside_a_node(path: Path, evm_node: Any, read: str) -> Home:
    """Two addresses on a chain that has a node and no explorer."""
    evm_node.call("evm_mine")
    home = Home(path)
    home.write("config/chains.yaml", {"chains": {"dev": {**dev_chain("node"), "read": read}}})
    node = {"kind": "evm_rpc", "url": evm_node.url, "rate_per_second": 1000}
    home.write("config/sources.yaml", {"sources": {"node": node}})
    home.write("watchlist.yaml", watchlist(entry(ALICE), entry(BOB)))
    return home


def test_lists_that_blocks_show_are_no_blind_spots(tmp_path: Path, evm_node: Any) -> None:
    """Nobody lists coins of an address, and all the same they are seen: from its first block on."""
    _, lines = checked(beside_a_node(tmp_path, evm_node, "blocks"))
    text = flat(lines)
    assert "NOT covered: native" not in text
    assert "native, internal: from its blocks, from the one on at which an address is taken" in text
    assert "2 of 2 entries can be read fully." in text


def test_lists_that_nobody_serves_are_blind_spots_with_a_cure(
    tmp_path: Path, evm_node: Any
) -> None:
    """A node alone cannot list coins of an address: WARN, partly, no FAIL."""
    home = beside_a_node(tmp_path, evm_node, "addresses")
    code, lines = checked(home)
    text = flat(lines)
    failures = [line for line in lines if line.startswith(" FAIL")]
    assert (code, len(failures)) == (1, 1), "it has no channel, which is another matter"
    assert "NOT covered: native, internal; blind for 2 entries on dev" in text
    assert "0 of 2 entries can be read fully, 2 partly" in text


def test_a_source_for_another_chain_is_refused(tmp_path: Path, evm_node: Any) -> None:
    """Both ids are told, and nothing of it counts as read."""
    home = Home(tmp_path)
    home.write("config/chains.yaml", {"chains": {"dev": {**dev_chain("node"), "chain_id": 5}}})
    node = {"kind": "evm_rpc", "url": evm_node.url, "rate_per_second": 1000}
    home.write("config/sources.yaml", {"sources": {"node": node}})
    home.write("watchlist.yaml", watchlist(entry(ALICE)))
    code, lines = checked(home)
    assert code == 1
    assert "answers for chain id 31337; dev has 5" in flat(lines)
    assert "1 not at all" in flat(lines)


def test_a_chain_without_any_source_fails_offline_too(tmp_path: Path) -> None:
    """Its entries cannot be watched at all."""
    home = Home(tmp_path)
    home.write("config/chains.yaml", {"chains": {"dev": dev_chain()}})
    home.write("watchlist.yaml", watchlist(entry(ALICE)))
    code, lines = checked(home, offline=True)
    assert code == 1
    assert "no source is in service: 1 entry on dev cannot be watched" in flat(lines)


def test_every_mistake_in_the_list_is_told_and_the_rest_is_still_looked_at(tmp_path: Path) -> None:
    """Exit 2; each mistake with its line; the good entry goes through the other sections."""
    with staged(tmp_path) as scene:
        well(scene)
        scene.home.write(
            "watchlist.yaml",
            "addresses:\n"
            f"  - address: '{ALICE}'\n    chain: dev\n"
            "  - address: 0x12\n    chain: dev\n"
            f"  - address: '{BOB}'\n    chain: nowhere\n",
        )
        code, lines = checked(scene.home, offline=True)
    text = flat(lines)
    assert code == 2
    assert "watchlist.yaml:4" in text
    assert "watchlist.yaml:7" in text
    assert "2 FAIL" in text
    assert any(line.startswith("COST") for line in lines)


def test_every_mistake_in_the_settings_is_told(tmp_path: Path) -> None:
    """Exit 2; place and remedy of each; nothing else is looked at."""
    setup.init(tmp_path, example=False)
    home = Home(tmp_path)
    home.write("config/settings.yaml", "every: soon\ntimezone: Mars\n")
    home.write("config/chains.yaml", "chains:\n  dev: {family: evm}\n")
    code, lines = checked(home)
    text = flat(lines)
    assert code == 2
    assert "config/settings.yaml:1" in text
    assert "config/settings.yaml:2" in text
    assert "config/chains.yaml" in text
    assert "SOURCES" not in text


def test_a_folder_without_a_list_is_told_how_to_make_one(tmp_path: Path) -> None:
    """Exit 2 with the command that helps."""
    code, lines = checked(Home(tmp_path / "nowhere"))
    assert code == 2
    assert "fundwatch init" in flat(lines)


def test_a_list_that_is_gone_fails_and_the_rest_is_still_looked_at(tmp_path: Path) -> None:
    """What was taken before is watched on, and looked at."""
    with staged(tmp_path) as scene:
        scene.home.run("poll")
        (tmp_path / "watchlist.yaml").unlink()
        code, lines = checked(scene.home, offline=True)
    text = flat(lines)
    assert code == 2
    assert "FAIL watchlist.yaml: cannot be read (No such file or directory)" in text
    assert "make an empty one with `fundwatch init`" in text
    assert "of 2 entries can be read" in text
    assert "chown" not in text


def test_a_home_that_is_a_file_is_not_a_matter_of_rights(tmp_path: Path) -> None:
    """The remedy fits what is wrong."""
    (tmp_path / "file").touch()
    said = Home(tmp_path / "file").run("status", code=78)
    assert "Not a directory. Name the folder that `fundwatch init` made" in said


def test_a_fresh_home_runs_and_says_that_nobody_is_told(tmp_path: Path) -> None:
    """After init: a warning for the empty list, and the missing channel fails."""
    setup.init(tmp_path, example=False)
    code, lines = checked(Home(tmp_path), offline=True)
    assert code == 1
    assert "the list is empty" in flat(lines)
    assert "no channel is set up: nobody is told" in flat(lines)


def mail_to(audience: str) -> dict[str, object]:
    """A mail channel on this machine's own server."""
    return {"kind": "email", "host": "127.0.0.1", "from": "a@example.org", "security": "none",
            "to": ["b@example.org"], "audience": audience}  # fmt: skip


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("direction: in", "line 2: direction: in"),
        ("since: 2999-01-01", "line 2: since lies in the future"),
        ("severity: low\n    channels: [ops]", "line 2: severity: low"),
    ],
)
def test_lines_that_may_surprise_are_remarked_upon(tmp_path: Path, line: str, words: str) -> None:
    """Correct lines whose effect somebody may not expect, with the line of their block."""
    home = Home(tmp_path)
    home.write("config/channels.yaml", {"channels": {"ops": mail_to("operations")}})
    home.write("config/chains.yaml", {"chains": {"dev": dev_chain("local-node")}})
    block = f"  - address: '{ALICE}'\n    chain: dev\n    {line}\n"
    home.write("watchlist.yaml", f"addresses:\n{block}")
    _, lines = checked(home, offline=True)
    assert words in flat(lines)


def test_channels_that_tell_nobody_or_themselves_are_found(tmp_path: Path) -> None:
    """No channel for an entry fails; operations through the desk's own server warns."""
    home = Home(tmp_path)
    home.write("config/chains.yaml", {"chains": {"dev": dev_chain("local-node")}})
    home.write("watchlist.yaml", watchlist(entry(ALICE)))
    home.write("config/channels.yaml", {"channels": {"ops": mail_to("operations")}})
    code, lines = checked(home, offline=True)
    assert code == 1
    assert "no channel is told of these addresses" in flat(lines)
    both = {"ops": mail_to("operations"), "desk": mail_to("desk")}
    home.write("config/channels.yaml", {"channels": both})
    code, lines = checked(home, offline=True)
    assert code == 0
    assert "ops uses the same server as desk" in flat(lines)
    home.write("config/channels.yaml", {"channels": {"desk": mail_to("desk")}})
    assert "no channel is for operations" in flat(checked(home, offline=True)[1])


def test_a_rule_that_fits_no_address_is_told(tmp_path: Path) -> None:
    """A case or tag of `only:` that nothing on the list has, with the one that was meant."""
    home = Home(tmp_path)
    home.write("config/chains.yaml", {"chains": {"dev": dev_chain("local-node")}})
    ended = entry(BOB, case="OLD-1", tags=["mixer"], retired='2026-01-01 Kim "done"')
    live = entry(ALICE, case="SIM-2023", tags=["dprk"])
    home.write("watchlist.yaml", {"addresses": [live, ended]})
    rule = {"case": ["SIM-2032", "SIM-2023", "OLD-1"], "tags": ["dprk", "mixer"]}
    home.write("config/channels.yaml", {"channels": {"desk": mail_to("desk") | {"only": rule}}})
    code, lines = checked(home, offline=True)
    text = flat(lines)
    assert code == 0
    assert "only: case: SIM-2032 - no watched address has that -> did you mean SIM-2023?" in text
    assert "only: case: OLD-1 - no watched address has that -> correct config" in text
    assert "only: tags: mixer - no watched address has that" in text
    assert text.count("no watched address has that") == 3


def test_a_channel_that_cannot_be_reached_fails(tmp_path: Path) -> None:
    """The channel's own words, and exit 1."""
    with staged(tmp_path) as scene:
        well(scene)
        mail = {"kind": "email", "host": "127.0.0.1", "port": 9, "from": "a@example.org",
                "to": ["b@example.org"], "security": "none"}  # fmt: skip
        scene.home.write("config/channels.yaml", {"channels": {"mail": mail}})
        code, lines = checked(scene.home)
    assert code == 1
    assert any(line.startswith(" FAIL") and "127.0.0.1:9" in line for line in lines)
    assert "is the only channel" in flat(lines)


def test_used_up_calls_are_not_gone_over(tmp_path: Path) -> None:
    """What the record says is used up is told, and the source is not asked."""
    with staged(tmp_path) as scene:
        well(scene)
        source = configured(scene.explorer, calls_per_day=100)
        scene.home.write("config/sources.yaml", {"sources": {"mine": source}})
        start = int(time.time()) // 86_400 * 86_400
        scene.home.sql("DELETE FROM budget")
        scene.home.sql("INSERT INTO budget VALUES ('mine', ?, 86400, 100)", start)
        code, lines = checked(scene.home)
        assert not scene.explorer.calls
    assert code == 1
    assert "budget of 100 calls a day is used up" in flat(lines)


def test_a_readable_env_and_a_stray_file_are_told(tmp_path: Path) -> None:
    """Others could read the keys; a misspelt settings file would be ignored in silence."""
    setup.init(tmp_path, example=False)
    (tmp_path / ".env").chmod(0o644)
    Home(tmp_path).write("config/chanels.yaml", "channels:\n")
    _, lines = checked(Home(tmp_path), offline=True)
    assert "chmod 600 .env" in flat(lines)
    assert "did you mean channels.yaml?" in flat(lines)


def test_privacy_and_firewall_count_addresses_and_name_ports(tmp_path: Path) -> None:
    """An address on two chains is one; a standby is marked; secrets in urls stay out."""
    home = Home(tmp_path)
    home.write(".env", "NODE_URL=https://node.example.org:8443/v3/canary-node-key\n")
    chains = {"one": dev_chain("first", "second"), "two": {**dev_chain("first"), "chain_id": 9}}
    home.write("config/chains.yaml", {"chains": chains})
    sources = {
        "first": {"kind": "etherscan", "url": "https://explorer.example.org/api"},
        "second": {"kind": "evm_rpc", "url_env": "NODE_URL"},
    }
    home.write("config/sources.yaml", {"sources": sources})
    home.write("watchlist.yaml", watchlist(entry(ALICE, "one"), entry(ALICE, "two")))
    _, lines = checked(home, offline=True)
    text = flat(lines)
    assert "explorer.example.org 1, node.example.org 1 (standby)" in text
    assert "explorer.example.org:443 node.example.org:8443" in text
    assert "canary" not in text


def test_who_is_asked_for_a_second_word_learns_addresses_like_the_first(tmp_path: Path) -> None:
    """Of another operator: it is asked, and no standby; of the same one it would not be."""
    home = Home(tmp_path)
    home.write("config/chains.yaml", {"chains": {"dev": dev_chain("first", "same", "second")}})
    sources = {
        name: {"kind": kind, "url": f"https://{host}/api"}
        for name, kind, host in (
            ("first", "etherscan", "a.example.org"),
            ("same", "etherscan", "b.example.org"),
            ("second", "blockscout", "explorer.example.net"),
        )
    }
    home.write("config/sources.yaml", {"sources": sources})
    home.write("watchlist.yaml", watchlist(entry(ALICE), entry(BOB)))
    _, lines = checked(home, offline=True)
    said = "a.example.org 2, explorer.example.net 2, b.example.org 2 (standby)"
    assert said in flat(lines)


def test_blocks_show_nobody_whom_they_are_read_for(tmp_path: Path) -> None:
    """A node is asked what addresses hold, an explorer for what was before they joined."""
    home = Home(tmp_path)
    chain = {**dev_chain("node", "lists"), "read": "blocks", "block_time": 12}
    home.write("config/chains.yaml", {"chains": {"dev": chain}})
    node = {"kind": "evm_rpc", "url": "https://node.example.org", "rate_per_second": 50}
    lists = {"kind": "etherscan", "url": "https://explorer.example.org/api"}
    home.write("config/sources.yaml", {"sources": {"node": node, "lists": lists}})
    home.write("watchlist.yaml", watchlist(entry(ALICE, severity="low"), entry(BOB)))
    _, lines = checked(home, offline=True)
    text = flat(lines)
    assert "shown to: node.example.org 2, explorer.example.org 2 (for their history);" in text
    assert "read by blocks, which show nobody whom they are read for: 2 on dev" in text


def test_a_proxy_takes_the_place_of_the_hosts_behind_it(tmp_path: Path) -> None:
    """The firewall sees the proxy; its password is never shown."""
    home = Home(tmp_path)
    home.write(".env", "PROXY=http://user:canary@proxy.example.org:3128\n")
    home.write("config/settings.yaml", {"proxy_env": "PROXY"})
    home.write("watchlist.yaml", {"addresses": [{"address": ALICE, "chain": "ethereum"}]})
    _, lines = checked(home, offline=True)
    text = flat(lines)
    firewall = next(line for line in lines if line.startswith("FIREWALL"))
    assert firewall.split() == ["FIREWALL", "proxy.example.org:3128"]
    assert "canary" not in text


def test_an_interval_shorter_than_the_budget_is_told(tmp_path: Path) -> None:
    """`every` that would use the day's calls up gets a warning with both figures; without it
    the budget is named as what decides."""
    home = Home(tmp_path)
    home.write("config/chains.yaml", {"chains": {"dev": dev_chain("mine")}})
    mine = {"kind": "etherscan", "url": "https://explorer.example.org/api", "calls_per_day": 1000}
    home.write("config/sources.yaml", {"sources": {"mine": mine}})
    home.write("watchlist.yaml", watchlist(entry(ALICE)))
    _, lines = checked(home, offline=True)
    assert "as mine takes 1,000 calls a day" in flat(lines)
    home.write("config/settings.yaml", {"every": 60})
    _, lines = checked(home, offline=True)
    calls = int(next(line for line in lines if line.startswith("COST")).split()[1])
    assert f"every: 60 needs {calls * 1440:,} calls a day of mine, which has 1,000" in flat(lines)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://user:pw@host.example.org/key", "host.example.org:443"),
        ("http://127.0.0.1:8545", "127.0.0.1:8545"),
        ("http://[::1]/", "[::1]:80"),
    ],
)
def test_only_host_and_port_of_a_url_are_shown(url: str, shown: str) -> None:
    """A url may hold a secret anywhere else."""
    assert cost.host_port(SourceConfig("x", "evm_rpc", url).url) == shown


def test_the_command_works_while_the_daemon_runs(tmp_path: Path) -> None:
    """No lock is taken, and no secret is printed."""
    with staged(tmp_path) as scene:
        well(scene)
        with scene.home.daemon():
            text = scene.home.run("check")
    assert "RESULT" in text
    assert not [s for s in SECRETS if s in text]
    assert os.path.sep + "tests" not in text


def test_it_says_whether_prices_come_and_who_learns_what(tmp_path: Path) -> None:
    """Coins, no address; a source that fails is a warning; so is a threshold without a price."""
    status = 200
    said = {"coins": {"coingecko:ethereum": {"price": 3000, "timestamp": int(time.time()) - 60}}}
    with serve(lambda _: Reply(said, status)) as server, staged(tmp_path) as scene:
        well(scene)
        with_prices(scene, server.url)
        text = flat(checked(scene.home)[1])
        assert "llama 1 of 1 coin of watched chains; the newest price is" in text
        assert "only which coins you watch to: 127.0.0.1" in text
        assert server.url.removeprefix("http://") in text.partition("FIREWALL")[2]
        status = 500
        code, lines = checked(scene.home)
        assert "HTTP 500 -> only values in USD depend on it" in flat(lines)
        assert code == 0
        assert not [c for c in server.calls if ALICE[2:] in c.path]
        scene.home.write("config/settings.yaml", {"prices": "none"})
        scene.home.write("watchlist.yaml", watchlist(entry(ALICE, min_amount={"USD": 20})))
        text = flat(checked(scene.home, offline=True)[1])
    assert "switched off (prices: none)" in text
    assert "min_amount in USD, and nothing there has a price: whatever comes in is told" in text


@pytest.mark.parametrize(
    ("severity", "every", "words"),
    [
        ("severe", 901, "1 entry of severity severe it may take 15 min"),
        ("severe", 900, ""),
        ("high", 3601, "1 entry of severity high it may take 60 min"),
        ("high", 3600, ""),
        ("medium", 86_400, ""),
    ],
)
def test_a_round_longer_than_a_severity_allows_fails(
    tmp_path: Path, severity: str, every: int, words: str
) -> None:
    """News of a severe entry within 15 minutes, of a high one within the hour, or `check` says
    that it cannot be served; the settings may say otherwise."""
    with staged(tmp_path) as scene:
        scene.home.write("watchlist.yaml", watchlist(entry(ALICE, severity=severity)))
        scene.home.write("config/settings.yaml", {"every": every, "prices": "none"})
        code, lines = checked(scene.home, offline=True)
        assert (words in flat(lines)) if words else ("it may take" not in flat(lines))
        assert code == int(bool(words))
        wider = {"round_severe_minutes": 60, "round_high_minutes": 120}
        scene.home.write("config/settings.yaml", {"every": every, "prices": "none", **wider})
        assert checked(scene.home, offline=True)[0] == 0


def test_a_budget_that_serves_too_many_addresses_fails(tmp_path: Path) -> None:
    """Many addresses on a small plan: the round that follows from it is told, with a cure."""
    with staged(tmp_path) as scene:
        mine = yaml.safe_load((tmp_path / "config/sources.yaml").read_text("utf-8"))
        mine["sources"]["mine"]["calls_per_day"] = 200
        scene.home.write("config/sources.yaml", mine)
        scene.home.write("config/settings.yaml", {"prices": "none"})
        code, lines = checked(scene.home, offline=True)
    assert code == 1
    assert "a round of reading takes" in flat(lines)
    assert "use a larger plan of mine" in flat(lines)


def test_a_record_that_others_may_read_is_told(tmp_path: Path) -> None:
    """It names cases and holds links that take alerts in hand."""
    with staged(tmp_path) as scene:
        scene.home.run("poll")
        assert "can be read by other users" not in flat(checked(scene.home, offline=True)[1])
        (tmp_path / "fundwatch.db").chmod(0o640)
        assert "fundwatch.db can be read by other users" in flat(
            checked(scene.home, offline=True)[1]
        )


def test_check_says_what_following_may_cost_and_whom_it_asks(tmp_path: Path) -> None:
    """Nothing where nobody asks for it; with a budget also what passes leave of it."""
    with staged(tmp_path) as scene:
        home = scene.home
        assert "FOLLOW " not in flat(checked(home, offline=True)[1])
        listed = watchlist(entry(ALICE))
        listed["cases"]["CASE-1"]["follow"] = {"addresses": 40, "calls": 600, "ask_after": "never"}  # type: ignore[index]
        home.write("watchlist.yaml", listed)
        said = flat(checked(home, offline=True)[1])
        assert (
            "FOLLOW CASE-1: up to 600 calls to find up to 40 addresses, until a person says" in said
        )
        assert "A person is asked after" not in said
        assert "Up to 1,000 calls a day" in said
        source = yaml.safe_load((home.path / "config/sources.yaml").read_text("utf-8"))
        (name,) = source["sources"]
        assert f"Who is asked: {name}. Who learns" in said
        source["sources"][name]["calls_per_day"] = 100_000
        home.write("config/sources.yaml", source)
        said = flat(checked(home, offline=True)[1])
        assert f"Of what passes leave of {name}'s budget following has about" in said
        source["sources"][name]["calls_per_day"] = 3
        home.write("config/sources.yaml", source)
        home.write("config/settings.yaml", {"prices": "none", "every": 20})
        said = flat(checked(home, offline=True)[1])
        assert f"WARN passes leave nothing of {name}'s budget: no money is followed by it" in said
