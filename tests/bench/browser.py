"""How long after a `print` in a cell on a worker a person can see it, in JupyterLab in Chromium on this machine.

The worker prints the time, again and again; the page notes when a new time is on the screen (in the frame that is
painted after the change). Both clocks are this machine's. Run: `python -m tests.bench.browser`. Nothing here fails.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from tests.support.browser import HOW, Notebook, Server, chromium, empty, launch
from tests.support.home import Home
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


def latencies(prints: int) -> list[float]:
    """Milliseconds from each print to the frame in which it could be seen."""
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
        write(server.root / "printer.ipynb", PRINTER % prints)
        notebook = Notebook(server, browser.new_context(), "bench.ipynb")
        notebook.run("%load_ext codalab_nb")
        notebook.page.evaluate(OBSERVER)
        index = notebook.run("%codalab run printer.ipynb")
        notebook.sees(index, "succeeded", limit_s=prints)
        seen = notebook.page.evaluate("() => [...window.__seen]")
        browser.close()
    return [(at - float(text[2:-1])) * 1000 for text, at in seen if at is not None]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--prints", type=int, default=100)
    found = sorted(latencies(parser.parse_args().prints))
    cut = statistics.quantiles(found, n=100)
    print(
        f"print → visible: {len(found)} prints, median {cut[49]:.0f} ms, p95 {cut[94]:.0f} ms, most {found[-1]:.0f} ms"
        f" (load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores)"
    )


if __name__ == "__main__":
    main()
