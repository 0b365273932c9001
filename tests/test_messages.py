"""What people see of an alert: every kind, every channel, whatever the chain put into it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from decimal import Decimal
from email.message import EmailMessage
from html.parser import HTMLParser

import pytest
import world.sample_alerts as sample
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.chains.tron import TRON
from monitor.messages import layout, render
from monitor.messages.sheets import parts
from monitor.model import (
    UINT256_MAX,
    AlertKind,
    AlertView,
    Asset,
    DeliveryView,
    Direction,
    Entry,
    Kind,
    Known,
    Lane,
    Price,
    Severity,
    Status,
)

FORBIDDEN = re.compile(r"\b(legs?|streams?|orphaned|provisional|delivered)\b", re.I)
KINDS = {
    "movement": [sample.outgoing()],
    "utxo": [sample.bitcoin()],
    "amendment": [sample.outgoing(kind=AlertKind.AMENDMENT, amends="A-10001", thread="A-10001")],
    "late": [sample.outgoing(kind=AlertKind.LATE)],
    "activity": [
        sample.make_view(
            sample.ETHEREUM,
            sample.EVM_ENTRY,
            [sample.ether(21_000, kind=Kind.FEE, recipient=None)],
            kind=AlertKind.ACTIVITY,
        )
    ],
    "correction": [sample.correction()],
    "replaced": [sample.correction("replaced")],
    "included again": [sample.correction("included again")],
    "no longer seen": [sample.forgotten("no longer seen")],
    "seen again": [sample.forgotten("seen again")],
    "included": [sample.forgotten("included")],
    "history": [sample.history()],
    "unexplained": [sample.unexplained()],
    "explained": [sample.explained()],
    "clock": [sample.clock()],
    "clock over": [sample.clock("over")],
    "notice": [sample.notice()],
    "group": sample.storm(40),
    "mixed group": [
        *sample.storm(3),
        sample.correction(),
        sample.hostile("X"),
        sample.unexplained(),
    ],
}


class Text(HTMLParser):
    """What a reader of the HTML form sees, and every tag and address in it."""

    def __init__(self, html):
        super().__init__()
        self.seen, self.tags, self.attributes = [], set(), []
        self.feed(html)
        self.text = re.sub(r"\s+", " ", " ".join(self.seen))

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += [(tag, *pair) for pair in attrs]

    def handle_data(self, data):
        self.seen.append(data)


def flat(text):
    return re.sub(r"\s+", " ", text)


def was_laid_out(rendered):
    return rendered.html != "" and "could not be laid out" not in rendered.text


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("channel", [sample.MAIL, sample.REFERENCE], ids=["full", "reference"])
def test_every_kind_becomes_a_mail(name, channel):
    """Subject, text and HTML are there, in our words, and a mail can be made of them."""
    rendered = sample.mail(*KINDS[name], channel=channel)
    assert was_laid_out(rendered)
    assert rendered.subject.startswith("[Fundwatch ")
    shown = Text(rendered.html).text
    for form in (rendered.subject, rendered.text, shown):
        assert form.strip()
        assert not FORBIDDEN.search(form), FORBIDDEN.search(form)
    mail = EmailMessage()
    mail["Subject"] = rendered.subject
    mail.set_content(rendered.text)
    mail.add_alternative(rendered.html, subtype="html")
    assert mail.as_bytes()


@pytest.mark.parametrize("name", KINDS)
def test_text_and_html_say_the_same(name):
    """No word of the text form is missing in the HTML form."""
    rendered = sample.mail(*KINDS[name])
    missing = set(rendered.text.split()) - set(Text(rendered.html).text.split())
    assert missing == set()


@pytest.mark.parametrize("name", KINDS)
def test_text_is_narrow(name):
    """Lines keep to 78 columns, except one that is a single address, hash or link."""
    wide = [line for line in sample.mail(*KINDS[name]).text.split("\n") if len(line) > 78]
    assert all(len(line.split()) == 1 for line in wide), wide


def test_mock_up_a_answers_the_ten_questions():
    """The outgoing payment of the mock-up, subject to the letter and every answer in the body."""
    rendered = sample.mail(sample.outgoing())
    assert rendered.subject == "[Fundwatch HIGH] OUT 1,000,000 USDT - case NK-07 - Tron - A-10482"
    text = flat(rendered.text)
    for answer in (
        "Payroll wallet 3 (case NK-07) sent 1,000,000 USDT to an unknown address; 30.50 USDT left.",
        "WHAT Out 1,000,000.000000 USDT",
        f"Contract {sample.USDT}",
        f"FROM {sample.WATCHED} WATCHED (this entry)",
        f"TO {sample.RECEIVER} Unknown (no list, no address book).",
        "Seen 3 times before",
        'Payroll wallet 3 - case NK-07 (Invented example) - severity HIGH Why "on the example',
        "Watched since 2026-03-13",
        "Happened 2026-11-22 09:14:03 UTC (10:14:03 Zurich)",
        "Read 2026-11-22 09:14:37 UTC (10:14:37 Zurich) 34 s later",
        "Sent 2026-11-22 09:14:39 UTC",
        "Confirmed, can still be reversed (11 of 19)",
        "First movement in 212 days.",
        "3 small test payments came to the same party",
        "1,000,030.500000 -> 30.500000 USDT",
        "verified token",
        "NOT CHECKED Internal TRX transfers:",
        "A-10482 - new",
        "fundwatch alerts ack A-10482 --by NAME",
        f"https://tronscan.org/#/transaction/{sample.tx_hash('one')}",
        "its operator sees that you look",
    ):
        assert answer in text


def test_mock_up_b_does_not_guess():
    """UTXO: the entry's own sums, all inputs and outputs, and what the chain does not say."""
    rendered = sample.mail(sample.bitcoin(), allowed={"NK-11"})
    assert rendered.subject == (
        "[Fundwatch SEVERE] OUT 0.6002 BTC net - case NK-11 - Bitcoin - A-10490"
    )
    text = flat(rendered.text)
    for said in (
        "put in 0.80000000 BTC 2 of 3 inputs",
        "got back 0.19980000 BTC 1 of 3 outputs",
        "net out 0.60020000 BTC its share of the fee cannot be known",
        "FEE 0.00020000 BTC",
        "does not say which input paid which output",
        "Unconfirmed, may never happen",
    ):
        assert said in text


def test_who_pays_alone_pays_the_whole_fee():
    """No share of it is unknown then, unless the chain hides who else pays."""
    whole = sample.bitcoin()
    alone = tuple(row for row in whole.all_legs if row.row.transfer.leg != "in:2")
    for shielded in (False, True):
        view = replace(whole, all_legs=alone, chain=replace(sample.BITCOIN, shielded=shielded))
        text = flat(sample.mail(view).text)
        assert "put in 0.80000000 BTC 2 of 2 inputs" in text
        assert ("share of the fee" in text) is shielded


