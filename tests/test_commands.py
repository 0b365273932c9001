"""What people type and what they get: every spelling is understood, what is unknown is an
error and never an empty list, alerts have one holder, tables fit a window."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import base58
import pytest
from click.testing import CliRunner, Result
from eth_utils.address import to_checksum_address
from world.home import ALICE, BANK, BOB, DESK, SHOP, Scene, entry, staged, watchlist

from monitor.app.settings.load import load
from monitor.cli import main
from monitor.loops import doors, find, hands
from monitor.messages import lines
from monitor.model import Subject
from monitor.model.errors import ConfigError
from monitor.store import alerts
from monitor.store.sqlite import Store


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Alice pays a shop and the bank pays Bob; both have been told."""
    with staged(tmp_path_factory.mktemp("commands")) as made:
        made.home.write(
            "watchlist.yaml",
            watchlist(entry(ALICE, severity="high", label="Ann's wallet"), entry(BOB)),
        )
        made.ledger.mine(time=int(time.time()))
        made.home.run("poll")
        made.pay((ALICE, SHOP), (BANK, BOB))
        made.home.run("poll")
        yield made


def run(scene: Scene, *args: str, columns: int = 0) -> Result:
    env = {"COLUMNS": str(columns)} if columns else {"COLUMNS": None}
    return CliRunner().invoke(main, ["--home", str(scene.home.path), *args], env=env)


def ids(scene: Scene) -> tuple[str, str, str]:
    """Alice's entry, her alert and the message that told it."""
    (row,) = scene.home.sql(
        "SELECT a.entry, a.id, r.message FROM alert a JOIN route r ON r.alert = a.id "
        "JOIN entry e ON e.id = a.entry WHERE a.kind = 'movement' AND r.channel = 'mail' "
        "AND e.subject LIKE ?",
        f"%{ALICE}%",
    )
    return row


# -- spellings ---------------------------------------------------------------------------


def spellings(address: str) -> list[str]:
    shown, digits = to_checksum_address(address), address[2:]
    bare = [address, shown, f"0x{digits.upper()}", f"0X{digits.upper()}", digits, f" {address} "]
    mistyped = f"0x{shown[2:].swapcase()}"  # its letters are a checksum only
    with_chain = [f"dev:{address}", f"Dev:{shown}", f"eip155:ID:{address}"]
    return [*bare, mistyped, *with_chain, f"{shown} on dev", f"dev {shown}"]


@pytest.mark.parametrize("spelled", spellings(ALICE))
def test_every_spelling_of_an_address_finds_its_movements(scene: Scene, spelled: str) -> None:
    """As our mails show it, as others write it, with the chain before it."""
    number = load(scene.home.path, {}).chains["dev"].chain_id
    spelled = spelled.replace("eip155:ID", f"eip155:{number}")
    done = run(scene, "transfers", "--address", spelled, "--format", "jsonl")
    assert done.exit_code == 0, done.output
    assert done.stdout.count(ALICE) >= 1
    shown = run(scene, "watchlist", "show", spelled)
    assert shown.exit_code == 0, shown.output
    assert to_checksum_address(ALICE) in shown.stdout
    listed = run(scene, "alerts", "list", "--entry", spelled)
    assert ids(scene)[1] in listed.stdout


def test_every_spelling_of_a_hash_finds_its_transaction(scene: Scene) -> None:
    (tx,) = scene.home.sql("SELECT tx FROM alert WHERE id = ?", ids(scene)[1])[0]
    for spelled in (
        tx,
        tx.upper(),
        tx[2:],
        tx[2:].upper(),
        f" {tx}",
        f"dev:{tx}",
        f"https://x/tx/{tx}",
    ):
        for command in (("transfers",), ("alerts", "list")):
            done = run(scene, *command, "--tx", spelled, "--format", "jsonl")
            assert done.exit_code == 0, (spelled, done.output)
            assert tx in done.stdout


def test_every_spelling_of_an_id_is_understood(scene: Scene) -> None:
    """Of entries, alerts and messages, in small letters, with a letter for its digit."""
    entry_id, alert, message = ids(scene)
    for spelled in (alert, alert.lower(), f" {alert} ", alert.replace("0", "o"), message.lower()):
        shown = run(scene, "alerts", "show", spelled)
        assert shown.exit_code == 0, (spelled, shown.output)
        assert alert in shown.stdout
    assert alert in run(scene, "alerts", "list", "--entry", entry_id.lower()).stdout
    assert alert in run(scene, "alerts", "list", "--entry", "ann's  WALLET").stdout
    assert entry_id in run(scene, "watchlist", "show", entry_id.lower()).stdout
    (case,) = scene.home.sql("SELECT case_id FROM entry WHERE id = ?", entry_id)[0]
    with_case = (f"Ann's wallet (case {case})", f"ann's wallet ({case})")
    for named in (entry_id.lower(), "ANN'S wallet", *with_case):
        moved = run(scene, "transfers", "--address", named, "--format", "jsonl")
        assert ALICE in moved.stdout
    for spelled in (message.lower(), alert.lower()):
        again = run(scene, "deliveries", "replay", spelled)
        assert again.exit_code == 0, again.output


