"""Markdown of notebooks as safe HTML and as plain text: what is not known stays text, whatever it is."""

from __future__ import annotations

import time

import pytest

from codalab_nb.frontends.cli.markdown import to_html, to_plain


@pytest.mark.parametrize(
    ("source", "html"),
    [
        ("# A *b*", "<h2>A <em>b</em></h2>"),
        ("###### deep ##", "<h6>deep</h6>"),
        ("# C#", "<h2>C#</h2>"),
        ("one\ntwo\n\nthree", "<p>one\ntwo</p>\n<p>three</p>"),
        ("a  \nb", "<p>a<br>\nb</p>"),
        ("**bold *both* end** __b__", "<p><strong>bold <em>both</em> end</strong> <strong>b</strong></p>"),
        ("genes_up and genes_down", "<p>genes_up and genes_down</p>"),
        ("2 * 3 * 4", "<p>2 * 3 * 4</p>"),
        (r"golub\_leukemia \*x\* \<b>", "<p>golub_leukemia *x* &lt;b&gt;</p>"),
        ("`a*b*` ``x ` y``", "<p><code>a*b*</code> <code>x ` y</code></p>"),
        ("```python\n*x* <b>\n\n# y\n```\nz", '<pre class="fenced">*x* &lt;b&gt;\n\n# y</pre>\n<p>z</p>'),
        ("```\nnever closed", '<pre class="fenced">never closed</pre>'),
        ("* a\n* b\n  more", "<ul>\n<li>a</li>\n<li>b\nmore</li>\n</ul>"),
        ("3. a\n4. b", '<ol start="3">\n<li>a</li>\n<li>b</li>\n</ol>'),
        ("- a\n  - b\n- c", "<ul>\n<li>a\n<ul>\n<li>b</li>\n</ul></li>\n<li>c</li>\n</ul>"),
        ("- a\n\ntext", "<ul>\n<li>a</li>\n</ul>\n<p>text</p>"),
        ("> q\n> r", "<blockquote><p>q\nr</p></blockquote>"),
        ("---", "<hr>"),
        ("[t](https://a.org/x_y)", '<p>t <span class="url">(https://a.org/x_y)</span></p>'),
        ("[t](javascript:x) ![p](data:y)", "<p>t p</p>"),
        ("<https://a.org>", '<p><span class="url">https://a.org</span></p>'),
        (
            "| a | b |\n|---|:-:|\n| 1 | x\\|y |\n",
            '<div class="wide"><table class="data">\n<tr><th>a</th><th>b</th></tr>\n'
            "<tr><td>1</td><td>x\\|y</td></tr>\n</table></div>".replace("x\\|y", "x|y"),
        ),
    ],
)
def test_the_part_that_notebooks_use(source: str, html: str) -> None:
    assert to_html(source) == html


@pytest.mark.parametrize(
    "evil",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "# <b onclick=x>",
        "- <b>\n  - <b>",
        "> <b>",
        "`<b>`",
        "**<b>**",
        '[<b>](https://x"><b>)',
        '<https://x"><b>',
        "| <b> |\n|---|\n| <b> |",
        "```<b>\n<b>\n```",
        "&lt;b&gt;",
    ],
)
def test_no_tag_of_a_notebook_goes_through(evil: str) -> None:
    html = to_html(evil)
    for tag in ("<script", "<img", "<b>", "<b ", "<a"):
        assert tag not in html
    assert "&lt;" in html or "&amp;lt;" in html
    assert "javascript:" not in html


@pytest.mark.parametrize("piece", ["*", "**a", "_", "`", "``", "[", "[a](", "> ", "- ", "1. ", "|-", "\\", "  - a\n"])
def test_no_text_takes_long(piece: str) -> None:
    """A notebook may hold anything; nested quotes and lists, and marks that never close, are bounded."""
    started = time.monotonic()
    to_html(piece * 5_000)
    to_html(f"{piece}\n" * 2_000)
    to_plain(piece * 5_000)
    assert time.monotonic() - started < 5


def test_plain_text_drops_the_marks() -> None:
    source = "## What was found\n\n**691 of 3,051** genes: golub\\_leukemia, see [it](https://a.org).\n\n* `x` is\n\n"
    source += "```\n**y**\n```"
    assert to_plain(source) == (
        "What was found\n\n691 of 3,051 genes: golub_leukemia, see it (https://a.org).\n\n* `x` is\n\n**y**"
    )
