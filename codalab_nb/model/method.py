"""Methods: template notebooks that declare in `metadata.codalab` what they ask, need, take and report."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from codalab_nb.errors import InputError, Problems
from codalab_nb.model.base import Document, Json, JsonObject
from codalab_nb.model.dataset import KIND_WORDS, Kind, Profile, Role, counted
from codalab_nb.model.proposals import event_level, may_have
from codalab_nb.model.score import Metric, Score, in_words, score_faults

_NAMED = 4  # so many columns are named as candidates
DATASET_PARAMETER = "dataset"  # receives the path of the staged data set; never a setting of the user
FOR_COUNTS = "de-counts"  # the built-in template that compares counts
CHOICES = re.compile(r"(columns|numbers)(:[a-z]+(,[a-z]+)*)?|values|levels|levels\([a-z_]+\)")


class Parameter(Document):
    """One setting, in the subset of JSON Schema which forms and checks understand."""

    type: Literal["string", "integer", "number", "boolean"]
    title: str
    description: str
    default: bool | int | float | str | None = None
    enum: tuple[bool | int | float | str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    # columns (with groups) | numbers (columns of numbers) | either with :ROLE or :ROLE,ROLE, whose column comes first
    # | values (what was measured: columns of numbers, or any gene of a matrix) | levels | levels(PARAMETER)
    choices_from: str | None = Field(None, alias="x-choices-from")
    default_from: Literal["role", "reference", "other"] | None = Field(None, alias="x-default-from")
    differs_from: str | None = Field(None, alias="x-differs-from")  # another parameter which must have another value
    optional: bool = Field(False, alias="x-optional")  # "" is allowed and means: none

    @model_validator(mode="after")
    def _makes_sense(self) -> Parameter:
        if self.choices_from and not CHOICES.fullmatch(self.choices_from):
            raise ValueError(
                f"x-choices-from {self.choices_from!r} is none of columns, columns:ROLE, numbers, numbers:ROLE, "
                "values, levels, levels(NAME)"
            )
        if self.choices_from and self.type != "string":
            raise ValueError("x-choices-from needs type string")
        if self.default is not None and not has_type(self.default, self.type):
            raise ValueError(f"the default {self.default!r} is not of type {self.type}")
        return self

    def as_schema(self) -> JsonObject:
        return self.model_dump(by_alias=True, exclude_defaults=True, mode="json") | {"type": self.type}


class Needs(Document):
    """What a data set must have before the method is offered. Group rules count the samples of the condition, or of
    the first of `any_role` that there is."""

    table: Literal["matrix", "table", "any"] = "any"
    kinds: tuple[Kind, ...] = ()  # empty: any
    roles: tuple[Role, ...] = ()
    any_role: tuple[Role, ...] = ()  # one of these is enough
    min_samples: Annotated[int, Field(ge=0)] = 0
    min_features: Annotated[int, Field(ge=0)] = 0
    min_groups: Annotated[int, Field(ge=0)] = 0  # groups which have `min_per_group` samples
    min_per_group: Annotated[int, Field(ge=0)] = 0
    min_different: dict[Role, Annotated[int, Field(ge=2)]] = Field(default_factory=dict)  # values of such a column
    gene_symbols: bool = False  # the genes must be named as in gene sets, unless such sets are in the data set
    min_events: Annotated[int, Field(ge=0)] = 0  # samples with the event, where its spelling is known


class Method(Document):
    """A template notebook's declaration."""

    format: Literal[1] = 1
    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,63}$")]
    title: Annotated[str, Field(min_length=1, max_length=80)]
    sentence: Annotated[str, Field(min_length=1, max_length=200)]  # what it does, in one plain sentence
    question: Annotated[str, Field(min_length=1, max_length=200)]  # what a biologist would ask
    needs: Needs = Needs()
    parameters: dict[str, Parameter] = Field(default_factory=dict)
    first_figure: Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_.-]{0,63}$")] | None = None
    metrics: tuple[Metric, ...] = ()
    # A slug, as `differences`: scores are compared among methods with the same, so they must mean the same there.
    answers: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,39}$")] | None = None
    score: Score | None = None
    references: tuple[str, ...] = ()
    usual_seconds: Annotated[float, Field(gt=0)] | None = None
    imports: tuple[str, ...] = ()  # modules that must be importable where it runs

    @model_validator(mode="after")
    def _fits_together(self) -> Method:
        wrong = []
        for name, parameter in self.parameters.items():
            if not re.fullmatch(r"[a-z][a-z0-9_]{0,63}", name) or name == DATASET_PARAMETER:
                wrong.append(f"{name!r} cannot be the name of a parameter")
            levels_of = re.fullmatch(r"levels\((.*)\)", parameter.choices_from or "")
            for other in (levels_of[1] if levels_of else None, parameter.differs_from):
                if other is not None and other not in self.parameters:
                    wrong.append(f"{name} refers to the parameter {other!r}, which does not exist")
        wrong += score_faults(self.score, self.metrics) if self.score else []
        if self.score and not self.answers:
            wrong.append('a score needs "answers": the kind of question whose methods it is compared with')
        if wrong:
            raise ValueError("; ".join(wrong))
        return self

    @property
    def measure(self) -> str:
        """What the score is, for people: `balanced accuracy`; "" without one."""
        return in_words(self.score, self.metrics) if self.score else ""

    def score_of(self, metrics: Mapping[str, float]) -> float | None:
        """The score of a run that reported `metrics`, higher is better; None where it did not report what counts, or
        where the score is not in the metrics at all (`score.is_label_free`)."""
        if self.score is None or self.score.metric is None or self.score.metric not in metrics:
            return None
        lower = any(one.name == self.score.metric and one.better == "lower" for one in self.metrics)
        return -metrics[self.score.metric] if lower else metrics[self.score.metric]


