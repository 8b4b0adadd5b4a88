"""Rules: what they select and ask for, what is told about slips in them, and how they are kept."""

from __future__ import annotations

import datetime as dt
import json
import re
from pathlib import Path

import pytest

from codalab_nb.errors import InputError, UnavailableError
from codalab_nb.model.dataset import Column, DatasetDocument, Kind, Level, Profile
from codalab_nb.model.method import Method, method_from_notebook
from codalab_nb.site.catalog import builtin_methods
from codalab_nb.systematic.rule import MOST_CONFIGURATIONS
from codalab_nb.systematic.rule_text import line_numbers
from codalab_nb.systematic.rules import EVERYDAY, Budget, DatasetFilter, Rule, RuleBook, RuleMethod, parse_rule

ROOT = Path(__file__).resolve().parents[2]

FULL = """\
name = "expression-at-night"
description = "Classifiers on small expression data"
priority = 3                # of two rules the higher one first

[datasets]                  # all given conditions must hold
names = ["golub*", "lab-[12]"]
kinds = ["counts", "log"]
table = "matrix"
roles = ["condition"]
min_samples = 10
max_samples = 500
min_features = 100
max_features = 60000

[[methods]]
method = "predict-class"
[methods.parameters]        # a list stands for several values
model = ["svm", "forest"]
permutations = 0

[[methods]]
method = "de-*"

[budget]
cpu_hours = 8
tasks = 200
"""


@pytest.fixture(scope="module")
def methods() -> dict[str, Method]:
    found = [method_from_notebook(json.loads(path.read_text())) for path in sorted(builtin_methods().glob("*.ipynb"))]
    return {method.name: method for method in found}


def document(name: str = "golub", samples: int = 72, kind: Kind = "log", role: bool = True) -> DatasetDocument:
    levels = (Level(name="ALL", n=samples - 5), Level(name="AML", n=5))
    column = Column(name="class", type="groups", role="condition" if role else None, levels=levels)
    orientation = "table" if kind == "none" else "genes_in_rows"
    profile = Profile(orientation=orientation, kind=kind, n_samples=samples, n_features=3051, columns=(column,))
    return DatasetDocument(name=name, version=1, files=(), profile=profile, created_at=dt.datetime.now(dt.UTC))


def told(text: str) -> dict[str | None, str]:
    """Place → everything that is told about it."""
    with pytest.raises(InputError) as refused:
        parse_rule(text)
    found: dict[str | None, str] = {}
    for problem in refused.value.problems:
        found[problem.at] = f"{found.get(problem.at, '')}{problem.code}: {problem} "
    return found


# --- what a rule means


def test_every_given_condition_must_hold() -> None:
    rule = parse_rule(FULL)
    assert rule.selects(document())
    assert rule.selects(document("lab-2"))
    assert not rule.selects(document("lab-3"))
    assert not rule.selects(document("my-golub"))
    assert not rule.selects(document(kind="linear"))
    assert not rule.selects(document(kind="none"))
    assert not rule.selects(document(role=False))
    assert not rule.selects(document(samples=9))
    assert not rule.selects(document(samples=501))
    assert parse_rule('name = "all"').selects(document("x", kind="none", role=False))
    assert parse_rule('name = "tables"\n[datasets]\ntable = "table"').selects(document(kind="none"))


def test_every_combination_is_a_configuration_and_defaults_are_left_out(methods: dict[str, Method]) -> None:
    keys = [one.key for one in parse_rule(FULL).configurations(methods)]
    assert keys == [
        "predict-class permutations=0",  # svm is the default
        'predict-class model="forest" permutations=0',
        "de-continuous",
        "de-counts",
    ]
    assert parse_rule(FULL).problems(methods) == []


def test_without_methods_a_rule_asks_for_all_with_their_defaults(methods: dict[str, Method]) -> None:
    rule = parse_rule(EVERYDAY)
    assert [one.key for one in rule.configurations(methods)] == list(methods)
    assert rule.selects(document())
    assert rule.problems(methods) == []
    assert rule.budget.cpu_seconds == 4 * 3600
    assert rule.budget.tasks == 200


