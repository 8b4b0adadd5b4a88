"""The form of a method's settings, driven as a person does, on schemas of real methods and real data."""

from __future__ import annotations

import ipywidgets as widgets
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codalab_nb.errors import InputError
from codalab_nb.frontends.choosing.typed import NotYet, read
from codalab_nb.frontends.notebook.form import Form
from codalab_nb.model.base import Json, JsonObject
from codalab_nb.model.choices import check_parameters, parameter_schema
from codalab_nb.model.dataset import Column, Level, Profile, Reference
from codalab_nb.model.method import Method
from codalab_nb.site.catalog import builtin_methods, read_template

DE = read_template(builtin_methods() / "de-continuous.ipynb").method


def column(name: str, *levels: str) -> Column:
    return Column(name=name, type="groups", levels=tuple(Level(name=level, n=5) for level in levels))


def profile(*columns: Column, reference: str = "wt") -> Profile:
    first = columns[0].model_copy(update={"role": "condition"})
    return Profile(
        orientation="genes_in_rows",
        kind="log",
        n_samples=15,
        n_features=100,
        columns=(first, *columns[1:]),
        reference=Reference(column=first.name, level=reference, why="for the test"),
    )


TWO = profile(column("genotype", "wt", "ko"), column("drug", "none", "dmso", "dex"))


def form(data: Profile = TWO, method: Method = DE, chosen: dict[str, Json] | None = None) -> Form:
    return Form(list(method.parameters), lambda given: parameter_schema(method, data, given), chosen or {})


def options(one: Form, name: str) -> list[Json]:
    return [value for _, value in one.fields[name].control.options]


def shown(widget: widgets.HTML) -> str:
    return "" if widget.layout.display == "none" else str(widget.value)


@pytest.mark.parametrize(
    ("typed", "value"), [("0.01", 0.01), ("0,01", 0.01), (" 1e-3 ", 0.001), (".5", 0.5), ("0.050", 0.05)]
)
def test_numbers_are_read_as_people_type_them(typed: str, value: float) -> None:
    """Half of Europe types a comma."""
    assert read({"type": "number", "minimum": 1e-6, "maximum": 0.5}, typed) == value


@pytest.mark.parametrize("typed", ["", "abc", "7", "-1", "nan", "inf", "0,0,1", "1e", "0x1", "１"])
def test_what_is_out_of_range_is_answered_with_the_range(typed: str) -> None:
    with pytest.raises(NotYet, match=r"^Give a number between 0\.000001 and 0\.5\.$"):
        read({"type": "number", "minimum": 1e-6, "maximum": 0.5}, typed)


def test_a_comma_that_may_mean_thousands_is_asked_about() -> None:
    """1,000 is one thousand or one: nobody may guess."""
    with pytest.raises(NotYet, match=r"^Write 1000, or 1\.000 if the comma is a decimal mark\.$"):
        read({"type": "number"}, "1,000")


def test_a_slip_is_told_beside_its_field_and_nothing_is_lost() -> None:
    """The text stays as typed, other settings keep their values, and the slip is no value."""
    one = form()
    one.fields["floor"].control.value = "30"
    one.fields["alpha"].control.value = "5"
    assert "between 0.000001 and 0.5" in shown(one.fields["alpha"].fault)
    one.fields["condition"].control.value = "drug"  # draws everything anew
    assert one.fields["alpha"].control.value == "5"
    assert one.given == {"floor": 30.0, "condition": "drug"}
    assert set(one.faults) == {"alpha", "treated"}  # three groups: which one is of interest must be said
    one.fields["alpha"].control.value = "0,05"
    assert one.given["alpha"] == 0.05
    assert not shown(one.fields["alpha"].fault)


def test_groups_follow_the_column_and_a_choice_that_is_gone_is_dropped() -> None:
    one = form()
    assert options(one, "reference") == ["wt", "ko"]
    one.fields["reference"].control.value = "ko"
    assert one.value("treated") == "wt"  # the only other one
    one.fields["condition"].control.value = "drug"
    assert options(one, "reference") == ["none", "dmso", "dex"]
    assert "reference" not in one.given
    one.fields["condition"].control.value = "genotype"
    assert (one.value("reference"), one.value("treated")) == ("wt", "ko")


def test_the_same_group_twice_is_told_at_once() -> None:
    one = form()
    one.fields["treated"].control.value = "wt"
    one.fields["reference"].control.value = "wt"
    assert one.faults["treated"] == "Choose another than in “Compared with”."
    with pytest.raises(InputError):
        check_parameters(DE, TWO, one.given)


def test_what_nobody_but_a_person_can_know_must_be_chosen() -> None:
    """Three groups: no group of interest is guessed."""
    one = form(profile(column("drug", "wt", "a", "b")))
    assert one.fields["treated"].control.label == "— choose —"
    assert one.faults == {"treated": "Choose one."}
    one.fields["treated"].control.value = "b"
    assert not one.faults
    assert check_parameters(DE, profile(column("drug", "wt", "a", "b")), one.given)["treated"] == "b"


def test_a_tick_makes_a_proposal_the_persons_own_word() -> None:
    """Untouched, the notebook is told that nobody confirmed the reference; ticked, it is told the level."""
    said: dict[str, Json] = {}
    one = Form(
        list(DE.parameters),
        lambda given: parameter_schema(DE, TWO, given),
        said,
        remark=lambda _, name: ("Is this right?", "Yes") if name == "reference" else ("", ""),
    )
    assert check_parameters(DE, TWO, said)["reference"] == ""
    one.fields["reference"].confirm.value = True
    assert check_parameters(DE, TWO, said)["reference"] == "wt"
    one.fields["reference"].confirm.value = False
    assert said == {}
    one.fields["reference"].control.value = "ko"
    assert one.fields["reference"].confirm.value is True


def test_very_many_choices_are_searched_by_typing() -> None:
    """A menu of 500 columns cannot be used; a name that is not among them is refused in words."""
    data = profile(column("genotype", "wt", "ko"), *(column(f"c{i}", "x", "y") for i in range(500)))
    one = form(data)
    control = one.fields["adjust_for"].control
    assert isinstance(control, widgets.Combobox)
    control.value = "c4"
    assert one.given["adjust_for"] == "c4"
    control.value = "c4x"
    assert "adjust_for" not in one.given
    assert "Choose one of the list" in one.faults["adjust_for"]


def test_names_are_shown_as_text() -> None:
    """A group called like a tag must not become one, wherever its name is shown."""
    evil = "<img src=x onerror=alert(1)>"
    one = form(profile(column(evil, "wt", evil)))
    assert options(one, "treated") == ["wt", evil]
    for field in one.fields.values():
        for widget in (field.help, field.fault, field.note):
            assert "<img" not in widget.value
        assert not getattr(field.control, "description_allow_html", False)


SCHEMAS: list[tuple[str, JsonObject]] = [
    (name, parameter_schema(DE, TWO)["properties"][name]) for name in ("alpha", "floor")
]


@given(st.sampled_from(SCHEMAS), st.text(alphabet="0123456789.,eE+- naif", max_size=9))
@settings(max_examples=300, deadline=None)
def test_what_the_form_takes_is_never_refused_later(named: tuple[str, JsonObject], typed: str) -> None:
    """The sentence beside the field and the check at submit agree, whatever is typed."""
    name, schema = named
    try:
        value = read(schema, typed)
    except NotYet:
        return
    assert check_parameters(DE, TWO, {name: value})[name] == value