def test_utxo_without_the_other_legs_gives_no_fee():
    """A difference of incomplete sums is not shown as a fee."""
    assert "FEE" not in sample.mail(sample.bitcoin(all_legs=())).text


@pytest.mark.parametrize(
    ("seen", "said", "not_said"),
    [
        ("in", "sent 0.8 BTC net to no visible address", "FEE 1.2"),
        ("out", "received 0.1998 BTC net from no visible address", "FEE"),
    ],
)
def test_what_a_chain_hides_is_not_made_up(seen: str, said: str, not_said: str) -> None:
    """Coins that go into a shielded pool are no fee, and what comes out of it is not new."""
    whole = sample.bitcoin()

    def part(rows):
        return tuple(row for row in rows if row.row.transfer.leg.startswith(seen))

    view = replace(whole, all_legs=part(whole.all_legs), transfers=part(whole.transfers),
                   chain=replace(sample.BITCOIN, shielded=True))  # fmt: skip
    text = flat(sample.mail(view).text)
    assert said in text
    assert not_said not in text
    assert ("FEE not known: part of the transaction may be shielded" in text) is (seen == "in")


def test_mock_up_d_says_do_not_rely_on_it():
    """A correction names the alert that it corrects, in the subject too."""
    rendered = sample.mail(sample.correction())
    assert rendered.subject == (
        "[Fundwatch CORRECTION] REVERSED: OUT 12.5 ETH did not happen"
        " - case NK-07 - Ethereum - A-10377"
    )
    text = flat(rendered.text)
    told = "Payroll wallet 3 (case NK-07) sent 12.5 ETH to an unknown address."
    assert f"DID NOT HAPPEN: {told} DO NOT RELY ON IT." in text
    assert "reported as A-10377 is no longer part of the chain." in text
    assert "OFAC" not in text


def test_mock_up_c_leaves_nothing_out():
    """A group counts, adds up exactly, and attaches every row."""
    views = sample.storm(431)
    rendered = sample.mail(*views)
    assert rendered.subject == (
        "[Fundwatch HIGH] 287 movements in 7 min - case NK-07 - Ethereum - G-0093"
    )
    loud = [view for view in views if view.alert.lane is Lane.NEWS]
    total = sum(view.transfers[0].row.transfer.amount for view in loud)
    text = flat(rendered.text)
    assert total == 62_064 * 10**16
    assert "620.64 (287 transfers)" in text
    assert "of Payroll wallet 3 (case NK-07) in 7 min: out 620.64 ETH." in text
    assert "144: Less than 1 ETH came in." in text
    assert "287 payments to 287 receivers; 287 of them never seen before." in text
    ((name, kind, table),) = rendered.attachments
    assert (name, kind) == ("G-0093.csv", "text/csv")
    assert all(view.alert.id in table for view in views)
    assert table.count("\r\n") == 432


def test_utxo_groups_add_up_the_net():
    """Change that comes back is not counted as money that left."""
    views = [sample.bitcoin(), sample.in_another(sample.bitcoin(number="A-2"), "two")]
    assert "BTC Bitcoin 1.2004 (2 transfers)" in flat(sample.mail(*views).text)


def test_what_does_not_fit_is_attached():
    """A transaction with many rows lists twenty and attaches all."""
    rows = [sample.usdt(10**6 + n, recipient=sample.tron_address(str(n))) for n in range(30)]
    rendered = sample.mail(sample.make_view(sample.TRON, sample.TRON_ENTRY, rows))
    assert "10 more are in the attached file." in rendered.text
    assert rendered.attachments[0][2].count("\r\n") == 31


# --- who may know what -------------------------------------------------------------------


@pytest.mark.parametrize("name", ["utxo", "group with it"])
def test_labels_of_other_cases_stay_away(name):
    """A channel that was not told of the other case sees a watched address, not whose."""
    views = [sample.bitcoin()] if name == "utxo" else [sample.bitcoin(), sample.bitcoin()]
    told = sample.mail(*views, allowed={"NK-11"})
    everything = "".join((told.subject, told.text, told.html, str(told.attachments)))
    assert was_laid_out(told)
    assert "Secret cousin" not in everything
    assert "ZZ-99" not in everything
    assert "A-10491" not in everything


def test_labels_of_allowed_cases_are_shown():
    """A channel that knows the other case is told which alert belongs to it."""
    told = sample.mail(sample.bitcoin(), allowed={"NK-11", "ZZ-99"})
    assert "ALSO WATCHED: Secret cousin - case ZZ-99 - A-10491." in flat(told.text)
    assert "Another watched address." in flat(sample.mail(sample.bitcoin(), allowed=()).text)


@pytest.mark.parametrize("name", KINDS)
def test_no_subject_carries_label_or_reason(name):
    """Subjects travel in the open: no label, no reason, no title of a case."""
    subject = sample.mail(*KINDS[name]).subject
    assert "Payroll" not in subject
    assert "example" not in subject.lower()


@pytest.mark.parametrize("name", KINDS)
def test_reference_tells_only_that_there_is_something(name):
    """Id, kind, severity, chain and time; nothing that identifies a case or a movement."""
    views = KINDS[name]
    told = sample.mail(*views, channel=sample.REFERENCE)
    everything = "".join((told.subject, told.text, told.html))
    assert told.attachments == ()
    for view in views:
        assert view.alert.id in told.text
        secrets = [view.alert.tx, view.entry and view.entry.label, view.entry and view.entry.case]
        secrets += [view.entry and view.entry.reason, view.entry and view.entry.subject.address]
        secrets += [row.row.transfer.recipient for row in view.transfers]
        assert not [secret for secret in secrets if secret and secret in everything]


def test_address_book_and_exchanges():
    """A named exchange at the other end is shown with its source, and what can be done now."""
    names = {sample.RECEIVER: Known("Example exchange 7", source="example list")}
    text = flat(sample.mail(sample.outgoing(names=names)).text)
    assert "Example exchange 7 (your address book, source example list)." in text
    assert "The receiver is named as an exchange: Example exchange 7" in text
    assert "An option, not legal advice." in text


def of_row(row, **more):
    """The outgoing alert with this row in the place of its own."""
    return replace(sample.outgoing(**more), transfers=(row,), all_legs=(row,))


def label(category: str, name: str = "Example") -> Known:
    return Known(
        name,
        source="etherscan-labels",
        category=category,
        date="2023-10-02",
        confidence="medium",
        shipped=True,
    )