def test_the_same_asked_for_twice_is_asked_for_once(methods: dict[str, Method]) -> None:
    """5 and 5.0 are one whole number, a default is no value, and a glob may name what was named before."""
    text = """name = "twice"
[[methods]]
method = "predict-class"
parameters = {folds = [4, 4.0, 5]}
[[methods]]
method = "predict-*"
"""
    default = methods["predict-class"].parameters["folds"].default
    assert default == 5
    assert [one.key for one in parse_rule(text).configurations(methods)] == ["predict-class folds=4", "predict-class"]


def test_a_glob_with_parameters_means_the_methods_that_have_them(methods: dict[str, Method]) -> None:
    rule = parse_rule('name = "x"\n[[methods]]\nmethod = "*"\nparameters = {compare_models = false}')
    assert [one.method for one in rule.configurations(methods)] == ["predict-class"]
    assert rule.problems(methods) == []


def test_what_the_methods_do_not_know_is_told_and_left_out(methods: dict[str, Method]) -> None:
    text = """name = "slips"
[[methods]]
method = "predict-clas"
[[methods]]
method = "predict-class"
[methods.parameters]
model = ["svm", "forst"]
folds = "five"
repeats = -3
[[methods]]
method = "predict-class"
parameters = {modle = "svm"}
[[methods]]
method = "de-*"
parameters = {nothing_has_this = 1}
"""
    rule = parse_rule(text)
    problems = rule.problems(methods)
    assert [(one.code, one.at) for one in problems] == [
        ("method_unknown", "predict-clas"),
        ("param_choice", "model"),
        ("param_type", "folds"),
        ("param_range", "repeats"),
        ("param_unknown", "modle"),
        ("param_unknown", "de-*"),
    ]
    assert "Did you mean 'predict-class'?" in problems[0].message
    assert "Did you mean 'forest'?" in problems[1].message
    assert "Did you mean 'model'?" in problems[4].message
    assert all("slips" in one.message and one.fix for one in problems)
    assert rule.configurations(methods) == []


def test_too_many_configurations_are_told_before_anybody_makes_them(methods: dict[str, Method]) -> None:
    lists = "\n".join(f"p{i} = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]" for i in range(6))
    many = told(f'name = "x"\n[[methods]]\nmethod = "a"\n[methods.parameters]\n{lists}')
    assert "1,000,000 combinations" in many[None]
    assert str(MOST_CONFIGURATIONS) in many[None]
    seeds = ", ".join(map(str, range(150)))
    with_seed = [name for name, method in methods.items() if "seed" in method.parameters]
    assert len(with_seed) > 1
    rule = parse_rule(f'name = "x"\n[[methods]]\nmethod = "*"\nparameters = {{seed = [{seeds}]}}')
    assert [one.code for one in rule.problems(methods)] == ["rule_too_many"]
    assert len(rule.configurations(methods)) == MOST_CONFIGURATIONS


# --- slips


