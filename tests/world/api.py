"""The API for tests: a token of somebody, and a client that is written from its description alone,
and holds every answer against it."""

from __future__ import annotations

import json
import secrets
import time
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import jsonschema
from werkzeug.test import Client, TestResponse

from monitor.loops.desk import tokens
from monitor.model.api import Scope
from monitor.store.deskfile import FILE, DeskFile
from monitor.store.guard import DATABASE
from monitor.store.sqlite import Store
from monitor.web.api import described
from monitor.web.api.routes import ROUTES

ALL = tuple(Scope)
HERE = "http://localhost:8788"


def token(
    home: Path,
    maker: str,
    *scopes: str,
    cases: tuple[str, ...] | None = None,
    days: int = 30,
    at: int | None = None,
) -> str:
    """A token of somebody who is at the desk; without scopes it has all of them."""
    made = int(time.time()) if at is None else at
    with closing(Store(home / DATABASE)) as store, closing(DeskFile(home / FILE)) as file:
        _, key = tokens.make(
            store, file, maker, "a test", scopes or ALL, cases, days, made, "tests"
        )
    return key


@cache
def description() -> dict[str, Any]:
    return json.loads(described.text(ROUTES))


@cache
def _validator(pointer: str) -> jsonschema.Draft202012Validator:
    schema = {"$ref": pointer, "components": description()["components"]}
    return jsonschema.Draft202012Validator(schema)


def held_against(schema: dict[str, Any], value: object) -> None:
    """Raises where a value is not as the description says."""
    root = {**schema, "components": description()["components"]}
    jsonschema.Draft202012Validator(root).validate(value)


class Program:
    """A program with a token. Every JSON answer is held against the description."""

    def __init__(self, client: Client, key: str) -> None:
        self.client, self.key = client, key

    def get(self, path: str, /, accept: str = "", **query: object) -> TestResponse:
        words = urlencode(query)
        headers = {"Accept": accept} if accept else {}
        return self.send("GET", path + (f"?{words}" if words else ""), headers=headers)

    def post(
        self, path: str, body: object, *, key: str = "", match: str = "", **headers: str
    ) -> TestResponse:
        headers = {"Idempotency-Key": key or secrets.token_hex(8), **headers}
        if match:
            headers["If-Match"] = match
        data = body if isinstance(body, bytes | str) else json.dumps(body)
        return self.send("POST", path, data=data, headers=headers, content_type="application/json")

    def send(self, method: str, path: str, **more: Any) -> TestResponse:
        headers = {**more.pop("headers", {})}
        if self.key:
            headers["Authorization"] = f"Bearer {self.key}"
        said = self.client.open(
            f"/api/v1{path}", method=method, headers=headers, base_url=HERE, buffered=True, **more
        )
        check(method, path, said)
        return said

    def every(self, path: str, /, limit: int = 2, **query: object) -> list[Any]:
        """All items of a list, page by page."""
        found, after = [], None
        while True:
            more = {"after": after} if after else {}
            said = self.get(path, limit=limit, **query, **more)
            assert said.status_code == 200, said.text
            found += said.json["items"]
            after = said.json["next"]
            if after is None:
                return found
            assert len(said.json["items"]) == limit


def check(method: str, path: str, said: TestResponse) -> None:
    """That an answer is one that the description has."""
    operation = operation_of("GET" if method == "HEAD" else method, path.partition("?")[0])
    if operation is None:
        assert said.status_code in (401, 404, 405, 429), said.status_code
        return
    answers = operation["responses"]
    assert str(said.status_code) in answers, (said.status_code, said.text)
    answer = answers[str(said.status_code)]
    if "$ref" in answer:
        answer = description()["components"]["responses"]["Problem"]
    assert said.mimetype in answer["content"], said.mimetype
    if said.mimetype.endswith("json") and method != "HEAD" and "nd" not in said.mimetype:
        held_against(answer["content"][said.mimetype]["schema"], said.json)


def operation_of(method: str, path: str) -> dict[str, Any] | None:
    for known, operations in description()["paths"].items():
        one, other = known.split("/"), path.split("/")
        same = (k.startswith("{") or k == o for k, o in zip(one, other, strict=False))
        if len(one) == len(other) and all(same) and method.lower() in operations:
            return operations[method.lower()]
    return None


def part(name: str) -> str:
    """A name as it stands in an address."""
    return quote(name, safe="")
