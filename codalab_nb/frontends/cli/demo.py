"""`codalab-nb demo`: the main job on real data, told step by step. Everything it does, the shown commands do too."""

from __future__ import annotations

import argparse
import csv
import importlib.util
import shlex
import shutil
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from codalab_nb import examples
from codalab_nb.errors import InputError, UnavailableError
from codalab_nb.frontends.cli import batch_view, sandbox
from codalab_nb.frontends.cli.analyze import as_json
from codalab_nb.frontends.cli.dataset import shape
from codalab_nb.frontends.cli.exits import exit_code, short
from codalab_nb.frontends.cli.grammar import PROG
from codalab_nb.frontends.cli.output import Output
from codalab_nb.frontends.cli.results import write_out
from codalab_nb.frontends.cli.text import cut, duration, number
from codalab_nb.model.dataset import KIND_WORDS, DatasetDocument
from codalab_nb.model.task import Verdict
from codalab_nb.site.site import Site
from codalab_nb.site.tasks import Batch, Task

METHODS = ("check-my-data", "pca-overview", "de-continuous")
_TOP_GENES = 5
_GENE_WIDTH = 30
_PERCENT = "\N{NO-BREAK SPACE}%"
_LAB_FOLDER = "codalab-demo"


class _Story:
    """Tells the demo on stderr, wrapped to the terminal; silent with `--json`."""

    def __init__(self, out: Output) -> None:
        self._out = out
        self._width = min(out.columns, 88)
        self._program = program()
        self._step = 0

    def step(self, title: str) -> None:
        self._step += 1
        if not self._out.json:
            self._out.say()
            self._out.say(f"{self._step}. {title}", "bold")

    def command(self, words: str) -> None:
        if not self._out.json:
            lines = textwrap.wrap(
                f"$ {self._program} {words}", self._width - 6, break_long_words=False, break_on_hyphens=False
            )
            self._out.say("   " + " \\\n       ".join(lines), "dim")

    def tell(self, text: str, style: str = "", mark: str = "   ") -> None:
        if not self._out.json:
            wrapped = textwrap.wrap(
                text,
                self._width,
                initial_indent=mark,
                subsequent_indent="     " if mark else "",
                break_long_words=False,
                break_on_hyphens=False,
            )
            for line in wrapped:
                self._out.say(line, style)


def demo(args: argparse.Namespace, out: Output) -> int:
    started = time.monotonic()
    story = _Story(out)
    story.tell(
        "This takes real data through the whole job: a data set in, methods chosen, notebooks run by a worker, "
        "results looked at. Each step shows the command that does the same.",
        mark="",
    )
    with Site.open() as site:
        document = _data(site, story)
        methods = _choose(site, document, story)
        batch = _run(site, document, methods, story, out)
        verdicts = [task.verdict for task in batch]
        walls = _sandbox(batch)
        _found(batch, story)
        _what_ran_it(batch, walls, site.settings.sandbox, story)
        _look(batch, story)
        seconds = round(time.monotonic() - started, 1)
        if out.json:
            out.object({"dataset": document.reference, **as_json(batch), "sandbox": walls, "seconds": seconds})
        else:
            good = sum(verdict is Verdict.SUCCEEDED for verdict in verdicts)
            out.say()
            out.say(f"{good} of {len(verdicts)} analyses succeeded, {duration(seconds)} in all.", "bold")
        if args.lab:
            _lab(site, batch, out)
        return exit_code(verdicts)


def program() -> str:
    """What to type where one stands: `codalab-nb`, or the path of this script when the shell would not find it."""
    if shutil.which(PROG):
        return PROG
    script = Path(sys.argv[0]) if Path(sys.argv[0]).name == PROG else Path(sys.executable).with_name(PROG)
    if not script.is_file():
        return PROG
    full, here = script.absolute(), Path.cwd()
    return shlex.quote(str(full.relative_to(here) if full.is_relative_to(here) else full))


def _data(site: Site, story: _Story) -> DatasetDocument:
    story.step("Data in: 38 leukemia patients (Golub et al., Science 1999)")
    folder = examples.example_folder()
    expression, samples = folder / "expression.csv", folder / "samples.csv"
    story.command(f"dataset add expression.csv --samples samples.csv --name {examples.GOLUB}")
    document = site.add_dataset(expression, samples=samples, name=examples.GOLUB)
    profile = document.profile
    story.tell(f"{document.reference}: {shape(profile)}; the values are {KIND_WORDS[profile.kind]}.")
    condition = profile.by_role("condition")
    if condition is not None:
        groups = " and ".join(f"{level.n} {level.name}" for level in condition.levels)
        story.tell(f"The column {condition.name!r} says who belongs together: {groups}.")
    for note in profile.notes():
        story.tell(note.text, "yellow", "   ! ")
    return document


def _choose(site: Site, document: DatasetDocument, story: _Story) -> list[str]:
    """The demo's methods among those that fit. Raises UnavailableError when none can run here."""
    story.step("Methods: which can answer something with these data?")
    story.command(f"method list --for {document.reference}")
    offers = site.catalog.offers(document.profile)
    for offer in sorted(offers, key=lambda offer: not offer.fits):
        method = offer.template.method
        mark = "   + " if offer.fits else "   - "
        story.tell(
            f"{method.name}: {method.question if offer.fits else offer.reason}", "" if offer.fits else "dim", mark
        )
    fitting = {offer.template.method.name for offer in offers if offer.fits}
    chosen = [name for name in METHODS if name in fitting]
    if not chosen:
        reasons = (
            "; ".join(f"{offer.template.method.name}: {offer.reason}" for offer in offers) or "no methods are installed"
        )
        raise UnavailableError(
            "method_imports",
            f"None of the methods can run here ({reasons}).",
            f"{sys.executable} -m pip install 'codalab-nb[analysis]'",
        )
    return chosen