def test_a_public_label_says_whose_claim_it_is():
    """Source, age and confidence stand beside the name, and no domain becomes a link."""
    names = {sample.RECEIVER: label("gambling", "dice.example")}
    text = flat(sample.mail(sample.outgoing(names=names)).text)
    said = "public label: etherscan-labels, 2023-10-02, confidence medium"
    assert f'"dice[.]example" - gambling ({said}).' in text
    assert "is named as" not in text


@pytest.mark.parametrize(
    ("category", "words"),
    [
        ("sanctioned", "Look at today's list before you act. Not legal advice."),
        ("mixer", "What leaves a mixer is hard to tie to what entered it."),
        ("bridge", "The funds may go on on another chain: look there too."),
        ("exchange", "A request to it to hold the funds is possible now"),
    ],
)
def test_a_receiver_that_matters_gets_a_sentence(category, words):
    """With the claim that it rests on; only once, and not under the sender's name."""
    text = flat(sample.mail(sample.outgoing(names={sample.RECEIVER: label(category)})).text)
    assert text.count(words) == 1
    what = {"sanctioned": "sanctioned", "exchange": "an exchange"}.get(category, f"a {category}")
    said = "Example (by a public label of 2023-10-02, confidence medium). "
    assert f"The receiver is named as {what}: {said}{words}" in text
    nobody = flat(sample.mail(sample.outgoing(names={sample.WATCHED: label(category)})).text)
    assert words not in nobody


def test_a_receiver_among_several_outputs():
    """On UTXO chains the sentence looks at every output, not only at the entry's own legs."""
    names = {sample.btc_address("one"): label("mixer", "Example mixer")}
    text = flat(sample.mail(sample.bitcoin(names=names)).text)
    assert "A receiver is named as a mixer: Example mixer (by a public label of" in text


@pytest.mark.parametrize(("verified", "told"), [(True, True), (False, False)])
def test_a_sender_counts_only_where_it_cannot_be_invented(verified, told):
    """An unverified token can name any sender; a genuine one from a mixer is worth a word."""
    row = sample.usdt(sender=sample.RECEIVER, recipient=sample.WATCHED, verified=verified)
    view = of_row(row, direction=Direction.IN, names={sample.RECEIVER: label("mixer")})
    assert ("The sender is named as a mixer" in flat(sample.mail(view).text)) is told


def test_a_verified_token_names_who_verified_it():
    """Source and date of the table's line; its confidence where that is not high."""
    asset = Asset("tron", sample.USDT, "USDT", 6, "Tether", "list A", "2026-01-31", "medium")
    view = of_row(replace(sample.usdt(), asset=asset))
    said = "verified token: Tether (token table: list A, 2026-01-31, confidence medium)"
    assert said in flat(sample.mail(view).text)


@pytest.mark.parametrize(("name", "told"), [("Tether", True), ("Binance-Peg USDT", False)])
def test_an_issuer_is_named_only_for_its_own_token(name, told):
    """A copy of a token on another chain is not said to be frozen by the first one's issuer."""
    asset = Asset("tron", sample.USDT, "USDT", 6, name)
    text = flat(sample.mail(of_row(replace(sample.usdt(), asset=asset))).text)
    assert ("can freeze it" in text) is told


@pytest.mark.parametrize("name", KINDS)
def test_no_mail_counts_legal_days(name):
    """A person starts the legal clocks; no mail does, but for those of which a person said so."""
    if name.startswith("clock"):
        return
    rendered = sample.mail(*KINDS[name])
    for word in ("OFAC", "SAR", "business day", "Clocks"):
        assert word not in rendered.text + rendered.html


def test_freezing_is_a_word_for_urgent_alerts():
    """Medium alerts do not speak of the issuer."""
    assert "freeze" not in sample.mail(sample.outgoing(severity=Severity.MEDIUM)).text


def swap(**more):
    """USDT goes out and USDC comes in, in one transaction."""
    usdc = sample.usdt(
        999_000 * 10**6,
        sender=sample.RECEIVER,
        recipient=sample.WATCHED,
        contract=sample.tron_address("usdc"),
        symbol="USDC",
    )
    return sample.make_view(sample.TRON, sample.TRON_ENTRY, [sample.usdt(), usdc], **more)


def test_after_a_swap_the_issuer_is_that_of_what_is_held():
    """The coin that left is the pool's now; what the watched address has is the other one."""
    text = flat(sample.mail(swap()).text)
    assert "The issuer of USDC can freeze it at the watched address if asked." in text
    assert "issuer of USDT" not in text
    assert (
        "sent 1,000,000 USDT to an unknown address and received 999,000 USDC from there, in one "
        "transaction." in text
    )


@pytest.mark.parametrize("name", KINDS)
def test_the_first_line_repeats_the_subject_and_what_to_do_comes_second(name):
    """A lock screen shows the beginning: subject, then the sentence, then what to do."""
    rendered = sample.mail(*KINDS[name])
    assert flat(rendered.text).startswith(rendered.subject)
    body = "<body" + rendered.html.partition("<body")[2]
    assert Text(body).text.strip().startswith(rendered.subject)
    names = re.findall(r"^([A-Z][A-Z ]+?)(?:  |$)", rendered.text, re.M)
    if name != "notice":
        assert names[0] == "TO DO"


# --- hostile chains --------------------------------------------------------------------------

HOSTILE = [
    *(f"US{breaker}DT" for breaker in "\n\v\f\r\x1c\x1d\x1e\x85\u2028\u2029"),
    "\u202eTDSU\u2066",
    "U\u200bS\u200dD\u00adT\ufeff",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7 * 7 }}{% raw %}",
    "[click](https://evil.example/x)",
    "**bold** `code` <!channel> @everyone",
    "https://evil.example/claim?x=1",
    "visit evil.example now",
    "\0\x01\x7f",
    "\ud800\udfff\ud83d",
    "=HYPERLINK(1)",
    "x" * 100_000,
    "\U0001f4b0" * 5_000,
    "",
]


@pytest.mark.parametrize("symbol", HOSTILE, ids=[ascii(each[:24]) for each in HOSTILE])
def test_hostile_symbols_are_shown_inert(symbol):
    """The alert goes out; nothing in it acts; the subject holds no chain text at all."""
    rendered = sample.mail(sample.hostile(symbol))
    assert was_laid_out(rendered)
    assert rendered.subject == (
        "[Fundwatch HIGH] IN unverified token - case NK-07 - Ethereum - A-10482"
    )
    page = Text(rendered.html)
    assert page.tags <= {
        *("html", "head", "meta", "title", "style", "body", "table", "tr", "td", "div"),
        *("span", "b", "a"),
    }
    links = {value for tag, name, value in page.attributes if name in ("href", "src")}
    assert links == {f"https://etherscan.io/tx/{sample.tx_hash('one')}"}
    assert "evil.example" not in rendered.text + rendered.html
    assert "\u202e" not in rendered.text + rendered.html
    assert "unverified token" in rendered.text
    assert len(rendered.text) < 6_000
    mail = EmailMessage()
    mail["Subject"] = rendered.subject
    mail.set_content(rendered.text)
    mail.add_alternative(rendered.html, subtype="html")
    assert mail.as_bytes()


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(codec=None), max_size=200))
def test_any_symbol_is_laid_out(symbol):
    """No text of a chain can make the layout fail, in a mail or in a group."""
    assert was_laid_out(sample.mail(sample.hostile(symbol)))
    rendered = sample.mail(sample.hostile(symbol), sample.hostile(symbol))
    assert was_laid_out(rendered)
    rendered.attachments[0][2].encode("utf-8")


