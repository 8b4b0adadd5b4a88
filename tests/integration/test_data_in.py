"""From the files people have to what a method reads: the same, whichever way the data came in."""

from __future__ import annotations

import gzip
import io
import json
import shutil
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest

from codalab_nb import Site
from codalab_nb.analysis.expression import ExpressionSet, load
from codalab_nb.datasets.profile import profile_files, staged_files
from codalab_nb.examples import example_folder
from codalab_nb.frontends import cli
from codalab_nb.model.dataset import Profile
from tests.support.home import Home

DATA = Path(__file__).parent.parent / "data"
ARMSTRONG = DATA / "leukemia_armstrong"
MESSY = ARMSTRONG / "leukemia_messy.xlsx"


def staged(folder: Path, *paths: Path, samples: str | Path | None = None) -> tuple[Profile, ExpressionSet]:
    """What a method finds after `dataset add … --accept`."""
    workspace, place = folder / "workspace", folder / "inputs" / "dataset"
    workspace.mkdir(parents=True)
    profile, files = profile_files(list(paths), samples=samples, accept=True, workspace=workspace)
    for path, name in files:
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, place / name)
    for name, content in staged_files(profile, "test@1").items():
        (place / name).write_bytes(content)
    return profile, load(place)


# --- one small data set in every format

NAMES = ["AML_1", "AML_2", "AML_3", "ALL_1", "ALL_2", "ALL_3"]
SAMPLES = pd.DataFrame(
    {"sample": NAMES, "diagnosis": ["AML"] * 3 + ["ALL"] * 3, "plate": ["p1", "p2"] * 3, "age": [31, 42, 53, 64, 5, 6]}
)


def values() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    table = pd.DataFrame(np.round(rng.normal(8, 2, (30, 6)), 2), columns=NAMES)
    table.iloc[4, 2] = table.iloc[20, 0] = np.nan
    table.insert(0, "gene", [f"GENE{row}" for row in range(30)])
    return table


def plain_csv(folder: Path) -> list[Path]:
    values().to_csv(folder / "expression.csv", index=False)
    SAMPLES.to_csv(folder / "samples.csv", index=False)
    return [folder / "expression.csv", folder / "samples.csv"]


def european_csv(folder: Path) -> list[Path]:
    values().to_csv(folder / "expression.csv", index=False, sep=";", decimal=",", na_rep="n.d.", encoding="cp1252")
    SAMPLES.to_csv(folder / "samples.csv", index=False, sep=";")
    return [folder / "expression.csv", folder / "samples.csv"]


def packed_tsv(folder: Path) -> list[Path]:
    with gzip.open(folder / "expression.tsv.gz", "wt") as text:
        values().to_csv(text, index=False, sep="\t")
    SAMPLES.to_csv(folder / "samples.csv", index=False)
    return [folder / "expression.tsv.gz", folder / "samples.csv"]


def csv_with_title(folder: Path) -> list[Path]:
    text = io.StringIO("Signal of six patients\nask Anna before use\n\n")
    text.seek(0, io.SEEK_END)
    values().to_csv(text, index=False)
    (folder / "expression.csv").write_text(text.getvalue())
    SAMPLES.sort_values("age").to_csv(folder / "samples.csv", index=False)
    return [folder / "expression.csv", folder / "samples.csv"]


