"""The extension and the Python package are one product: same version, same contract, same names."""

from __future__ import annotations

import importlib.util
import json
import os
import re
from pathlib import Path

import pytest

from codalab_nb import __version__
from codalab_nb.frontends import labextension

ROOT = Path(__file__).resolve().parents[2]
EXTENSION = ROOT / "extension"


def package() -> dict[str, object]:
    loaded: dict[str, object] = json.loads((EXTENSION / "package.json").read_text(encoding="utf-8"))
    return loaded


def test_versions_are_equal() -> None:
    """pip and JupyterLab's list of extensions tell a person the same."""
    assert package()["version"] == __version__


def test_ids_are_unique_and_named_after_the_package() -> None:
    """Two tokens with one name would silently stand for each other."""
    tokens = (EXTENSION / "src" / "tokens.ts").read_text(encoding="utf-8")
    ids = re.findall(r"new Token<[^>]+>\(\s*`\$\{PACKAGE\}:(\w+)`", tokens) + re.findall(
        r"_PLUGIN = `\$\{PACKAGE\}:(\w+)`", tokens
    )
    commands = re.findall(r": '(codalab:[\w-]+)'", tokens)
    assert ids
    for names in (ids, commands):
        assert len(names) == len(set(names))
    assert f"PACKAGE = '{package()['name']}'" in tokens


def test_the_lock_file_names_no_host() -> None:
    """What is installed depends on yarn.lock alone, and not on the registry that someone had when it was made."""
    lock = (EXTENSION / "yarn.lock").read_text(encoding="utf-8")
    assert not re.findall(r"https?://\S+|__archiveUrl\S*", lock)


def test_a_setting_is_told_once() -> None:
    """Each setting has a title, a description and a default in the schema that JupyterLab makes its editor from."""
    schemas = list((EXTENSION / "schema").glob("*.json"))
    for schema in schemas:
        for name, setting in json.loads(schema.read_text(encoding="utf-8"))["properties"].items():
            assert {"title", "description", "default"} <= setting.keys(), f"{schema.name}: {name}"
    assert schemas


@pytest.mark.parametrize("folder", ["src", "style", "schema"])
def test_nothing_of_the_page_comes_from_elsewhere(folder: str) -> None:
    """It works offline: no script, font or style is loaded from another host."""
    for path in (EXTENSION / folder).rglob("*"):
        if path.suffix in (".ts", ".tsx", ".css", ".json", ".js"):
            assert not re.search(r"(src|href|url\()\s*=?\s*['\"]?https?://", path.read_text(encoding="utf-8")), path


def test_a_missing_front_end_is_told_with_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Who installed a checkout, and looks for the panel in vain, learns why."""
    monkeypatch.setattr("jupyter_core.paths.jupyter_path", lambda *_: [str(tmp_path)])
    absent = labextension.why_absent()
    assert absent is not None
    assert "no CodaLab panel" in absent[0]
    assert "make extension" in absent[1]
    (tmp_path / labextension.NAME).mkdir()
    (tmp_path / labextension.NAME / "package.json").write_text("{}")
    assert labextension.why_absent() is None
    assert labextension.installed() == tmp_path / labextension.NAME


def test_it_is_built_again_only_when_a_source_is_newer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`make test` builds once, and who edits a source never looks at an old page. Equal times are fine."""
    spec = importlib.util.spec_from_file_location("front_end", ROOT / "tools" / "front_end.py")
    assert spec is not None
    assert spec.loader is not None
    front_end = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(front_end)
    sources, stamp = tmp_path / "extension", tmp_path / "built" / "package.json"
    monkeypatch.setattr(front_end, "SOURCES", sources)
    monkeypatch.setattr(front_end, "_STAMP", stamp)
    files = [sources / name for name in ("package.json", "yarn.lock", "tsconfig.json", "src/index.ts")]
    for path in [*files, stamp]:
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text("")
        os.utime(path, (1000, 1000))
    assert front_end.current()
    os.utime(files[-1], (1001, 1001))
    assert not front_end.current()
    os.utime(stamp, (1001, 1001))
    assert front_end.current()
    stamp.unlink()
    assert not front_end.current()
