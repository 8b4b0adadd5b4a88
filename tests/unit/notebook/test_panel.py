"""The panel without a browser: its widgets are set and clicked as the page would do, on a real site."""

from __future__ import annotations

import gzip
from pathlib import Path

import ipywidgets as widgets
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codalab_nb import Site
from codalab_nb.errors import InputError, UnavailableError
from codalab_nb.frontends.choosing.words import plain, plain_name
from codalab_nb.frontends.notebook.panel import panel as show
from codalab_nb.frontends.notebook.panel_page import Panel, refused
from tests.support.home import ROOT
from tests.support.panel import MATRIX, PEOPLE, add, everything, seen

EVIL = "<img src=x onerror=alert(1)>"


def test_one_click_brings_sample_data_and_the_next_confirms_what_was_proposed(panel: Panel) -> None:
    """The biologist's first minute: data, what it is, which way is up, what can be asked."""
    assert "try with sample data" in seen(panel.widget)
    panel.data.example.click()
    panel.work.wait()
    told = seen(panel.widget)
    for words in ("3,051 genes × 38 samples", "up = higher in AML than in ALL", "please confirm", "First rows of"):
        assert words in told
    assert "ALL_21" in told  # the warning about the sample that stands apart
    panel.data.details.confirm.click()
    panel.work.wait()
    assert "✓ confirmed" in seen(panel.widget)
    profile = panel.state.documents["golub_leukemia"].profile
    assert profile.reference is not None
    assert (profile.reference.level, profile.reference.proposed) == ("ALL", False)
    assert panel.data.details.confirm.layout.display == "none"


def test_another_reference_is_saved_as_a_new_version(panel: Panel) -> None:
    panel.data.example.click()
    panel.work.wait()
    panel.data.details.level.value = "AML"
    assert "up = higher in ALL than in AML" in seen(panel.data.widget)
    assert "not saved yet" in seen(panel.data.widget)
    panel.methods.boxes["de-continuous"].value = True
    panel.data.details.confirm.click()
    panel.work.wait()
    document = panel.state.documents["golub_leukemia"]
    assert document.profile.reference is not None
    assert (document.version, document.profile.reference.level) == (2, "AML")
    form = panel.settings.forms["de-continuous", "golub_leukemia"]
    assert (form.value("reference"), form.value("treated")) == ("AML", "ALL")
    assert "Up = higher in ALL than in AML" in seen(panel.settings.widget)
    assert not panel.run.button.disabled


def test_a_click_on_analyze_submits_data_sets_times_methods_as_one_batch(panel: Panel, site: Site) -> None:
    """Values set for one data set do not leak to the other; what does not fit is left out, and said before."""
    panel.data.example.click()
    panel.work.wait()
    add(panel, "mine.csv", MATRIX)
    for method in ("check-my-data", "de-continuous"):
        panel.methods.boxes[method].value = True
    forms = panel.settings.forms
    forms["de-continuous", None].fields["alpha"].control.value = "0,01"  # for both
    forms["de-continuous", "mine"].fields["reference"].control.value = "drug"
    assert "2 data sets × 2 methods: 4 runs" in seen(panel.run.widget)
    panel.run.button.click()
    panel.work.wait()
    batch = panel.batch
    assert batch is not None
    assert {task.row.batch for task in batch} == {batch.id}
    assert [task.id for task in site.batch(batch.id)] == [task.id for task in batch]
    values = {(task.row.dataset, task.row.method): task.document.parameters for task in batch}
    assert values["golub_leukemia@1", "de-continuous"]["alpha"] == 0.01
    assert values["golub_leukemia@1", "de-continuous"]["reference"] == ""  # nobody said so: the notebook tells
    assert values["mine@1", "de-continuous"]["reference"] == "drug"
    assert values["mine@1", "de-continuous"]["treated"] == "ctrl"
    assert len(values) == 4
    assert repr(batch)[:10] in panel.run.results.children[0].children[0].value
    batch.cancel()


def test_a_tick_under_settings_confirms_the_reference_for_this_analysis(panel: Panel) -> None:
    add(panel, "mine.csv", MATRIX)
    panel.methods.boxes["de-continuous"].value = True
    field = panel.settings.forms["de-continuous", "mine"].fields["reference"]
    assert field.confirm.description == "Yes: up = higher in drug than in ctrl"
    field.confirm.value = True
    assert panel.state.drafts()[0].document.parameters["reference"] == "ctrl"


def test_what_does_not_fit_is_greyed_and_says_why_without_flags(panel: Panel) -> None:
    """A person who never saw a command line is told what to do in the panel."""
    add(panel, "people.csv", PEOPLE)
    boxes, rows = panel.methods.boxes, panel.methods.rows
    assert boxes["de-continuous"].disabled
    assert not boxes["check-my-data"].disabled
    assert "Needs an expression matrix" in rows["de-continuous"].words.value
    add(panel, "mine.csv", MATRIX)
    assert not boxes["de-continuous"].disabled
    assert "Not for people: Needs an expression matrix" in rows["de-continuous"].words.value
    for text in (seen(panel.widget), *(row.words.value for row in rows.values())):
        assert "--" not in text
        assert "codalab-nb " not in text
    boxes["de-continuous"].value = True
    assert "Left out: Differential expression (continuous values) on people." in seen(panel.run.widget)
    assert [(document.name, method.name) for document, method in panel.state.work()] == [("mine", "de-continuous")]


