"""What a person waits for in JupyterLab, in Chromium on this machine. Run: `python -m tests.bench.browser`.

print → visible   the worker prints the time, again and again; the page notes when a new time is on the screen (in the
                  frame that is painted after the change). Both clocks are this machine's
a million lines   while they come: how long the page stood still (the gaps between its animation frames)

Nothing here fails.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.support.browser import HOW, Notebook, chromium, launch
from tests.support.home import Home
from tests.support.jupyter import Server, empty
from tests.support.notebooks import write

# Now and then a print, as a training loop does; not in step with anybody's timer.
PRINTER = """
import random, time
for i in range(%d):
    time.sleep(random.uniform(0.05, 0.45))
    print(f"t={time.time():.6f};", flush=True)
"""
OBSERVER = """() => {
    window.__seen = new Map();
    const look = () => {
        const found = document.querySelector('.jp-Notebook').innerText.match(/t=\\d+\\.\\d+;/g) || [];
        const fresh = found.filter(one => !window.__seen.has(one));
        for (const one of fresh) window.__seen.set(one, null);
        if (fresh.length) requestAnimationFrame(() => {
            const now = (performance.timeOrigin + performance.now()) / 1000;
            for (const one of fresh) window.__seen.set(one, now);
        });
    };
    new MutationObserver(look).observe(document.body, {subtree: true, childList: true, characterData: true});
}"""


FRAMES = """() => {
    window.__gaps = [];
    let last = performance.now();
    const next = now => { window.__gaps.push(now - last); last = now; requestAnimationFrame(next); };
    requestAnimationFrame(next);
}"""


@contextlib.contextmanager
def opened() -> Iterator[Notebook]:
    """A notebook in JupyterLab with the extension loaded, and a warm background process."""
    program = chromium()
    if program is None:
        raise SystemExit(HOW)
    with (
        tempfile.TemporaryDirectory(prefix="nb", ignore_cleanup_errors=True) as name,
        Home(Path(name) / "home", CODALAB_NB_HEARTBEAT="1") as home,
        sync_playwright() as playwright,
        Server("lab", Path(name) / "lab", home.environment()) as server,
    ):
        with home.site(serve=True) as site:
            site.run(write(Path(name) / "warm.ipynb", "1")).wait()
        browser = launch(playwright, program)
        empty(server.root / "bench.ipynb")
        notebook = Notebook(server, browser.new_context(), "bench.ipynb")
        notebook.run("%load_ext codalab_nb")
        yield notebook
        browser.close()


def latencies(notebook: Notebook, prints: int) -> list[float]:
    """Milliseconds from each print to the frame in which it could be seen."""
    write(notebook.file.with_name("printer.ipynb"), PRINTER % prints)
    notebook.page.evaluate(OBSERVER)
    notebook.sees(notebook.run("%codalab run printer.ipynb"), "succeeded", limit_s=10 + prints)
    seen = notebook.page.evaluate("() => [...window.__seen]")
    return [(at - float(text[2:-1])) * 1000 for text, at in seen if at is not None]


def gaps(notebook: Notebook, lines: int) -> tuple[list[float], float]:
    """Milliseconds between frames while a worker prints `lines` lines, and the seconds that this took."""
    write(notebook.file.with_name("flood.ipynb"), f"for i in range({lines}):\n    print('line', i, 'of a long story')")
    notebook.page.evaluate(FRAMES)
    began = time.monotonic()
    notebook.sees(notebook.run("%codalab run flood.ipynb"), "succeeded", limit_s=300)
    return [float(gap) for gap in notebook.page.evaluate("() => window.__gaps")], time.monotonic() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--prints", type=int, default=100)
    parser.add_argument("--lines", type=int, default=1_000_000)
    chosen = parser.parse_args()
    with opened() as notebook:
        found = sorted(latencies(notebook, chosen.prints))
        cut = statistics.quantiles(found, n=100)
        print(
            f"print → visible   median {cut[49]:.0f} ms, p95 {cut[94]:.0f} ms, most {found[-1]:.0f} ms of {len(found)}"
        )
        if chosen.lines:
            between, took = gaps(notebook, chosen.lines)
            notebook.save()
            size = notebook.file.stat().st_size / 1000
            print(
                f"{chosen.lines:,} lines   in {took:.0f} s; the page stood still for {max(between):.0f} ms at most, "
                f"for more than 100 ms {sum(gap > 100 for gap in between)} times; the notebook file has {size:.0f} kB"
            )
    print(f"(load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores)")


if __name__ == "__main__":
    main()
