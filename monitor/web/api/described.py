"""The description of the API (OpenAPI 3.1), made of the table of routes and the types of what is
sent and answered; of alerts it is the schema of the webhook. `docs/openapi.json` is a copy."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache

import msgspec

from monitor.model.api import SCOPES
from monitor.web.api import params, problems
from monitor.web.api.call import Json, Param, Route
from monitor.web.api.shapes import AtDesk, Reading
from monitor.web.desk.manual import folder

ALERTS = "webhook.schema.json"
_REF = "#/components/schemas/{name}"
# Problems that every answer may be, and those of acts besides.
_ALWAYS = (400, 401, 403, 406, 429, 500, 503)
_OF_ACTS = (409, 413, 415, 422)
_ABOUT = """\
The values of the desk for programs. Read `reading` of every list: it says what was read for
exactly this question, up to when, and what is blind; an empty list with `complete` false does not
say that nothing happened. Amounts are texts, times RFC 3339 with Z. Fields may be added; none goes
or changes its meaning without a year of notice (`Deprecation`, `Sunset`).

A token sees what its maker may see, or less; what it may not see is answered like what there is
not. It proposes and never agrees. Every POST needs an `Idempotency-Key`: the same request with the
same key is done once, for 7 days. Decisions need `If-Match` with the `ETag` of what was looked at.

