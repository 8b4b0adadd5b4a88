"""What a template notebook lacks that its reader would miss: advice for its author, besides what `method` refuses.

`advice` looks at the notebook as it was written, `reported` at an executed one. Nothing here keeps it from running.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from codalab_nb.errors import Problem
from codalab_nb.model.method import Method

REPORT_TYPE = "application/vnd.codalab.report+json"  # kept equal to codalab_nb.report (a test compares them)
MOST_WORDS = 25  # of a sentence that is understood at first reading
_DOI = re.compile(r"doi:10\.\d{4,9}/\S+|https?://\S+")


def advice(notebook: Mapping[str, Any], method: Method | None, *, stem: str) -> list[Problem]:
    """Everything at once. `method` is None where the declaration itself is refused; `stem`: the file's name."""
    found = list(_of_cells(notebook))
    calls = list(_report_calls(notebook))
    found += _of_calls(calls)
    if method is not None:
        found += _of_words(method, stem)
        found += _of_results(method, calls)
        found += _of_parameters(method)
        found += _of_imports(notebook, method)
    return found


def reported(
    executed: Mapping[str, Any], method: Method, metrics: Collection[str], seconds: float | None = None
) -> list[Problem]:
    """What a run showed, held against the declaration. A worker takes the metrics out of the notebook, so their names
    are given; `seconds`: how long the run took."""
    found: list[Problem] = []
    figures: list[Mapping[str, Any]] = []
    noise: list[str] = []
    for cell in _code_cells(executed):
        for output in cell.get("outputs", []):
            told = output.get("data", {}).get(REPORT_TYPE, {})
            if "figure" in told:
                figures.append(told)
            if output.get("output_type") == "stream" and output.get("name") == "stderr":
                noise.append("".join(output.get("text", "")).strip().splitlines()[0][:80])
    names = [str(figure["figure"]) for figure in figures]
    first = method.first_figure
    if first and first not in names:
        found.append(_tip("first_figure", f"The run reported no figure {first!r} (it reported: {_listed(names)}).",
                          f"Call report.figure(fig, {first!r}, title=…, alt=…), or correct first_figure."))  # fmt: skip
    elif first and names[0] != first:
        found.append(_tip("first_figure", f"The first figure of the run is {names[0]!r}; declared is {first!r}.",
                          "Show first what answers the question."))  # fmt: skip
    for figure in figures:
        if figure.get("alt") in ("", figure["figure"], None):
            found.append(_no_alt(str(figure["figure"])))
    for metric in method.metrics:
        if metric.name not in metrics:
            found.append(_tip("metric", f"The run did not report the metric {metric.name!r}.",
                              "Report it, or say where it is declared when it is left out."))  # fmt: skip
    for name in metrics:
        if name not in {metric.name for metric in method.metrics}:
            found.append(_tip("metric", f"The run reported {name!r}, which is not declared.",
                              "Add it to metrics, with a title in words."))  # fmt: skip
    for line in noise:
        found.append(_tip("stderr", f"A cell wrote to standard error: {line}", "A reader takes that for a failure."))
    if seconds is not None and (method.usual_seconds is None or seconds > 3 * method.usual_seconds):
        usual = f"{method.usual_seconds:g} s are declared" if method.usual_seconds else "no usual time is declared"
        found.append(_tip("usual_seconds", f"It took {seconds:.1f} s; {usual}.", "Set usual_seconds."))
    return found


def _of_words(method: Method, stem: str) -> Iterator[Problem]:
    for name in ("sentence", "question"):
        text: str = getattr(method, name)
        words, end = len(text.split()), "?" if name == "question" else "."
        if words > MOST_WORDS:
            yield _tip("words", f"The {name} has {words} words; {MOST_WORDS} are read at once.", "Say less.")
        if not text.endswith(end):
            yield _tip("words", f"The {name} does not end with {end!r}.", "Write it as a person would say it.")
    if method.name != stem:
        yield _tip("name", f"The method is called {method.name!r}, its file {stem!r}.", "Give both the same name.")
    if not method.references:
        yield _tip("references", "No reference is given.", "Name the paper of the method, with doi:….")
    for reference in method.references:
        if not _DOI.search(reference):
            yield _tip("references", f"A reference has no doi: {reference[:60]}", "Add doi:10.…, or an address.")
    if method.usual_seconds is None:
        yield _tip("usual_seconds", "The usual time is not declared.", "Set usual_seconds; --run DATASET measures it.")


def _of_parameters(method: Method) -> Iterator[Problem]:
    for name, parameter in method.parameters.items():
        free = not parameter.enum and parameter.choices_from is None
        if (
            parameter.type in ("integer", "number")
            and (parameter.minimum is None or parameter.maximum is None)
            and free
        ):
            yield _tip("parameter", f"{name} has no smallest and largest value.", "Set minimum and maximum.")
        if not parameter.title.strip() or parameter.title == name:
            yield _tip("parameter", f"{name} has no title in words.", "The title stands in the form.")
        if not parameter.description.strip():
            yield _tip("parameter", f"{name} has no description.", "Say what it does, and in which unit.")


