"""A request to hold funds, at the desk in a browser."""

from __future__ import annotations

from playwright.sync_api import Page


def asks_to_hold(page: Page) -> None:
    """A request about a place of the trace is recorded, sent and answered by forms alone."""
    page.goto("/c/HARBOUR-02")
    page.click("#seized >> text=Record a request >> nth=0")
    assert "Fundwatch sends nothing." in page.inner_text("main")
    page.fill("#to", "our counsel")
    page.click("text=Keep it")
    assert "Prepared for our counsel" in page.inner_text("main")
    for words, reference in (("It was sent…", "EXA-2211"), ("An answer came…", "EXA-2212")):
        page.click(f"main >> text={words}")
        page.fill("#reference", reference)
        page.click("text=Record it")
        assert f"reference {reference}" in page.inner_text("main")
    page.click(".crumbs a >> nth=1")
    assert "our counsel answered" in page.inner_text("#seized")
