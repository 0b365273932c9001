"""Settings: shipped defaults, a user's single keys over them, secrets, and every mistake."""

import re
from pathlib import Path

import pytest

from monitor.app.settings import load, rows
from monitor.app.settings.channels import KINDS
from monitor.model.errors import ConfigError
from monitor.net import wire
from monitor.net.channels import CHANNELS

CANARY = "c4nary-5ecret-v4lue"
BOOK = "0x4F47Bc496083C727c5fbe3CE9CDf2B0f6496270c"
TRON = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"


def home_with(tmp_path: Path, **files: str) -> Path:
    """A home folder; chains=..., env=... and so on are the texts of its files."""
    (tmp_path / "config").mkdir(exist_ok=True)
    for name, text in files.items():
        place = {"env": ".env", "addressbook": "addressbook.csv"}.get(name, f"config/{name}.yaml")
        (tmp_path / place).write_text(text, encoding="utf-8")
        (tmp_path / place).chmod(0o600)
    return tmp_path


def problems(home: Path, environ: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigError) as error:
        load.load(home, environ or {})
    return [str(p) for p in error.value.problems]


def test_an_empty_home_gives_the_shipped_defaults(tmp_path: Path):
    """With nothing written, everything keyless is in service, and the rest is told."""
    loaded = load.load(tmp_path, {})
    assert loaded.chains["bitcoin"].sources == ("blockstream", "mempool-space")
    assert loaded.sources["blockstream"].calls_per_hour == 700
    assert "etherscan" not in loaded.sources
    assert "etherscan: no key (set ETHERSCAN_KEY), not used" in loaded.notes
    assert "no channel is set up: nobody is told" in loaded.notes
    assert loaded.sources["trongrid"].rate_per_second == 1
    assert (loaded.timezone, loaded.poll_interval, loaded.trailing_window_days) == ("UTC", None, 2)
    assert loaded.desk == ""


def test_a_key_brings_its_source_into_service(tmp_path: Path):
    """A set key makes Etherscan the first source, at the free plan's limits."""
    home = home_with(tmp_path, env="ETHERSCAN_KEY=from-file\nTRONGRID_KEY=t\n")
    loaded = load.load(home, {})
    etherscan = loaded.sources["etherscan"]
    assert (etherscan.api_key, etherscan.rate_per_second) == ("from-file", 3)
    assert etherscan.calls_per_day == 100_000
    assert loaded.chains["ethereum"].sources[0] == "etherscan"
    assert loaded.sources["trongrid"].rate_per_second == 12
    assert load.load(home, {"ETHERSCAN_KEY": "env"}).sources["etherscan"].api_key == "env"


def test_single_keys_go_over_the_shipped_ones(tmp_path: Path):
    """One key changes, its neighbours stay; lists are replaced; an empty key changes nothing."""
    home = home_with(
        tmp_path,
        chains="chains:\n  ethereum:\n    finality: 99\n    sources: [mine]\n  bnb:\n",
        sources="sources:\n  mine: {kind: etherscan, url: 'http://127.0.0.1:9/api'}\n"
        "  blockstream: {rate_per_second: 0.5}\n",
        settings="every: 60\ntimezone: Europe/Zurich\nhold_minutes: 5\ndesk: counsel\n",
    )
    loaded = load.load(home, {})
    ethereum = loaded.chains["ethereum"]
    assert (ethereum.finality, ethereum.sources, ethereum.chain_id) == (99, ("mine",), 1)
    assert loaded.chains["bnb"].finality == 15
    blockstream = loaded.sources["blockstream"]
    assert (blockstream.rate_per_second, blockstream.calls_per_hour) == (0.5, 700)
    assert (loaded.poll_interval, loaded.timezone, loaded.hold) == (60, "Europe/Zurich", 300)
    assert loaded.desk == "counsel"


