"""How wide text is in the fonts that come with us, and how it is cut and broken to fit."""

from __future__ import annotations

# Of Liberation Sans, in thousandths of its size, by width; what is not listed is of medium width.
_WIDTHS = {
    222: "'ijl",
    278: " !,./:;I[\\]ft|",
    333: "()-`r\u201c\u201d",
    355: '"',
    389: "*",
    500: "ckszvxyJ",
    556: "#$0123456789?_abdeghnopquL\u2013",
    584: "+<=>~≈",
    611: "FTZ",
    667: "&ABEKPSVXY",
    722: "CDHNRUw",
    778: "GOQ",
    833: "Mm",
    889: "%",
    944: "W",
    1000: "…→",
}
_OF = {char: width for width, chars in _WIDTHS.items() for char in chars}
_BOLD = 1.08  # bold letters, against the others
_WIDE = 0x1100  # scripts from here on are as wide as high
MONO = 0.6  # width of every letter of Liberation Mono, of its size


def width(text: str, size: float, *, bold: bool = False) -> float:
    """In the unit of `size`."""
    units = sum(_OF.get(char) or (1000 if ord(char) >= _WIDE else 600) for char in text)
    return units * size / 1000 * (_BOLD if bold else 1)


def cut(text: str, size: float, room: float, *, bold: bool = False) -> str:
    """As much as there is room for; what is cut ends in "…"."""
    if width(text, size, bold=bold) <= room:
        return text
    kept = len(text)
    while kept and width(text[:kept].rstrip() + "…", size, bold=bold) > room:
        kept -= 1
    return text[:kept].rstrip() + "…"


def broken(text: str, size: float, room: float, *, bold: bool = False) -> list[str]:
    """Lines that fit, broken between words; a word that is too long alone is cut."""
    lines: list[str] = []
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and width(longer, size, bold=bold) <= room:
            lines[-1] = longer
        else:
            lines.append(word)
    return [cut(line, size, room, bold=bold) for line in lines]


def halves(address: str) -> list[str]:
    """An address on two lines, in full."""
    if len(address) <= 24:
        return [address] if address else []
    half = (len(address) + 1) // 2
    return [address[:half], address[half:]]
