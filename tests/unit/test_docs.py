"""The docs cover what there is."""

from __future__ import annotations

import re
from pathlib import Path
from types import ModuleType

import pytest

from codalab_nb.settings import Settings
from tests.support import commands_page, worker_page

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("docs/**/*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"])


def test_every_setting_is_documented() -> None:
    """Nobody has to read the source to learn what can be set."""
    page = (ROOT / "docs" / "look-up" / "settings.md").read_text()
    assert set(re.findall(r"^\| `(\w+)` \|", page, re.M)) == set(Settings.model_fields)


def test_every_reason_the_worker_gives_is_documented() -> None:
    """A code in a verdict can be looked up."""
    page = (ROOT / "docs" / "look-up" / "verdicts.md").read_text()
    for code in (
        "cell_error",
        "timeout",
        "kernel_died",
        "oom",
        "disk_limit",
        "output_limit",
        "pids_limit",
        "no_kernel",
    ):
        assert f"`{code}`" in page


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """No dead link between our own pages."""
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
        if not target.startswith(("http:", "https:")):
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize(("name", "module"), [("commands", commands_page), ("worker", worker_page)])
def test_pages_of_commands_are_the_grammar(name: str, module: ModuleType) -> None:
    """Every command and flag is documented, and nothing that does not exist."""
    written = (ROOT / "docs" / "look-up" / f"{name}.md").read_text()
    assert written == module.page(), f"python -m tests.support.{name}_page > docs/look-up/{name}.md"
