"""Methods, the form of their settings, and what is submitted with them."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from codalab_nb.frontends.server.wire.common import Problem
from codalab_nb.model.base import Document


class Fit(Document):
    """Whether a method fits one data set, and the sentence that says why or why not."""

    dataset: str
    fits: bool
    reason: str


class Near(Document):
    """A data set that speaks for a recommendation, and how the configuration did there."""

    dataset: str
    score: float
    place: int = Field(description="among the `of` configurations that ran there, from 1")
    of: int


class Recommendation(Document):
    """A method, with parameters, recommended for a data set, and why. `score` is what to expect, `low` to `high` the
    middle 80 % of what it was elsewhere; null where nothing is known."""

    dataset: str
    method: str
    title: str
    parameters: dict[str, Any] = Field(description="values that differ from the method's defaults")
    words: str = Field(description="the parameters as `model = forest`; empty with the defaults alone")
    question: str = Field(description="the kind of question it answers")
    measure: str = Field(description="what the score is, in words")
    why: str
    badge: bool = Field(description="the best of its kind of question, of which others were compared")
    score: float | None = None
    low: float | None = None
    high: float | None = None
    seconds: float | None = Field(None, description="how long it usually takes")
    runs: int = Field(0, description="data sets on which it ran")
    near: tuple[Near, ...] = ()


class MethodSummary(Document):
    """One method as offered for the chosen data sets."""

    method: str
    title: str
    sentence: str
    question: str
    fits: tuple[Fit, ...]
    fits_any: bool
    missing: tuple[str, ...] = Field((), description="Python packages that are not installed")
    install: str = Field("", description="the command that installs them")
    usual_seconds: float | None = None
    has_figure: bool
    recommended: tuple[Recommendation, ...] = Field(
        (),
        description="with a badge, at most one for each chosen data set; as far as that is known at once:"
        " /recommendations/known works it out",
    )


class MethodList(Document):
    methods: tuple[MethodSummary, ...]


class Metric(Document):
    name: str
    title: str
    better: str


class Method(MethodSummary):
    """A method in full, for who asks what it does."""

    needs: tuple[str, ...] = Field(description="in words, one sentence each")
    metrics: tuple[Metric, ...]
    references: tuple[str, ...]
    path: str = Field(description="the template notebook on this machine")


class FormRequest(Document):
    """The choices so far. Values are per method, or (`shared`) for each chosen method that has the parameter."""

    datasets: tuple[str, ...]
    methods: tuple[str, ...]
    shared: dict[str, Any] = Field(default_factory=dict)
    own: dict[str, dict[str, Any]] = Field(default_factory=dict, description="method → name → value")


class ReferenceQuestion(Document):
    """`up = higher in TREATED than in CONTROL`; to be confirmed when it is only proposed."""

    parameter: str
    sentence: str
    proposed: bool
    dataset: str


class MethodForm(Document):
    """The settings of one method for the chosen data sets that it fits."""

    method: str
    title: str
    datasets: tuple[str, ...] = Field(description="the chosen data sets that it fits")
    schema_: dict[str, Any] = Field(
        alias="schema", description="JSON Schema (object): types, ranges, choices, help, defaults from the data set"
    )
    ui_schema: dict[str, Any] = Field(default_factory=dict, description="hints for the form (rjsf)")
    values: dict[str, Any] = Field(description="the values in force: chosen, else the defaults")
    references: tuple[ReferenceQuestion, ...] = ()
    problems: tuple[Problem, ...] = Field((), description="what is wrong with the values now; `at` is the parameter")
    expected_seconds: float | None = Field(None, description="from earlier runs, else the method's own word")


class Form(Document):
    """The settings of everything chosen. Asked for again whenever a value changes."""

    methods: tuple[MethodForm, ...]
    shared: dict[str, Any] = Field(description="JSON Schema of parameters that several chosen methods have alike")
    tasks: int = Field(description="how many tasks Analyze would make")
    expected_seconds: float | None = Field(None, description="until the last of them has ended, where that is known")
    ready: bool
    problems: tuple[Problem, ...] = ()


class Limits(Document):
    """What is under `advanced`. Empty means the site's default."""

    timeout: str | None = Field(None, description="as `90s`, `15m`, `2h`")
    memory: str | None = Field(None, description="as `500M`, `2G`")
    network: bool = False
    pool: str | None = None


class Analyze(Document):
    """Data sets × methods (× swept values), as one batch: all of it is accepted, or nothing."""

    datasets: tuple[str, ...]
    methods: tuple[str, ...]
    shared: dict[str, Any] = Field(default_factory=dict)
    own: dict[str, dict[str, Any]] = Field(default_factory=dict)
    sweep: dict[str, tuple[Any, ...]] = Field(default_factory=dict)
    limits: Limits = Limits()
    skip_unfit: bool = Field(True, description="leave out pairs that do not fit, instead of refusing")


class Submitted(Document):
    """What was accepted."""

    batch: str | None = None
    tasks: tuple[str, ...]
    warnings: tuple[Problem, ...] = ()


class InspectNotebook(Document):
    """A notebook as it is in the editor, saved or not."""

    path: str = Field(description="relative to the server's root")
    content: dict[str, Any] | None = Field(None, description="nbformat JSON; null: as it is on disk")
    parameters: dict[str, Any] = Field(default_factory=dict)
    inputs: dict[str, str] = Field(default_factory=dict, description="parameter → path, data set or TASK[:FILE]")
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = Field((), description="found files that are not to travel")
    kernel: str | None = None


class PackedFile(Document):
    """A file that would travel with the notebook."""

    path: str
    size: int
    why: str
    packed: bool


class NotebookDraft(Document):
    """What would be submitted: shown before anything is."""

    path: str
    kernel: str
    language: str
    schema_: dict[str, Any] = Field(alias="schema", description="JSON Schema of the `parameters` cell")
    values: dict[str, Any]
    files: tuple[PackedFile, ...]
    total_size: int
    warnings: tuple[Problem, ...]
    problems: tuple[Problem, ...] = Field(description="while there is one, it cannot be submitted")


class RunNotebook(InspectNotebook):
    limits: Limits = Limits()
    task: str | None = Field(None, description="an id of one's own makes the call repeatable")