def _of_results(method: Method, calls: list[tuple[str, ast.Call]]) -> Iterator[Problem]:
    named = {kind: [_name_of(call) for what, call in calls if what == kind] for kind in ("figure", "metric", "table")}
    # A name that is made when it runs (f"pc{n}_r2") cannot be known here; the run shows it.
    open_names = {kind: None in names for kind, names in named.items()}
    if not method.first_figure:
        yield _tip("first_figure", "No first figure is declared.", "Set first_figure to the one that answers it.")
    elif method.first_figure not in named["figure"] and not open_names["figure"]:
        yield _tip("first_figure", f"No cell calls report.figure(…, {method.first_figure!r}).",
                   "Report it, or correct first_figure.")  # fmt: skip
    if not method.metrics:
        yield _tip("metric", "No metric is declared.", "A number makes runs comparable: report.metric(name, value).")
    for metric in method.metrics:
        if metric.name not in named["metric"] and not open_names["metric"]:
            yield _tip("metric", f"No cell reports the metric {metric.name!r}.", "Report it, or drop it.")
    declared = {metric.name for metric in method.metrics}
    for name in dict.fromkeys(named["metric"]):
        if name is not None and name not in declared:
            yield _tip("metric", f"The metric {name!r} is reported and not declared.", "Add it to metrics.")
    if not calls or not named["table"]:
        yield _tip("table", "No table is reported.", "report.table(frame, name) gives .csv and .xlsx to take along.")


def _of_calls(calls: list[tuple[str, ast.Call]]) -> Iterator[Problem]:
    for what, call in calls:
        given = {keyword.arg for keyword in call.keywords}
        if what == "figure" and None not in given:
            name = _name_of(call) or ast.unparse(call.args[1]) if len(call.args) > 1 else "?"
            if "title" not in given:
                yield _tip("figure", f"The figure {name!r} has no title.", "title= is the answer in words.")
            if "alt" not in given:
                yield _no_alt(name)


def _of_cells(notebook: Mapping[str, Any]) -> Iterator[Problem]:
    cells = notebook.get("cells", [])
    if any(cell.get("outputs") for cell in _code_cells(notebook)):
        yield _tip("outputs", "The notebook holds outputs of an earlier run.", "Clear all outputs, and save.")
    if not cells or cells[0].get("cell_type") != "markdown":
        yield _tip("words", "The notebook does not begin with its title and question.", "Add a Markdown cell on top.")
    whole = " ".join("".join(cell.get("source", "")) for cell in cells)
    if "Markdown(" not in whole and not re.search(r"does not mean|what it does not", whole, re.IGNORECASE):
        yield _tip("words", "Nothing says what the result means and what it does not.",
                   "End with Markdown(…): found, means, does not mean, a methods paragraph.")  # fmt: skip
    kernel = notebook.get("metadata", {}).get("kernelspec", {}).get("name")
    if kernel != "python3":
        yield _tip("kernel", f"Its kernel is {kernel!r}; others may not have it.", "Choose python3 if it is Python.")


def _of_imports(notebook: Mapping[str, Any], method: Method) -> Iterator[Problem]:
    used = set()
    for tree in _trees(notebook):
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                used |= {name.name.partition(".")[0] for name in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
                used.add(node.module.partition(".")[0])
    declared = {name.partition(".")[0] for name in method.imports}
    unsaid = sorted(used - declared - set(sys.stdlib_module_names) - {"IPython", "codalab_nb"})
    if unsaid:
        yield _tip("imports", f"{_listed(unsaid)}: imported and not declared.",
                   "Add to imports what must be installed, so that it is not offered where it cannot run.")  # fmt: skip


def _report_calls(notebook: Mapping[str, Any]) -> Iterator[tuple[str, ast.Call]]:
    """(figure | metric | table, the call) for every `report.…(…)`, in the order of the notebook."""
    for tree in _trees(notebook):
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                owner = node.func.value
                if isinstance(owner, ast.Name) and owner.id == "report":
                    yield node.func.attr, node


def _name_of(call: ast.Call) -> str | None:
    """The name under which something is reported, if it stands there as text."""
    place = 0 if isinstance(call.func, ast.Attribute) and call.func.attr == "metric" else 1
    given = call.args[place] if len(call.args) > place else None
    given = given or next((keyword.value for keyword in call.keywords if keyword.arg == "name"), None)
    return given.value if isinstance(given, ast.Constant) and isinstance(given.value, str) else None


def _trees(notebook: Mapping[str, Any]) -> Iterator[ast.Module]:
    for cell in _code_cells(notebook):
        try:
            yield ast.parse("".join(cell.get("source", "")))
        except SyntaxError:
            continue  # as a cell of IPython's own words, %matplotlib


def _code_cells(notebook: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from (cell for cell in notebook.get("cells", []) if cell.get("cell_type") == "code")


def _no_alt(name: str) -> Problem:
    return _tip("figure", f"The figure {name!r} has no description.", "alt= says what it shows to who cannot see it.")


def _listed(names: list[str]) -> str:
    return ", ".join(names) or "none"


def _tip(code: str, message: str, fix: str) -> Problem:
    return Problem(f"advice_{code}", message, fix)
