"""One rule: which methods, with which values, on which data sets, within which budget."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    Strict,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from codalab_nb.errors import InputError, Problem, Problems
from codalab_nb.model.base import Document
from codalab_nb.model.choices import check_value
from codalab_nb.model.dataset import NAME, DatasetDocument, Kind, Role
from codalab_nb.model.design import meant
from codalab_nb.model.method import Method, Parameter
from codalab_nb.systematic import rule_text
from codalab_nb.systematic.configuration import Configuration, configure

MOST_CONFIGURATIONS = 200  # of one rule: a slip in a list of values shall not ask for a million runs
_GLOB = re.compile(r"[A-Za-z0-9._*?\[\]!-]{1,80}")
_PARAMETER = re.compile(r"[a-z][a-z0-9_]{0,63}")
Value = bool | int | float | str


def _name(name: str) -> str:
    if not NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name (letters, digits, '.', '_', '-'; at most 64; no '-' or '.' first)")
    return name


def _glob(pattern: str) -> str:
    if "@" in pattern:
        raise ValueError(f"{pattern!r} names a version; write the name alone, the newest version is analysed")
    if not _GLOB.fullmatch(pattern) or pattern.count("[") != pattern.count("]"):
        raise ValueError(f"{pattern!r} fits no name: write letters, digits, '.', '_', '-', and * for anything")
    return pattern


def _values(given: object) -> tuple[Value, ...]:
    """One value or a list of several."""
    values = given if isinstance(given, list | tuple) else [given]
    if not values:
        raise ValueError("an empty list gives no value; leave the line out for the default")
    for value in values:
        if not isinstance(value, Value) or (isinstance(value, float) and not math.isfinite(value)):
            raise ValueError(f"{str(value)[:60]} is no text, number, true or false (a date is written in quotes)")
    # 1, 1.0 and true are three values to whom reads the file.
    if len({(type(value), value) for value in values}) < len(values):
        raise ValueError("a value is listed twice")
    return tuple(values)


def _distinct(values: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(values)) < len(values):
        raise ValueError("something is listed twice")
    return values


_List = (Strict(False), Field(min_length=1), AfterValidator(_distinct))  # a list of TOML, not empty
Glob = Annotated[str, AfterValidator(_glob)]
Size = Annotated[int, Field(ge=0)]


class _Part(Document):
    model_config = ConfigDict(strict=True)


class DatasetFilter(_Part):
    """Which data sets: all conditions that are given must hold."""

    names: Annotated[tuple[Glob, ...], *_List] = ()
    kinds: Annotated[tuple[Kind, ...], *_List] = ()
    table: Literal["matrix", "table"] | None = None
    roles: Annotated[tuple[Role, ...], *_List] = ()  # a column with such a role is known
    min_samples: Size | None = None
    max_samples: Size | None = None
    min_features: Size | None = None
    max_features: Size | None = None

    @field_validator("max_samples", "max_features")
    @classmethod
    def _least_before_most(cls, most: int | None, info: ValidationInfo) -> int | None:
        least = info.data.get(str(info.field_name).replace("max", "min"))
        if least is not None and most is not None and least > most:
            raise ValueError(f"at most {most:,} and at least {least:,} fits nothing")
        return most

    def selects(self, document: DatasetDocument) -> bool:
        profile = document.profile
        tables = {"matrix": profile.is_matrix, "table": profile.orientation == "table", None: True}
        return (
            (not self.names or any(fnmatchcase(document.name, pattern) for pattern in self.names))
            and (not self.kinds or profile.kind in self.kinds)
            and tables[self.table]
            and all(profile.by_role(role) is not None for role in self.roles)
            and (self.min_samples or 0) <= profile.n_samples <= _or_any(self.max_samples)
            and (self.min_features or 0) <= profile.n_features <= _or_any(self.max_features)
        )


def _or_any(most: int | None) -> float:
    return math.inf if most is None else most


class RuleMethod(_Part):
    """A method, or a glob for several; each value of a list is tried, with each value of the other lists."""

    method: Glob
    parameters: dict[str, Annotated[tuple[Value, ...], Strict(False), BeforeValidator(_values)]] = Field(
        default_factory=dict
    )

    @model_validator(mode="after")
    def _names_are_names(self) -> RuleMethod:
        for name in self.parameters:
            if not _PARAMETER.fullmatch(name):
                raise ValueError(f"{name[:60]!r} cannot be the name of a parameter")
        return self

    @property
    def combinations(self) -> int:
        return math.prod(len(values) for values in self.parameters.values())

    def matching(self, methods: Mapping[str, Method]) -> list[Method]:
        """Those that are meant: of a glob with parameters, the methods that have all of these."""
        named = [method for name, method in methods.items() if fnmatchcase(name, self.method)]
        if self.method in methods:
            return named
        return [method for method in named if self.parameters.keys() <= method.parameters.keys()]


class Budget(_Part):
    """Of the last 24 hours. None: no limit."""

    cpu_hours: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    tasks: Annotated[int, Field(gt=0)] | None = None

    @property
    def cpu_seconds(self) -> float | None:
        return None if self.cpu_hours is None else self.cpu_hours * 3600.0


class Rule(_Part):
    """One rule. `priority`: of two rules that ask for work the higher one comes first."""

    name: Annotated[str, AfterValidator(_name)]
    description: Annotated[str, Field(max_length=500)] = ""
    priority: Annotated[int, Field(ge=-1_000, le=1_000)] = 0
    datasets: DatasetFilter = DatasetFilter()
    methods: Annotated[tuple[RuleMethod, ...], Strict(False), Field(min_length=1)] = ()  # none: all, with defaults
    budget: Budget = Budget()

    @model_validator(mode="after")
    def _not_too_many(self) -> Rule:
        if sum(one.combinations for one in self.methods) > MOST_CONFIGURATIONS:
            asked = sum(one.combinations for one in self.methods)
            words = f"{asked:,}" if asked < 10**9 else "more than a billion"
            raise ValueError(_TOO_MANY.format(words))
        return self

    def selects(self, document: DatasetDocument) -> bool:
        """Whether the rule is about this data set."""
        return self.datasets.selects(document)

    def problems(self, methods: Mapping[str, Method]) -> list[Problem]:
        """What of it cannot be done with the methods there are; the rest can. Empty when all can."""
        problems = Problems()
        for one in self.methods:
            _check(self.name, one, methods, problems)
        if not problems.found and (asked := len(list(self._all(methods)))) > MOST_CONFIGURATIONS:
            problems.add(
                "rule_too_many",
                f"Rule {self.name}: {_TOO_MANY.format(f'{asked:,}')}.",
                "Give fewer values, or name fewer methods.",
            )
        return problems.found

    def configurations(self, methods: Mapping[str, Method]) -> list[Configuration]:
        """What it asks for on each of its data sets, in its own order, without what `problems` tells of."""
        return list(itertools.islice(self._all(methods), MOST_CONFIGURATIONS))

    def _all(self, methods: Mapping[str, Method]) -> Iterator[Configuration]:
        seen: set[str] = set()
        for one in self.methods or (RuleMethod(method="*"),):
            for method in one.matching(methods):
                declared = method.parameters
                if not one.parameters.keys() <= declared.keys():
                    continue
                allowed = [
                    [_typed(declared[name], value) for value in values if not _faults(declared[name], name, value)]
                    for name, values in one.parameters.items()
                ]
                for values in itertools.product(*allowed):
                    found = configure(method, dict(zip(one.parameters, values, strict=True)))
                    if found.key not in seen:
                        seen.add(found.key)
                        yield found


_TOO_MANY = f"it asks for {{}} combinations of values; at most {MOST_CONFIGURATIONS} are allowed"


def _check(rule: str, one: RuleMethod, methods: Mapping[str, Method], problems: Problems) -> None:
    if not any(fnmatchcase(name, one.method) for name in methods):
        near = meant(one.method, list(methods))
        problems.add(
            "method_unknown",
            f"Rule {rule}: there is no method {one.method!r}.{near}",
            "`codalab-nb method list` lists them.",
            at=one.method,
        )
        return
    matching = one.matching(methods)
    if not matching:
        given = ", ".join(one.parameters)
        problems.add(
            "param_unknown",
            f"Rule {rule}: no method that {one.method!r} stands for has all of these parameters: {given}.",
            "`codalab-nb method show METHOD` lists the parameters of one.",
            at=one.method,
        )
    for method in matching:
        for name, values in one.parameters.items():
            parameter = method.parameters.get(name)
            if parameter is None:
                known = list(method.parameters)
                problems.add(
                    "param_unknown",
                    f"Rule {rule}: {method.name} has no parameter {name!r}.{meant(name, known)}",
                    f"Parameters: {', '.join(known) or 'none'}.",
                    at=name,
                )
                continue
            for value in values:
                for fault in _faults(parameter, name, value):
                    told = f"Rule {rule}: {method.name}: {fault.message}"
                    problems.add(fault.code, told, fault.fix, at=name)


def _faults(parameter: Parameter, name: str, value: Value) -> list[Problem]:
    """Of a value as far as it can be told without a data set."""
    problems = Problems()
    check_value(problems, name, value, parameter.as_schema())
    return problems.found


def _typed(parameter: Parameter, value: Value) -> Value:
    """The same number in the declared type, so that 5 and 5.0 do not run twice."""
    if isinstance(value, bool | str):
        return value
    return int(value) if parameter.type == "integer" else float(value)


_TABLES = {
    (): tuple(Rule.model_fields),
    ("datasets",): tuple(DatasetFilter.model_fields),
    ("methods",): tuple(RuleMethod.model_fields),
    ("budget",): tuple(Budget.model_fields),
}


def parse_rule(text: str) -> Rule:
    """Raises InputError with every problem, each with its line: rule_syntax, rule_key, rule_missing, rule_value."""
    data = rule_text.read_toml(text)
    try:
        return Rule.model_validate(data)
    except ValidationError as error:
        first, *others = rule_text.problems(text, error, _TABLES)
        raise InputError(first.code, first.message, first.fix, at=first.at, others=others) from error
