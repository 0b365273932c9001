"""The docs inside the desk: all of them, with links that lead somewhere, and nothing alive."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from werkzeug.test import Client
from world.desk_open import Open, client
from world.desk_record import made
from world.home import ROOT

from monitor.web.desk import manual


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with client(made(tmp_path_factory.mktemp("home")).home, Open()) as by:
        yield by


def test_contents_name_every_doc(reader: Client) -> None:
    page = reader.get("/help").text
    wanted = {path.stem for path in (ROOT / "docs").glob("*.md")} - {"architecture"}
    assert wanted <= manual.docs().keys()
    for name in (*wanted, "reading", "keys"):
        assert f'href="/help/{name}"' in page
    assert reader.get("/help/nothing").status_code == 404
    assert reader.get("/help/architecture").status_code == 404


@pytest.mark.parametrize("name", list(manual.docs()))
def test_links_lead_somewhere(reader: Client, name: str) -> None:
    """To a page and a heading that are there, or out of the desk, which is said."""
    page = reader.get(f"/help/{name}").text.split("<article")[1].split("</article")[0]
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    for link, href in re.findall(r'(<a [^>]*href="([^"]+)"[^>]*>)', page):
        if href.startswith("http"):
            assert 'class="out"' in link
            assert 'rel="noreferrer noopener"' in link
            continue
        path, _, part = href.partition("#")
        answer = reader.get(path or f"/help/{name}")
        assert answer.status_code == 200, href
        assert not part or f' id="{part}"' in answer.text, href
    for picture in re.findall(r'<img [^>]*src="([^"]+)"', page):
        answer = reader.get(picture)
        assert answer.status_code == 200, picture
        assert answer.mimetype.startswith("image/")
    assert "style=" not in page


def test_pages_of_its_own(reader: Client) -> None:
    reading = reader.get("/help/reading").text
    assert "nothing is being read, however calm the" in " ".join(reading.split())
    keys = reader.get("/help/keys").text
    for key in ("g", "i", "c", "a", "/", "?", "j", "k", "Enter", "t", "n", "h", "x", "f", "w"):
        assert f"<code>{key}</code>" in keys


def test_html_in_a_doc_is_text() -> None:
    made = manual._doc("x", "# T\n\n<script>alert(1)</script> [a](javascript:alert(1))\n", ["x"])
    assert "<script>" not in made.html
    assert "href=" not in made.html


@pytest.mark.parametrize("name", ["../pyproject.toml", "commands.md", "x.png", "..%2f..%2fLICENSE"])
def test_only_pictures_of_the_docs_are_served(reader: Client, name: str) -> None:
    assert reader.get(f"/help/pictures/{name}").status_code == 404
    assert manual.picture(name) is None


def test_docs_lie_where_they_are_looked_for() -> None:
    assert manual.folder() == Path(ROOT / "docs")
