"""The main job with everything real: site, queue, background process, sandbox, kernel, store."""

from __future__ import annotations

import hashlib
import json
import shutil
import sys
import venv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from codalab_nb import Options, Site
from codalab_nb.errors import InputError
from codalab_nb.examples import example_folder
from codalab_nb.model.base import new_id
from codalab_nb.model.task import State, Verdict
from codalab_nb.site import cleanup
from codalab_nb.site.parameter_values import Spelled
from tests.support.home import PATIENCE_S, Home, wait_for
from tests.support.notebooks import write

EXPECTED = Path(__file__).resolve().parents[1] / "data" / "golub_leukemia" / "expected_limma_R.csv"


def test_golub_from_data_to_published_numbers(site: Site) -> None:
    """The purpose of it all: the three methods on Golub's data give the numbers of limma in R."""
    dataset = site.add_dataset(example_folder(), name="golub")
    assert dataset.reference == "golub@1"
    assert site.add_dataset(example_folder(), name="golub").reference == "golub@1"
    fitting = {offer.template.method.name for offer in site.catalog.offers(dataset.profile) if offer.fits}
    assert fitting >= {"check-my-data", "pca-overview", "de-continuous"}
    batch = site.analyze(
        ["golub"],
        ["pca-overview", "de-continuous"],
        sweep={"de-continuous.alpha": [0.05, 0.01]},
    ).wait(PATIENCE_S)
    assert [task.verdict for task in batch] == [Verdict.SUCCEEDED] * 3, [task.reason for task in batch]
    table = batch.dataframe()
    assert list(table["method"]) == ["pca-overview", "de-continuous", "de-continuous"]
    pca, strict05, strict01 = batch.tasks
    assert pca.metrics["pc1_percent"] == pytest.approx(16.5, abs=0.05)
    assert pca.metrics["pc1_r2"] == pytest.approx(0.726, abs=0.001)
    assert strict05.metrics["genes_found"] == 691
    assert strict01.metrics["genes_found"] == 380
    ours = strict05.dataframe("genes")
    theirs = pd.read_csv(EXPECTED)
    assert len(ours) == len(theirs) == 3051
    assert np.all(np.diff(ours["p"]) >= 0)


def test_outputs_stream_and_the_result_is_whole(site: Site, folder: Path) -> None:
    """Events come while it runs; the bundle has notebook, files, metrics and environment, each with its digest."""
    notebook = write(
        folder / "n.ipynb",
        "from codalab_nb import report\nprint(text, flush=True)\nreport.metric('answer', 42)",
        "open('table.csv', 'w').write('a,b\\n1,2\\n')",
        parameters="text = 'x'  # type: str",
    )
    task = site.run(notebook, parameters={"text": "hällo"})
    seen = [event["type"] for event in task.events(follow=True)]
    assert seen[0] == "started"
    assert {"cell_started", "output", "metric", "cell_finished"} <= set(seen)
    assert task.wait(PATIENCE_S).verdict == Verdict.SUCCEEDED
    assert task.metrics == {"answer": 42.0}
    assert sorted(task.files) == ["_codalab/environment.json", "n.ipynb", "table.csv"]
    assert task.dataframe("table").to_dict("list") == {"a": [1], "b": [2]}
    assert task.folder is not None
    assert task.manifest is not None
    for file in task.manifest.files:
        assert hashlib.sha256((task.folder / file.path).read_bytes()).hexdigest() == file.sha256
    assert any(package.startswith("numpy==") for package in task.environment["packages"])
    executed = json.loads((task.folder / "n.ipynb").read_text())
    assert "hällo" in json.dumps(executed["cells"], ensure_ascii=False)


def test_a_plain_notebook_finds_what_lies_beside_it(site: Site, folder: Path) -> None:
    """An unchanged notebook: relative files, a local module, a glob, values typed on the command line."""
    (folder / "data").mkdir()
    (folder / "data" / "one.csv").write_text("1")
    (folder / "data" / "two.csv").write_text("2")
    (folder / "helper.py").write_text("def double(x):\n    return 2 * x\n")
    notebook = write(
        folder / "n.ipynb",
        "import glob, helper\ntotal = sum(int(open(p).read()) for p in glob.glob('data/*.csv'))",
        "open('out.txt', 'w').write(str(helper.double(total) * factor))",
        parameters="factor = 1  # type: int",
    )
    task = site.run(notebook, parameters={"factor": Spelled("10")}).wait(PATIENCE_S)
    assert task.verdict == Verdict.SUCCEEDED, task.reason
    assert task.file("out.txt").read_text() == "60"


