"""Which files are packed with a notebook: real folders, real links, and notebooks that mention files in every way."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from codalab_nb.model.notebook import read_notebook
from codalab_nb.packing import collected, discover, folder, outside
from codalab_nb.packing.discover import Discovery


def notebook(*sources: str, tags: tuple[str, ...] = (), kernel: dict[str, Any] | None = None) -> dict[str, Any]:
    cells = [{"cell_type": "code", "metadata": {}, "outputs": [], "source": source} for source in sources]
    cells[0]["metadata"] = {"tags": list(tags)}
    metadata = {"kernelspec": kernel} if kernel else {}
    data = json.dumps({"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}).encode()
    return read_notebook(data, name="case.ipynb").notebook


def fill(root: Path, *paths: str, content: str = "x") -> Path:
    for path in paths:
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content)
    return root


def names(found: Discovery) -> list[str]:
    return [file.path for file in found.files]


@pytest.fixture(autouse=True)
def _system_without_tmp(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests' own folders lie in /tmp, which counts as the system's."""
    kept = tuple(path for path in outside.SYSTEM_FOLDERS if path.name not in ("tmp", "var", "private"))
    monkeypatch.setattr(outside, "SYSTEM_FOLDERS", kept)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A notebook's folder with the usual things in it."""
    root = tmp_path / "home"
    fill(root, "data.csv", "data/x.csv", "data/y.csv", "data/deep/z.csv", "other.csv", "notes.txt", "data/raw.txt")
    return root


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("open('data.csv')", ["data.csv"]),
        ("import pandas as pd\npd.read_csv('./data.csv')", ["data.csv"]),
        ("FILES = ['data.csv', 'other.csv', 'absent.csv']", ["data.csv", "other.csv"]),
        ("Path('data') / 'x.csv'", ["data/x.csv"]),
        ("from pathlib import Path\nFOLDER = Path('data')\nFOLDER / 'x.csv'", None),
        ("Path('data', 'deep', 'z.csv').read_text()", ["data/deep/z.csv"]),
        ("Path.cwd() / 'data' / 'x.csv'", ["data/x.csv"]),
        ("Path('data').joinpath('x.csv')", ["data/x.csv"]),
        ("import os\nopen(os.path.join('data', 'x.csv'))", ["data/x.csv"]),
        ("os.path.join('data', name)", None),
        ("open('data/' + name)", None),
        ("open('da' + 'ta.csv')", ["data.csv"]),
        ("open(f'data/{name}.csv')", ["data/x.csv", "data/y.csv"]),
        ("open('data/{}.csv'.format(name))", ["data/x.csv", "data/y.csv"]),
        ("open('data/%s.csv' % name)", ["data/x.csv", "data/y.csv"]),
        ("T = 'data/{name}.csv'\nopen(T.format(name='x'))", ["data/x.csv", "data/y.csv"]),
        ("STEM = 'data/x'\nopen(f'{STEM}.csv')", ["data/x.csv"]),
        ("print(f'data{x}')", []),
        ("print('data'); df['data']; df == 'data'; {'data': 1}; plt.title('data')", []),
        ("'data'", []),
        ("for f in ['data']:\n    os.listdir(f)", None),
        ("os.walk('data')", None),
        ("Path('data').iterdir()", None),
        ("glob.glob('data/*.csv')", ["data/x.csv", "data/y.csv"]),
        ("from glob import glob\nglob('*.csv')", ["data.csv", "other.csv"]),
        ("Path('data').glob('*.csv')", ["data/x.csv", "data/y.csv"]),
        ("Path('data').rglob('*.csv')", ["data/deep/z.csv", "data/x.csv", "data/y.csv"]),
        ("Path('.').glob('**/z.csv')", ["data/deep/z.csv"]),
        ("glob.glob('*.csv', root_dir='data')", ["data/x.csv", "data/y.csv"]),
        ("dask.read_csv('data/*.csv')", ["data/x.csv", "data/y.csv"]),
        ("df.to_csv('data.csv')", []),
        ("plt.savefig('data.csv'); os.makedirs('data', exist_ok=True); Path('data').mkdir()", []),
        ("open('data.csv', 'w')", []),
        ("open('data.csv', mode='r+'); Path('other.csv').open('w')", ["data.csv"]),
        ("df = pd.read_csv('data.csv'); df.to_csv('other.csv')", ["data.csv"]),
        ("!cat data.csv | head > other.csv", ["data.csv"]),
        ("lines = !head -n 1 data.csv", ["data.csv"]),
        ("!sort --files0-from=data.csv '*.csv'", ["data.csv", "other.csv"]),
        ("%load data.csv\nx = 1\nopen('other.csv')", ["data.csv", "other.csv"]),
        ("%time df = pd.read_csv('data.csv')", ["data.csv"]),
        ("df = %time pd.read_csv('data.csv')", ["data.csv"]),
        ("%%time\npd.read_csv('data.csv')", ["data.csv"]),
        ("%%bash\nwc -l data.csv\necho hello > other.csv", ["data.csv"]),
        ("%%R\nx <- read.csv('data.csv')", ["data.csv"]),
        ("%%writefile other.csv\ndata.csv", []),
        ("%%html\n<img src='data.csv'>", []),
        ("open?\nopen('data.csv')", ["data.csv"]),
        ("x = (\nopen('data.csv')", ["data.csv"]),
        ("x = '\\d'; open('data.csv')", ["data.csv"]),
        ("await fetch('data.csv')", ["data.csv"]),
        ("requests.get('https://example.org/data.csv')", []),
        ("text = '''\ndata.csv\n'''", []),
        ("x = " + " + ".join(["'a'"] * 5_000) + "\nopen('data.csv')", ["data.csv"]),
    ],
)
def test_what_a_cell_mentions(home: Path, source: str, expected: list[str] | None) -> None:
    """None stands for the whole folder `data`."""
    whole = ["data/deep/z.csv", "data/raw.txt", "data/x.csv", "data/y.csv"]
    found = discover.discover(notebook(source), home)
    assert names(found) == (whole if expected is None else expected)
    assert found.problems == ()