@given(st.integers(0, UINT256_MAX))
@settings(max_examples=60, deadline=None)
def test_amounts_are_exact_to_the_last_digit(amount):
    """The amount in text and HTML, separators taken out, is the amount of the chain."""
    rendered = sample.mail(
        sample.make_view(sample.ETHEREUM, sample.EVM_ENTRY, [sample.ether(amount)])
    )
    whole, part = divmod(amount, 10**18)
    assert f"{whole:,}.{part:018d} ETH" in flat(rendered.text)
    assert f"{whole:,}.{part:018d} ETH" in Text(rendered.html).text


def test_unverified_tokens_show_raw_units():
    """Decimals are the contract's own claim too: raw units first, the claim as a claim."""
    text = flat(sample.mail(sample.hostile("USDT")).text)
    assert "Payroll wallet 3 (case NK-07) received an unverified token." in text
    assert 'In 1,000,000,000,000,000,000,000,000 raw units of unverified token "USDT"' in text
    assert "It claims 6 decimals" in text


# Each tries to close the frame around it and to add a movement that never was.
FORGERIES = [
    'x"; OUT 5,000,000.00 USDT; "',
    "x\u201d; sent 5,000,000 USDT to Binance; \u201cy",
    "x''; OUT 5,000,000 USDT; ''",
    "x\uff02\uff1b OUT 5,000,000 USDT\uff1b \uff02",
    "x\u00bb; OUT 5,000,000 USDT; \u00ab",
    'USDT (case NK-07) sent 5,000,000 USDT to "Binance"',
]
CLAIM = re.compile("5,000,000")


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_token_cannot_tell_a_movement(forgery):
    """In no headline, subject or line of a list; in the details it stays inside its quotes."""
    view = sample.hostile(forgery)
    for rendered in (sample.mail(view), sample.mail(view, view), daily([view])):
        head = rendered.text.split("\n\n")[1]
        assert not CLAIM.search(rendered.subject + head)
        text = flat(rendered.text)
        for found in CLAIM.finditer(text):
            before = text[: found.start()]
            assert before.count('"') % 2 == 1, text[found.start() - 60 : found.end() + 40]
    for kind in ("slack", "teams", "discord", "apprise"):
        channel = replace(sample.MAIL, kind=kind)
        assert not CLAIM.search(sample.mail(view, channel=channel).subject)


@pytest.mark.parametrize("forgery", FORGERIES)
@pytest.mark.parametrize("what", ["label", "reason", "title", "case", "source", "name", "other"])
def test_no_name_of_a_list_can_tell_a_movement(what, forgery):
    """Labels, reasons, cases and names of an imported list stay inside quotes as well."""
    view = sample.outgoing()
    assert view.entry is not None
    if what in {"name", "other"}:
        known = Known(forgery, "NK-07", watched=what == "other", source=forgery, date=forgery)
        view = replace(view, names={sample.RECEIVER: known})
    else:
        view = replace(view, entry=replace(view.entry, **{what: forgery}))
    text = flat(sample.mail(view).text)
    for found in CLAIM.finditer(text):
        before = text[: found.start()]
        assert before.count('"') % 2 == 1, text[found.start() - 60 : found.end() + 40]


def test_a_token_that_left_without_a_signature_did_not_leave():
    """The headline says that it may be forged, not that the address sent anything."""
    classes = [["leg", "may be forged", "An unverified token says that it left this address."]]
    row = sample.usdt(verified=False, symbol="USDT")
    view = of_row(row, facts={"classes": classes})
    head = sample.mail(view).text.partition("TO DO")[0]
    assert "an unverified token says that it left, which may be forged." in flat(head)
    assert " sent " not in head


# --- nothing is lost ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "facts",
    [
        {"balances": 7},
        {"quiet_days": "many"},
        {"classes": [["too short"]]},
        {"second_source": "yes"},
        {"dealings": ["x"]},
        {"read_at": "\ud800"},
    ],
    ids=lambda facts: next(iter(facts)),
)
def test_facts_that_cannot_be_read_do_not_lose_the_alert(facts):
    """The plain facts go out instead, with id, transaction, parties and amount."""
    rendered = sample.mail(sample.outgoing(facts=facts))
    assert not was_laid_out(rendered)
    assert "A-10482" in rendered.subject
    for fact in (sample.tx_hash("one"), sample.WATCHED, sample.RECEIVER, "1000000000000"):
        assert fact in rendered.text
    assert next(iter(facts)) in rendered.text
    assert rendered.text.isascii()


def test_what_cannot_be_read_does_not_pass_for_plain_among_others():
    """In a group all goes out plainly; in the daily mail its line says how to see it."""
    unread = sample.outgoing(number="A-7", facts={"classes": 7})
    grouped = sample.mail(*sample.storm(3), unread)
    assert not was_laid_out(grouped)
    assert all(number in grouped.text for number in ("A-10500", "A-10502", "A-7", "classes"))
    mailed = daily([sample.outgoing(), unread])
    assert was_laid_out(mailed)
    assert "It cannot be read in full: fundwatch alerts show A-7" in flat(mailed.text)


@pytest.mark.parametrize("broken", ["{% if", "{{ nothing.at.all }}", "{{ 1 / 0 }}"])
def test_a_broken_template_does_not_lose_the_alert(tmp_path, broken):
    """Somebody edited the template: the alert still goes out, and says what is wrong."""
    (tmp_path / "mail.html.j2").write_text(broken, "utf-8")
    templates = layout.environment(tmp_path, sample.ROOT / "config" / "templates")
    rendered = sample.mail(*sample.storm(3), templates=templates, channel=sample.MAIL)
    assert "could not be laid out" in rendered.text
    assert all(view.alert.id in rendered.text for view in sample.storm(3))
    short = sample.mail(sample.outgoing(), templates=templates, channel=sample.REFERENCE)
    assert "A-10482" in short.text
    assert sample.WATCHED not in short.text