@pytest.mark.parametrize("spelled", ["dev", "DEV", " dev "])
def test_every_spelling_of_a_chain_is_understood(scene: Scene, spelled: str) -> None:
    done = run(scene, "transfers", "--chain", spelled, "--format", "jsonl")
    assert done.exit_code == 0, done.output
    assert ALICE in done.stdout


STRANGER = "0x" + "ab" * 20


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("transfers", "--address", STRANGER), "is not watched and in no recorded movement"),
        (("transfers", "--address", ALICE[:-1]), "is not an address"),
        (("transfers", "--address", "nonsense"), "is not an address"),
        (("transfers", "--address", f"mars:{ALICE}"), 'begins with "mars", which is no chain'),
        (("transfers", "--address", ""), "is not an address"),
        (("statsu",), "Did you mean 'status'?"),
        (("transfers", "--chain", "atlantis"), "is not a chain"),
        (("transfers", "--chain", ""), "is not a chain"),
        (("transfers", "--address", ALICE, "--chain", "tron"), "is not watched and in no"),
        (("transfers", "--tx", "0x" + "ab" * 32), "is no transaction of the record"),
        (("transfers", "--tx", ""), "is no transaction of the record"),
        (("alerts", "list", "--tx", "ab" * 32), "is no transaction of the record"),
        (("alerts", "list", "--entry", "nonsense"), "is no entry"),
        (("alerts", "--entry", "E-0000-0000-0000"), "is no entry"),
        (("alerts", "list", "--entry", ""), "is no entry"),
        (("alerts", "show", "A-0000-0000-0000"), "is no alert and no message"),
        (("alerts", "ack", "A-0000-0000-0000", "--by", "Ann"), "is no alert and no message"),
        (("watchlist", "show", STRANGER), "is no entry"),
        (("watchlist", "add", STRANGER, "--chain", "atlantis"), "is not a chain"),
        (("deliveries", "replay", "M-0000-0000-0000"), "is no message and no alert"),
        (("channels", "test", "nobody"), "is no channel"),
    ],
)  # fmt: skip
def test_what_is_unknown_is_an_error(scene: Scene, args: tuple[str, ...], words: str) -> None:
    """Exit 2 and what to do; "0 movements" would be taken for "nothing moved"."""
    done = run(scene, *args)
    assert done.exit_code == 2, done.output
    assert words in done.stderr
    assert "0 " not in done.stdout


def test_a_chain_on_which_nothing_is_watched_says_so(scene: Scene) -> None:
    """That nothing is recorded there says nothing about the funds."""
    done = run(scene, "transfers", "--chain", "Polygon")
    assert "No address is watched on Polygon." in done.stderr
    assert "No address" not in run(scene, "transfers", "--chain", "dev").stderr


def test_spellings_of_other_chains() -> None:
    """Tron's hex, bech32 in capitals, names and prefixes as people write them."""
    chains = load(Path("/nonexistent"), {}).chains
    tron, tron_hex = "TXhf9nU9bjo1j9z5qEesHdr6gtdndfnA4T", None

    tron_hex = base58.b58decode_check(tron).hex()
    segwit = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
    for spelled, subject in (
        (tron_hex, Subject("tron", tron)),
        (tron_hex.upper(), Subject("tron", tron)),
        (f"Tron:{tron}", Subject("tron", tron)),
        (f"TRX:0x{tron_hex}", Subject("tron", tron)),
        (segwit.upper(), Subject("bitcoin", segwit)),
        (f"bitcoin:{segwit}", Subject("bitcoin", segwit)),
    ):
        assert subject in find.subjects(chains, spelled)
    for name in ("ethereum", "Ethereum", "ETH", "eip155:1", "Ethereum Mainnet", "1"):
        assert find.chain_key(chains, name) == "ethereum"


# -- who has it --------------------------------------------------------------------------