def test_each_file_says_where_it_is_and_who_wants_it(home: Path) -> None:
    found = discover.discover(notebook("x = 1", "open('data.csv')"), home)
    (file,) = found.files
    assert (file.path, file.absolute, file.size, file.why) == ("data.csv", home / "data.csv", 1, "cell 2: data.csv")


def test_local_modules_come_with_what_they_need(tmp_path: Path) -> None:
    """Modules, packages (whole), folders without __init__, relative and nested imports; not the installed ones."""
    fill(tmp_path, "pkg/__init__.py", "pkg/table.csv", "src/deep/tool.py", "lib/inner.py", "unused.py", "json/a.txt")
    fill(tmp_path, "pkg/__pycache__/x.pyc", "settings.txt", "data.csv", "lib/near.txt", "sibling.py")
    fill(tmp_path, "helpers.py", content="import json, numpy\nfrom pkg import thing\nopen('settings.txt')\n")
    fill(tmp_path, "pkg/sub.py", content="from . import thing\nfrom .. import nothing\nimport late\n")
    fill(tmp_path, "late.py", content="FOLDER = __import__('pathlib').Path(__file__).parent\nimport helpers\n")
    fill(tmp_path, "lib/inner.py", content="from pathlib import Path\nPath(__file__).parent / 'near.txt'\nimport inner")
    fill(tmp_path, "src/deep/tool.py", content="from .friend import x\n")
    fill(tmp_path, "src/deep/friend.py")
    source = "import sys\nsys.path.insert(0, './lib')\nimport helpers, inner\nfrom src.deep import tool\n"
    found = discover.discover(notebook(source), tmp_path)
    assert names(found) == [
        *("helpers.py", "late.py", "lib/inner.py", "lib/near.txt", "pkg/__init__.py", "pkg/sub.py", "pkg/table.csv"),
        *("settings.txt", "src/deep/friend.py", "src/deep/tool.py"),
    ]
    assert {file.path: file.why for file in found.files}["late.py"] == "pkg/sub.py: import late"


def test_imports_by_name_and_extensions(tmp_path: Path) -> None:
    fill(tmp_path, "a.py", "b.py", "c.py", "fast.cpython-311-x86_64-linux-gnu.so")
    source = "import importlib\nimportlib.import_module('a')\n%load_ext b\n__import__('c')\nimport fast"
    assert names(discover.discover(notebook(source), tmp_path)) == [
        *("a.py", "b.py", "c.py", "fast.cpython-311-x86_64-linux-gnu.so"),
    ]


def test_scripts_and_notebooks_that_are_run(tmp_path: Path) -> None:
    fill(tmp_path, "data.csv", "more.csv", "tools/near.py", "third.csv")
    fill(tmp_path, "tools/step.py", content="import near\nopen('data.csv')")
    fill(tmp_path, "setup.py", content="open('third.csv')")
    (tmp_path / "first.ipynb").write_text(json.dumps(notebook("open('more.csv')")))
    found = discover.discover(notebook("%run tools/step.py", "%run first.ipynb", "%run setup"), tmp_path)
    assert names(found) == [
        *("data.csv", "first.ipynb", "more.csv", "setup.py", "third.csv", "tools/near.py", "tools/step.py"),
    ]