def test_a_users_template_hides_the_shipped_one(tmp_path):
    """A folder of one's own overrides one file and leaves the other as shipped."""
    (tmp_path / "mail.txt.j2").write_text("OURS {{ sheet.headline }}", "utf-8")
    templates = layout.environment(tmp_path, sample.ROOT / "config" / "templates")
    rendered = sample.mail(sample.outgoing(), templates=templates)
    assert rendered.text == (
        "OURS Payroll wallet 3 (case NK-07) sent 1,000,000 USDT to an unknown address; "
        "30.50 USDT left."
    )
    assert "<!DOCTYPE html>" in rendered.html


def test_the_same_alert_gives_the_same_bytes():
    """A message is frozen: nothing in it depends on when or where it is rendered again."""
    assert sample.mail(*sample.storm(5)) == sample.mail(*sample.storm(5))


# --- status, corrections, notices -----------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (Status.PENDING, "Unconfirmed, may never happen"),
        (Status.PROVISIONAL, "Confirmed, can still be reversed (11 of 19)"),
        (Status.FINAL, "Final"),
        (Status.MISSING, "Being re-checked"),
        (Status.ORPHANED, "Reversed: did not happen"),
    ],
)
def test_status_words(status, words):
    """The words that people see for each status."""
    view = replace(sample.outgoing(), transfers=(sample.usdt(status=status),))
    text = flat(sample.mail(view).text)
    left = "" if status is Status.ORPHANED else "; 30.50 USDT left"  # else it is all there still
    assert f" to an unknown address{left}. {words}. " in text


def test_depth_is_counted_where_the_facts_do_not_say():
    """Without frozen facts the depth follows from the newest head seen."""
    view = sample.outgoing(facts={}, head_height=88_012_350)
    assert "(6 of 19)" in sample.mail(view).text


@pytest.mark.parametrize("agrees", [True, False, None])
def test_second_source(agrees):
    """Agreement, disagreement and no answer are three different things."""
    facts = {"second_source": {"source": "other", "agrees": agrees, "at": sample.T0}}
    text = flat(sample.mail(sample.outgoing(facts=facts)).text)
    words = {True: "other agrees", False: "DOES NOT SHOW IT", None: "could not say"}
    assert [said for said in words.values() if said in text] == [words[agrees]]


def test_no_second_source():
    """Where there is none to ask, nobody is left waiting for it."""
    facts = {"second_source": {"asked": False, "why": "none"}}
    view = sample.outgoing(facts=facts, severity=Severity.SEVERE)
    text = flat(sample.mail(view).text)
    assert "No source of another operator is set up for this chain." in text
    assert "not asked" not in text


def test_a_summary_tells_how_serious_its_entry_is():
    """A calm summary is of low severity; the entry that it is about is not."""
    text = flat(sample.mail(sample.history(severity=Severity.LOW)).text)
    assert f"severity {sample.TRON_ENTRY.severity.value.upper()}" in text
    assert "severity LOW" not in text


def test_words_of_a_mail():
    """What is left stands under its own name, the time of sending in the desk's time too."""
    text = flat(sample.mail(sample.outgoing()).text)
    assert "BALANCE 1,000,030.500000 -> 30.500000 USDT" in text
    assert re.search(r"Sent 2026-11-22 10:14:\d\d .*\(?2026-11-22 09:14:\d\d UTC|"
                     r"Sent 2026-11-22 09:14:\d\d UTC.*10:14", text)  # fmt: skip


@pytest.mark.parametrize("state", ["acknowledged", "closed"])
def test_what_somebody_has_is_not_to_be_acknowledged(state):
    """Only an open alert asks for it; the others say who has them."""
    words = f"{state} 2026-11-22 09:20:00 UTC by Kim"
    text = flat(sample.mail(sample.outgoing(state=state, acknowledged=words)).text)
    assert "alerts ack" not in text
    assert "Acknowledge" not in text
    assert f"State {words}" in text
    assert "alerts ack" in sample.mail(sample.outgoing()).text


@pytest.mark.parametrize(
    ("deliveries", "words"),
    [
        ((), "Sent to nobody: no channel is owed it"),
        ((DeliveryView("mail", "waiting", 1),), "Sent not sent yet"),
        (
            (
                DeliveryView("mail", "accepted", 1, accepted_at=sample.T0 + 120),
                DeliveryView("hook", "accepted", 1, accepted_at=sample.T0 + 60),
            ),
            "09:15:03 UTC",
        ),
    ],
)
def test_what_is_looked_at_later_tells_when_it_was_sent(deliveries, words):
    """Looking sends nothing: it has no message, and the time is that of the first delivery."""
    view = sample.outgoing(deliveries=deliveries)
    text = flat(sample.mail(view, message_id="").text)
    assert words in text
    assert "Fundwatch 1.0.0 " in text
    assert ", message" not in text
    assert sample.mail(view).text.count(", message M-") == 1


@pytest.mark.parametrize(
    ("incident", "stage"),
    [
        ({}, "OPENED"),
        ({"reminder": True}, "STILL OPEN"),
        ({"closed": sample.T0, "duration": 2460}, "CLOSED"),
    ],
)
def test_incidents_open_last_and_close(incident, stage):
    """The stage stands in the subject, the duration in the body."""
    rendered = sample.mail(sample.notice(**incident))
    assert rendered.subject == f"[Fundwatch NOTICE] {stage} blind bnb tokens - N-220"
    assert ("Lasted 41 min" in flat(rendered.text)) == (stage == "CLOSED")
    assert ("CURE" in rendered.text) == (stage != "CLOSED"), "nothing is left to be done"


def test_a_notice_says_what_it_is_about_once_and_in_words():
    """Neither an incident's key in the subject, nor the headline again below it."""
    what = "Token transfers on BNB Chain cannot be read for 6 entries."
    view = sample.notice(key="blind:bnb/erc20", what=what)
    view = replace(view, alert=replace(view.alert, title=what, chain="bnb"))
    rendered = sample.mail(view)
    assert rendered.subject == ("[Fundwatch NOTICE] OPENED a list cannot be read on bnb - N-220")
    assert flat(rendered.text).count(what) == 1


def test_notice_subjects_hold_no_address():
    """An incident's key may name an address; a subject may not."""
    key = f"blind/ethereum/{sample.EVM_MINE}/{sample.WATCHED}"
    subject = sample.mail(sample.notice(key=key)).subject
    assert subject == "[Fundwatch NOTICE] OPENED blind ethereum - N-220"


def test_alarming_history_says_so():
    """Funds that moved just before watching began are said at the top."""
    rendered = sample.mail(sample.history())
    assert "ATTENTION: funds moved in the 72 hours before watching began." in rendered.text
    assert "2,499,969.5" in rendered.text
    assert rendered.attachments


