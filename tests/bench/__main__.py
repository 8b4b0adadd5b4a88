"""What the project claims about speed, measured beside its peers in one run, interleaved.

light   a notebook with one small cell on a warm kernel, through the Python API (submit → verdict → result read),
        beside papermill and nbclient called in process, which start a kernel each time
ten     the same with ten light cells
large   200 cells with 200 KB of output each, beside papermill; once, since papermill takes minutes

The machine is noisy: read the ratios, not the milliseconds. Nothing here fails a test.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from codalab_nb import Site
from tests.support.home import Home
from tests.support.notebooks import write

LIGHT = ["print(1)"]
TEN = [f"x{i} = sum(range(1000)); x{i}" for i in range(10)]
LARGE = ["print('y' * 200_000)"] * 200


def ours(site: Site, notebook: Path) -> float:
    start = time.perf_counter()
    task = site.run(notebook)
    if task.verdict != "succeeded" or task.notebook is None:
        raise SystemExit(f"{task!r}: {task.reason}")
    task.notebook.read_bytes()
    return time.perf_counter() - start


def papermill(notebook: Path) -> float:
    import papermill as pm

    start = time.perf_counter()
    pm.execute_notebook(str(notebook), str(notebook.with_suffix(".out.ipynb")), progress_bar=False)
    return time.perf_counter() - start


def nbclient(notebook: Path) -> float:
    import nbformat
    from nbclient import NotebookClient

    start = time.perf_counter()
    document = nbformat.read(notebook, as_version=4)
    NotebookClient(document, kernel_name="python3").execute()
    nbformat.write(document, notebook.with_suffix(".client.ipynb"))
    return time.perf_counter() - start


def compare(name: str, runs: dict[str, Callable[[], float]], rounds: int) -> None:
    """Prints the median of each, and how many times longer than ours the others take."""
    seconds: dict[str, list[float]] = {label: [] for label in runs}
    for done in range(rounds):
        for label, run in runs.items():
            print(f"\r{name}: round {done + 1} of {rounds}, {label} …".ljust(70), end="", file=sys.stderr, flush=True)
            seconds[label].append(run())
    print("\r".ljust(71), end="\r", file=sys.stderr)
    base = statistics.median(seconds["codalab_nb"])
    for label, values in seconds.items():
        middle = statistics.median(values)
        spread = f"{min(values) * 1000:,.0f}–{max(values) * 1000:,.0f}"
        print(f"{name:6} {label:12} {middle * 1000:10,.0f} ms  ({spread})  {middle / base:6.1f} ×")


def wait_for_warm(site: Site, notebook: Path) -> None:
    """A first task starts everything; the pool is full when two in a row were quick."""
    quick = 0
    while quick < 3:
        quick = quick + 1 if ours(site, notebook) < 0.5 else 0
        time.sleep(0.5)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--skip-large", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, Home(Path(name) / "home", CODALAB_NB_HEARTBEAT="1") as home:
        folder = Path(name)
        light, ten = write(folder / "light.ipynb", *LIGHT), write(folder / "ten.ipynb", *TEN)
        large = write(folder / "large.ipynb", *LARGE)
        with home.site(serve=True) as site:
            wait_for_warm(site, light)
            for label, notebook in (("light", light), ("ten", ten)):

                def warm_run(notebook: Path = notebook) -> float:
                    time.sleep(0.5)  # the pool makes the next kernel meanwhile, as between two clicks
                    return ours(site, notebook)

                compare(
                    label,
                    {
                        "codalab_nb": warm_run,
                        "papermill": lambda notebook=notebook: papermill(notebook),
                        "nbclient": lambda notebook=notebook: nbclient(notebook),
                    },
                    chosen.rounds,
                )
            if not chosen.skip_large:
                compare("large", {"codalab_nb": lambda: ours(site, large), "papermill": lambda: papermill(large)}, 1)


main()