def test_a_bad_file_is_refused_in_place_and_nothing_is_lost(panel: Panel) -> None:
    """After the message the same file, name and sample table are still there, and the button works."""
    panel.data.add.name.value = "mine"
    add(panel, "broken.csv", "gene,a,b\ng1,1\ng2,2,3\n", samples="sample,group\na,x\nb,y\n")
    assert "line 2 has 2" in seen(panel.data.add.told)
    assert 'role="alert"' in panel.data.add.told.value
    assert panel.data.add.name.value == "mine"
    assert panel.data.add.table.chosen is not None
    assert panel.data.add.samples.chosen is not None
    assert not panel.data.add.button.disabled
    assert not panel.state.documents
    add(panel, "good.csv", "gene,a,b\ng1,1,2\ng2,2,3\n", samples="sample,group\na,x\nb,y\n")
    assert list(panel.state.documents) == ["mine"]
    assert panel.data.add.table.chosen is None


def test_a_file_that_lies_beside_the_notebook_is_offered_and_added(site: Site) -> None:
    """Files too large for an upload, and files that are there anyway."""
    Path("beside.csv.gz").write_bytes(gzip.compress(MATRIX.encode()))
    Path(".hidden.csv").write_text(MATRIX)
    panel = Panel(site, lambda _: widgets.Label())
    assert panel.data.add.table.path.options == ("beside.csv.gz",)
    panel.data.add.table.path.value = "beside.csv.gz"
    assert panel.data.add.name.value == "beside"
    panel.data.add.button.click()
    panel.work.wait()
    assert panel.state.chosen == ["beside"]
    assert "<td>g0</td>" in seen(panel.data.widget)
    panel.data.add.table.path.value = "gone.csv"
    panel.data.add.button.click()
    panel.work.wait()
    assert "There is no table gone.csv" in seen(panel.data.add.told)


def test_all_slips_are_told_at_once_below_the_button(panel: Panel) -> None:
    add(panel, "mine.csv", MATRIX)
    panel.methods.boxes["de-continuous"].value = True
    panel.settings.forms["de-continuous", "mine"].fields["alpha"].control.value = "7"
    panel.settings.advanced.timeout.value = "soon"
    assert "soon" in seen(panel.settings.advanced.told["timeout"])
    panel.run.button.click()
    told = seen(panel.run.told)
    assert "“False discovery rate”: Give a number between" in told
    assert "Time limit: &#x27;soon&#x27; is not a duration" in told
    assert panel.batch is None
    panel.settings.forms["de-continuous", "mine"].fields["alpha"].control.value = "0.1"
    panel.settings.advanced.timeout.value = "2h"
    panel.settings.advanced.memory.value = "1G"
    document = panel.state.drafts()[0].document
    assert (document.limits.timeout_s, document.limits.memory_bytes) == (7200, 1 << 30)


def test_what_is_half_typed_survives_the_choice_of_another_method(panel: Panel) -> None:
    """Nothing that a person typed is lost, right or wrong."""
    add(panel, "mine.csv", MATRIX)
    panel.methods.boxes["de-continuous"].value = True
    alpha = panel.settings.forms["de-continuous", "mine"].fields["alpha"].control
    alpha.value = "0."
    panel.methods.boxes["pca-overview"].value = True
    panel.methods.boxes["check-my-data"].value = True
    assert panel.settings.forms["de-continuous", "mine"].fields["alpha"].control is alpha
    assert alpha.value == "0."
    panel.methods.boxes["de-continuous"].value = False
    assert set(panel.settings.forms) == {("pca-overview", "mine"), ("check-my-data", "mine")}
    panel.run.button.click()  # the slip went with its method
    panel.work.wait()
    assert panel.batch is not None
    panel.batch.cancel()


def test_a_data_set_removed_elsewhere_is_told_and_a_refresh_helps(panel: Panel, site: Site) -> None:
    add(panel, "mine.csv", MATRIX)
    panel.methods.boxes["check-my-data"].value = True
    site.catalog.remove("mine")
    panel.run.button.click()
    panel.work.wait()
    assert "There is no data set mine@1." in seen(panel.run.told)
    assert "Click Refresh" in seen(panel.run.told)
    panel.data.again.click()
    assert not panel.state.chosen
    assert panel.run.button.disabled