def test_inputs_by_path_data_set_and_earlier_task(site: Site, folder: Path) -> None:
    """`-i`: the file lands in inputs/, the parameter receives its path; results of a task are inputs of the next."""
    (folder / "a.txt").write_text("A")
    site.add_dataset(example_folder(), name="golub")
    notebook = write(
        folder / "n.ipynb",
        "import pathlib\nprint(sorted(p.name for p in pathlib.Path(data).iterdir()))",
        "open('copy.txt', 'w').write(open(text).read() + '!')",
        parameters="text = ''\ndata = ''",
    )
    first = site.run(notebook, inputs={"text": folder / "a.txt", "data": "golub"}).wait(PATIENCE_S)
    assert first.verdict == Verdict.SUCCEEDED, first.reason
    second = site.run(notebook, inputs={"text": f"{first.id}:copy.txt", "data": "golub@1"}).wait(PATIENCE_S)
    assert second.file("copy.txt").read_text() == "A!!"
    with pytest.raises(InputError) as caught:
        site.run(notebook, inputs={"text": "nothing-here", "data": f"{first.id}:nope"})
    assert {problem.code for problem in caught.value.problems} >= {"input_unknown", "file_unknown"}


FAILURES = [
    # (cells, reason code, what the message must tell, limits)
    (["print('before')", "1 / 0", "print('never')"], "cell_error", "ZeroDivisionError", {}),
    (["print('before', flush=True)", "import os; os._exit(0)"], "kernel_died", "", {}),
    (["print('before', flush=True)", "import os; os.kill(os.getpid(), 11)"], "kernel_died", "", {}),
    (["print('before', flush=True)", "while True: pass"], "timeout", "2 s", {"timeout_s": 2.0}),
    (["print('before')", "for n in 'ab': open(n, 'wb').truncate(700 << 20)"], "output_limit", "MB", {}),
    (["print('before')", "raise SystemExit(3)"], "cell_error", "SystemExit", {}),
    (["print('before')", "x = '\\0'\neval('a\\0b')"], "cell_error", "", {}),
    (["print('before')", "input('name?')"], "cell_error", "StdinNotImplemented", {}),
]


@pytest.mark.parametrize(("cells", "code", "told", "limits"), FAILURES)
def test_a_tasks_own_faults_are_results(
    site: Site, folder: Path, cells: list[str], code: str, told: str, limits: dict[str, float]
) -> None:
    """Verdict failed with the reason, partial outputs kept, one attempt, and the next task is unharmed."""
    notebook = write(folder / "n.ipynb", *cells)
    task = site.run(notebook, options=Options(**limits)).wait(PATIENCE_S)  # type: ignore[arg-type]
    assert task.verdict == Verdict.FAILED
    assert task.reason is not None
    assert task.reason.code == code, task.reason
    assert told in task.reason.message
    assert task.row.n == 1
    assert task.notebook is not None
    assert "before" in task.notebook.read_text()
    assert "never" not in json.loads(task.notebook.read_text())["cells"][-1].get("outputs", [])
    assert site.run(write(folder / "m.ipynb", "print(1)")).wait(PATIENCE_S).verdict == Verdict.SUCCEEDED


def test_a_kernel_that_is_not_there(site: Site, folder: Path) -> None:
    """N23: failed(no_kernel) that lists what there is."""
    task = site.run(write(folder / "n.ipynb", "1", kernel="no-such")).wait(PATIENCE_S)
    assert (task.verdict, task.reason.code if task.reason else "") == (Verdict.FAILED, "no_kernel")
    assert "python3" in str(task.reason)


def test_another_installed_kernel(site: Site, folder: Path) -> None:
    """`-k NAME` is that kernelspec with the environment it lives in, not the submitter's."""
    other = folder / "other"
    venv.create(other, with_pip=False, symlinks=True)
    packages = next((other / "lib").rglob("site-packages"))
    (packages / "shared.pth").write_text("\n".join(path for path in sys.path if path.startswith("/")))
    spec = Path(sys.prefix) / "share" / "jupyter" / "kernels" / "codalab-test-other"
    spec.mkdir(parents=True, exist_ok=True)
    argv = [str(other / "bin" / "python"), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (spec / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "other", "language": "python"}))
    try:
        task = site.run(write(folder / "n.ipynb", "import sys\nprint(sys.prefix)"), kernel="codalab-test-other")
        assert task.wait(PATIENCE_S).verdict == Verdict.SUCCEEDED, task.reason
        assert task.notebook is not None
        assert str(other) in task.notebook.read_text()
    finally:
        shutil.rmtree(spec)