def test_minted_and_collected_tokens():
    """NFTs are named by number and collection, and a mint has no sender."""
    row = sample.make_row(
        sample.ETHEREUM,
        sample.EVM_ENTRY,
        sender="0x" + "0" * 40,
        recipient=sample.EVM_MINE,
        amount=1,
        kind=Kind.ERC721,
        contract=sample.evm_address("nft"),
        token_id=str(UINT256_MAX),
        symbol="Ape <b>",
        verified=False,
    )
    view = sample.make_view(sample.ETHEREUM, sample.EVM_ENTRY, [row], direction=Direction.IN)
    rendered = sample.mail(view)
    text = flat(rendered.text)
    assert "IN unverified NFT" in rendered.subject
    assert f'1 NFT (token id {UINT256_MAX}) of unverified NFT collection "Ape <b>"' in text
    assert "received 1 NFT of an unverified collection." in text
    assert "raw units" not in text
    assert "the zero address: tokens are created from it" in text


# --- machines, daily mail, test message -------------------------------------------------------


def test_machines_get_json_only():
    """The body is the published form; there is no text beside it."""
    rendered = sample.mail(*sample.storm(5), channel=sample.HOOK)
    body = json.loads(rendered.json)
    assert (rendered.text, rendered.html, rendered.attachments) == ("", "", ())
    assert body["type"] == "fundwatch.alerts.v1"
    assert body["timestamp"] == "2026-11-22T09:14:39Z"
    assert [alert["id"] for alert in body["data"]["alerts"]] == [f"A-{10500 + n}" for n in range(5)]
    short = sample.mail(sample.outgoing(), channel=replace(sample.HOOK, detail="reference"))
    assert set(json.loads(short.json)["data"]["alerts"][0]) == {
        *("id", "kind", "severity", "chain", "time"),
    }


def daily(views, channel=sample.MAIL):
    return render.render_daily(
        views,
        channel=channel,
        allowed_cases=None,
        message_id="D-20261122",
        since=sample.T0 - 86400,
        until=sample.T0,
        remarks={"CHECKED": ["case NK-07: nothing moved, read to 09:00 UTC."]},
        timezone="Europe/Zurich",
        version="1.0.0",
        templates=sample.TEMPLATES,
    )


def test_many_start_up_summaries():
    """Which address had how much, those first whose funds moved lately; it is no news."""
    alarming = sample.history(number="H-2")
    calm = {"history": {"alarming": False, "count": 1}}
    views = [sample.history(number=f"H-{n}", facts=calm) for n in range(3, 9)]
    rendered = sample.mail(*views, alarming)
    assert "HISTORY of 1 watched address - case NK-07" in rendered.subject
    text = flat(rendered.text)
    assert "ATTENTION: funds of 1 of them moved in the 72 hours before" in text
    lines = text.partition("BEFORE ")[2]
    assert lines.index("FUNDS MOVED IN THE LAST 72 HOURS. H-2") < lines.index(
        "1 earlier movement. H-3"
    )
    calm_mail = sample.mail(*views)
    assert "This is history, not news" in calm_mail.text


def test_daily_mail():
    """By case, with the quiet ones counted by reason, and the caller's remarks."""
    rendered = daily(sample.storm(9))
    assert rendered.subject == "[Fundwatch DAILY] 6 alerts, 3 quiet - 2026-11-22 - D-20261122"
    text = flat(rendered.text)
    assert "6 alerts in 1 case; 3 quiet." in text
    assert "CASE NK-07 asset chain out" in text
    assert (
        "Payroll wallet 3 (case NK-07) sent 0.02 ETH to an unknown address. A-10501 - Confirmed, "
        "can still be reversed (0 of 65) - high - NOT ACKNOWLEDGED"
    ) in text
    assert "By case: NK-07 3." in text
    assert "3: Less than 1 ETH came in." in text
    assert "nothing moved, read to 09:00 UTC." in text
    assert rendered.attachments[0][0] == "D-20261122.csv"


def test_totals_leave_out_what_did_not_happen_and_what_is_history():
    """A reversed payment, its correction and an old summary are listed, and add nothing."""
    undone = sample.make_view(
        sample.ETHEREUM, sample.EVM_ENTRY, [sample.ether(status=Status.ORPHANED)], number="A-10377"
    )
    done = sample.make_view(sample.ETHEREUM, sample.EVM_ENTRY, [sample.ether(10**18)])
    old = sample.history(number="H-1")
    text = flat(daily([undone, sample.correction(), old, done]).text)
    assert "ETH Ethereum 1 (1 transfer)" in text
    assert "25 (" not in text
    assert "DID NOT HAPPEN: Payroll wallet 3 (case NK-07) sent 12.5 ETH" in text
    assert "A-10377 - high - NOT ACKNOWLEDGED" in text
    assert "A-10399 - correction of A-10377 - high" in text
    assert "431 earlier movements; FUNDS MOVED IN THE LAST 72 HOURS. H-1 - history" in text
    alone = flat(daily([undone, sample.correction()]).text)
    assert "asset chain" not in alone


def both_ends(first: Entry, second: Entry, amount: int) -> list[AlertView]:
    """The alerts of both entries about one payment from the first to the second."""
    row = sample.make_row(
        sample.TRON,
        first,
        sender=first.subject.address,
        recipient=second.subject.address,
        amount=amount,
    )
    ways = {first.id: "out", second.id: "in"}
    row = replace(row, entries=(first, second), directions=ways)
    return [
        sample.make_view(sample.TRON, each, [row], number=f"A-{n}", direction=way)
        for n, (each, way) in enumerate(((first, Direction.OUT), (second, Direction.IN)))
    ]


def test_a_deposit_to_a_rollup_comes_from_outside():
    """It has no sender on this chain; nothing is said of an unknown address."""
    row = sample.ether(5 * 10**18, sender=None, recipient=sample.EVM_MINE)
    view = sample.make_view(sample.ETHEREUM, sample.EVM_ENTRY, [row], direction=Direction.IN)
    text = flat(sample.mail(view).text)
    assert "Payroll wallet 3 (case NK-07) received 5 ETH from outside this chain." in text
    assert "FROM none on this chain: it came from the parent chain" in text


@pytest.mark.parametrize(
    ("usd", "said"),
    [
        ("1", ", about 1.0 M USD, to an unknown address; 30.50 USDT left."),
        ("0.0123456", ", about 12,346 USD, to an unknown address; 30.50 USDT left."),
        ("0.00000000001", ", less than 0.01 USD, to an unknown address; 30.50 USDT left."),
    ],
)
def test_the_headline_says_what_it_was_worth(usd, said):
    """Rounded as people do, and never to nothing."""
    price = Price("tron", sample.USDT, sample.T0, Decimal(usd), "x")
    text = flat(sample.mail(of_row(replace(sample.usdt(), price=price))).text)
    assert f"Payroll wallet 3 (case NK-07) sent 1,000,000 USDT{said}" in text


