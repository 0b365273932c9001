"""Whether an export is what its installation signed, with nothing but the file: no record, no home
folder, no network. Whatever a stranger puts into it is refused in words, in bounded memory."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import BinaryIO

from monitor.loops.report import archive, check_parts, keys
from monitor.loops.report.archive import Member, NotOurs
from monitor.loops.report.check_parts import Opened
from monitor.loops.report.cover import FORMAT
from monitor.loops.report.export import pretty
from monitor.loops.report.members import FIRST, LAST, in_order
from monitor.model.difference import Difference, Report
from monitor.model.errors import StoreError
from monitor.store.verify import handout
from monitor.store.verify.handout import Handed

MAGIC = b"PK"  # of every ZIP, whatever else it is
_MOST_MANIFEST = 16 << 20  # bytes
_MUST = frozenset(
    {*FIRST, *LAST, "movements.csv", "movements.jsonl", "alerts.jsonl", "decisions.jsonl"}
    | {"log.jsonl", "entries.jsonl", "lists.jsonl", "coverage.csv", "balances.jsonl"}
    | {"answers.jsonl", "settings.json", "method.txt"}
)
_MANIFEST = {
    "format": str,
    "case": str,
    "as_of": str,
    "log": dict,
    "version": str,
    "key": str,
    "fingerprint": str,
    "files": list,
}
_KEY = "key"  # the place of a difference: it is somebody else's
_BROKEN = (
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    RecursionError,
    OverflowError,
    csv.Error,
)


@dataclass(slots=True)
class Checked:
    """What a file says of itself, what was held and what could not be."""

    case: str = ""
    as_of: str = ""
    version: str = ""
    fingerprint: str = ""
    known: bool = False  # whose key it is was told by another way, and it is that one
    handed: Handed | None = None
    held: list[str] = field(default_factory=list)
    not_held: list[str] = field(default_factory=list)


def is_export(path: Path) -> bool:
    """Whether it looks like one, by its beginning. Raises StoreError where it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}. Name a file that you may read") from error


def verify(path: Path, key: str | None, report: Report, wanted: int | None = None) -> Checked:
    """Report what differs. `key`: the fingerprint that was told by another way, in its one
    spelling; `wanted`: a row of the log whose hash is asked for. Raises StoreError where it is no
    export at all."""
    try:
        with path.open("rb") as file:
            return _verify(file, key, report, wanted)
    except OSError as error:
        raise StoreError(f"{path}: {error.strerror}. Name a file that you may read") from error
    except (NotOurs, EOFError) as error:
        remedy = "Do not rely on it: get the file again from whoever made it"
        raise StoreError(f"{path} is no whole export: {error}. {remedy}") from error


def _verify(file: BinaryIO, key: str | None, report: Report, wanted: int | None) -> Checked:
    found = archive.members(file)
    opened = Opened(file, {each.name: each for each in found})
    names = [each.name for each in found]
    if lacking := sorted(_MUST - {*names}):
        raise NotOurs(f"it lacks {', '.join(lacking)}")
    if names != in_order(names):
        raise NotOurs("its files do not stand in the order of an export")
    manifest, text = _manifest(opened)
    checked = Checked(
        case=str(manifest["case"]),
        as_of=str(manifest["as_of"]),
        version=str(manifest["version"]),
        fingerprint=str(manifest["fingerprint"]),
    )
    checked.held.append(f"its frame, byte by byte: {len(found):,} files, and nothing besides")
    broken = _Counted(report)
    _signature(opened, manifest, text, key, checked, broken)
    _files(opened, found, manifest, checked, broken)
    if broken.contents:  # nobody signed them: they are not looked into
        checked.not_held.append("what its files say of each other: they are not what was signed")
        return checked
    _hold(
        *(checked, report, "log.jsonl"),
        partial(_log, opened, manifest, checked, report, wanted),
    )
    for name, hold in check_parts.PARTS.items():
        _hold(checked, report, name, partial(hold, opened, manifest, checked.handed, report))
    checked.not_held += check_parts.not_held(opened)
    return checked


class _Counted:
    """Passes differences on, and counts those of contents."""

    def __init__(self, report: Report) -> None:
        self._report, self.contents = report, 0

    def __call__(self, difference: Difference) -> None:
        self.contents += difference.place != _KEY
        self._report(difference)


def _hold(checked: Checked, report: Report, name: str, hold: Callable[[], Sequence[str]]) -> None:
    """What is broken is a difference, and ends nothing."""
    try:
        checked.held += hold()
    except _BROKEN as error:
        _say(report, "form", name, "what an export has there", f"{type(error).__name__}: {error}")