def workbook(folder: Path) -> list[Path]:
    """Two sheets; the names of the samples are spelled differently, numbers and labels as people type them."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "Data"
    sheet.append(["Signal of six patients"])
    sheet.append([])
    sheet.append(["gene", *[name.replace("_", " ") for name in NAMES]])
    for number, row in enumerate(values().itertuples(index=False)):
        cells = ["n.d." if cell != cell else cell for cell in row]
        if number == 7:
            cells[1] = str(cells[1]).replace(".", ",")
        sheet.append(cells)
    people = book.create_sheet("people")
    people.append(list(SAMPLES.columns))
    for number, row in enumerate(SAMPLES.sort_values("age").itertuples(index=False)):
        people.append([row[0], f"{row[1]} " if number == 1 else row[1].lower() if number == 2 else row[1], *row[2:]])
    book.save(folder / "data.xlsx")
    return [folder / "data.xlsx"]


def gct(folder: Path) -> list[Path]:
    table = values()
    table.insert(1, "Description", "na")
    head = f"#1.2\n{len(table)}\t{len(NAMES)}\n"
    body = table.rename(columns={"gene": "Name"}).to_csv(index=False, sep="\t")
    (folder / "expression.gct").write_text(head + body)
    SAMPLES.to_csv(folder / "samples.csv", index=False)
    return [folder / "expression.gct", folder / "samples.csv"]


def h5ad(folder: Path) -> list[Path]:
    anndata = pytest.importorskip("anndata")
    table = values().set_index("gene").T
    obs = SAMPLES.set_index("sample").loc[table.index]
    anndata.AnnData(table.to_numpy(), obs=obs, var=pd.DataFrame(index=table.columns)).write_h5ad(folder / "a.h5ad")
    return [folder / "a.h5ad"]


@pytest.mark.parametrize(
    "make", [european_csv, packed_tsv, csv_with_title, workbook, gct, h5ad], ids=lambda make: make.__name__
)
def test_every_format_gives_a_method_the_same(make: Callable[[Path], list[Path]], tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    (tmp_path / "other").mkdir()
    plain_profile, plain = staged(tmp_path / "a", *plain_csv(tmp_path / "plain"))
    profile, other = staged(tmp_path / "b", *make(tmp_path / "other"))
    assert (profile.kind, profile.roles) == (plain_profile.kind, plain_profile.roles)
    assert profile.roles == {"diagnosis": "condition", "plate": "batch"}
    pd.testing.assert_frame_equal(other.values, plain.values, check_names=False, rtol=0, atol=1e-12)
    assert other.labels().tolist() == plain.labels().tolist()
    pd.testing.assert_frame_equal(other.samples, plain.samples, check_names=False, check_dtype=False)
    for column in ("diagnosis", "plate"):
        assert other.groups(column).tolist() == plain.groups(column).tolist()
    assert profile.reference == plain_profile.reference


# --- the messy workbook


def test_the_messy_workbook_means_what_its_truth_says(tmp_path: Path) -> None:
    profile, data = staged(tmp_path, MESSY)
    truth = pd.read_csv(ARMSTRONG / "leukemia_messy_truth.csv", index_col=0)
    assert list(data.values.columns) == list(truth.columns)
    present = data.values.notna().to_numpy()
    assert int((~present).sum()) == 553
    np.testing.assert_array_equal(data.values.to_numpy()[present], truth.to_numpy()[present])
    renamed = pd.read_csv(ARMSTRONG / "leukemia_messy_truth_symbols.csv")
    shown = dict(zip(renamed["true_symbol"], renamed["shown_in_excel"], strict=True))
    assert list(data.values.index) == [shown.get(gene, gene) for gene in truth.index]
    told = next(note.text for note in profile.warnings if note.code == "dates_as_genes")
    assert all(name in told for name in ("2-Mar", "MARCH2", "MARC2", "SEPT10"))
    assert data.groups("Diagnosis").tolist() == [name.partition("_")[0] for name in truth.columns]
    assert profile.roles == {"Diagnosis": "condition", "Batch/date": "batch"}
    assert profile.original == "leukemia_messy.xlsx"
    assert len(profile.renamed) == sum(" " in name for name in profile.renamed) == 10


def test_before_anybody_accepts_nothing_is_unified_silently() -> None:
    profile, _ = profile_files([MESSY])
    condition = profile.by_role("condition")
    assert condition is not None
    assert {level.name: level.n for level in condition.levels} == {"aml": 3, "ALL": 24, "AML": 21}
    told = {note.code: note.text for note in profile.notes()}
    assert {"samples_renamed", "role_proposed", "reference_proposed", "levels_look_alike"} <= told.keys()
    assert "'AML 13' is 'AML_13'" in told["samples_renamed"]
    assert "--rename Diagnosis:aml=AML" in told["levels_look_alike"]


def test_the_design_is_judged_anew_when_somebody_says_what_a_column_means(site: Site) -> None:
    """The sample table is read again from the store, with the names of groups that were given."""

    def warned(reference: str) -> set[str]:
        return {note.code for note in site.catalog.dataset(reference).profile.warnings}

    site.add_dataset(example_folder("bladder_batch"), name="bladder", accept=True)
    assert "confounded" in warned("bladder@1")
    site.catalog.set("bladder", roles={"batch": "none"})
    site.catalog.set("bladder", roles={"batch": "batch"})
    site.catalog.set("bladder", renames={"cancer:Biopsy": "other", "cancer:Normal": "other", "cancer:Cancer": "other"})
    assert ["confounded" in warned(f"bladder@{number}") for number in (2, 3, 4)] == [False, True, False]
    site.add_dataset(DATA / "small_tables" / "lung.csv", name="lung")
    site.catalog.set("lung", roles={"sex": "condition", "inst": "batch"}, level="1")
    assert site.catalog.dataset("lung").profile.roles == {
        "time": "time", "status": "event", "sex": "condition", "inst": "batch",
    }  # fmt: skip
    site.add_dataset(ARMSTRONG / "expression.csv", name="armstrong")
    named = site.catalog.set("armstrong", accept=True)
    assert named.profile.column("group") is not None


def test_four_commands_from_the_messy_workbook_to_the_volcano_plot(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    def command(*words: str) -> tuple[str, str]:
        stdout, stderr = io.StringIO(), io.StringIO()
        code = cli.perform(words, cli.Output(stdout, stderr, json="--json" in words, live=False))
        assert code == 0, stdout.getvalue() + stderr.getvalue()
        return stdout.getvalue(), stderr.getvalue()

    _, talk = command("dataset", "add", str(MESSY), "--name", "leukemia")
    assert "codalab-nb dataset set leukemia --accept" in talk
    out, talk = command("dataset", "set", "leukemia", "--accept", "--reference", "ALL")
    assert out.strip() == "leukemia@2"
    assert "Diagnosis [condition]: AML (24), ALL (24)" in talk
    command("analyze", "leukemia", "-m", "de-continuous")
    command("results", "@last", "--to", "out")

    (volcano,) = Path("out").glob("leukemia-2-de-continuous-*/volcano.png")
    assert volcano.stat().st_size > 10_000
    genes = pd.read_csv(volcano.with_name("genes.csv"), index_col=0)
    assert genes.index[0] == "DNTT"
    assert genes["log2_fold_change"].iloc[0] < 0  # higher in ALL, which is the reference
    assert abs(int((genes["p_adjusted"] < 0.05).sum()) - 428) < 10  # 428 on the truth, where nothing is missing
    figure = ET.parse(volcano.with_suffix(".svg"))
    assert figure.getroot().tag.endswith("svg")
    offered = json.loads(command("method", "list", "--for", "leukemia", "--json")[0])
    assert {"de-continuous", "batch-check", "check-my-data"} <= {one["method"] for one in offered if one["fits"]}