def test_tokens_that_are_created_come_from_the_zero_address_on_tron_too():
    """Nobody has that address, so it is not "unknown"."""
    row = sample.usdt(sender=TRON.zero, recipient=sample.WATCHED)
    view = sample.make_view(sample.TRON, sample.TRON_ENTRY, [row], direction=Direction.IN)
    text = flat(sample.mail(view).text)
    assert "received 1,000,000 USDT from the zero address" in text
    assert "the zero address: tokens are created from it" in text


def test_newly_mined_coins_have_no_sender():
    row = sample.make_row(
        *(sample.BITCOIN, sample.BTC_ENTRY), sender=None, recipient=sample.MINE,
        amount=5 * 10**8, kind=Kind.COINBASE, leg="out:0",
    )  # fmt: skip
    row = replace(row, price=Price("bitcoin", "", sample.T0, Decimal(2), "x"))
    view = sample.make_view(sample.BITCOIN, sample.BTC_ENTRY, [row], direction=Direction.IN)
    text = flat(sample.mail(view).text)
    assert "received 5 BTC net, about 10.00 USD, newly mined." in text


def test_what_stays_inside_a_case_is_counted_once():
    """Two entries of a case, one payment between them: neither out nor in, and not twice."""
    other = sample.make_entry(sample.TRON, sample.tron_address("second"), id="E-2", label="Two")
    views = both_ends(sample.TRON_ENTRY, other, 5 * 10**6)
    out = sample.make_view(
        sample.TRON,
        sample.TRON_ENTRY,
        [sample.make_row(sample.TRON, sample.TRON_ENTRY, sender=sample.WATCHED,
                         recipient=sample.RECEIVER, amount=10**6, tx=sample.tx_hash("x"))],
    )  # fmt: skip
    text = flat(daily([*views, out]).text)
    assert "asset chain out inside TRX Tron 1 (1 transfer) 5 (1 transfer)" in text
    elsewhere = replace(other, case="ZZ-99")
    text = flat(daily(both_ends(sample.TRON_ENTRY, elsewhere, 5 * 10**6)).text)
    assert "CASE NK-07 asset chain out TRX Tron 5 (1 transfer)" in text
    assert "CASE ZZ-99 asset chain in TRX Tron 5 (1 transfer)" in text


def test_a_case_of_a_utxo_chain_counts_its_net():
    """Two inputs and an output of two entries of a case: what left the case, once."""
    view = sample.bitcoin()
    other = replace(sample.OTHER_ENTRY, case="NK-11")
    legs = tuple(
        replace(leg, entries=(other,)) if sample.OTHER_ENTRY in leg.entries else leg
        for leg in view.all_legs
    )
    mine = [leg for leg in legs if other in leg.entries]
    second = sample.make_view(sample.BITCOIN, other, mine, number="A-2", all_legs=legs)
    text = flat(daily([replace(view, all_legs=legs), second]).text)
    assert "BTC Bitcoin 0.3502 (1 transfer)" in text


def test_an_address_with_a_prefix_is_shown_to_be_copied():
    """Bitcoin Cash has one; anybody else's prefix is made harmless."""
    chain = replace(sample.BITCOIN, cashaddr="bitcoincash")
    cash = "bitcoincash:qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a"
    assert parts.shown_address(chain, cash) == cash
    assert parts.shown_address(sample.BITCOIN, cash) == cash.replace(":", "[:]")
    assert parts.shown_address(chain, "javascript:alert") == "javascript[:]alert"


def test_a_case_counts_what_went_into_a_shielded_pool():
    """No output is in sight, and it has left the case all the same."""
    view = sample.bitcoin()
    spent = tuple(row for row in view.transfers if row.row.transfer.leg.startswith("in"))
    shielded = replace(sample.BITCOIN, shielded=True)
    text = flat(daily([replace(view, chain=shielded, all_legs=spent, transfers=spent)]).text)
    assert "asset chain out BTC Bitcoin 0.8 (1 transfer)" in text


def test_history_rows_have_date_value_hash_and_link():
    """Each movement of the last 30 days can be looked up; what is left stands below."""
    rendered = sample.mail(sample.history())
    text = flat(rendered.text)
    for said in (
        "has 431 earlier movements in our record, the last on 2026-11-22; 30.50 USDT left.",
        "1. OUT 1,000,000.000000 USDT when 2026-11-22 09:14:03 UTC (10:14:03 Zurich) value not",
        f"tx {sample.tx_hash('h1')}",
        f"https://tronscan.org/#/transaction/{sample.tx_hash('h1')}",
        "BALANCE 30.500000 USDT 0.000007 TRX What came in minus what went out, without fees",
    ):
        assert said in text
    later = replace(sample.TRON_ENTRY, since="2023-01-01")
    part = flat(sample.mail(replace(sample.history(), entry=later)).text)
    assert "BALANCE Unknown: the history is read from 2023-01-01 on." in part
    assert " left." not in part


@pytest.mark.parametrize(
    ("block", "read", "said"),
    [
        (60, 90, ("Happened", "30 s later")),
        (90, 60, ("First seen", "Block time")),
        (None, 60, ("First seen", "in no block yet")),
    ],
)
def test_times_do_not_contradict_each_other(block, read, said):
    """What was seen before the time of its block did not happen after it was read."""
    status = Status.PENDING if block is None else Status.PROVISIONAL
    row = sample.make_row(
        *(sample.BITCOIN, sample.BTC_ENTRY), sender=sample.MINE, recipient=None, amount=5,
        kind=Kind.UTXO_IN, leg="in:0", status=status, time=sample.T0 + (block or 0),
    )  # fmt: skip
    view = sample.make_view(
        sample.BITCOIN, sample.BTC_ENTRY, [row], facts={"read_at": sample.T0 + read}
    )
    text = flat(sample.mail(view).text)
    for words in said:
        assert words in text
    assert "0 s later" not in text.replace("30 s later", "")
    assert ("Happened" in text) is (said[0] == "Happened")


def test_what_was_reversed_is_not_told_as_if_it_stood():
    """In lists too: the line begins with that."""
    undone = sample.make_view(
        sample.ETHEREUM, sample.EVM_ENTRY, [sample.ether(status=Status.ORPHANED)], number="A-377"
    )
    text = flat(daily([undone, sample.correction()]).text)
    said = "DID NOT HAPPEN: Payroll wallet 3 (case NK-07) sent 12.5 ETH to an unknown address. "
    assert f"{said}A-377 - high" in text
    assert f"{said}A-10399 - correction of A-10377" in text


