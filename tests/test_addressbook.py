"""addressbook.csv: what spreadsheets write, columns that may be missing, and whose word wins."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.app.settings import load
from monitor.model import Known
from monitor.watchlist import addressbook
from monitor.watchlist.yaml_nodes import Notes

CHAINS = load.load(Path("/nonexistent"), {}).chains
ONE = "0x4F47Bc496083C727c5fbe3CE9CDf2B0f6496270c"
KEY = ("ethereum", ONE.lower())


def read(text: str) -> tuple[addressbook.Book, list[str]]:
    notes = Notes()
    return addressbook.parse(text, CHAINS, notes), [str(p) for p in notes.problems]


@pytest.mark.parametrize(
    "text",
    [
        f'{ONE},ethereum,"Shop, Ltd",list,2024-01-01\n',
        f"\ufeffAddress;Chain;Name;Source;Date\r\n{ONE};ethereum;Shop, Ltd;list;2024-01-01\r\n",
        f"name\tdate\tsource\taddress\tchain\nShop, Ltd\t2024-01-01\tlist\t{ONE}\tethereum",
        f'# ours, and "theirs"\n\n{ONE};ethereum;Shop, Ltd;list;2024-01-01\n#{ONE};;x\n',
        f'"# ours, theirs"\naddress;chain;name;source;date;notes\n{ONE};ethereum;Shop, Ltd;list;'
        "2024-01-01;seen\n",
    ],
)
def test_it_takes_what_spreadsheets_write(text: str):
    """Byte order mark, separators, notes, column order, further columns and line ends do not
    matter; a file without the newer columns is whole."""
    book, problems = read(text)
    assert problems == []
    assert book == {KEY: Known("Shop, Ltd", source="list", date="2024-01-01")}


def test_category_and_confidence():
    """In any letters, with and without a first line that names the columns."""
    known = Known("Shop", source="list", date="2024", category="exchange", confidence="low")
    text = f"{ONE},ethereum,Shop,list,2024,Exchange,LOW\n"
    assert read(text) == ({KEY: known}, [])
    assert read(f"{','.join(addressbook.COLUMNS)}\n{text}") == ({KEY: known}, [])


def test_a_name_may_hold_on_every_chain():
    """Without a chain the name is kept under any, in the form of the chain that takes it."""
    tron = "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t"
    book, problems = read(f"address,chain,name\n{ONE},,A\n{tron},,B\n{ONE},,C\nnonsense,,D\n,,E\n")
    assert {key: known.label for key, known in book.items()} == {
        ("", ONE.lower()): "A",
        ("", tron): "B",
    }
    assert [p.partition(": ")[0] for p in problems] == [f"addressbook.csv:{n}" for n in (4, 5, 6)]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            f"address,chain,name,categry\n{ONE},ethereum,Shop,exchange\n",
            "addressbook.csv:1: 'categry' is not a column. Did you mean category?",
        ),
        (
            f"# note\naddress,chain,name,category\n{ONE},ethereum,Shop,exhange\n",
            "addressbook.csv:3: 'exhange' is not a category. Did you mean exchange? Write one of ",
        ),
        (
            f"address,chain,name,confidence\n{ONE},ethereum,Shop,certain\n",
            "addressbook.csv:2: 'certain' is not a confidence. Write one of high, medium, low",
        ),
    ],
)
def test_a_mistake_names_line_and_remedy(text: str, problem: str):
    """Words that would be passed over in silence are told."""
    _, problems = read(text)
    assert len(problems) == 1
    assert problems[0].startswith(problem)


def test_an_own_line_hides_the_shipped_one():
    """On its chain; without a chain on all of them."""
    other, third = ("bnb", "a"), ("bnb", "b")
    shipped = {KEY: Known("S", shipped=True), other: Known("T", shipped=True)}
    mine = Known("M")
    assert addressbook.over(shipped, {KEY: mine}) == {**shipped, KEY: mine}
    assert addressbook.over(shipped, {("", "a"): mine}) == {KEY: shipped[KEY], ("", "a"): mine}
    assert addressbook.over(shipped, {third: mine}) == {**shipped, third: mine}


@pytest.mark.parametrize(
    "before",
    [
        "",
        "address,chain,name\n0x" + "12" * 20 + ",ethereum,Other\n",
        "# ours\nchain;name;category;address\nethereum;Old;mixer;" + ONE + "\n",
        f"{ONE},ethereum,Old,list,2023-01-01,mixer,low\n",
    ],
)
def test_a_line_is_written_in_the_order_of_the_files_own_columns(before: str) -> None:
    known = Known("Shop, Ltd", source="M. Ortiz", category="exchange", date="2024-01-01")
    after = addressbook.with_line(before, CHAINS, KEY, known)
    book, problems = read(after)
    assert not problems
    assert book[KEY] == known
    assert ("# ours" in after) == ("# ours" in before)
    assert len(book) == (2 if "Other" in before else 1)