def _say(report: Report, check: str, place: str, expected: str, found: str) -> None:
    report(Difference(check, place, expected, found[:400]))


def _manifest(opened: Opened) -> tuple[Mapping[str, object], bytes]:
    text = opened.whole("manifest.json", _MOST_MANIFEST)
    try:
        told = json.loads(text)
        form = {name: type(told[name]) for name in _MANIFEST}
        ok = form == _MANIFEST and pretty(told).encode("utf-8", "replace") == text
    except _BROKEN:
        ok = False
    if not ok or told["format"] != FORMAT:
        raise NotOurs(f"its manifest is none of {FORMAT}")
    return told, text


def _signature(
    opened: Opened,
    manifest: Mapping[str, object],
    text: bytes,
    key: str | None,
    checked: Checked,
    report: Report,
) -> None:
    try:
        raw = bytes.fromhex(str(manifest["key"]))
        pem = keys.pem(raw).encode("ascii")
    except ValueError as error:
        raise NotOurs("its manifest names no key") from error
    if str(manifest["key"]) != raw.hex() or keys.fingerprint(raw) != manifest["fingerprint"]:
        raise NotOurs("its manifest names a key by another fingerprint")
    if opened.whole("key.pem", 1000) != pem:
        _say(report, "signature", "key.pem", "the key that the manifest names", "another one")
    if not keys.holds(raw, text, opened.whole("manifest.sig", 1000)):
        _say(report, "signature", "manifest.sig", "a signature by this key", "none")
    else:
        checked.held.append("the signature (Ed25519) over the manifest")
    if key is None:
        checked.not_held.append(
            "whose key that is: no --key was given, and anybody can make a file and sign it with a "
            "key of their own. Ask the installation for `fundwatch key` by another way"
        )
    elif key != checked.fingerprint:
        _say(report, "signature", _KEY, f"fingerprint {key}", f"fingerprint {checked.fingerprint}")
    else:
        checked.known = True
        checked.held.append("the key: its fingerprint is the one that you gave")


def _files(
    opened: Opened,
    found: Sequence[Member],
    manifest: Mapping[str, object],
    checked: Checked,
    report: Report,
) -> None:
    """Every content against its digest; the manifest against what is there."""
    files = manifest["files"]
    assert isinstance(files, list)
    told = {str(each.get("name")): each for each in files if isinstance(each, dict)}
    there = [each.name for each in found if each.name not in LAST[1:]]
    if [*told] != there or len(files) != len(there):
        odd = sorted({*told} ^ {*there})[:5]
        _say(
            report,
            "manifest",
            "manifest.json",
            "the files that are there",
            ", ".join(odd) or "an order",
        )
    sums = hashlib.sha256()
    for member in found:
        digest, crc = hashlib.sha256(), 0
        for piece in opened.pieces(member.name):
            digest.update(piece)
            crc = archive.crc_of(piece, crc)
        if crc != member.crc:
            _say(
                report, "content", member.name, f"a content with CRC {member.crc:08x}", f"{crc:08x}"
            )
        if member.name in LAST[1:]:
            continue
        said = told.get(member.name, {})
        if (said.get("size"), said.get("sha256")) != (member.size, digest.hexdigest()):
            expected = f"{said.get('size')} bytes, SHA-256 {said.get('sha256')}"
            now = f"{member.size} bytes, SHA-256 {digest.hexdigest()}"
            _say(report, "content", member.name, expected, now)
        if member.name != LAST[0]:
            sums.update(f"{digest.hexdigest()}  {member.name}\n".encode())
    if hashlib.sha256(opened.whole(LAST[0], _MOST_MANIFEST)).digest() != sums.digest():
        _say(report, "manifest", LAST[0], "the digests of the files", "others")
    checked.held.append("SHA-256 and size of every file")


def _log(
    opened: Opened,
    manifest: Mapping[str, object],
    checked: Checked,
    report: Report,
    wanted: int | None,
) -> list[str]:
    handed = handout.read(opened.lines("log.jsonl"), report, wanted)
    checked.handed = handed
    end = {"number": handed.number, "hash": handed.hash}
    if manifest["log"] != end or handed.header["case"] != manifest["case"]:
        _say(report, "chain", "log.jsonl", f"{manifest['log']} of this case", f"{end}")
    counts = handed.counts
    return [
        f"the chain of the log: {handed.number:,} rows, {counts.shown:,} shown, "
        f"{counts.withheld:,} withheld, {counts.erased:,} erased"
    ]