def test_how_a_chain_is_read_and_a_node_shows_calls_inside(tmp_path: Path):
    """Both are found out unless they are written down."""
    assert load.load(tmp_path, {}).chains["ethereum"].read == "auto"
    assert load.load(tmp_path, {}).sources["publicnode-ethereum"].traces == "auto"
    home = home_with(
        tmp_path,
        chains="chains:\n  ethereum: {read: blocks}\n  tron: {read: addresses}\n",
        sources="sources:\n  publicnode-ethereum: {traces: debug}\n",
    )
    loaded = load.load(home, {})
    assert [loaded.chains[key].read for key in ("ethereum", "tron")] == ["blocks", "addresses"]
    assert loaded.sources["publicnode-ethereum"].traces == "debug"


def test_an_emptied_list_of_own_rows_keeps_the_shipped_ones(tmp_path: Path):
    """A file whose rows are all notes does not remove the shipped rows."""
    home = home_with(tmp_path, sources="sources:\n  # all notes\n", chains="# nothing\n")
    assert load.load(home, {}).sources.keys() == load.load(tmp_path / "x", {}).sources.keys()


def test_any_evm_chain_needs_only_the_keys_of_the_contract(tmp_path: Path):
    """Family, id, coin, depth and sources are enough; the name is the key."""
    home = home_with(
        tmp_path,
        chains="chains:\n  mine: {family: evm, chain_id: 1234, finality: 7, sources: [node],\n"
        "         native: {symbol: XYZ, decimals: 18}}\n",
        sources="sources:\n  node: {kind: evm_rpc, url: https://node.example.org}\n",
    )
    chain = load.load(home, {}).chains["mine"]
    assert (chain.name, chain.chain_id, chain.symbol, chain.finality) == ("mine", 1234, "XYZ", 7)
    assert chain.sources == ("node",)


def test_channels_resolve_their_secrets(tmp_path: Path):
    """User, password, url and two signing secrets come from .env, environment and files."""
    (tmp_path / "hook").write_text("whsec_bmV3 whsec_b2xk\n")
    home = home_with(
        tmp_path,
        channels="channels:\n"
        "  desk:\n    kind: email\n    host: smtp.example.org\n    user_env: U\n"
        "    password_env: P\n    from: a@example.org\n    to: [b@example.org, c@example.org]\n"
        "    audience: desk\n"
        "  tool:\n    kind: webhook\n    url_env: HOOK\n    secret_file: hook\n"
        "    allow_private: true\n    detail: reference\n",
        env="U=user\nP='p#ss w0rd'\n",
    )
    loaded = load.load(home, {"HOOK": "https://x.example/h?k=1"})
    app, tool = loaded.channels["desk"], loaded.channels["tool"]
    assert (app.user, app.password, app.port) == ("user", "p#ss w0rd", 587)
    assert (app.sender, app.to) == ("a@example.org", ("b@example.org", "c@example.org"))
    assert (app.audience, app.machine) == (frozenset({"desk"}), False)
    assert tool.secrets == ("whsec_bmV3", "whsec_b2xk")
    assert (tool.url, tool.allow_private, tool.detail) == (
        "https://x.example/h?k=1",
        True,
        "reference",
    )
    assert tool.machine
    assert tool.audience == {"desk", "operations"}


def test_ports_follow_the_kind_of_security(tmp_path: Path):
    """587 for STARTTLS, 465 for TLS, 25 without."""
    rows = "".join(
        f"  m-{s}: {{kind: email, host: 127.0.0.1, security: {s}, from: a@b.c, to: d@e.f}}\n"
        for s in ("starttls", "tls", "none")
    )
    loaded = load.load(home_with(tmp_path, channels=f"channels:\n{rows}"), {})
    assert [c.port for c in loaded.channels.values()] == [587, 465, 25]