def test_parameters_in_a_language_without_translator(site: Site, folder: Path) -> None:
    """N24, P14: values are never pasted into a language whose quoting we have not tested."""
    path = write(folder / "n.ipynb", "echo", parameters="x=1")
    document = json.loads(path.read_text())
    document["metadata"] = {
        "kernelspec": {"name": "python3", "display_name": "x", "language": "bash"},
        "language_info": {"name": "bash"},
    }
    path.write_text(json.dumps(document))
    task = site.run(path, parameters={"x": "$(id)"}).wait(PATIENCE_S)
    assert (task.verdict, task.reason.code if task.reason else "") == (Verdict.FAILED, "param_language")


def test_a_notebook_may_end_itself(site: Site, folder: Path) -> None:
    """N31: SystemExit(0) is a success; later cells are not run, and the result says where it stopped."""
    task = site.run(write(folder / "n.ipynb", "print(1)", "raise SystemExit(0)", "open('x','w')")).wait(PATIENCE_S)
    assert (task.verdict, task.result.stopped_at) == (Verdict.SUCCEEDED, 1)
    assert "x" not in task.files


def test_a_flood_is_cut_and_marked(site: Site, folder: Path) -> None:
    """A gigabyte of prints ends well: the notebook stays small and says what is missing."""
    task = site.run(
        write(folder / "n.ipynb", "line = 'x' * 9999\nfor _ in range(100_000): print(line)", "print('after')")
    ).wait(PATIENCE_S)
    assert task.verdict == Verdict.SUCCEEDED, task.reason
    assert task.manifest is not None
    assert task.manifest.truncated
    assert task.notebook is not None
    assert task.notebook.stat().st_size < 5_000_000
    text = task.notebook.read_text()
    assert "truncated by codalab_nb" in text
    assert "after" in text


def test_thousands_of_files_take_their_time_and_nobody_counts_as_dead(site: Site, home: Home, folder: Path) -> None:
    """The worker gives signs of life while it publishes, too: one attempt, however long that takes."""
    task = site.run(
        write(folder / "n.ipynb", "import os\nos.mkdir('d')\nfor i in range(6000): open(f'd/{i}', 'w').write('x')")
    ).wait(PATIENCE_S)
    assert task.verdict == Verdict.SUCCEEDED, task.reason
    assert len(task.files) == 6002
    assert (home.starts(task.id), task.row.n) == (1, 1)


def test_whatever_a_run_leaves_behind_is_its_own_affair(site: Site, folder: Path) -> None:
    """Odd names, depths and modes are collected or listed as skipped; none of them is the worker's fault."""
    cells = (
        "import os\nos.makedirs('n.ipynb/below')\nopen('n.ipynb/below/x', 'w').write('1')",
        "deep = os.open('.', os.O_RDONLY)\nfor _ in range(1200):\n    os.mkdir('d', dir_fd=deep)\n"
        "    deep = os.open('d', os.O_RDONLY, dir_fd=deep)",
        "open('secret.txt', 'w').write('2')\nos.chmod('secret.txt', 0)",
        "os.mkdir('closed')\nopen('closed/y.txt', 'w').write('3')\nos.chmod('closed', 0)",
        "os.symlink('/etc/passwd', 'link')\nos.mkfifo('pipe')\nos.link('secret.txt', 'hard')\nopen(b'\\xff', 'w')",
        "open('fine.txt', 'w').write('4')",
    )
    task = site.run(write(folder / "n.ipynb", *cells)).wait(PATIENCE_S)
    assert task.verdict == Verdict.SUCCEEDED, task.reason
    assert sorted(task.files) == ["_codalab/environment.json", "closed/y.txt", "fine.txt", "n.ipynb"]
    assert task.manifest is not None
    assert {"n.ipynb/below/x", "link", "pipe", "hard", "secret.txt"} <= set(task.manifest.skipped)
    assert task.row.n == 1


