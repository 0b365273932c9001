"""An outside client that knows the API by its description alone (schemathesis): whatever it makes
up of it, fitting or not, the answers are those that are described, and nothing breaks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import desk_traced
import pytest
from hypothesis import HealthCheck, given, settings
from world.api import description, token
from world.desk_open import Open, client
from world.deskbook import NOW, alert_of, as_home, verified_book

from monitor.store import api_tokens
from monitor.store.deskfile import FILE, DeskFile

schemathesis = pytest.importorskip("schemathesis")
from schemathesis import GenerationMode, checks  # noqa: E402
from schemathesis.specs.openapi import checks as described  # noqa: E402

pytestmark = pytest.mark.slow
CHECKS = [
    checks.not_a_server_error,
    described.status_code_conformance,
    described.content_type_conformance,
    described.response_schema_conformance,
    described.response_headers_conformance,
    described.missing_required_header,
    described.unsupported_method,
]
QUIET = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, Path, dict[str, str]]]:
    """The application, its home folder, and names that there are; held against the log at the end,
    whatever was done to it."""
    with verified_book(tmp_path_factory.mktemp("book")) as book:
        desk_traced.take(book, NOW)
        home = as_home(book)
        entry = book.store.read("SELECT id, subject FROM entry ORDER BY id LIMIT 1")[0]
        chain, _, address = entry["subject"].partition("/")
        names = {
            "case": "C", "chain": chain, "address": address, "hash": "0xt1", "list": "ofac",
            "alert": alert_of(book, "medium"), "entry": entry["id"],
        }  # fmt: skip
        with client(home, Open()) as browser:
            yield browser.application, home, names


def operations() -> list[tuple[str, str]]:
    return [(m, path) for path, each in description()["paths"].items() for m in each]


@pytest.mark.parametrize(("method", "path"), operations(), ids=lambda each: each)
def test_whatever_is_asked(
    served: tuple[Any, Path, dict[str, str]], method: str, path: str
) -> None:
    app, home, names = served
    schema = schemathesis.openapi.from_dict(description())
    schema.app = app
    operation = schema[path][method.upper()]
    id_ = names["entry" if path.startswith("/entries") else "alert"]
    there = {each: names.get(each, id_) for each in _parts(path)}
    key = token(home, "ann")
    known = {"path_parameters": there} if there else {}
    headers = {"Authorization": f"Bearer {key}"}
    _ask(operation.as_strategy(generation_mode=GenerationMode.POSITIVE, **known), headers)
    _ask(operation.as_strategy(generation_mode=GenerationMode.NEGATIVE), headers)
    with closing(DeskFile(home / FILE)) as file:
        api_tokens.end(file, key[3:11], 1, "for a test", "tests")


def _ask(strategy: Any, headers: dict[str, str]) -> None:
    @settings(max_examples=5, deadline=None, database=None, suppress_health_check=QUIET)
    @given(strategy)
    def asked(case: Any) -> None:
        said = case.call(base_url="http://localhost:8788/api/v1", headers=headers)
        case.validate_response(said, checks=CHECKS, headers=headers)

    asked()


def _parts(path: str) -> list[str]:
    return [each[1:-1] for each in path.split("/") if each.startswith("{")]
