"""The sample table as a person edits it: what is shown, what a change means, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from codalab_nb import Site
from codalab_nb.datasets.sample_table import FILE, Table
from codalab_nb.errors import InputError, UnavailableError
from tests.support.home import Home

MATRIX = "gene,ctrl_1,ctrl_2,drug_1,drug_2,drug_3\n" + "\n".join(f"g{n},{n}.5,2,{n},4.5,5" for n in range(12)) + "\n"
SAMPLES = ("ctrl_1", "ctrl_2", "drug_1", "drug_2", "drug_3")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Home(tmp_path / "home") as home, home.site() as one:
        yield one


def add(site: Site, folder: Path, matrix: str = MATRIX, samples: str | None = None) -> str:
    (folder / "m.csv").write_text(matrix)
    if samples is not None:
        (folder / "s.csv").write_text(samples)
    return site.add_dataset(folder / "m.csv", samples=folder / "s.csv" if samples else None, name="m").reference


def table(columns: tuple[str, ...], *values: tuple[str, ...]) -> Table:
    return Table(("sample", *columns), tuple((name, *row) for name, row in zip(SAMPLES, values, strict=True)))


def problems(site: Site, given: Table) -> list[tuple[str, str | None]]:
    with pytest.raises(InputError) as refused:
        site.catalog.set("m", samples=given)
    return [(one.code, one.at) for one in refused.value.problems]


def test_groups_read_out_of_the_names_are_shown_to_be_changed(site: Site, tmp_path: Path) -> None:
    add(site, tmp_path)
    shown = site.catalog.samples("m")
    assert shown == table(("group",), ("ctrl",), ("ctrl",), ("drug",), ("drug",), ("drug",))


def test_where_nothing_is_known_there_is_a_column_to_fill_in(site: Site, tmp_path: Path) -> None:
    """A biologist sees at once where the groups go."""
    add(site, tmp_path, MATRIX.replace("ctrl_1,ctrl_2,drug_1,drug_2,drug_3", "a,b,c,d,e"))
    shown = site.catalog.samples("m")
    assert shown == Table(("sample", "group"), tuple((name, "") for name in "abcde"))


def test_a_new_table_is_a_new_version_that_methods_read(site: Site, tmp_path: Path) -> None:
    add(site, tmp_path)
    given = table(("arm", "plate"), ("x", "1"), ("x", "2"), ("y", "1"), ("y", "2"), ("y", ""))
    document = site.catalog.set("m", samples=given)
    profile = document.profile
    assert document.version == 2
    assert [(one.name, one.source) for one in profile.columns] == [("arm", "user"), ("plate", "user")]
    assert [(level.name, level.n) for level in profile.columns[0].levels] == [("x", 2), ("y", 3)]
    assert profile.columns[1].missing == 1
    assert profile.samples is not None
    assert profile.samples.path in [file.path for file in document.files]
    assert site.catalog.samples("m") == given
    assert site.catalog.dataset("m@1").profile.columns[0].name == "group"  # the old one stays


def test_the_same_table_again_is_the_same_version(site: Site, tmp_path: Path) -> None:
    """A page that sends what it showed makes nothing new."""
    add(site, tmp_path)
    first = site.catalog.set("m", samples=table(("arm",), ("x",), ("x",), ("y",), ("y",), ("y",)))
    shown = site.catalog.samples("m")
    assert shown is not None
    assert site.catalog.set("m", samples=shown) == first


def test_what_a_person_confirmed_stays_while_it_holds(site: Site, tmp_path: Path) -> None:
    add(site, tmp_path)
    site.catalog.set("m", samples=table(("arm",), ("x",), ("x",), ("y",), ("y",), ("y",)))
    site.catalog.set("m", roles={"arm": "condition"}, level="y")
    more = site.catalog.set("m", samples=table(("arm",), ("x",), ("x",), ("x",), ("y",), ("y",))).profile
    assert (more.columns[0].role, more.columns[0].role_proposed) == ("condition", False)
    assert more.reference is not None
    assert (more.reference.level, more.reference.proposed) == ("y", False)
    gone = site.catalog.set("m", samples=table(("arm",), ("x",), ("x",), ("x",), ("z",), ("z",))).profile
    assert gone.reference is not None
    assert (gone.reference.level, gone.reference.proposed) == ("x", True)


def test_a_role_that_was_taken_away_is_not_proposed_again(site: Site, tmp_path: Path) -> None:
    add(site, tmp_path)
    groups = (("ctrl",), ("ctrl",), ("drug",), ("drug",), ("drug",))
    site.catalog.set("m", samples=table(("group",), *groups))
    site.catalog.set("m", roles={"group": "none"})
    again = site.catalog.set("m", samples=table(("group", "sex"), *((*one, "f") for one in groups))).profile
    assert again.by_role("condition") is None


def test_groups_are_shown_under_the_names_a_person_gave_them(site: Site, tmp_path: Path) -> None:
    """Else sending the table back would undo the renaming."""
    add(site, tmp_path, samples="sample,arm\n" + "\n".join(f"{name},{name[:1]}" for name in SAMPLES))
    site.catalog.set("m", renames={"arm:c": "control", "arm:d": "drug"})
    shown = site.catalog.samples("m")
    assert shown is not None
    assert {row[1] for row in shown.rows} == {"control", "drug"}
    assert [level.name for level in site.catalog.set("m", samples=shown).profile.columns[0].levels] == [
        "control",
        "drug",
    ]


def test_names_spelled_differently_are_proposed_as_the_same(site: Site, tmp_path: Path) -> None:
    """As when a table is added: pasted names have spaces where R wrote dots."""
    add(site, tmp_path)
    given = Table(("Name", "arm"), tuple((name.replace("_", " ").upper(), name[:1]) for name in SAMPLES))
    profile = site.catalog.set("m", samples=given).profile
    assert profile.renamed["ctrl_1"] == "CTRL 1"
    assert profile.renamed_proposed
    confirmed = site.catalog.set("m", accept=True)
    assert not confirmed.profile.renamed_proposed
    other = Table(given.columns, tuple((name, "xy"[place % 2]) for place, (name, _) in enumerate(given.rows)))
    assert not site.catalog.set("m", samples=other).profile.renamed_proposed  # said once is enough


def test_rows_of_no_sample_are_told_and_kept_out(site: Site, tmp_path: Path) -> None:
    add(site, tmp_path)
    given = table(("arm",), ("x",), ("x",), ("y",), ("y",), ("y",))
    profile = site.catalog.set("m", samples=Table(given.columns, (*given.rows, ("other", "z")))).profile
    assert "samples_unused" in [note.code for note in profile.warnings]
    assert [level.name for level in profile.columns[0].levels] == ["x", "y"]


def test_every_problem_is_told_at_once_with_its_place(site: Site, tmp_path: Path) -> None:
    add(site, tmp_path)
    given = Table(
        ("sample", "arm", "arm"), (("ctrl_1", "a", "b"), ("ctrl_1", "a", "b"), ("", "a", "c"), ("dru_1", "b", "b"))
    )
    found = problems(site, given)
    assert ("samples_table", "arm") in found  # two columns of a name
    assert ("samples_table", "row 3") in found
    assert ("duplicate_samples", "ctrl_1") in found
    assert {at for code, at in found if code == "samples_mismatch"} == {"ctrl_2", "drug_1", "drug_2", "drug_3"}
    assert site.catalog.dataset("m").version == 1


@pytest.mark.parametrize(
    "given",
    [
        Table(("sample",), tuple((name,) for name in SAMPLES)),
        Table(("sample", "arm"), tuple((name, "") for name in SAMPLES)),
        Table(("sample", ""), tuple((name, "x") for name in SAMPLES)),
        Table(("sample", "arm"), tuple((name, "x", "y") for name in SAMPLES)),
        Table((), ()),
    ],
    ids=["names only", "empty", "column without a name", "uneven", "nothing"],
)
def test_a_table_that_says_nothing_is_refused(site: Site, tmp_path: Path, given: Table) -> None:
    add(site, tmp_path)
    assert {code for code, _ in problems(site, given)} <= {"samples_table", "samples_mismatch"}


def test_a_near_miss_is_named(site: Site, tmp_path: Path) -> None:
    add(site, tmp_path)
    rows = tuple((name.replace("drug_3", "drugs_33"), "x") for name in SAMPLES)
    with pytest.raises(InputError) as refused:
        site.catalog.set("m", samples=Table(("sample", "arm"), rows))
    assert "drugs_33" in refused.value.fix


def test_a_general_table_has_no_sample_table_of_its_own(site: Site, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("name,arm,age\n" + "\n".join(f"p{n},{'ab'[n % 2]},{n + 20}" for n in range(12)))
    site.add_dataset(tmp_path / "t.csv", name="m")
    assert site.catalog.samples("m") is None
    assert problems(site, Table(("sample", "arm"), (("p1", "a"),))) == [("samples_table", None)]


def test_samples_in_rows_are_shown_with_the_columns_beside_the_measurements(site: Site, tmp_path: Path) -> None:
    """Cells × genes, with the kind of each cell in the same file."""
    genes = ",".join(f"G{n}" for n in range(40))
    rows = "\n".join(f"cell{n},{'TB'[n % 2]}," + ",".join(str(n * k % 7 + 0.5) for k in range(40)) for n in range(8))
    add(
        site,
        tmp_path,
        f"cell,kind,{genes}\n{rows}\n",
        "cell,kind\n" + "\n".join(f"cell{n},{'TB'[n % 2]}" for n in range(8)),
    )
    shown = site.catalog.samples("m")
    assert shown is not None
    assert [row[0] for row in shown.rows] == [f"cell{n}" for n in range(8)]
    changed = Table(shown.columns, tuple((row[0], "new" if at else "T", *row[2:]) for at, row in enumerate(shown.rows)))
    assert {level.name for level in site.catalog.set("m", samples=changed).profile.columns[0].levels} == {"T", "new"}


def test_a_data_set_that_was_removed_and_made_anew_is_the_new_one(site: Site, tmp_path: Path) -> None:
    """Documents are kept in mind, and their numbers begin again."""
    add(site, tmp_path)
    assert site.catalog.dataset("m@1").profile.n_samples == 5
    site.catalog.remove("m")
    with pytest.raises(InputError):
        site.catalog.dataset("m@1")
    add(site, tmp_path, MATRIX.replace(",drug_3", ",drug_3,drug_4").replace(",5\n", ",5,6\n"))
    assert site.catalog.dataset("m@1").profile.n_samples == 6


def test_a_full_disk_is_told_in_words(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A workbook is read into a copy; there may be no room for it. `/dev/full` is a disk without room."""
    add(site, tmp_path)
    monkeypatch.setattr(
        "codalab_nb.datasets.sample_table.FILE", FILE.model_copy(update={"path": "../" * 20 + "dev/full"})
    )
    with pytest.raises(UnavailableError) as refused:
        site.catalog.set("m", samples=table(("arm",), ("x",), ("x",), ("y",), ("y",), ("y",)))
    assert refused.value.code == "disk_full"
    assert site.catalog.dataset("m").version == 1