def method_from_notebook(notebook: Mapping[str, Any], *, path: str = "the notebook") -> Method:
    """The declaration of a notebook given as parsed nbformat-4 JSON. Raises InputError with every problem at once.

    Also checks that the cell tagged `parameters` sets `dataset` and every declared parameter, nothing else, and
    to the declared defaults, so that the form, the check and the notebook opened by hand never disagree.
    """
    problems = Problems()
    declared = notebook.get("metadata", {}).get("codalab")
    if not isinstance(declared, dict):
        raise InputError(
            "method_undeclared",
            f"{path} declares no method: metadata.codalab is missing.",
            "Run it with `codalab-nb run`, or declare it.",
        )
    method = None
    try:
        method = Method.model_validate_json(_to_json(declared), strict=True)
    except ValidationError as error:
        for one in error.errors(include_url=False):
            where = ".".join(map(str, one["loc"])) or "metadata.codalab"
            problems.add(
                "method_field",
                f"{path}: {where}: {one['msg'].removeprefix('Value error, ')}.",
                "Correct metadata.codalab.",
            )
    try:
        assigned = parameters_cell(notebook)
    except InputError as error:
        problems.take(error)
    else:
        names = method.parameters if method else declared.get("parameters", {})
        _compare_cell(problems, path, assigned, names if isinstance(names, dict) else {})
    problems.raise_if_any()
    assert method is not None
    return method


def parameters_cell(notebook: Mapping[str, Any]) -> dict[str, Json]:
    """Name → literal value of every assignment in the cell tagged `parameters`. Raises InputError."""
    cells = [
        cell
        for cell in notebook.get("cells", [])
        if cell.get("cell_type") == "code" and "parameters" in cell.get("metadata", {}).get("tags", [])
    ]
    if len(cells) != 1:
        raise InputError(
            "method_cell",
            f"{len(cells)} cells are tagged `parameters`; a method has one.",
            "Tag exactly one code cell.",
        )
    source = cells[0].get("source", "")
    values: dict[str, Json] = {}
    try:
        for statement in ast.parse("".join(source)).body:
            if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name) and statement.value:
                values[statement.target.id] = ast.literal_eval(statement.value)
            elif (
                isinstance(statement, ast.Assign)
                and len(statement.targets) == 1
                and isinstance(statement.targets[0], ast.Name)
            ):
                values[statement.targets[0].id] = ast.literal_eval(statement.value)
            else:
                raise ValueError(f"line {statement.lineno} is not a plain `name = value`")
    except (SyntaxError, ValueError) as error:
        fix = "Keep only lines like `alpha: float = 0.05  # help` in it."
        raise InputError("method_cell", f"The cell tagged `parameters` cannot be read: {error}.", fix) from error
    return values


def has_type(value: object, type_: str) -> bool:
    """JSON Schema's idea of types, except that True is no number; numbers are finite."""
    if isinstance(value, bool):
        return type_ == "boolean"
    if isinstance(value, int):
        return type_ in ("integer", "number")
    if isinstance(value, float):
        finite = value - value == 0
        return finite and (type_ == "number" or (type_ == "integer" and value.is_integer()))
    return isinstance(value, str) and type_ == "string"


def fits(method: Method, profile: Profile) -> tuple[bool, str]:
    """Whether the method can run on such data, and one sentence that says why, or why not and what to do."""
    needs = method.needs
    if needs.table == "matrix" and not profile.is_matrix:
        what = "a general table" if profile.orientation == "table" else "no table"
        return False, f"Needs an expression matrix (genes and samples); this data set is {what}."
    if needs.table == "table" and profile.orientation == "files":
        return False, "Needs a table; none of the files was read as one."
    if needs.table == "any" and profile.orientation == "files" and needs.min_samples:
        return False, "Needs a table; none of the files was read as one."
    if needs.kinds and profile.kind not in needs.kinds:
        wanted = " or ".join(KIND_WORDS[kind] for kind in needs.kinds)
        return False, f"Needs {wanted}; these values are {KIND_WORDS[profile.kind]}.{_way_out(profile)}"
    if profile.n_samples < needs.min_samples:
        return False, _too_few(profile.n_samples, needs.min_samples, "sample")
    if profile.n_features < needs.min_features:
        return False, _too_few(profile.n_features, needs.min_features, "measured feature")
    if needs.gene_symbols and profile.gene_names not in ("", "symbols") and not profile.gene_sets:
        return False, (
            f"Needs gene symbols, as TP53; here the genes are named by {profile.gene_names}. Add a column `symbol` to "
            "the table, or a .gmt file with gene sets of such names to the data set."
        )
    absent = [role for role in needs.roles if profile.by_role(role) is None]
    if absent:
        return False, _who_is(absent, " and ".join(absent), profile)
    if needs.any_role and all(profile.by_role(role) is None for role in needs.any_role):
        return False, _who_is(needs.any_role[:1], " or ".join(needs.any_role), profile)
    told = _too_few_different(needs, profile) or _too_few_events(needs, profile)
    return (False, told) if told else _groups_fit(needs, profile)