def test_a_long_chain_of_modules(tmp_path: Path) -> None:
    """Deeper than Python's recursion limit."""
    for index in range(1_200):
        (tmp_path / f"m{index}.py").write_text(f"import m{index + 1}")
    assert len(discover.discover(notebook("import m0"), tmp_path).files) == 1_200


def test_files_that_mention_each_other_end(tmp_path: Path) -> None:
    fill(tmp_path, "a.py", content="import b")
    fill(tmp_path, "b.py", content="import a; open('b.py')")
    assert names(discover.discover(notebook("import a"), tmp_path)) == ["a.py", "b.py"]


def test_other_languages_by_their_quoted_texts(home: Path) -> None:
    found = discover.discover(
        notebook("x <- read.csv('data.csv')\nsource(\"notes.txt\")", kernel={"name": "ir", "language": "R"}), home
    )
    assert names(found) == ["data.csv", "notes.txt"]


def test_hidden_files_caches_and_environments_stay_out(tmp_path: Path) -> None:
    fill(tmp_path, "d/.secret", "d/__pycache__/a.pyc", "d/.git/config", "d/env/pyvenv.cfg", "d/env/lib/x.py", "d/a.csv")
    fill(tmp_path, ".env", "d/.ipynb_checkpoints/a.ipynb", "d/node_modules/x.js")
    found = discover.discover(notebook("FOLDER = 'd'\nopen('.env')"), tmp_path)
    assert names(found) == ["d/a.csv"]
    assert [(warning.code, "'.env'" in warning.message) for warning in found.warnings] == [("hidden_file", True)]
    asked = discover.discover(notebook("FOLDER = 'd'\nopen('.env')"), tmp_path, include=[".env", "d/.secret"])
    assert names(asked) == [".env", "d/.secret", "d/a.csv"]


def test_include_adds_and_names_what_it_misses(home: Path) -> None:
    found = discover.discover(notebook("x = 1"), home, include=["data", "*.txt"])
    assert names(found) == ["data/deep/z.csv", "data/raw.txt", "data/x.csv", "data/y.csv", "notes.txt"]
    bad = discover.discover(notebook("x = 1"), home, include=["absent/*", "/etc/passwd", "../x", "~/y", ""])
    assert [problem.code for problem in bad.problems] == ["missing_file", "path", "path", "path", "path"]


def test_absolute_paths_of_this_machine_are_refused_with_the_fix(home: Path, tmp_path: Path) -> None:
    outside = fill(tmp_path, "elsewhere/big.csv") / "elsewhere/big.csv"
    found = discover.discover(notebook("x = 1", f"open('{outside}')"), home)
    (problem,) = found.problems
    assert problem.code == "absolute_path"
    assert problem.message.startswith(f"Cell 2 names '{outside}'")
    assert f"-i PARAM={outside}" in problem.fix
    inside = discover.discover(notebook(f"open('{home}/data.csv')"), home)
    assert "'data.csv'" in inside.problems[0].fix
    nothing = discover.discover(notebook(f"glob.glob('{tmp_path}/elsewhere/*.txt')"), home)
    assert nothing.problems == ()
    pattern = discover.discover(notebook(f"glob.glob('{tmp_path}/elsewhere/*.csv')"), home)
    assert [problem.code for problem in pattern.problems] == ["absolute_path"]
    written = discover.discover(notebook(f"df.to_csv('{outside}')"), home)
    assert "Write to a relative path" in written.problems[0].fix


def test_paths_below_home_and_above_the_folder(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path, "me/big.csv", "other.csv")
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    fill(tmp_path, "me/.cache/tool/x")
    cache = discover.discover(notebook("os.path.expanduser('~/.cache/tool')"), home)
    assert cache.problems == ()
    found = discover.discover(notebook("open('~/big.csv'); open('../other.csv'); open('data/../data.csv')"), home)
    assert [problem.code for problem in found.problems] == ["absolute_path", "path"]
    assert names(found) == ["data.csv"]


@pytest.mark.parametrize(
    "source",
    [
        *("'/'.join(x)", "open('/etc/passwd')", "open('/no/such/file.csv')", "y = '~ x'", "y = '~'", "'~nobody12/x'"),
        *("!/usr/bin/env python", "sys.path.append('..')", "os.chdir('../..')", "app.route('/home')", "'/dev/null'"),
        *("'/* * *'", "'/?$'", "'/([0-9]+)'", "'..*'", "'.. note:: *'", "'~/*'"),
        *("'\\0'", "'a' * 100", f"'{'/x' * 600}'", f"'{'x' * 300}'", "'/'", "'//'", "''", "'.'", "re.compile('.*/[')"),
    ],
)
def test_what_every_machine_has_or_nobody_has_is_not_mentioned(home: Path, source: str) -> None:
    found = discover.discover(notebook(source), home)
    assert (found.files, found.problems, found.warnings) == ((), (), ())


