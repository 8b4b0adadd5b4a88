"""A small part of Markdown as safe HTML, or as plain text for a terminal. Pure.

Headings, paragraphs, lists, quotes, tables, fenced code; bold, italic, code, links. All text is escaped, and the only
tags are those written here: raw HTML stays visible as text, and a link is its text with its http(s) address beside it,
never something to click. What is not known is shown as it is written. Every pattern is bounded, so that no text takes
long. After https://spec.commonmark.org/0.31.2/, in the part that notebooks use.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from html import escape

_LONGEST = 200_000  # characters that are read
_COLUMNS = 100  # of a table
_DEEPEST = 6  # lists and quotes within each other
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_HEADING = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*))?$")
_RULE = re.compile(r" {0,3}(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$")
_QUOTE = re.compile(r" {0,3}> ?")
_ITEM = re.compile(r"( {0,12})([-*+]|\d{1,9}[.)])(?:[ \t]+|$)")
_DASHES = re.compile(r":?-+:?")
_INLINE = re.compile(
    r"""
      \\(?P<escaped>[!-/:-@\[-`{-~])
    | (?<!`)``(?!`)(?P<code2>[^\n]{1,500}?)(?<!`)``(?!`)
    | `(?P<code>[^`]{1,1000})`
    | \*\*(?=\S)(?P<bold>(?:\\.|[^*\\]|\*(?!\*)){1,1000}?)(?<=\S)\*\*
    | (?<!\w)__(?=\S)(?P<bold2>(?:\\.|[^_\\]|_(?!_)){1,1000}?)(?<=\S)__(?!\w)
    | \*(?=\S)(?P<italic>(?:\\.|[^*\\]){1,1000}?)(?<=\S)\*
    | (?<!\w)_(?=\S)(?P<italic2>(?:\\.|[^_\\]){1,1000}?)(?<=\S)_(?!\w)
    | !?\[(?P<link>(?:\\.|[^\[\]\\]){0,500})\]\([ ]?<?(?P<url>[^\s()<>]{1,2000})>?(?:\s"[^"]{0,500}")?[ ]?\)
    | <(?P<address>https?://[^\s<>]{1,2000})>
    | (?P<break>(?:[ ]{2,20}|\\)\n)
    """,
    re.VERBOSE | re.DOTALL,
)
_Tag = Callable[[str, str], str]  # kind of a piece and its text, already rendered → the text with its marks


def to_html(text: str) -> str:
    """Headings start at `<h2>`: the page has its own title."""
    cut = "" if len(text) <= _LONGEST else '<p class="note">What follows is too long to be shown here.</p>'
    return "\n".join([*_blocks(text[:_LONGEST].expandtabs(4).splitlines(), 0), *filter(None, [cut])])


def to_plain(text: str) -> str:
    """The same words without the marks; the blocks stay as they are written, which reads well."""
    lines = text.splitlines()
    fence = ""
    told: list[str] = []
    paragraph: list[str] = []

    def flush() -> None:
        told.extend(_inline("\n".join(paragraph), _plain_tag, lambda piece: piece).splitlines())
        paragraph.clear()

    for line in lines:
        if fence:
            fence = "" if _closes(line, fence) else fence
            told.extend([line] if fence else [])
        elif opened := _FENCE.match(line):
            flush()
            fence = opened[1]
        elif heading := _HEADING.match(line):
            flush()
            told.append(_inline(_without_closing(heading[2] or ""), _plain_tag, lambda piece: piece))
        elif not line.strip():
            flush()
            told.append("")
        else:
            paragraph.append(line)
    flush()
    return "\n".join(told)


# --- blocks


def _blocks(lines: Sequence[str], depth: int) -> Iterator[str]:
    at = 0
    while at < len(lines):
        line = lines[at]
        if not line.strip():
            at += 1
        elif opened := _FENCE.match(line):
            end = next((i for i in range(at + 1, len(lines)) if _closes(lines[i], opened[1])), len(lines))
            yield f'<pre class="fenced">{_escaped(chr(10).join(lines[at + 1 : end]))}</pre>'
            at = end + 1
        elif heading := _HEADING.match(line):
            level = min(6, len(heading[1]) + 1)
            yield f"<h{level}>{_html(_without_closing(heading[2] or ''))}</h{level}>"
            at += 1
        elif _RULE.match(line):
            yield "<hr>"
            at += 1
        elif _QUOTE.match(line) and depth < _DEEPEST:
            end = _while(lines, at, lambda one: bool(_QUOTE.match(one)))
            inner = "\n".join(_blocks([_QUOTE.sub("", one, count=1) for one in lines[at:end]], depth + 1))
            yield f"<blockquote>{inner}</blockquote>"
            at = end
        elif (item := _ITEM.match(line)) and depth < _DEEPEST:
            words, at = _list(lines, at, item, depth)
            yield words
        elif _is_table(lines, at):
            end = _while(lines, at, lambda one: "|" in one)
            yield _table(lines[at:end])
            at = end
        else:
            end = at + 1
            while end < len(lines) and not _interrupts(lines[end]) and not _is_table(lines, end):
                end += 1
            yield f"<p>{_html(chr(10).join(one.lstrip() for one in lines[at:end]).rstrip())}</p>"
            at = end


def _interrupts(line: str) -> bool:
    """What ends a paragraph."""
    starts = (_FENCE, _HEADING, _RULE, _QUOTE, _ITEM)
    return not line.strip() or any(start.match(line) for start in starts)


def _while(lines: Sequence[str], at: int, wanted: Callable[[str], bool]) -> int:
    while at < len(lines) and wanted(lines[at]):
        at += 1
    return at


def _closes(line: str, fence: str) -> bool:
    bare = line.strip()
    return len(bare) >= len(fence) and set(bare) == {fence[0]}


def _without_closing(heading: str) -> str:
    words = heading.strip()
    bare = words.rstrip("#")
    return bare.rstrip() if bare != words and (not bare or bare.endswith(" ")) else words


def _list(lines: Sequence[str], at: int, first: re.Match[str], depth: int) -> tuple[str, int]:
    """The list that starts at line `at`, and the line after it. What is indented below an item belongs to it."""
    ordered, indent = first[2][-1] in ".)", len(first[1])
    items: list[list[str]] = []
    while at < len(lines):
        line = lines[at]
        item = _ITEM.match(line)
        if item and len(item[1]) <= indent + 1 and (item[2][-1] in ".)") == ordered and not _RULE.match(line):
            items.append([line[item.end() :]])
        elif not line.strip():
            beyond = _while(lines, at, lambda one: not one.strip())
            following = lines[beyond] if beyond < len(lines) else ""
            again = _ITEM.match(following)
            if not (again and (again[2][-1] in ".)") == ordered) and not following.startswith(" " * (indent + 2)):
                break
            items[-1].append("")
            at = beyond
            continue
        elif line.startswith(" " * (indent + 2)):
            items[-1].append(line[indent + 2 :])
        elif _interrupts(line):
            break
        else:
            items[-1].append(line)
        at += 1
    start = f' start="{int(first[2][:-1])}"' if ordered and first[2][:-1] != "1" else ""
    told = "\n".join(f"<li>{_tight(_blocks(item, depth + 1))}</li>" for item in items)
    return (f"<ol{start}>\n{told}\n</ol>" if ordered else f"<ul>\n{told}\n</ul>"), at


def _tight(blocks: Iterator[str]) -> str:
    """An item of one paragraph, or one with a list below it, without the air around it."""
    told = list(blocks)
    if told and told[0].startswith("<p>") and not any(block.startswith("<p>") for block in told[1:]):
        told[0] = told[0].removeprefix("<p>").removesuffix("</p>")
    return "\n".join(told)


def _is_table(lines: Sequence[str], at: int) -> bool:
    if at + 1 >= len(lines) or "|" not in lines[at] or "|" not in lines[at + 1]:
        return False
    dashes = _cells(lines[at + 1])
    # As many as the head has, as GitHub's Markdown wants it; and not so many that each row would become long.
    return len(dashes) == len(_cells(lines[at])) <= _COLUMNS and all(_DASHES.fullmatch(cell) for cell in dashes)


def _table(lines: Sequence[str]) -> str:
    head = _cells(lines[0])
    rows = [_cells(line) for line in lines[2:]]
    top = "".join(f"<th>{_html(cell)}</th>" for cell in head)
    body = "\n".join(
        "<tr>" + "".join(f"<td>{_html(cell)}</td>" for cell in (*row, *[""] * len(head))[: len(head)]) + "</tr>"
        for row in rows
    )
    return f'<div class="wide"><table class="data">\n<tr>{top}</tr>\n{body}\n</table></div>'


def _cells(line: str) -> list[str]:
    bare = line.strip().removeprefix("|")
    bare = bare[:-1] if bare.endswith("|") and not bare.endswith(r"\|") else bare
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", bare)]


# --- within a line


def _html(text: str) -> str:
    return _inline(text, _html_tag, _escaped)


def _escaped(text: str) -> str:
    return escape(text)


def _html_tag(kind: str, words: str) -> str:
    if kind == "break":
        return "<br>\n"
    if kind == "url":
        return f' <span class="url">({words})</span>'
    if kind == "address":
        return f'<span class="url">{words}</span>'
    return f"<{kind}>{words}</{kind}>"


def _plain_tag(kind: str, words: str) -> str:
    return {"break": "\n", "url": f" ({words})", "code": f"`{words}`"}.get(kind, words)


def _inline(text: str, tag: _Tag, put: Callable[[str], str], depth: int = 0) -> str:
    """`put` makes plain text safe; `tag` adds marks to what is safe already."""
    told: list[str] = []
    at = 0
    for match in _INLINE.finditer(text):
        told.append(put(text[at : match.start()]))
        told.append(_piece(match, tag, put, depth))
        at = match.end()
    told.append(put(text[at:]))
    return "".join(told)


def _piece(match: re.Match[str], tag: _Tag, put: Callable[[str], str], depth: int) -> str:
    found = {name: value for name, value in match.groupdict().items() if value is not None}
    if "escaped" in found:
        return put(found["escaped"])
    if "break" in found:
        return tag("break", "")
    if "address" in found:
        return tag("address", put(found["address"]))
    if code := found.get("code") or found.get("code2"):
        return tag("code", put(code.strip() or code))
    inner = next(found[name] for name in ("bold", "bold2", "italic", "italic2", "link") if name in found)
    words = _inline(inner, tag, put, depth + 1) if depth < _DEEPEST else put(inner)
    if "link" in found:
        url = found["url"]
        known = url.startswith(("http://", "https://")) and url != inner
        return words + (tag("url", put(url)) if known else "")
    return tag("strong" if "bold" in found or "bold2" in found else "em", words)