def test_a_table_of_short_figures_breaks_no_number():
    """On a phone a cell gives way between words only."""
    html = daily(sample.storm(9)).html
    assert "anywhere" not in html.partition("asset</th>")[2].partition("</table>")[0]
    assert "0.2700000000" not in html
    assert '<span style="white-space:nowrap">A-10501</span>' in html
    huge = sample.make_view(sample.ETHEREUM, sample.EVM_ENTRY, [sample.ether(UINT256_MAX)])
    shown = sample.mail(huge).html
    assert max(map(len, re.findall(r'anywhere">(115,792[0-9,.]*)</span>', shown))) == 98


def test_who_has_nothing_to_take_in_hand():
    """A calm summary of history is not called unacknowledged; what moved lately is."""
    calm = daily([sample.history(severity=Severity.LOW)]).text
    assert "NOT ACKNOWLEDGED" not in calm
    assert "NOT ACKNOWLEDGED" in flat(daily([sample.history(severity=Severity.SEVERE)]).text)


def test_button_under_the_headline():
    """Where links are set up, the mail has a button; it leads where the text form does."""
    link = "https://watch.example/ack/M-1?until=1&sig=x"
    rendered = sample.mail(sample.outgoing(), link=link)
    assert f'<a href="{link.replace("&", "&amp;")}"' in rendered.html
    assert rendered.html.index("Take it in hand") < rendered.html.index("WHAT")
    assert link in rendered.text
    assert "Take it in hand" not in sample.mail(sample.outgoing()).html


def test_daily_mail_of_a_day_without_news():
    """Nothing moved is news too: the mail says what was checked."""
    rendered = daily([])
    assert was_laid_out(rendered)
    assert "No alerts, nothing quiet." in rendered.text
    assert "nothing moved" in rendered.text
    assert "NK-07" not in daily([], sample.REFERENCE).text


@pytest.mark.parametrize("channel", [sample.MAIL, sample.HOOK], ids=["mail", "machine"])
def test_test_message(channel):
    """A test says that it is one, and holds no alert."""
    rendered = render.render_test(
        channel=channel,
        message_id="T-0001",
        now=sample.T0,
        timezone="Europe/Zurich",
        version="1.0.0",
        templates=sample.TEMPLATES,
    )
    if channel.machine:
        assert json.loads(rendered.json)["data"] == {"alerts": []}
    else:
        assert rendered.subject == "[Fundwatch TEST] T-0001"
        assert "This is a test. Nothing moved." in rendered.text


def test_quiet_alerts_say_why():
    """The lane and its reason are explained wherever a quiet alert is shown."""
    view = sample.outgoing(lane=Lane.QUIET, lane_reason="Less than 1 USDT came in.")
    assert "Quiet Less than 1 USDT came in." in flat(sample.mail(view).text)


def test_many_corrections_are_not_taken_for_news():
    """A group of nothing but corrections says so in its subject."""
    rendered = sample.mail(sample.correction(), sample.correction(number="A-3"))
    assert rendered.subject.startswith("[Fundwatch CORRECTION] 2 alerts - case NK-07")
    assert flat(rendered.text).count("DID NOT HAPPEN: ") == 2


def test_what_anybody_can_make_is_counted_and_not_summed():
    """A sum of an invented token says nothing, and its digits break lines on a phone."""
    rendered = sample.mail(*sample.storm(3), sample.hostile("X"))
    text = flat(rendered.text)
    assert 'unverified token "X" Ethereum 0 1 transfer' in text
    assert "raw units" not in text
    assert "1000000000000000000000000" in rendered.attachments[0][2]


def test_a_reference_to_a_correction_names_what_it_corrects():
    """Also where nothing else may be said."""
    text = flat(sample.mail(sample.correction(), channel=sample.REFERENCE).text)
    assert "A-10399 - correction of A-10377 - high - Ethereum" in text


def test_what_is_no_longer_seen_is_not_said_to_be_replaced():
    """Nor to be in its block again, once it is in one."""
    mails = {s: sample.mail(sample.forgotten(s)) for s in ("no longer seen", "included")}
    gone, came = (flat(each.text) for each in mails.values())
    assert "NO LONGER SEEN, MAY STILL COME: " in gone
    assert "does not show that it was replaced or is gone" in gone
    assert "Not confirmed, no longer seen" in gone
    assert "did not happen" not in f"{gone} {mails['no longer seen'].subject}"
    assert "IN A BLOCK NOW: " in came
    assert "DO NOT RELY" not in came
    assert "block again" not in came.lower()


def test_no_amount_cuts_the_number_off_a_subject():
    """By its number an alert is acknowledged."""
    view = sample.correction("replaced")
    rows = [sample.ether(UINT256_MAX, status=Status.ORPHANED)]
    entry = replace(view.entry, case="CASE-2026-" + "X" * 30)
    view = replace(view, entry=entry, transfers=tuple(rows), all_legs=tuple(rows))
    subject = sample.mail(view, passed_on=True).subject
    assert subject.endswith(f"- case {entry.case} - Ethereum - A-10377")


# -- the desk ----------------------------------------------------------------------------------

DESK = "https://desk.example"
CLAIMED = (
    "The button records the name you type (claimed); sign in at the desk to act under your own."
)


def test_a_mail_links_to_its_page_at_the_desk_where_there_is_one():
    """Beside the button, which stays and is marked; nothing of it without a desk."""
    link = "https://fundwatch.example/ack?m=M-2"
    with_desk = sample.mail(sample.outgoing(), link=link, desk=DESK)
    for form in (with_desk.text, with_desk.html):
        assert f"{DESK}/alert/A-10482" in form
        assert link in form
        assert CLAIMED in flat(form)
    alone = sample.mail(sample.outgoing(), link=link)
    for form in (alone.text, alone.html):
        assert DESK not in form
        assert "claimed)" not in form
    assert f"{DESK}/g/G-0093" in sample.mail(*sample.storm(40), desk=DESK).text
    taken = replace(sample.outgoing(), state="acknowledged")
    assert f"{DESK}/alert/A-10482" in sample.mail(taken, desk=DESK).text


def test_a_clock_is_told_with_how_its_days_were_counted():
    text = flat(sample.mail(sample.clock("due"), desk=DESK).text)
    assert "A clock ends today: Report of blocked property, its last day is 2026-12-07" in text
    assert "10 business days (weekends and US federal holidays, holidays 0.109)" in text
    assert "not legal advice" in text


def test_a_channel_that_gets_references_gets_the_page_too():
    channel = replace(sample.MAIL, detail="reference")
    rendered = sample.mail(sample.outgoing(), channel=channel, desk=DESK)
    assert f"{DESK}/alert/A-10482" in rendered.text
    assert DESK not in sample.mail(sample.outgoing(), channel=channel).text