def test_parameters_of_the_run_replace_their_defaults(home: Path, tmp_path: Path) -> None:
    """After `-i table=…`, as the fix says, the old absolute default no longer matters; a value may name a file."""
    outside = fill(tmp_path, "elsewhere/big.csv") / "elsewhere/big.csv"
    given = notebook(f"table = '{outside}'\nother: str = 'other.csv'", "open(table)", tags=("parameters",))
    assert discover.discover(given, home).problems
    found = discover.discover(given, home, parameters={"table": "inputs/big.csv", "n": 5, "more": ["notes.txt"]})
    assert found.problems == ()
    assert names(found) == ["notes.txt", "other.csv"]
    direct = discover.discover(given, home, parameters={"table": str(outside)})
    assert f"-i table={outside}" in direct.problems[0].fix


def test_links_inside_are_followed_and_links_outside_are_told(home: Path, tmp_path: Path) -> None:
    outside = fill(tmp_path, "elsewhere/big.csv") / "elsewhere"
    (home / "near.csv").symlink_to("data/x.csv")
    (home / "far.csv").symlink_to(outside / "big.csv")
    (home / "data/far").symlink_to(outside)
    (home / "data/loop").symlink_to(home / "data")
    (home / "data/self").symlink_to("self")
    (home / "dangling.csv").symlink_to("nowhere")
    found = discover.discover(notebook("open('near.csv'); open('far.csv'); open('dangling.csv'); D = 'data'"), home)
    assert "near.csv" in names(found)
    assert not any("far" in name or "loop" in name or "self" in name for name in names(found))
    assert sorted(problem.code for problem in found.problems) == ["outside_link", "outside_link"]
    assert any(str(outside / "big.csv") in problem.fix for problem in found.problems)
    through = discover.discover(notebook("open('data/far/big.csv')"), home)
    assert [problem.code for problem in through.problems] == ["outside_link"]
    assert through.files == ()


def test_a_folder_reached_by_a_link_is_still_the_folder(home: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(home)
    assert names(discover.discover(notebook("open('data.csv')"), link)) == ["data.csv"]


def test_special_files_are_never_touched(home: Path) -> None:
    os.mkfifo(home / "data/pipe")
    os.mkfifo(home / "pipe.csv")
    found = discover.discover(notebook("open('pipe.csv'); D = 'data'"), home)
    assert not any("pipe" in name for name in names(found))


def test_names_that_cannot_travel(home: Path) -> None:
    fill(home, "data/a\\b.csv", "data/cafe\u0301.csv")
    found = discover.discover(notebook("D = 'data'"), home)
    assert [problem.code for problem in found.problems] == ["path", "path"]


def test_too_much_is_refused_with_the_largest_and_the_switch(home: Path) -> None:
    with (home / "data/huge.bin").open("wb") as file:
        file.truncate(collected.MAX_BYTES)  # sparse: takes no space
    found = discover.discover(notebook("D = 'data'"), home)
    (problem,) = found.problems
    assert problem.code == "bundle_size"
    assert "data/huge.bin (1,000 MB; cell 1: data)" in problem.message
    assert "--include" in problem.fix
    assert discover.discover(notebook("D = 'data'"), home, include=["data/huge.bin"]).problems == ()


def test_too_many_files(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collected, "MAX_FILES", 3)
    found = discover.discover(notebook("D = 'data'"), home)
    assert [problem.code for problem in found.problems] == ["bundle_files"]
    assert len(found.files) == 3
    monkeypatch.setattr(folder, "MAX_ENTRIES", 5)
    assert [problem.code for problem in discover.discover(notebook("glob('**/*')"), home).problems] == ["bundle_files"]


def test_reading_the_whole_own_folder_is_remarked(home: Path) -> None:
    for source in ("os.listdir()", "os.listdir('.')", "Path('.').iterdir()", "os.walk('.')"):
        found = discover.discover(notebook(source), home)
        assert (names(found), [warning.code for warning in found.warnings]) == ([], ["whole_folder"])
    for source in ("ast.walk(tree)", "tree.walk()", "os.walk(top)", "x.iterdir()"):
        assert discover.discover(notebook(source), home).warnings == ()