def _run(site: Site, document: DatasetDocument, methods: Sequence[str], story: _Story, out: Output) -> Batch:
    story.step(f"Analyze: {len(methods)} notebooks, run by a worker in the background")
    story.command(f"analyze {document.reference} {' '.join(f'-m {name}' for name in methods)}")
    batch = site.analyze([document.reference], methods)
    out.id(batch.id)
    batch_view.follow(site, batch, out)
    if not out.json:
        out.say()
        batch_view.tell_table(site, batch, out)
    return batch


def _found(batch: Batch, story: _Story) -> None:
    story.step("Results")
    for task in batch:
        method, values = task.row.method, task.metrics
        if task.verdict is not Verdict.SUCCEEDED:
            why = task.reason.message.partition("\n")[0] if task.reason else ""
            story.tell(f"{method} {task.verdict}: {why}", "red", "   ! ")
            continue
        for line in _in_words(task, method or "", values):
            story.tell(line)


def _in_words(task: Task, method: str, values: Mapping[str, float]) -> Iterator[str]:
    if method == "check-my-data" and "samples" in values:
        odd = int(values.get("samples_to_look_at", 0))
        verb = "stands" if odd == 1 else "stand"
        told = f"{odd} {verb} apart and should be looked at" if odd else "none stands apart"
        yield f"Quality: {number(values['samples'])} samples; {told}."
    elif method == "pca-overview" and "pc1_percent" in values:
        told = f"PCA: the first component holds {values['pc1_percent']:.1f}{_PERCENT} of the variance"
        explained = f"; the groups explain {100 * values['pc1_r2']:.0f}{_PERCENT} of it" if "pc1_r2" in values else ""
        yield f"{told}{explained}."
    elif method == "de-continuous" and "genes_found" in values:
        up, down = number(values.get("genes_up", 0)), number(values.get("genes_down", 0))
        found = f"{number(values['genes_found'])} of {number(values['genes_tested'])}"
        yield f"Genes that differ between the groups (false discovery rate 5{_PERCENT}): {found}; {up} up, {down} down."
        if top := _top_genes(task):
            yield f"The surest: {'; '.join(top)}."


def _top_genes(task: Task) -> list[str]:
    try:
        with task.file("genes").open(encoding="utf-8", newline="") as lines:
            rows = [row for row, _ in zip(csv.DictReader(lines), range(_TOP_GENES), strict=False)]
    except (InputError, OSError, csv.Error):
        return []
    named = [(row.get("description") or next(iter(row.values())), row.get("direction")) for row in rows]
    return [f"{cut(name, _GENE_WIDTH)} ({direction})" for name, direction in named if direction]


def _sandbox(batch: Batch) -> str | None:
    """What walled the notebooks in, as their worker recorded it."""
    for task in batch:
        for event in task.events():
            if event.get("type") == "started":
                return str(event["body"].get("sandbox"))
    return None


def _what_ran_it(batch: Batch, walls: str | None, setting: str, story: _Story) -> None:
    story.step("What ran it")
    if walls == "none":
        story.tell(sandbox.words(walls, setting), "red", "   ! ")
    else:
        story.tell(
            f"Each notebook ran in a sandbox of its own ({walls}): no network, and nothing of yours to see but its "
            "inputs. The worker is a background process; it goes away when it is idle "
            f"(`{program()} stop` ends it now)."
        )
    packages = next((task.environment for task in batch if task.folder is not None), {})
    if packages.get("python"):
        story.tell(f"Python {packages['python']}; all package versions are kept with each result.")


def _look(batch: Batch, story: _Story) -> None:
    story.step("Look at it")
    for task in batch:
        if task.folder is None:
            continue
        figures = [name for name in task.files if name.endswith(".png")]
        story.tell(f"{task.row.method}: {', '.join(figures) or task.row.notebook} in")
        story.tell(str(task.folder))
    story.tell("To copy all of it, with pages to read:")
    story.command(f"results {short(batch.id)} --to my-results")
    story.tell("Now with your own data, and a table that says which sample belongs to which group:")
    story.command("dataset add YOUR.csv --samples GROUPS.csv")


def _lab(site: Site, batch: Batch, out: Output) -> None:
    """On a copy: the store's own files are not to be changed."""
    if importlib.util.find_spec("jupyterlab") is None:
        out.say()
        out.say("JupyterLab is not installed here. Install it: pip install 'codalab-nb[lab]'", "yellow")
        return
    folder = Path(_LAB_FOLDER).absolute()
    for task in batch:
        if task.folder is not None:
            write_out(site, task, folder, "all", out)
    out.say(f"Opening JupyterLab on {folder}; Ctrl-C ends it.")
    subprocess.run([sys.executable, "-m", "jupyterlab", str(folder)], check=False, stdin=subprocess.DEVNULL)
