"""Writes docs/openapi.json: what GET /api/v1/openapi.json answers."""

from __future__ import annotations

from pathlib import Path

from monitor.web.api import described
from monitor.web.api.routes import ROUTES

PAGE = Path(__file__).with_name("openapi.json")

if __name__ == "__main__":
    PAGE.write_text(described.text(ROUTES), "utf-8")
