"""Whatever a stranger puts into an export is refused in words, in bounded time and memory."""

from __future__ import annotations

import io
import stat
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from test_export import contents, differences, exported, packed, resigned, run, world

from monitor.loops.report import check, keys, members

__all__ = ["exported", "world"]  # fixtures


def zipped(*parts: tuple[str, bytes], how: int = zipfile.ZIP_STORED, link: bool = False) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", how) as file:
        for name, raw in parts:
            info = zipfile.ZipInfo(name)
            info.compress_type = how
            if link:
                info.external_attr = (stat.S_IFLNK | 0o777) << 16
            file.writestr(info, raw)
    return out.getvalue()


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_hostile_files_are_refused_in_words_and_small_memory(tmp_path: Path) -> None:
    deep = b"[" * 5_000_000
    hostile = {
        "bomb": zipped(("cover.txt", bytes(200 << 20)), how=zipfile.ZIP_DEFLATED),
        "path": zipped(("../../etc/passwd", b"x")),
        "absolute": zipped(("/etc/passwd", b"x")),
        "twice": zipped(("cover.txt", b"x"), ("cover.txt", b"y")),
        "link": zipped(("cover.txt", b"/etc/passwd"), link=True),
        "empty": zipped(),
        "short": b"PK\x03\x04",
        "count": zipped(("cover.txt", b"x"))[:-14] + b"\xff\xff\xff\xff" + b"\0" * 10,
        "deep": packed(dict.fromkeys(members.in_order(check._MUST), deep)),
        "text": packed(dict.fromkeys(members.in_order(check._MUST), b"{}")),
        "other": b"PK\x03\x04" + b"\0" * 100_000,
    }
    file = tmp_path / "x.zip"
    for name, raw in hostile.items():
        file.write_bytes(raw)
        tracemalloc.start()
        code, said = run("/", "verify", str(file))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert code == 2, (name, said)
        assert "is no whole export" in said, name
        assert peak < 60 << 20, (name, peak)


def test_what_is_broken_inside_is_a_difference_and_no_fault(exported: Path, tmp_path: Path) -> None:
    parts, stranger = contents(exported), keys.load(tmp_path)
    file = tmp_path / "x.zip"
    names = [n for n in parts if n not in members.LAST and n.endswith((".json", ".jsonl", ".csv"))]
    held = {"cover.json", "movements.csv", "movements.jsonl", "log.jsonl", "answers.jsonl",
            "settings.json", *(n for n in names if n.startswith("trace/"))}  # fmt: skip
    for name in sorted(held):
        for raw in (b"\xff\xfe", b"[" * 100_000, b'{"a":1}\n'):
            file.write_bytes(resigned({**parts, name: raw}, stranger))
            assert differences(file), (name, raw[:10])


@pytest.mark.parametrize("name", ["movements.csv", "trace/seizure.csv"])
def test_a_row_without_an_end_takes_no_memory(exported: Path, tmp_path: Path, name: str) -> None:
    """A cell in quotes goes on over lines, and a row over any number of such cells."""
    parts, file = contents(exported), tmp_path / "x.zip"
    endless = parts[name] + b'"a\n",' * 4_000_000 + b"\n"
    file.write_bytes(resigned({**parts, name: endless}, keys.load(tmp_path)))
    del endless, parts
    tracemalloc.start()
    found = differences(file)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert any("a row of more than" in each.found for each in found)
    assert peak < 40 << 20, peak


def test_what_is_as_long_as_no_line_is_not_read(exported: Path, tmp_path: Path) -> None:
    parts, file = contents(exported), tmp_path / "x.zip"
    for name in ("movements.jsonl", "answers.jsonl"):
        raw = b"[" + b"[]," * 2_000_000 + b"[]]\n"
        file.write_bytes(resigned({**parts, name: raw}, keys.load(tmp_path)))
        assert any("a line of more than" in each.found for each in differences(file)), name
    sums = {**parts, "SHA256SUMS": bytes(17 << 20)}
    file.write_bytes(packed(sums))
    assert any("which no export has" in each.found for each in differences(file))