def test_no_network_no_secrets_and_what_was_passed(site: Site, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sandbox has no network, no variable of ours but the one that was passed, and not our home."""
    monkeypatch.setenv("CANARY_SECRET", "s3cr3t-canary")
    notebook = write(
        folder / "n.ipynb",
        "import os, socket, pathlib",
        "print('env', sorted(n for n in os.environ if 'CANARY' in n), os.environ.get('PASSED'))",
        "s = socket.socket(); s.settimeout(2)\ntry:\n    s.connect(('127.0.0.1', 22)); print('connected')\n"
        "except OSError as e: print('refused')",
        f"home = pathlib.Path({str(site.places.home)!r})",
        "print('home', home.exists() and list(home.iterdir()))",
    )
    task = site.run(notebook, options=Options(environment={"PASSED": "yes"})).wait(PATIENCE_S)
    assert task.notebook is not None
    text = task.notebook.read_text()
    assert "env [] yes" in text
    assert "connected" not in text.replace("print('connected')", "")
    assert "home False" in text or "home []" in text
    assert "s3cr3t-canary" not in text


def test_cancel_ends_a_running_task_and_its_sandbox(site: Site, home: Home, folder: Path) -> None:
    """One verdict, cancelled; its processes are gone; a second cancel says that it had ended."""
    task = site.run(write(folder / "n.ipynb", "import time\nprint('in', flush=True)\ntime.sleep(600)"))
    wait_for(lambda: any(event["type"] == "output" for event in task.events()))
    assert task.cancel()
    assert not task.cancel()
    assert (task.verdict, task.state) == (Verdict.CANCELLED, State.CANCELLED)
    last = wait_for(lambda: site.run(write(folder / "m.ipynb", "print(1)")).wait(PATIENCE_S))
    assert last.verdict == Verdict.SUCCEEDED


def test_the_same_id_is_accepted_once_and_other_contents_refused(site: Site, folder: Path) -> None:
    """The idempotency key of programs that repeat a request after a lost answer."""
    notebook, task = write(folder / "n.ipynb", "print(1)"), new_id()
    assert site.run(notebook, task=task).id == site.run(notebook, task=task).id == task
    with pytest.raises(InputError, match="other contents"):
        site.run(write(folder / "n.ipynb", "print(2)"), task=task)
    assert site.task(task).wait(PATIENCE_S).verdict == Verdict.SUCCEEDED


def test_retry_is_a_new_task(site: Site, folder: Path) -> None:
    """The failed one stays what it is; the new one names it."""
    failed = site.run(write(folder / "n.ipynb", "1 / 0")).wait(PATIENCE_S)
    (again,) = site.retry([failed])
    assert again.wait(PATIENCE_S).verdict == Verdict.FAILED
    assert (again.row.retry_of, failed.row.state) == (failed.id, State.FAILED)


def test_retry_of_a_batch_is_one_batch_again(site: Site) -> None:
    """Its tasks stay together, in their order."""
    site.add_dataset(example_folder(), name="golub")
    old = site.analyze(["golub"], ["check-my-data", "pca-overview"])
    old.cancel()
    new = site.retry(old.tasks)
    batches = {task.row.batch for task in new}
    assert len(batches) == 1
    assert batches != {old.id}
    batch = site.batch(batches.pop() or "")
    assert [task.row.method for task in batch] == ["check-my-data", "pca-overview"]
    assert [task.verdict for task in batch.wait(PATIENCE_S)] == [Verdict.SUCCEEDED] * 2


def test_all_problems_of_a_request_at_once_and_nothing_stays(site: Site, folder: Path) -> None:
    """A notebook that is none, a bad parameter, an impossible limit: three problems, no task, no blob."""
    (folder / "n.ipynb").write_text("hello")
    before = (len(site.ledger.find()), len(list(site.store.list("blobs/"))))
    with pytest.raises(InputError) as caught:
        site.run(folder / "n.ipynb", parameters={"a b": 1}, options=Options(timeout_s=-1))
    assert {problem.code for problem in caught.value.problems} == {"nb_json", "param_name", "timeout"}
    assert (len(site.ledger.find()), len(list(site.store.list("blobs/")))) == before


def test_clean_keeps_what_is_needed(site: Site, folder: Path) -> None:
    """Removing results frees their blobs, and never those of a data set or of another task."""
    (folder / "mine.txt").write_text(new_id())
    kept = site.run(write(folder / "n.ipynb", "open('mine.txt').read()")).wait(PATIENCE_S)
    gone = site.run(write(folder / "m.ipynb", "open('mine.txt').read()", "2")).wait(PATIENCE_S)
    cleanup.remove_tasks(site, [gone.id])
    assert site.ledger.get(gone.id) is None
    cleaned = cleanup.clean(site, older_than_s=3600)
    assert cleaned.tasks == 0
    assert all(site.store.touch_blob(ref.sha256) for ref in kept.document.inputs)
    assert site.retry([kept])[0].wait(PATIENCE_S).verdict == Verdict.SUCCEEDED