def test_names_from_files_never_become_markup(panel: Panel) -> None:
    """A widget runs in the user's trusted session: a column called like a tag must stay text (THREATS C10)."""
    samples = f"sample,{EVIL},{EVIL}2\n" + "".join(f"s{i},{EVIL}{i % 2},b{i % 2}\n" for i in range(8))
    matrix = f"{EVIL},{','.join(f's{i}' for i in range(8))}\n" + "".join(
        f"{EVIL}{row},{','.join(str(row + i + 0.5) for i in range(8))}\n" for row in range(12)
    )
    add(panel, f"{EVIL}.csv", matrix, samples=samples)
    [name] = panel.state.documents
    panel.data.details.roles["condition"].value = EVIL
    panel.data.details.confirm.click()
    panel.work.wait()
    panel.data.search.value = EVIL
    for method, box in panel.methods.boxes.items():
        if not box.disabled:
            panel.state.choose_method(method, True)
    panel.methods.draw()
    panel.settings.draw()
    panel.run.draw()
    assert "&lt;img" in seen(panel.widget)
    for widget in everything(panel.widget):
        if isinstance(widget, widgets.HTML):
            assert "<img" not in widget.value
            assert "mathjax_ignore" in widget.value or "<style>" in widget.value
        assert not getattr(widget, "description_allow_html", False)
    assert panel.state.documents[name].profile.by_role("condition") is not None


def test_the_messy_workbook_comes_in_by_two_clicks(panel: Panel) -> None:
    """Spreadsheet as people have it: added, the misspelled groups and samples seen, confirmed as one."""
    panel.data.add.table.path.value = str(ROOT / "tests/data/leukemia_armstrong/leukemia_messy.xlsx")
    assert panel.data.add.sheet.layout.display is None
    panel.data.add.button.click()
    panel.work.wait()
    told = seen(panel.data.widget)
    for words in ("600 genes × 48 samples", "gene names look like dates", "as read from leukemia_messy.xlsx"):
        assert words in told
    assert "How the file was read" in panel.data.details.reading.button.description
    assert "&#x27;MEAN&#x27;" in panel.data.details.notes.value
    assert "'AML' and 'aml'" in panel.data.details.merge.description
    panel.data.details.confirm.click()
    panel.work.wait()
    condition = panel.state.documents["leukemia_messy"].profile.by_role("condition")
    assert condition is not None
    assert {level.name: level.n for level in condition.levels} == {"AML": 24, "ALL": 24}
    assert "✓ confirmed" in seen(panel.data.widget)


def test_data_sets_are_found_by_name_group_and_column(panel: Panel) -> None:
    add(panel, "mine.csv", MATRIX)
    add(panel, "people.csv", PEOPLE)
    panel.data.boxes["mine"].value = False
    panel.data.boxes["people"].value = False
    assert "Choose a data set" in seen(panel.methods.widget)
    for words, found in (("MIN", ["mine"]), ("drug", ["mine"]), ("arm", ["people"]), ("zzz", [])):
        panel.data.search.value = words
        assert [box.description.split(":")[0] for box in panel.data.list.children] == found, words
    assert "No data set has these words" in seen(panel.data.widget)


def test_every_control_has_a_label(panel: Panel) -> None:
    """For those who hear the page instead of seeing it."""
    panel.data.example.click()
    panel.work.wait()
    for name, box in panel.methods.boxes.items():
        if not box.disabled:
            panel.state.choose_method(name, True)
    panel.settings.draw()
    controls = [
        widget
        for widget in everything(panel.widget)
        if isinstance(widget, widgets.DOMWidget) and hasattr(widget, "description") and hasattr(widget, "disabled")
    ]
    assert len(controls) > 25
    for control in controls:
        assert control.description or control.layout.display == "none", control


def test_a_home_that_cannot_be_used_is_told_in_the_panels_place() -> None:
    error = UnavailableError(
        "home_not_writable", f"{EVIL} cannot be written.", "Set CODALAB_NB_HOME to another folder."
    )
    told = seen(refused(error))
    assert "&lt;img" in told
    assert "Set CODALAB_NB_HOME" in told
    assert "<img" not in told


def test_where_nothing_can_be_clicked_the_panel_says_what_to_do() -> None:
    """In a terminal, and where only `pip install codalab-nb` was done."""
    with pytest.raises(InputError, match="needs a notebook with ipywidgets") as refusal:
        show()
    assert "codalab-nb[lab]" in refusal.value.fix


@given(st.text(st.characters(exclude_categories=()), max_size=300))
def test_a_name_from_a_browser_is_one_harmless_part_of_a_path(name: str) -> None:
    """Whatever a page sends as the name of a file, it is written into the folder made for it and nowhere else."""
    part = plain_name(name)
    assert part
    assert part not in (".", "..")
    assert not set(part) & {"/", "\\", "\0"}
    assert len(part.encode("utf-8", "surrogatepass")) <= 200


def test_words_of_the_command_line_are_translated() -> None:
    assert plain("If they are counts, say --kind counts.").endswith(
        "choose “counts (whole numbers of reads or molecules)” under “The values are”."
    )
    told = plain("Needs to know the dose of each sample: --samples FILE, or --role COLUMN=dose.")
    assert told.startswith("Needs to know the dose of each sample: say under Data which column holds it")
    told = plain("Needs to know which column is the target or condition: --role COLUMN=target.")
    assert told == "Needs to know which column is the target or condition: say so under Data."