def test_every_problem_is_told_at_once_with_its_line_and_what_to_do() -> None:
    found = told("""nam = "x"
priority = "high"
[datasets]
kind = ["counts"]
kinds = ["count"]
names = []
roles = "condition"
table = "martix"
min_samples = 10
max_samples = 5
min_features = -1
cpu_hours = 3
description = "below a table"
[[methods]]
metod = "a"
[[methods]]
method = "predict clas"
[methods.parameters]
model = []
when = 2020-01-01
x = nan
y = [1, 1]
[budget]
cpu_hours = -3
tasks = 1.5
""")
    expected = {
        "name": 'rule_missing: Name is missing. Give the rule a name: name = "my-rule"',
        "nam": "rule_key: Line 1: there is no 'nam' in a rule. Did you mean 'name'?",
        "priority": "rule_value: Line 2: priority must be a whole number; found 'high'. Write priority = 0",
        "datasets.kind": "rule_key: Line 4: there is no 'kind' in [datasets]. Did you mean 'kinds'?",
        "datasets.kinds.1": "rule_value: Line 5: datasets.kinds.1 cannot be 'count'. Did you mean 'counts'?",
        "datasets.names": "rule_value: Line 6: datasets.names is empty, which fits nothing.",
        "datasets.roles": "rule_value: Line 7: datasets.roles must be a list in brackets; found 'condition'. Write",
        "datasets.table": "rule_value: Line 8: datasets.table cannot be 'martix'. Did you mean 'matrix'?",
        "datasets.max_samples": "rule_value: Line 10: datasets.max_samples: at most 5 and at least 10 fits nothing.",
        "datasets.min_features": "rule_value: Line 11: datasets.min_features must be at least 0; found -1.",
        "datasets.cpu_hours": "rule_key: Line 12: 'cpu_hours' stands in [datasets]. That is written below [budget].",
        "datasets.description": "rule_key: Line 13: 'description' stands in [datasets]. That is written above",
        "methods.1.method": "rule_missing: Line 14: methods.1.method is missing. Name a method",
        "methods.1.metod": "rule_key: Line 15: there is no 'metod' in [[methods]]. Did you mean 'method'?",
        "methods.2.method": "rule_value: Line 17: methods.2.method: 'predict clas' fits no name",
        "methods.2.parameters.model": "rule_value: Line 19: methods.2.parameters.model: an empty list gives no value",
        "methods.2.parameters.when": "rule_value: Line 20: methods.2.parameters.when: 2020-01-01 is no text, number",
        "methods.2.parameters.x": "rule_value: Line 21: methods.2.parameters.x: nan is no text, number",
        "methods.2.parameters.y": "rule_value: Line 22: methods.2.parameters.y: a value is listed twice.",
        "budget.cpu_hours": "rule_value: Line 24: budget.cpu_hours must be more than 0; found -3. Leave the line out",
        "budget.tasks": "rule_value: Line 25: budget.tasks must be a whole number; found 1.5. Write tasks = 200",
    }
    assert found.keys() == expected.keys()
    assert all(found[place].startswith(words) for place, words in expected.items())


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ('name = "x"\nkinds [counts]', "rule_syntax", "Line 2 is not valid TOML"),
        ('name = "x', "rule_syntax", "Line 1 is not valid TOML"),
        ('name = "x"\nname = "y"\n', "rule_syntax", "Line 2 is not valid TOML"),
        ("", "rule_missing", "Name is missing"),
        ('name = "../../etc/cron"', "rule_value", "is no name"),
        ('name = ".hidden"', "rule_value", "is no name"),
        ('name = "a"\n[datasets]\nnames = ["golub@2"]', "rule_value", "names a version"),
        ('name = "a"\n[datasets]\nnames = ["a[1"]', "rule_value", "fits no name"),
        ('name = "a"\n[datasets]\nnames = ["a", "a"]', "rule_value", "listed twice"),
        ('name = "a"\n[methods]\nmethod = "b"', "rule_value", "list in brackets"),
        ('name = "a"\n[budget]\ncpu_hours = true', "rule_value", "must be a number; found True"),
        ('name = "a"\n[budget]\ncpu_hours = inf', "rule_value", "budget.cpu_hours"),
        ('name = "a"\npriority = 1001', "rule_value", "at most 1000"),
        ('name = "a"\n# \u202edetsil', "rule_character", "U+202E"),
        ("name = " + "9" * 5000, "rule_syntax", "not valid TOML"),
        ("name = " + "[" * 20_000, "rule_syntax", "nested too deep"),
        ("#" * (1 << 17), "rule_size", "larger than"),
        ('name = "a"\nkind = "log"', "rule_key", "Did you mean 'kinds'? That is written below [datasets]."),
        ('name = "a"\nwhatever = 1', "rule_key", "It may hold: name, description"),
    ],
)
def test_what_is_no_rule_is_refused_in_words(text: str, code: str, words: str) -> None:
    with pytest.raises(InputError) as refused:
        parse_rule(text)
    assert (refused.value.code, words in str(refused.value)) == (code, True), str(refused.value)
    assert len(str(refused.value)) < 500


def test_lines_are_not_taken_from_texts_that_look_like_them() -> None:
    text = 'description = """\nname = "no"\n[budget]\n"""\nname = "yes"\n[[methods]]\nmethod = "a"\n[[methods]]\n'
    numbers = line_numbers(text + '[methods.parameters]\n"model" = 1\n')
    assert numbers == {
        ("description",): 1,
        ("name",): 5,
        ("methods", 0): 6,
        ("methods", 0, "method"): 7,
        ("methods", 1): 8,
        ("methods", 1, "parameters"): 9,
        ("methods", 1, "parameters", "model"): 10,
    }


