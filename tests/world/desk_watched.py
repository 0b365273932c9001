"""What people do on the pages of health and of lists, which the running program carries out."""

from __future__ import annotations

import time
from collections.abc import Callable

from playwright.sync_api import Page

WITHIN = 90  # seconds in which the program does what was asked for


def a_test_is_sent(page: Page) -> None:
    """By whoever keeps the program running, over the first channel."""
    page.goto("/health")
    page.click("text=Send a test >> nth=0")
    assert "Asked for: a test message" in page.inner_text("p.said")
    _until(page, "/health", lambda: "sent: accepted" in page.inner_text("#main"))


def a_row_is_taken_into_a_case(
    page: Page, read: Callable[[str], list[tuple[object, ...]]], case: str
) -> None:
    """The first that the partner's list has added."""
    page.goto("/lists/partner")
    page.click("table.listed >> text=Take into case >> nth=0")
    page.fill("#case", case)
    page.fill("#why", "The partner names it, and our client paid there.")
    page.click("#form button.main")
    assert f"Asked for: it is watched in case {case}" in page.inner_text("p.said")
    mine = (
        "SELECT 1 FROM entry WHERE list = '' AND json_extract(terms, '$.source') LIKE "
        "'Partner''s list, version of %'"
    )
    _until(page, "/lists/partner", lambda: bool(read(mine)))


def a_day_is_noted(page: Page) -> None:
    """The strip shows what the running program noted of the hour."""
    page.goto("/health")
    assert page.locator("figure.strip svg").count() >= 2
    assert "entries read" in page.inner_text("#main")


def _until(page: Page, path: str, done: Callable[[], bool]) -> None:
    end = time.monotonic() + WITHIN
    while not done():
        assert time.monotonic() < end, page.inner_text("#main")
        time.sleep(1)
        page.goto(path)