@pytest.fixture
def alert(scene: Scene) -> Iterator[str]:
    """Alice's alert, open again."""
    number = ids(scene)[1]
    scene.home.sql("UPDATE alert SET state = 'open'")
    scene.home.sql("DELETE FROM alert_log")
    yield number
    scene.home.sql("UPDATE alert SET state = 'open'")


def state(scene: Scene, number: str) -> tuple[str, list[tuple[str, str, str]]]:
    ((now,),) = scene.home.sql("SELECT state FROM alert WHERE id = ?", number)
    said = "SELECT state, name, note FROM alert_log WHERE alert = ? ORDER BY rowid"
    return now, scene.home.sql(said, number)


@pytest.mark.parametrize("name", ["", "  ", "\u200b", "\n"])
def test_nobody_takes_nothing(scene: Scene, alert: str, name: str) -> None:
    """A name that nobody can read is none."""
    for command in (("ack",), ("close", "--note", "why")):
        done = run(scene, "alerts", *command, alert, "--by", name)
        assert done.exit_code == 2
        assert "--by" in done.stderr
    assert state(scene, alert) == ("open", [])


@pytest.mark.parametrize("note", [(), ("--note", ""), ("--note", " \u200b")])
def test_closing_needs_a_reason(scene: Scene, alert: str, note: tuple[str, ...]) -> None:
    done = run(scene, "alerts", "close", alert, "--by", "Ann", *note)
    assert done.exit_code == 2
    assert "--note" in done.stderr
    assert state(scene, alert) == ("open", [])


@pytest.mark.parametrize(
    ("by", "why", "option"), [("", "over", "--by"), ("Ann", "", "--why"), ("Ann", " ", "--why")]
)
def test_ending_a_watch_needs_a_name_and_a_reason(
    scene: Scene, by: str, why: str, option: str
) -> None:
    before = (scene.home.path / "watchlist.yaml").read_bytes()
    done = run(scene, "watchlist", "retire", ALICE, "--by", by, "--why", why)
    assert done.exit_code == 2
    assert f"{option}: " in done.stderr
    assert (scene.home.path / "watchlist.yaml").read_bytes() == before


def test_nobody_takes_over_in_silence(scene: Scene, alert: str) -> None:
    """Whoever has it is named; taking it over is a word of its own, and is told."""
    assert run(scene, "alerts", "ack", alert, "--by", "Ann").exit_code == 0
    refused = run(scene, "alerts", "ack", alert.lower(), "--by", "Bob")
    assert refused.exit_code == 2
    assert "is acknowledged by Ann since" in refused.stderr
    assert "--take-over" in refused.stderr
    assert state(scene, alert) == ("acknowledged", [("acknowledged", "Ann", "")])
    again = run(scene, "alerts", "ack", alert, "--by", "ann", "--note", "called the bank")
    assert again.exit_code == 0, again.output
    taken = run(scene, "alerts", "ack", alert, "--by", "Bob", "--take-over")
    assert taken.exit_code == 0
    assert "(ann had it)" in taken.stdout
    closed = run(scene, "alerts", "close", alert, "--by", "Ann", "--note", "announced")
    assert "(Bob had it)" in closed.stdout
    for word in (("ack",), ("close", "--note", "again")):
        done = run(scene, "alerts", *word, alert, "--by", "Bob")
        assert done.exit_code == 2
        assert "is closed by Ann since" in done.stderr
    assert [name for _, name, _ in state(scene, alert)[1]] == ["Ann", "ann", "Bob", "Ann"]


def test_a_message_is_taken_as_far_as_it_is_free(scene: Scene, alert: str) -> None:
    """Somebody's part stays theirs; where nothing is left, it says who has it."""
    message = ids(scene)[2]
    run(scene, "alerts", "ack", alert, "--by", "Ann")
    done = run(scene, "alerts", "ack", message, "--by", "Bob")
    told = scene.home.sql("SELECT count(*) FROM route WHERE message = ?", message)[0][0]
    if told == 1:
        assert done.exit_code == 2
        assert "is acknowledged by Ann" in done.stderr
    else:
        assert "Ann had some" in done.stdout
    assert state(scene, alert)[1] == [("acknowledged", "Ann", "")]


def test_nothing_is_done_where_one_of_several_is_wrong(scene: Scene, alert: str) -> None:
    done = run(scene, "alerts", "ack", alert, "A-0000-0000-0000", "--by", "Ann")
    assert done.exit_code == 2
    assert state(scene, alert) == ("open", [])