# (files, part of the one problem)
BAD = {
    "unknown key": ({"sources": "sources:\n  trongrid: {knd: x}\n"}, "Did you mean kind"),
    "version of addresses": (
        {"chains": "chains:\n  zcash: {base58: [7352, 73573]}\n"},
        "chains.yaml:2: '73573' is not a version of addresses. Write 0 to 255, or both bytes",
    ),
    "one version where two are needed": (
        {"chains": "chains:\n  bitcoin-cash: {base58: [0]}\n"},
        "chains.yaml:2: '0' needs two versions beside cashaddr. Write a key's, then a script's",
    ),
    "more versions than two": (
        {"chains": "chains:\n  bitcoin-cash: {base58: [0, 5, 40]}\n"},
        "'0, 5, 40' needs two versions beside cashaddr",
    ),
    "prefix of addresses": (
        {"chains": "chains:\n  bitcoin-cash: {cashaddr: 'bitcoincash:'}\n"},
        "chains.yaml:2: 'bitcoincash:' is not a prefix of addresses. Write  bitcoincash",
    ),
    "unknown kind": (
        {"sources": "sources:\n  a: {kind: ethersan, url: 'https://x.y'}\n"},
        "sources.yaml:2: 'ethersan' is not a kind. Did you mean etherscan",
    ),
    "wrong top key": ({"sources": "source:\n"}, "Did you mean sources"),
    "url not https": (
        {"sources": "sources:\n  a: {kind: esplora, url: 'http://x.example'}\n"},
        "sources.yaml:2: sources.a: the url is not https://",
    ),
    "no url": ({"sources": "sources:\n  a: {kind: esplora}\n"}, "sources.a has no url"),
    "literal key": (
        {"sources": f"sources:\n  etherscan: {{api_key: {CANARY}}}\n"},
        "api_key: must not stand in this file",
    ),
    "key in the url": (
        {"sources": f"sources:\n  a: {{kind: esplora, url: 'https://x.y/?apikey={CANARY}'}}\n"},
        "url holds a secret",
    ),
    "password in the url": (
        {"sources": f"sources:\n  a: {{kind: esplora, url: 'https://u:{CANARY}@x.y/'}}\n"},
        "url holds a secret",
    ),
    "the secret as variable name": (
        {"sources": f"sources:\n  etherscan: {{api_key_env: {CANARY}}}\n"},
        "is it the secret itself?",
    ),
    "rate": ({"sources": "sources:\n  trongrid: {rate_per_second: fast}\n"}, "'fast' is not"),
    "page size": ({"sources": "sources:\n  trongrid: {page_size: 0}\n"}, "'0' is not a number"),
    "unknown source": ({"chains": "chains:\n  tron: {sources: [mine]}\n"}, "yaml. Add it to"),
    "mistyped source": (
        {"chains": "chains:\n  bnb: {sources: [blokscout]}\n"},
        "Did you mean blockscout? Else add it to config/sources.yaml",
    ),
    "source of another family": (
        {"chains": "chains:\n  bnb: {sources: [trongrid]}\n"},
        "cannot answer for bnb",
    ),
    "chain without id": (
        {"chains": "chains:\n  x: {family: evm, finality: 1, native: {symbol: A, decimals: 1}}\n"},
        "chains.x has no chain_id",
    ),
    "family": ({"chains": "chains:\n  bnb: {family: evn}\n"}, "Did you mean evm"),
    "finality": ({"chains": "chains:\n  bnb: {finality: -1}\n"}, "'-1' is not a number"),
    "decimals": ({"chains": "chains:\n  bnb: {native: {decimals: 99}}\n"}, "'99' is not a number"),
    "unset password": (
        {
            "channels": "channels:\n  d: {kind: email, host: h, user_env: U, password_env: P,"
            " from: a@b.c, to: [d@e.f]}\n",
            "env": "U=u\n",
        },
        "the password is not set. Please set P",
    ),
    "literal password": (
        {
            "channels": "channels:\n  d: {kind: email, host: h, from: a@b.c, to: [d@e.f],"
            f" password: {CANARY}}}\n"
        },
        "password: must not stand in this file",
    ),
    "password over an open line": (
        {
            "channels": "channels:\n  d: {kind: email, host: h, user_env: U, password_env: U,"
            " security: none, from: a@b.c, to: [d@e.f]}\n",
            "env": f"U={CANARY}\n",
        },
        "would send the password unencrypted",
    ),
    "no recipient": (
        {"channels": "channels:\n  d: {kind: email, host: h, from: a@b.c}\n"},
        "channels.d has no to",
    ),
    "recipient": (
        {"channels": "channels:\n  d: {kind: email, host: h, from: a@b.c, to: [desk]}\n"},
        "'desk' is not a mail address",
    ),
    "audience": (
        {"channels": "channels:\n  d: {kind: webhook, url: 'https://x.y', audience: all}\n"},
        "'all' is not an audience",
    ),
    "webhook url": (
        {"channels": f"channels:\n  d: {{kind: webhook, url: 'ftp://{CANARY}.y'}}\n"},
        "is not http:// or https://",
    ),
    "webhook secret": (
        {
            "channels": "channels:\n  d: {kind: webhook, url: 'https://x.y', secret_env: S}\n",
            "env": f"S=whsec_{CANARY}\n",
        },
        "not base64",
    ),
    "two ways": (
        {
            "channels": "channels:\n  d: {kind: webhook, url: 'https://x.y', url_env: S}\n",
            "env": "S=https://z.y\n",
        },
        "given in two ways",
    ),
    "secret file": (
        {"channels": "channels:\n  d: {kind: webhook, url: 'https://x.y', secret_file: nope}\n"},
        "cannot be read",
    ),
    "proxy with a password": (
        {"settings": f"proxy: http://u:{CANARY}@p.example:3128\n"},
        "proxy_env: NAME",
    ),
    "proxy": ({"settings": "proxy: p.example:3128\n"}, "http://proxy.example:3128"),
    "ca bundle": ({"settings": "ca_bundle: nowhere.pem\n"}, "'nowhere.pem' names a certificate"),
    "every": ({"settings": "every: 1\n"}, "'1' is not a number for every"),
    "desk": ({"settings": "desk: banc\n"}, "is not a desk. Did you mean bank? Write one of bank"),
    "time zone": ({"settings": "timezone: Mars/Base\n"}, "'Mars/Base' is not a known time zone"),
    "asset": ({"assets": "assets:\n  bnb:\n    0x12: {symbol: A, decimals: 1}\n"}, "'0x12' is not"),
    "asset twice": (
        {
            "assets": "assets:\n  bnb:\n"
            "    0x4F47Bc496083C727c5fbe3CE9CDf2B0f6496270c: {symbol: A, decimals: 1}\n"
            "    0x4f47bc496083c727c5fbe3ce9cdf2b0f6496270c: {symbol: B, decimals: 1}\n"
        },
        "(first on line 3)",
    ),
    "broken yaml": ({"channels": f"channels:\n  d: {{url: {CANARY}\n"}, "bracket"),
    "alias": ({"channels": f"channels: *{CANARY}\n"}, "alias"),
    "duplicate": ({"settings": "every: 60\nevery: 70\n"}, "settings.yaml:2: 'every' is written"),
    "env quote": ({"env": f"A=1\nB='{CANARY}\n"}, ".env:2: is not a line of the form"),
    "env without value": ({"env": "\n\nA\n"}, ".env:3: A has no value"),
    "env twice": ({"env": f"A=1\n# note\nA={CANARY}\n"}, ".env:3: A is written twice"),
    "env NUL": ({"env": f"A={CANARY}\0\n"}, ".env:1: A holds an invisible character"),
    "env words": ({"env": f"{CANARY} {CANARY}\n"}, ".env:1: "),
    "address book chain": (
        {"addressbook": "address,chain,name\nx,trom,Shop\n"},
        "addressbook.csv:2: 'trom' is not a chain of config/chains.yaml. Did you mean tron",
    ),
    "address book category": (
        {"addressbook": f"address,chain,name,category\n{BOOK},ethereum,Shop,exhange\n"},
        "addressbook.csv:2: 'exhange' is not a category. Did you mean exchange?",
    ),
    "asset rebases": (
        {"assets": f"assets: {{tron: {{{TRON}: {{symbol: A, decimals: 1, rebases: shares}}}}}}"},
        "config/assets.yaml:1: 'shares' is not a rebases. Did you mean sharesOf? Write one of",
    ),
    "asset confidence": (
        {"assets": f"assets: {{tron: {{{TRON}: {{symbol: A, decimals: 1, confidence: ok}}}}}}"},
        "config/assets.yaml:1: 'ok' is not a confidence. Write one of high, medium, low",
    ),
    "wrapped coin": (
        {"chains": "chains:\n  ethereum:\n    wrapped: '0x12'\n"},
        "config/chains.yaml:3: '0x12'",
    ),
    "wrapped coin elsewhere": (
        {"chains": "chains:\n  tron:\n    wrapped: '0x12'\n"},
        "is for EVM chains only",
    ),
    "way to read": (
        {"chains": "chains:\n  tron:\n    read: block\n"},
        "config/chains.yaml:3: 'block' is not a read. Did you mean blocks? Write one of addresses,",
    ),
    "traces": (
        {"sources": "sources:\n  publicnode-bnb:\n    traces: trace_blok\n"},
        "sources.yaml:3: 'trace_blok' is not a traces. Did you mean trace_block? Write one of",
    ),
    "traces of an explorer": (
        {"sources": "sources:\n  blockstream:\n    traces: none\n"},
        "config/sources.yaml:3: 'none' is for evm_rpc only. Take the line out",
    ),
    "address book address": ({"addressbook": "0x12,ethereum,Shop\n"}, "addressbook.csv:1: '0x12'"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_mistake_is_one_problem_without_a_secret(name: str, tmp_path: Path):
    """Each bad setting is named with its file and line, and no secret is repeated."""
    files, part = BAD[name]
    found = problems(home_with(tmp_path, **files))
    assert len(found) == 1
    assert part in found[0]
    assert CANARY not in found[0]
    assert found[0].startswith(("config/", ".env:", "addressbook.csv:"))


def test_all_mistakes_of_all_files_come_at_once(tmp_path: Path):
    """Five mistakes in four files are five problems."""
    home = home_with(
        tmp_path,
        chains="chains:\n  bnb: {finality: x, family: y}\n",
        sources="sources:\n  a: {kind: b, url: 'https://x.y'}\n",
        settings="every: never\n",
        env="A\n",
    )
    assert len(problems(home)) == 5


def test_no_secret_shows_in_what_is_loaded(tmp_path: Path):
    """Keys, passwords, and urls that hold them are in no repr, str or note."""
    home = home_with(
        tmp_path,
        channels="channels:\n  d: {kind: email, host: h, user_env: A, password_env: A,"
        " from: a@b.c, to: [d@e.f]}\n  w: {kind: webhook, url_env: U, secret_env: A}\n",
        sources="sources:\n  etherscan: {api_key_env: A}\n  node: {kind: evm_rpc, url_env: U}\n",
        settings="proxy_env: PROXY\n",
        env=f"A={CANARY}\n",
    )
    loaded = load.load(
        home, {"U": f"https://x.example/{CANARY}", "PROXY": f"http://u:{CANARY}@p.example:1"}
    )
    assert loaded.sources["etherscan"].api_key == CANARY
    assert CANARY in loaded.channels["w"].url
    assert CANARY in loaded.proxies["https"]
    assert CANARY in loaded.sources["node"].url
    assert CANARY not in f"{loaded!r} {loaded} {loaded.notes}"


def test_nothing_is_filled_into_values_of_dotenv(tmp_path: Path):
    """A $ in a password is a $, quotes and # are read as the example says."""
    home = home_with(
        tmp_path,
        env="\ufeffexport ETHERSCAN_KEY='a${HOME}#b'  # note\r\nTRONGRID_KEY=plain # note\r\n",
    )
    loaded = load.load(home, {"HOME": "/x"})
    assert loaded.sources["etherscan"].api_key == "a${HOME}#b"
    assert loaded.sources["trongrid"].api_key == "plain"


def test_weak_spots_are_notes(tmp_path: Path):
    """What works but could be better is said in plain words, without stopping."""
    home = home_with(
        tmp_path,
        channels="channels:\n  w: {kind: webhook, url: 'http://x.example/h'}\n"
        "  m: {kind: email, host: mail.example, security: none, from: a@b.c, to: d@e.f}\n",
        sources="sources:\n  mine: {kind: evm_rpc, url_env: NODE}\n",
        env="A=1\n",
        chanels="channels: {}\n",
    )
    (home / ".env").chmod(0o644)
    notes = "\n".join(load.load(home, {}).notes)
    for part in (
        "w: the url is http://",
        "w: messages are not signed",
        "m: mail to mail.example travels unencrypted",
        "mine: no address (set NODE), not used",
        ".env can be read by other users",
        "config/chanels.yaml is not read (did you mean channels.yaml?)",
    ):
        assert part in notes


def test_a_local_stand_in_for_a_public_explorer_needs_no_key(tmp_path: Path):
    """Pointing etherscan at this machine keeps it in service without its key."""
    home = home_with(tmp_path, sources="sources:\n  etherscan: {url: 'http://localhost:8/api'}\n")
    assert load.load(home, {}).sources["etherscan"].url == "http://localhost:8/api"


def test_another_way_to_give_a_url_replaces_the_shipped_one(tmp_path: Path):
    """url_env in the user's row takes the place of the shipped url."""
    home = home_with(tmp_path, sources="sources:\n  publicnode-bnb: {url_env: NODE}\n")
    loaded = load.load(home, {"NODE": "https://node.example/k"})
    assert loaded.sources["publicnode-bnb"].url == "https://node.example/k"


def test_a_login_needs_both_parts(tmp_path: Path):
    """A user without a password is refused."""
    row = "{kind: email, host: h, user_env: U, from: a@b.c, to: d@e.f}"
    [found] = problems(home_with(tmp_path, channels=f"channels:\n  d: {row}\n"), {"U": "u"})
    assert "a login needs user and password" in found


def test_the_homes_names_go_over_the_shipped_ones(tmp_path: Path):
    """A line of the home's address book replaces the public label of its address and chain."""
    shipped = load.load(tmp_path / "x", {}).addressbook
    (chain, address), label = next(iter(shipped.items()))
    home = home_with(tmp_path, addressbook=f"{address},{chain},Our own name\n")
    both = load.load(home, {}).addressbook
    assert label.shipped
    assert (both[chain, address].label, both[chain, address].shipped) == ("Our own name", False)
    assert len(both) == len(shipped)


def test_an_address_book_in_the_wrong_place_is_told(tmp_path: Path):
    """The shipped one lies in config/, the home's own does not."""
    assert not any("addressbook" in note for note in load.load(tmp_path, {}).notes)
    (home_with(tmp_path) / "config/addressbook.csv").write_text("")
    assert any("addressbook.csv is not read" in note for note in load.load(tmp_path, {}).notes)


def test_a_users_asset_goes_over_the_shipped_one(tmp_path: Path):
    """The same contract in other letters is the same asset, and the user's word wins."""
    contract = "0xdac17f958d2ee523a2206206994597c13d831ec7"
    home = home_with(
        tmp_path, assets=f"assets:\n  ethereum:\n    '{contract}': {{symbol: T, decimals: 6}}\n"
    )
    before, after = load.load(tmp_path / "x", {}).assets, load.load(home, {}).assets
    assert before["ethereum", contract].symbol == "USDT"
    assert after["ethereum", contract].symbol == "T"
    assert len(before) == len(after)


def test_settings_know_exactly_the_channels_that_exist():
    """A kind that can be written down has an implementation, and the other way round."""
    assert set(CHANNELS) == set(KINDS)


def test_the_example_env_and_channels_load_when_their_notes_are_taken_off(tmp_path: Path):
    """Taking the # off every example line of channels.yaml and .env.example is in order."""
    channels = []
    for line in (load.shipped_config() / "channels.yaml").read_text().splitlines():
        bare = line.removeprefix("  # ")
        channels.append(f"  {bare}" if bare != line and ":" in bare else line)
    text = load.shipped_example(".env.example").read_text()
    names = ("SMTP_USER", "SMTP_PASSWORD", "HOOK_SECRET", "SLACK_URL", "APPRISE_URLS")
    env = "".join(f"{name}={'https://x' if 'URL' in name else 'value'}\n" for name in names)
    assert all(f"# {name}=" in text for name in names)
    pem = tmp_path / "our-ca.pem"
    pem.write_text("x")
    shown = "\n".join(channels).replace("/etc/ssl/our-ca.pem", str(pem))
    loaded = load.load(home_with(tmp_path, channels=shown, env=env), {})
    assert set(loaded.channels) == {
        *("desk-mail", "case-tool", "desk-slack", "night-phone", "ops-mail")
    }
    assert loaded.channels["desk-mail"].ca_file == str(pem)


def test_the_shipped_settings_show_every_key_and_load_without_their_signs(tmp_path: Path):
    """A key that is left out would not be found; one that does not load would mislead."""
    text = (load.shipped_config() / "settings.yaml").read_text()
    shown = re.findall(r"(?m)^# ([a-z_]+): (\S[^#]*)", text)
    assert sorted(key for key, _ in shown) == sorted(load.SETTING_KEYS)
    other = ("_file", "proxy_env", "heartbeat_url_env", "escalate_to", "ca_bundle")
    lines = [f"{key}: {value.strip()}\n" for key, value in shown if not key.endswith(other)]
    home = home_with(tmp_path, settings="".join(lines))
    load.load(home, {"FUNDWATCH_LINK_SECRET": "s" * 32})


@pytest.mark.parametrize(
    "lines",
    [
        "heartbeat_url_file: no/such",
        "proxy_file: no/such",
        "public_url: https://a.b\nlisten: 127.0.0.1:1\nlink_secret_file: no/such",
    ],
)
def test_a_file_of_a_secret_that_cannot_be_read_is_named_once(tmp_path: Path, lines: str):
    """One mistake, one sentence, with the path that was tried."""
    (found,) = problems(home_with(tmp_path, settings=lines + "\n"))
    assert f"names a file that cannot be read: {tmp_path / 'no/such'}. Check" in found


def test_a_secret_in_the_place_of_its_file_is_not_repeated(tmp_path: Path):
    """Whoever mixes up _file and the value reads so, and no log holds it."""
    for pasted in ("whsec_bmV3", "https://hooks.example/x", "5f1c93be" * 4):
        (found,) = problems(home_with(tmp_path, settings=f"heartbeat_url_file: {pasted}\n"))
        assert "is it the secret itself?" in found
        assert pasted not in found


def test_a_service_that_is_no_kind_is_pointed_to_apprise(tmp_path: Path):
    """Most of what people ask for is reached through it."""
    (found,) = problems(home_with(tmp_path, channels="channels:\n  a: {kind: telegram}\n"))
    assert "'telegram' is not a kind" in found
    assert "apprise reaches Telegram" in found


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST.", "127.0.0.1", "[::1]", "127.9.9.9"])
def test_this_machine_is_known_in_every_spelling(host: str):
    """The settings and the proxy rule agree on it: http is allowed there, and no proxy asked."""
    assert rows.may_ask("http", host)
    assert wire.proxies_for(f"http://{host}:8545/", {"http": "http://proxy"}) == {}
