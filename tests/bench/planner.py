"""How fast the planner chooses: `python -m tests.bench.planner [DATASETS]`, 10,000 by default, with 100 configurations.

first     everything is read and laid out, once for each start of the planner
new       one data set is added: what a look at everything takes then
next      the next choice after a task has ended, with a tenth of all cells done
learn     what is learned anew from all rows, now and then
"""

from __future__ import annotations

import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from codalab_nb import Site, examples
from codalab_nb.model import names
from codalab_nb.model.dataset import DatasetDocument, Profile
from codalab_nb.systematic.board import Board
from codalab_nb.systematic.journal import FILE, Journal
from codalab_nb.systematic.knowledge import Knowledge
from codalab_nb.systematic.planner import Planner
from codalab_nb.systematic.rules import RuleBook
from tests.support.home import Home

RULE = """
name = "all"
[[methods]]
method = "de-continuous"
parameters = { alpha = [0.01, 0.02, 0.03, 0.04, 0.05, 0.1], floor = [1, 5, 10, 20] }
[[methods]]
method = "pca-overview"
parameters = { top_genes = [0, 100, 500, 1000, 2000], scale = [true, false], floor = [10, 20] }
[[methods]]
method = "heat-map"
[methods.parameters]
linkage = ["average", "complete", "ward"]
distance = ["correlation", "euclidean"]
top_genes = [50, 100, 300, 500, 1000]
[[methods]]
method = "predict-class"
parameters = { model = ["svm", "logistic", "centroid", "forest", "lda"], n_features = [0, 10, 50], repeats = [1, 5] }
"""


def documents(site: Site, count: int) -> None:
    profile = Profile.model_validate_json((examples.example_folder(examples.GOLUB) / "profile.json").read_bytes())
    draw = random.Random(0)
    for number in range(count):
        sized = profile.model_copy(update={"n_features": draw.randint(100, 50_000), "n_samples": draw.randint(20, 500)})
        add(site, f"set-{number:05}", sized)


def add(site: Site, name: str, profile: Profile) -> None:
    document = DatasetDocument(name=name, version=1, files=(), profile=profile, created_at="2026-01-01T00:00:00Z")
    site.store.create(names.dataset(name, 1), document.to_bytes())


def results(board: Board, path: Path, share: float) -> None:
    """A journal in which so many cells are done."""
    draw = random.Random(1)
    with path.open("a") as file:
        for i, document in enumerate(board.documents):
            for j, one in enumerate(board.configurations):
                if board.fit[i, j] and draw.random() < share:
                    task = board.run_id(i, j)
                    sent = {"id": task, "kind": "run", "dataset": document.reference, "configuration": one.key}
                    file.write(json.dumps({**sent, "rule": "all", "sent_at": 0.0}) + "\n")
                    file.write(
                        json.dumps({"id": task, "state": "succeeded", "seconds": 2, "score": draw.random()}) + "\n"
                    )


def timed(name: str, what: Callable[[], object], rounds: int = 1) -> None:
    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        what()
        seconds.append(time.perf_counter() - start)
    print(f"{name:<8} median {statistics.median(seconds):7.3f} s   max {max(seconds):7.3f} s", flush=True)


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as folder, Home(Path(folder) / "home") as home, home.site() as site:
        documents(site, count)
        RuleBook(home.places.rules).add(RULE)
        journal = Journal(home.places.systematic)
        board = Board(site, journal, RuleBook(home.places.rules))
        timed("first", board.refresh)
        print(f"{len(board.documents):,} data sets × {len(board.configurations)} configurations")
        results(board, home.places.systematic / FILE, 0.1)
        planner = Planner(board)
        timed("results", board.refresh)
        timed("learn", lambda: planner.learn(Knowledge(site, journal)))
        timed("choose", planner.next)

        def after_one() -> None:
            board.refresh()
            planner.next()

        timed("next", after_one, 5)
        profile = board.documents[0].profile
        add(site, "new", profile)
        timed("new", after_one)


if __name__ == "__main__":
    main()
