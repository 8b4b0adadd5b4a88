"""Text for a terminal: made harmless, cut to width, numbers and times in words. Pure."""

from __future__ import annotations

import datetime as dt
import re
import textwrap
import unicodedata
from collections.abc import Sequence
from itertools import zip_longest

# Colours are dropped, since tracebacks are full of them; every other control sequence stays visible as `\x1b…`.
_COLOURS = re.compile(r"\x1b\[[0-9;:]*m")
# C0, C1, DEL, lone surrogates, line separators, and marks that reverse or hide text.
_CONTROLS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u061c\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff]"
)
_LONGEST_LINE = 2_000


def harmless(text: object) -> str:
    """`text` in which nothing steers a terminal: control characters spelled out (`\\x1b`); newlines and tabs stay."""
    return _CONTROLS.sub(_spelled, str(text))


def one_line(text: object) -> str:
    """`harmless`, with newlines and tabs spelled out too: for names and cells of a table."""
    return harmless(text).replace("\n", r"\n").replace("\t", r"\t")


def shown(text: str) -> str:
    """Output of a notebook as its lines would end up on a screen: colours dropped, `\\r` overwriting its line."""
    lines = []
    for line in _COLOURS.sub("", text).split("\n"):
        visible = line.rstrip("\r").rpartition("\r")[2]
        if len(visible) > _LONGEST_LINE:
            visible = f"{visible[:_LONGEST_LINE]} … {len(visible) - _LONGEST_LINE:,} more characters"
        lines.append(harmless(visible))
    return "\n".join(lines)


def _spelled(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def width(text: str) -> int:
    """Columns that `text` takes on a terminal."""
    if text.isascii():
        return len(text)
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in text)
    return len(text) + wide - sum(unicodedata.combining(char) > 0 for char in text)


def cut(text: str, columns: int) -> str:
    """`text` in at most `columns` columns, with `…` where something is left off."""
    if width(text) <= columns:
        return text
    while text and width(text) > columns - 1:
        text = text[:-1]
    return f"{text}…"


def pad(text: str, columns: int) -> str:
    return text + " " * max(0, columns - width(text))


def wrapped(words: str, columns: int | None, hang: str = "") -> list[str]:
    """Its lines, broken between words where longer than `columns`; what follows a break starts with `hang`.

    A word that is longer than a line stays whole: a path or an address is then copied in one piece.
    """
    lines = words.splitlines() or [""]
    if columns is None:
        return lines
    break_ = textwrap.TextWrapper(columns, subsequent_indent=hang, break_long_words=False, break_on_hyphens=False)
    return [part for line in lines for part in (break_.wrap(line) if len(line) > columns else [line])]


_NARROWEST, _LONG_WORD, _GAP = 6, 20, 2


def layout(head: Sequence[str], rows: Sequence[Sequence[str]], columns: int | None, *, wrap: bool = True) -> list[str]:
    """A table as lines. Where it is wider than `columns`, the widest columns are wrapped; None: they stay whole.

    Without `wrap` each row is one line, and cut: for a screen that is drawn again and again.
    """
    table = [[one_line(cell) for cell in row] for row in (head, *rows)]
    widths = [max(width(row[i]) for row in table) for i in range(len(head))]
    if columns is not None:
        _narrow(widths, table, columns - _GAP * (len(head) - 1))
    lines = []
    for row in table:
        cells = [
            folded(cell, w) if wrap and columns is not None else [cut(cell, w)]
            for cell, w in zip(row, widths, strict=True)
        ]
        for parts in zip_longest(*cells, fillvalue=""):
            lines.append((" " * _GAP).join(pad(part, w) for part, w in zip(parts, widths, strict=True)).rstrip())
    return lines


def _narrow(widths: list[int], table: Sequence[Sequence[str]], room: int) -> None:
    """Takes from the widest column until all fit; first without breaking words, then, if it must be, within them."""
    words = [
        max((width(word) for row in table for word in row[i].split()), default=_NARROWEST) for i in range(len(widths))
    ]
    for least in ([max(_NARROWEST, min(word, _LONG_WORD)) for word in words], [_NARROWEST] * len(widths)):
        while sum(widths) > room:
            wide = [i for i in range(len(widths)) if widths[i] > least[i]]
            if not wide:
                break
            widths[max(wide, key=widths.__getitem__)] -= 1


def folded(cell: str, columns: int) -> list[str]:
    """`cell` in lines of at most `columns` columns, broken between words; only what is longer is broken within."""
    if width(cell) <= columns:
        return [cell]
    lines = [""]
    for word in cell.split(" "):
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if width(longer) <= columns:
            lines[-1] = longer
            continue
        if lines[-1]:
            lines.append("")
        for char in word:
            if width(lines[-1] + char) > columns:
                lines.append("")
            lines[-1] += char
    return lines


def count(number: int, noun: str, plural: str | None = None) -> str:
    """`1 file`, `3 files`, `1,204 files`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def size(number: int) -> str:
    """Bytes in words, by powers of 1024."""
    amount = float(number)
    for unit in ("bytes", "KB", "MB", "GB"):
        if amount < 1024 or unit == "GB":
            return f"{amount:.0f} {unit}" if unit == "bytes" or amount >= 100 else f"{amount:.1f} {unit}"
        amount /= 1024
    raise AssertionError("the last unit takes all")


def duration(seconds: float | None) -> str:
    """`0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`; empty for None."""
    if seconds is None:
        return ""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    for large, small, per, base in (("min", "s", 60, 1), ("h", "min", 60, 60), ("d", "h", 24, 3600)):
        unit = base * per
        if whole < 60:
            return f"{whole} s"
        if whole < unit * (60 if large == "min" else 24) or large == "d":
            rest = whole % unit // base
            return f"{whole // unit} {large}" + (f" {rest} {small}" if rest else "")
    raise AssertionError("the last unit takes all")


def number(value: float) -> str:
    """A metric for people: whole numbers in full, others with four digits that count."""
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:.4g}"


def moment(unix: float | None) -> str:
    """Local time to the second; empty for None."""
    if unix is None:
        return ""
    return dt.datetime.fromtimestamp(unix).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def when(unix: float) -> str:
    """The time of day if that was today, else the date: for lists."""
    then, now = dt.datetime.fromtimestamp(unix), dt.datetime.now()
    return then.strftime("%H:%M:%S" if then.date() == now.date() else "%Y-%m-%d")


def iso(unix: float | None) -> str | None:
    """UTC, ISO 8601, as all our JSON spells times."""
    return None if unix is None else dt.datetime.fromtimestamp(unix, dt.UTC).isoformat(timespec="milliseconds")