# --- keeping


@pytest.mark.parametrize("text", [FULL, EVERYDAY, FULL.replace("\n", "\r\n"), f"\ufeff{FULL}", FULL.rstrip("\n")])
def test_a_rule_is_kept_as_it_was_given(tmp_path: Path, text: str) -> None:
    book = RuleBook(tmp_path / "systematic" / "rules")
    rule = book.add(text)
    kept = book.text(rule.name)
    assert kept == text
    book.remove(rule.name)
    assert book.all() == []
    assert book.add(kept) == rule == book.get(rule.name)
    assert [path.name for path in book.folder.iterdir()] == [f"{rule.name}.toml"]  # nothing half-made stays


def test_another_rule_of_a_name_takes_its_place_only_when_asked(tmp_path: Path) -> None:
    book = RuleBook(tmp_path)
    book.add('name = "a"')
    book.add('name = "a"')  # the very same again
    other = 'name = "a"\npriority = 2'
    with pytest.raises(InputError) as refused:
        book.add(other)
    assert refused.value.code == "rule_exists"
    assert book.text("a") == 'name = "a"'
    assert book.add(other, replace=True).priority == 2
    with pytest.raises(InputError) as twin:
        book.add('name = "A"')
    assert twin.value.code == "rule_exists"


def test_rules_come_by_priority_and_a_damaged_one_does_not_take_the_others_down(tmp_path: Path) -> None:
    book = RuleBook(tmp_path)
    assert book.all() == []
    assert RuleBook(tmp_path / "none").all() == []
    for name, priority in (("b", 0), ("a", 0), ("c", 5)):
        book.add(f'name = "{name}"\npriority = {priority}')
    (tmp_path / "broken.toml").write_text("name = ")
    (tmp_path / "latin.toml").write_bytes(b'name = "latin"\n# \xe4')
    (tmp_path / "copy.toml").write_text('name = "a"')
    (tmp_path / "no rule.toml").write_text("")
    (tmp_path / "notes.txt").write_text("")
    assert [rule.name for rule in book.all()] == ["c", "a", "b"]
    assert {name: error.code for name, error in book.damaged().items()} == {
        "broken": "rule_syntax",
        "latin": "rule_encoding",
        "copy": "rule_name",
    }
    assert "line 2" in book.damaged()["latin"].message
    book.remove("broken")  # what is damaged can be removed
    assert "broken" not in book.names()


def test_an_unknown_name_is_told_with_the_nearest_and_never_leads_elsewhere(tmp_path: Path) -> None:
    book = RuleBook(tmp_path / "rules")
    book.add('name = "nightly"')
    (tmp_path / "outside.toml").write_text('name = "outside"')
    for name in ("../outside", "nightyl", ""):
        for use in (book.get, book.text, book.remove):
            with pytest.raises(InputError) as refused:
                use(name)
            assert refused.value.code == "rule_unknown"
    with pytest.raises(InputError, match="Did you mean 'nightly'"):
        book.get("nightyl")
    assert (tmp_path / "outside.toml").exists()


def test_a_file_where_the_folder_should_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "rules").write_text("")
    book = RuleBook(tmp_path / "rules")
    assert book.all() == []
    with pytest.raises(UnavailableError, match="cannot be written"):
        book.add('name = "a"')


# --- the docs


def test_the_example_of_the_docs_is_a_rule_and_comes_back_as_it_is(tmp_path: Path, methods: dict[str, Method]) -> None:
    page = (ROOT / "docs" / "do" / "systematic.md").read_text()
    (example,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    book = RuleBook(tmp_path)
    rule = book.add(example)
    assert book.text(rule.name) == example
    assert rule.problems(methods) == []
    assert len(rule.configurations(methods)) == 2 * 2 + 2  # models × numbers of genes, and the two tests
    assert rule.selects(document())


def test_every_key_of_a_rule_is_documented() -> None:
    page = (ROOT / "docs" / "look-up" / "files.md").read_text().partition("## Rules")[2]
    documented = set(re.findall(r"`(?:\[+(?:methods\.)?)?(\w+)\]*`", page))
    for part in (Rule, DatasetFilter, RuleMethod, Budget):
        assert set(part.model_fields) <= documented, part