def test_a_request_keeps_the_same_rules(scene: Scene, alert: str) -> None:
    """What the daemon is asked for goes the same way, also without the newer word."""
    with closing(Store(scene.home.path / "fundwatch.db")) as store:
        hands.take(
            store, [(alert, [alert])], hands.ACKNOWLEDGED, doors.by_link("Ann", "M-1", 9), "", 5
        )
        with pytest.raises(ConfigError, match="Ann"):
            hands.take(
                store, [(alert, [alert])], hands.ACKNOWLEDGED, doors.this_user().named("Bob"), "", 6
            )
        said = hands.take(
            store, [(alert, [alert])], hands.ACKNOWLEDGED, doors.this_user().named("Ann"), "", 7
        )
        assert said.said == f"acknowledged {alert} by Ann"
        assert alerts.last_states(store, [alert])[alert].at == 5


# -- tables ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command",
    [
        ("transfers",), ("alerts",), ("watchlist", "list"), ("deliveries", "list"), ("check",),
        ("status", "--all"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("columns", [80, 160])
def test_tables_fit_the_window(scene: Scene, command: tuple[str, ...], columns: int) -> None:
    """No line is longer than the window is wide, and no address or id is cut."""
    done = run(scene, *command, columns=columns)
    assert done.exit_code in (0, 1), done.output
    assert max(map(len, done.stdout.splitlines())) <= columns
    assert "…" not in done.stdout


def test_a_delivery_says_when_and_what(scene: Scene) -> None:
    """Which message it was is said, not only its number."""
    told = run(scene, "deliveries", "list", columns=80).stdout
    assert re.search(r"^M-\S+  20\d\d-\d\d-\d\d \d\d:\d\d  mail$", told, re.M)
    assert f"accepted by the server for {DESK[0]}, 1 try" in told
    assert "HIGH OUT " in told


def test_an_alert_on_the_screen_says_its_subject_once(scene: Scene) -> None:
    """Also where somebody's own template does not repeat it."""
    _, alert, _ = ids(scene)
    shown = " ".join(run(scene, "alerts", "show", alert).stdout.split())
    assert shown.startswith("[Fundwatch HIGH] OUT ")
    assert shown.count("[Fundwatch HIGH] OUT ") == 1
    own = scene.home.path / "config/templates/mail.txt.j2"
    own.parent.mkdir(exist_ok=True)
    own.write_text("OURS {{ sheet.headline }}", "utf-8")
    shown = run(scene, "alerts", "show", alert).stdout
    own.unlink()
    assert shown.startswith("[Fundwatch HIGH] OUT ")
    assert "OURS Ann's wallet (case CASE-1) sent " in shown


def test_tables_answer_who_what_how_much_when(scene: Scene) -> None:
    """Of an alert and of a movement; a pipe gets a line each."""
    _, alert, _ = ids(scene)
    (line,) = (x for x in run(scene, "alerts").stdout.splitlines() if x.startswith(alert))
    assert "Ann's wallet (case CASE-1) sent " in line
    assert "ETH to an unknown address" in line
    assert " UTC" not in line
    assert line.split()[1].count("-") == 2
    moved = run(scene, "transfers", columns=80).stdout
    assert f"Ann's wallet (CASE-1) to {to_checksum_address(SHOP)}" in moved
    assert "OUT " in moved
    assert "can be reversed" in moved or "final" in moved


def test_an_entry_is_shown_in_words(scene: Scene) -> None:
    shown = run(scene, "watchlist", "show", "Ann's wallet").stdout
    assert "severity    high: told at once" in shown
    assert "direction   both: what comes in and what goes out" in shown
    assert "None" not in shown
    assert "{" not in shown


def test_the_daily_message_can_be_looked_at(scene: Scene) -> None:
    """As it would be now, for people only; nothing is frozen or sent by it."""
    before = scene.home.sql("SELECT count(*) FROM message")
    shown = run(scene, "messages", "preview", "daily")
    assert shown.exit_code == 0, shown.output
    assert shown.stdout.startswith("[Fundwatch DAILY] ")
    assert "CHECKED" in shown.stdout
    assert run(scene, "messages", "preview", "daily", "--channel", "MAIL").exit_code == 0
    refused = run(scene, "messages", "preview", "daily", "--channel", "hook")
    assert refused.exit_code == 2
    assert "is for a program" in refused.stderr
    assert scene.home.sql("SELECT count(*) FROM message") == before


def test_rows_wrap_words_and_never_addresses() -> None:
    """A long address stays whole in a window that is narrower than it."""
    text = lines.laid_out(["a b c", "0x" + "1" * 40, "word " * 20], 30)
    assert "0x" + "1" * 40 in text
    assert all(len(x) <= 30 for x in text.splitlines() if "0x" not in x)