Of every list all rows can be had at once, with `Accept: application/x-ndjson` or `text/csv` and
scope `export`: the last line is a trailer with the count of rows, the SHA-256 of all bytes before
it, and what was read. Without it the download broke off.
"""


def document(routes: Sequence[Route]) -> dict[str, object]:
    """The whole of it."""
    paths: dict[str, dict[str, object]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Fundwatch",
            "version": "1",
            "description": _ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/api/v1"}],
        "security": [{"token": []}],
        "tags": [{"name": name} for name in dict.fromkeys(map(_tag, routes))],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "Made at the desk or by `fundwatch tokens add`. Scopes: "
                    + "; ".join(f"{each.value}: {said}" for each, said in SCOPES.items()),
                }
            },
            "responses": {
                "Problem": {
                    "description": "What is wrong (RFC 9457), with `key` by its kind.",
                    "content": {problems.MIMETYPE: {"schema": _ref("Problem")}},
                }
            },
            "schemas": dict(sorted(_schemas(routes).items())),
        },
    }


def text(routes: Sequence[Route]) -> str:
    """As it stands in docs/openapi.json."""
    return json.dumps(document(routes), indent=1, ensure_ascii=False) + "\n"


def _tag(route: Route) -> str:
    return route.path.split("/")[1].removesuffix(".json")


def _ref(name: str) -> dict[str, object]:
    return {"$ref": _REF.format(name=name)}


def _operation(route: Route) -> dict[str, object]:
    scope = [route.scope.value] if route.scope else []
    takes = f"Scope `{scope[0]}`." if scope else "Every token may."
    made: dict[str, object] = {
        "operationId": _name(route),
        "summary": route.summary,
        "description": takes,
        "tags": [_tag(route)],
        "x-scopes": scope,
        "parameters": [*_parts(route), *map(_parameter, route.params), *_extra(route)],
        "responses": _responses(route),
    }
    if route.body is not None:
        schema = _ref(route.body.__name__)
        made["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schema}},
        }
    return made


def _name(route: Route) -> str:
    words = re.findall(r"[A-Za-z]+", route.path)
    return route.method.lower() + "".join(each.capitalize() for each in words)


def _parts(route: Route) -> list[dict[str, object]]:
    return [
        {
            "name": each, "in": "path", "required": True,
            "description": "Percent-encoded, a slash too.",
            "schema": {"type": "string", "minLength": 1},
        }
        for each in re.findall(r"\{(\w+)\}", route.path)
    ]  # fmt: skip


def _parameter(param: Param) -> dict[str, object]:
    return {
        "name": param.name, "in": "query", "description": param.what, "schema": dict(param.schema),
    }  # fmt: skip


def _extra(route: Route) -> list[dict[str, object]]:
    found = [_parameter(params.LIMIT), _parameter(params.AFTER)] if route.listing else []
    if route.method == "POST":
        what = "A word of your own, new for each thing to be done: the same one is done once."
        found.append(_header("Idempotency-Key", what, required=True))
    if route.match:
        what = "The ETag of what was looked at: where it is another by now, nothing is done (412)."
        found.append(_header("If-Match", what, required=False))
    return found


def _header(name: str, what: str, *, required: bool) -> dict[str, object]:
    schema = {"type": "string", "minLength": 1, "maxLength": 200}
    return {
        "name": name, "in": "header", "required": required, "description": what, "schema": schema,
    }  # fmt: skip


def _responses(route: Route) -> dict[str, object]:
    good: dict[str, object] = {"description": route.summary, "content": _content(route)}
    if route.etag:
        said = {"description": "For If-Match of a decision.", "schema": {"type": "string"}}
        good["headers"] = {"ETag": said}
    codes = [200, 202] if route.method == "POST" else [200]
    found: dict[str, object] = {str(code): good for code in codes}
    wrong = {*_ALWAYS, *((404,) if "{" in route.path or route.method == "POST" else ())}
    wrong |= {*_OF_ACTS} if route.method == "POST" else set()
    wrong |= {412, 428} if route.match else set()
    problem = {"$ref": "#/components/responses/Problem"}
    return found | {str(code): problem for code in sorted(wrong)}


def _content(route: Route) -> dict[str, object]:
    content: dict[str, object] = {}
    for form in route.forms:
        content[form] = {"schema": _answer(route) if form == "application/json" else _BYTES}
    if route.listing:
        said = "One object a line; the last one is {end: {count, sha256, as_of, reading}}."
        content["application/x-ndjson"] = {"schema": {"type": "string", "description": said}}
        said = "A header, a row a line; the last: end, count, SHA-256, as of, complete or not."
        content["text/csv"] = {"schema": {"type": "string", "description": said}}
    return content


_BYTES: Json = {"type": "string", "contentEncoding": "binary"}


def _answer(route: Route) -> dict[str, object]:
    if isinstance(route.answer, str):
        item: dict[str, object] = {"type": "object"}
        item = item if route.answer == "object" else _ref(route.answer)
    else:
        item = _ref(route.answer.__name__)
    if not route.listing:
        return item
    return {
        "type": "object",
        "required": ["items", "next", "as_of", "reading"],
        "properties": {
            "items": {"type": "array", "items": item},
            "next": {
                "type": ["string", "null"],
                "description": "For `after`; null: the list is at its end.",
            },
            "as_of": _ref("time"),
            "reading": _ref("Reading"),
        },
    }


# -- schemas -------------------------------------------------------------------------------------


def _schemas(routes: Sequence[Route]) -> dict[str, object]:
    types: dict[type, None] = {Reading: None, AtDesk: None}
    for route in routes:
        if isinstance(route.answer, type):
            types[route.answer] = None
        if route.body is not None:
            types[route.body] = None
    _, made = msgspec.json.schema_components(
        [*types], schema_hook=lambda _: {"type": "object"}, ref_template=_REF
    )
    found: dict[str, object] = {name: dict(schema) for name, schema in made.items()}
    return {**found, **_webhook(), **_TRACE, "Problem": _PROBLEM}


@cache
def _webhook() -> Mapping[str, object]:
    """The schema of an alert, and what it is made of; `Alert` is it with what the desk adds."""
    raw = (folder() / ALERTS).read_text("utf-8").replace("#/$defs/", "#/components/schemas/")
    parts: dict[str, object] = json.loads(raw)["$defs"]
    parts.pop("reference", None)
    added = {"type": "object", "required": ["desk"], "properties": {"desk": _ref("AtDesk")}}
    return {**parts, "Alert": {"allOf": [_ref("alert"), added]}}


def _part(what: str, required: str) -> Json:
    said = f"{what}, as a line of `fundwatch trace`: docs/tracing.md tells what each field means."
    return {"type": "object", "description": said, "required": required.split()}


_TRACE: Json = {
    "TraceNode": _part(
        "An address",
        "type chain address hop state stop label other_labels first_traced last_moved complete "
        "unread read_to received left holds bounds",
    ),
    "TraceEdge": _part(
        "A movement with anything traced in it",
        "type chain tx leg kind from to asset amount time hop traced usd via",
    ),
    "TraceTotal": _part(
        "What came of one asset, or (asset null) of all in USD, by one method",
        "type chain asset method out_of_sources converted_in converted_out fees resting ended "
        "unfollowed ties difference",
    ),
}

_PROBLEM: Json = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "key", "errors", "log"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "A sentence that says what to do."},
        "key": {"enum": sorted(problems.KINDS), "description": "Stays; words may change."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "detail"],
                "properties": {
                    "pointer": {
                        "type": "string",
                        "description": "Of the body (/why) or of a parameter (?limit).",
                    },
                    "detail": {"type": "string"},
                },
            },
        },
        "log": {"type": "string", "description": "Under which it stands in the log."},
    },
}