def _who_is(roles: Sequence[Role], words: str, profile: Profile) -> str:
    """What is not known about the samples, how to say it, and in which columns it may stand."""
    flags = " ".join(f"--role COLUMN={role}" for role in roles)
    if profile.orientation == "table":
        told = f"Needs to know which column is the {words}: {flags}."
    else:
        told = f"Needs to know the {words} of each sample: --samples FILE, or {flags}."
    may_be = [column.name for column in profile.columns if column.role is None and may_have(column, roles[0])]
    if not may_be:
        return told
    listed = ", ".join(map(repr, may_be[:_NAMED])) + (", …" if len(may_be) > _NAMED else "")
    return f"{told} For the {roles[0]}: {listed}?"


def _too_few_different(needs: Needs, profile: Profile) -> str:
    for role, least in needs.min_different.items():
        column = profile.by_role(role)
        if column is None:
            continue
        # Without levels nearly every value is another one.
        found = len(column.levels) or profile.n_samples - column.missing
        if found < least:
            return f"Needs at least {least} different values of the {role}; {column.name!r} has {found}."
    return ""


def _too_few_events(needs: Needs, profile: Profile) -> str:
    column = profile.by_role("event")
    if not needs.min_events or column is None:
        return ""
    if len(column.levels) > 2 or not column.levels:
        return f"Needs an event that happened or did not; {column.name!r} has other values than two."
    happened = event_level([level.name for level in column.levels], column.name)
    found = sum(level.n for level in column.levels if level.name == happened)
    if happened is None or found >= needs.min_events:
        return ""
    return f"Needs at least {counted(needs.min_events, 'event')}; {column.name!r} has {found} ({happened})."


def _way_out(profile: Profile) -> str:
    """What to do about values of the wrong kind. Counts must not be called something else to get a method to run."""
    if profile.kind != "counts":
        return " If that was read wrong, set it with --kind." if profile.is_matrix else ""
    told = f" Counts need a method for counts, as {FOR_COUNTS}; this one would judge them wrongly."
    if profile.kind_source == "values":
        told += " Only if they are array intensities saved as whole numbers, say --kind linear."
    return told


def _too_few(found: int, needed: int, noun: str) -> str:
    return f"Needs at least {counted(needed, noun)}; there {'is' if found == 1 else 'are'} {found:,}."


def _groups_fit(needs: Needs, profile: Profile) -> tuple[bool, str]:
    condition = next(filter(None, map(profile.by_role, needs.any_role or ("condition",))), None)
    if not needs.min_groups or condition is None:
        return True, "Fits."
    large = [level for level in condition.levels if level.n >= needs.min_per_group]
    sizes = ", ".join(f"{level.name} {level.n}" for level in condition.levels[:8]) or "none"
    if len(large) < needs.min_groups:
        return False, (
            f"Needs at least {counted(needs.min_groups, 'group')} of {needs.min_per_group} or more samples; "
            f"{condition.name!r} has: {sizes}."
        )
    return True, f"Fits: {condition.name!r} has {sizes}."


def _compare_cell(problems: Problems, path: str, assigned: Mapping[str, Json], declared: Mapping[str, Any]) -> None:
    missing = [name for name in (DATASET_PARAMETER, *declared) if name not in assigned]
    extra = [name for name in assigned if name != DATASET_PARAMETER and name not in declared]
    if missing:
        problems.add(
            "method_cell", f"{path}: the `parameters` cell does not set {', '.join(missing)}.", "Add a line for each."
        )
    if extra:
        problems.add(
            "method_cell",
            f"{path}: the `parameters` cell sets {', '.join(extra)}, undeclared.",
            "Declare or drop them.",
        )
    for name, parameter in declared.items():
        if isinstance(parameter, Parameter) and name in assigned:
            default = "" if parameter.default is None and parameter.type == "string" else parameter.default
            if assigned[name] != default or isinstance(assigned[name], bool) != isinstance(default, bool):
                problems.add(
                    "method_cell",
                    f"{path}: the `parameters` cell sets {name} to {assigned[name]!r}; declared is {default!r}.",
                    "Make them equal.",
                )


def _to_json(declared: Mapping[str, Any]) -> str:
    try:
        return json.dumps(declared, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InputError("method_field", f"metadata.codalab is not plain JSON: {error}.", "Correct it.") from error
