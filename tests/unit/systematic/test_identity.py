"""What makes two runs the same task, and what does not."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from codalab_nb import Site
from codalab_nb.model.base import is_id
from codalab_nb.systematic import identity
from codalab_nb.systematic.configuration import Configuration
from tests.support.systematic import add_table


def test_content_counts_and_no_name(site: Site) -> None:
    first = add_table(site, "a", file="same")
    keys = [identity.data_key(add_table(site, name, seed=seed, file="same")) for name, seed in (("b", 0), ("c", 1))]
    assert keys[0] == identity.data_key(first) != keys[1]


def test_how_the_data_are_understood_counts(site: Site) -> None:
    before = add_table(site, "a", groups=False)
    after = site.catalog.set("a", roles={"group": "batch"})
    assert before.files == after.files
    assert identity.data_key(before) != identity.data_key(after)


def test_notebook_and_values_count(site: Site, tmp_path: Path) -> None:
    template = site.catalog.template("compare-groups")
    usual, other = Configuration("compare-groups"), Configuration("compare-groups", {"x": 1})
    changed = tmp_path / "changed.ipynb"
    shutil.copy(template.path, changed)
    assert identity.configuration_key(usual, replace(template, path=changed)) == identity.configuration_key(
        usual, template
    )
    changed.write_bytes(changed.read_bytes() + b"\n")
    keys = {
        identity.configuration_key(usual, template),
        identity.configuration_key(other, template),
        identity.configuration_key(usual, replace(template, path=changed)),
    }
    assert len(keys) == 3


def test_ids_are_of_tasks_and_all_different() -> None:
    ids = [identity.run_id("d", "c"), identity.run_id("d", "e"), identity.profile_id("d"), identity.score_id("r")]
    assert all(is_id(one) for one in ids)
    assert len(set(ids)) == 4
    assert identity.run_id("d", "c") == ids[0]


def test_the_environment_has_what_a_method_imports() -> None:
    found = identity.environment(["sklearn.svm", "no_such_module_anywhere"])
    assert {"python", "codalab-nb", "numpy", "scikit-learn"} <= found.keys()


def test_a_notebook_that_is_gone_is_told(site: Site, tmp_path: Path) -> None:
    template = replace(site.catalog.template("compare-groups"), path=tmp_path / "none.ipynb")
    with pytest.raises(OSError, match="none"):
        identity.notebook_digest(template)
