"""Foreign HTML and SVG in a frame that can do nothing: no scripts, no origin, no network, no way out.

Three walls, each enough: `sandbox` without any permission; a policy inside that allows inline styles and pictures in
the text only; and the markup itself taken apart and written anew without the tags and attributes that fetch or act
(which also keeps out what neither of the former covers, such as a name looked up ahead of time by `<link>`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from html.parser import HTMLParser

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_LONGEST = 300_000  # characters that are taken
_UNFINISHED = 2_000  # characters of a tag that never ends: reading on from each of its `<` would take for ever
_LOWEST, _HIGHEST = 48, 640  # pixels
_LINE, _LETTERS = 22, 110  # pixels of a line, letters that fit in one: the frame cannot tell its height
_DROPPED = {"script", "iframe", "object", "embed", "template", "noscript", "frameset", "frame", "applet", "portal"}
_EMPTY = {"meta", "link", "base", "input", "source", "track", "frame", "embed", "param"}
_VOID = {"br", "hr", "img", "col", "wbr", "area"}
_PASSED_OVER = {"html", "head", "body", "form", "button", "select", "option", "textarea", "label", "video", "audio"}
_BREAKS = {"br", "p", "div", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "pre", "dt", "dd"}
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,40}")
_ATTRIBUTE = re.compile(r"[A-Za-z_][A-Za-z0-9_:.-]{0,60}")
_PICTURE = re.compile(r"data:image/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]*")
_FETCHING = re.compile(r"url\s*\(|@import|expression\s*\(|image-set|\\", re.IGNORECASE)


def html(source: str) -> str:
    """A frame with this HTML, as high as its text is likely to need; a person can drag it larger."""
    body, lines = _rebuilt(source)
    if not re.search(r">\s*[^<\s]|^[^<\s]|<(img|svg|hr)\b", body):
        return '<p class="note">(HTML without text)</p>' if body.strip() else ""
    return _frame(body, min(_HIGHEST, max(_LOWEST, 20 + _LINE * lines)))


def svg(source: str) -> str:
    """A frame with this picture, as high as it says itself."""
    body, _ = _rebuilt(source)
    found = re.search(r"<svg\b[^>]{0,2000}?\bheight=\"(\d{1,5})(?:\.\d*)?(px|pt)?\"", body)
    box = re.search(r"<svg\b[^>]{0,2000}?\bviewbox=\"[\d.\s-]{1,60}?(\d{1,5})(?:\.\d*)?\"", body, re.IGNORECASE)
    height = int(found[1]) if found else int(box[1]) if box else 400
    return _frame(body, min(_HIGHEST, max(_LOWEST, 20 + (height * 4 // 3 if found and found[2] == "pt" else height))))


def _frame(body: str, height: int) -> str:
    page = (
        f'<!DOCTYPE html><html><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" '
        f'content="{_POLICY}"><style>body {{ font: 14px/1.5 system-ui, sans-serif; margin: 8px; color: #1f2328; '
        f"background: #fff }} table {{ border-collapse: collapse }} td, th {{ padding: 2px 10px 2px 0; "
        f"text-align: left }} img, svg {{ max-width: 100%; height: auto }}</style></head><body>{body}</body></html>"
    )
    return (
        f'<iframe class="codalab-frame" sandbox="" referrerpolicy="no-referrer" title="HTML output of the worker" '
        f'style="height:{height}px" srcdoc="{escape(page)}"></iframe>'
    )


def _rebuilt(source: str) -> tuple[str, int]:
    """The markup that is allowed, and about how many lines it takes."""
    reader = _Reader()
    reader.feed(source[:_LONGEST])
    if len(reader.rawdata) > _UNFINISHED:
        reader.rawdata = reader.rawdata[:_UNFINISHED]
    reader.close()
    return "".join(reader.parts), reader.lines


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.lines = 1
        self._dropped = ""  # inside of this tag nothing is taken
        self._depth = 0
        self._in_style = False

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        if self._dropped:
            self._depth += tag == self._dropped
            return
        if tag in _DROPPED and tag not in _EMPTY:
            self._dropped, self._depth = tag, 1
            return
        self.lines += tag in _BREAKS
        if tag in _EMPTY or tag in _PASSED_OVER or not _NAME.fullmatch(tag):
            return
        self._in_style = tag == "style"
        kept = "".join(f' {name}="{escape(value or "")}"' for name, value in attrs if _allowed(name, value or ""))
        self.parts.append(f"<{tag}{kept}>")

    def handle_startendtag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        if tag in _DROPPED:
            return
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._dropped:
            self._depth -= tag == self._dropped
            if not self._depth:
                self._dropped = ""
            return
        if tag == "style":
            self._in_style = False
        if tag not in _EMPTY | _PASSED_OVER | _VOID and _NAME.fullmatch(tag):
            self.parts.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        if self._dropped:
            return
        if self._in_style:
            # Text of a style sheet is not unescaped by browsers; one that could fetch, or end the element, is left out.
            # Within SVG it is unescaped, so that `&` could spell anything.
            self.parts.append("" if _FETCHING.search(data) or "<" in data or "&" in data else data)
            return
        self.lines += len(data.strip()) // _LETTERS
        self.parts.append(escape(data))


def _allowed(name: str, value: str) -> bool:
    name = name.lower()
    if not _ATTRIBUTE.fullmatch(name) or name.startswith(("on", "data-", "form")) or name in ("srcset", "ping"):
        return False
    if name in ("src", "background", "poster", "action", "srcdoc", "longdesc", "cite", "manifest"):
        return name == "src" and bool(_PICTURE.fullmatch(value))
    if name in ("href", "xlink:href"):
        return value.startswith("#") or bool(_PICTURE.fullmatch(value))
    if name in ("http-equiv", "target", "is", "autofocus", "nonce", "slot", "attributename", "to", "values", "from"):
        return False
    if name == "style" or "url" in value.lower():
        # SVG refers to its own parts by url(#id), which fetches nothing.
        return not _FETCHING.search(re.sub(r"url\(\s*['\"]?#[\w.-]{1,80}['\"]?\s*\)", "", value))
    return True
