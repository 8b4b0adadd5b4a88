"""Tab completion of `%codalab` and `%%codalab`: commands, flags, and the names that may stand behind them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, get_args

from IPython.core.completer import CompletionContext, SimpleCompletion, context_matcher

from codalab_nb.errors import CodalabError
from codalab_nb.frontends.cli import build_parser
from codalab_nb.frontends.cli.grammar import Command
from codalab_nb.frontends.notebook import cell, session
from codalab_nb.model.choices import parameter_schema
from codalab_nb.model.dataset import KIND_WORDS, Role
from codalab_nb.model.declared import declared_parameters
from codalab_nb.model.notebook import read_notebook
from codalab_nb.model.task import State
from codalab_nb.systematic.rules import RuleBook

_LINE = re.compile(r"(?:[^#'\"]*?=\s*)?\s*(%{1,2})codalab\s(.*)", re.DOTALL)
_TASKS = 30


@context_matcher()  # type: ignore[untyped-decorator]
def complete(context: CompletionContext) -> dict[str, Any]:
    """An IPython matcher. What cannot be looked up is not offered; completion never fails and never says why."""
    line = context.full_text.split("\n")[context.cursor_line][: context.cursor_position]
    found = _LINE.fullmatch(line)
    if found is None or (found[1] == "%%" and context.cursor_line > 0):
        return {"completions": []}
    words, fragment = _words(found[2])
    try:
        offered = offers(words, fragment) if found[1] == "%" else cell_offers(words, fragment, _variables())
    except (CodalabError, OSError, ValueError, RuntimeError):  # RuntimeError: `~nobody/`
        offered = []
    chosen = [SimpleCompletion(text=_quoted(one)) for one in dict.fromkeys(offered) if one.startswith(fragment)]
    return {"completions": chosen, "matched_fragment": fragment, "suppress": True, "ordered": True}


def _quoted(word: str) -> str:
    """As it must be typed: a file name may hold blanks."""
    return word if re.fullmatch(r"[\w@%+=:,./~-]+", word) else shlex.quote(word)


def _words(text: str) -> tuple[list[str], str]:
    """The whole words before the cursor, and the one that is being typed."""
    done, space, fragment = text.rpartition(" ")
    try:
        return shlex.split(done), fragment
    except ValueError:  # inside quotation marks
        return (done + space).split(), fragment


def _variables() -> list[str]:
    shell = session.shell()
    hidden = getattr(shell, "user_ns_hidden", {})
    return [name for name in shell.user_ns if not name.startswith("_") and name not in hidden]


def cell_offers(words: Sequence[str], fragment: str, names: Iterable[str]) -> list[str]:
    command = cell.command()
    if words and words[-1] in ("-i", "-o"):
        return sorted(names)
    if words and words[-1] == "-k":
        return _kernels()
    return _flags(command, words) if fragment.startswith("-") or not fragment else []


def offers(words: Sequence[str], fragment: str) -> list[str]:
    """What may stand in place of `fragment` after `words`. Raises CodalabError for what is no command."""
    grammar = build_parser()
    if not words:
        return [*grammar.words(), "panel"]
    if grammar.is_group(words) and not fragment.startswith("-"):
        return grammar.words(*words)
    command, rest = grammar.find(words)
    last = rest[-1] if rest else ""
    action = command.flags.get(last)
    if action is not None and action.nargs != 0:
        return _values(command, last, rest, fragment)
    if fragment.startswith("-"):
        return _flags(command, rest)
    return [*_positional(command, fragment), *(() if fragment else _flags(command, rest))]


def _flags(command: Command, words: Sequence[str]) -> list[str]:
    """Those that were not given yet, or may be given again; the long name where there are two."""
    again = [name for name, action in command.flags.items() if isinstance(action.default, list)]
    return [name for name in command.flags if name not in words or name in again]


# --- what stands behind a flag


def _values(command: Command, flag: str, words: Sequence[str], fragment: str) -> list[str]:
    match flag:
        case "-m" | "--method":
            return sorted(session.site().catalog.templates())
        case "--for" | "--dataset" | "--why":
            return _datasets()
        case "-p" | "-r" | "--sweep":
            return _parameters(command, words, fragment)
        case "-k":
            return _kernels()
        case "--state":
            return [str(state) for state in State]
        case "--kind":
            return list(KIND_WORDS)
        case "--format":
            return ["notebook", "html", "xlsx", "csv", "all"]
        case "--role":
            column, equals, _ = fragment.partition("=")
            return [f"{column}={role}" for role in get_args(Role)] if equals else []
        case "-i":
            name, equals, path = fragment.partition("=")
            return [f"{name}={one}" for one in (*_paths(path), *_datasets())] if equals else []
        case "-f":
            return _paths(fragment, ".json")
        case "-o":
            return _paths(fragment, ".ipynb")
        case "--samples" | "--to":
            return _paths(fragment)
    return []


def _parameters(command: Command, words: Sequence[str], fragment: str) -> list[str]:
    """`name=` of the chosen notebook or methods; after the `=` the choices where there are any."""
    name, equals, _ = fragment.partition("=")
    if command.path == ("run",):
        notebook = next((Path(word).expanduser() for word in words if word.endswith(".ipynb")), None)
        if notebook is None:
            return []
        declared = declared_parameters(read_notebook(notebook.read_bytes(), name=notebook.name).notebook)
        return [f"{parameter.name}=" for parameter in declared]
    site = session.site()
    chosen = [words[i + 1] for i, word in enumerate(words[:-1]) if word == "-m"]
    datasets = _named_datasets(command, words)
    found: list[str] = []
    for method in (site.catalog.template(one).method for one in chosen):
        properties = (
            parameter_schema(method, site.catalog.dataset(datasets[0]).profile)["properties"]
            if datasets
            else {name: parameter.as_schema() for name, parameter in method.parameters.items()}
        )
        for parameter, schema in properties.items():
            for spelled in (parameter, f"{method.name}.{parameter}") if len(chosen) > 1 else (parameter,):
                if not equals:
                    found.append(f"{spelled}=")
                elif spelled == name:
                    found += [f"{spelled}={choice}" for choice in schema.get("enum", ())]
    return found


def _named_datasets(command: Command, words: Sequence[str]) -> list[str]:
    """The data sets among the words: those that are neither a flag nor stand behind one."""
    found = []
    for i, word in enumerate(words):
        before = command.flags.get(words[i - 1]) if i else None
        if not word.startswith("-") and (before is None or before.nargs == 0):
            found.append(word)
    known = set(_datasets())
    return [word for word in found if word.partition("@")[0] in known]


# --- what stands alone


def _positional(command: Command, fragment: str) -> list[str]:
    match command.path:
        case ("run",) | ("method", "check"):
            return _paths(fragment, ".ipynb")
        case ("analyze",) | ("dataset", "show" | "set" | "rm") | ("recommend",):
            return _datasets()
        case ("dataset", "add"):
            return _paths(fragment)
        case ("method", "show"):
            return sorted(session.site().catalog.templates())
        case ("systematic", "rule", "add"):
            return _paths(fragment, ".toml")
        case ("systematic", "rule", "show" | "rm"):
            return RuleBook(session.site().places.rules).names()
        case ("status" | "logs" | "results" | "cancel" | "retry" | "rm",):
            return _tasks(command.path[0])
    return []


def _datasets() -> list[str]:
    return sorted({document.name for document in session.site().catalog.datasets()})


def _tasks(word: str) -> list[str]:
    """Endings of the newest ids that the command can do something with."""
    rows = session.site().ledger.find(limit=_TASKS, service=False, background=False)
    wanted: Callable[[bool], bool] = (lambda is_open: is_open) if word == "cancel" else (lambda _: True)
    batches = [row.batch[-8:] for row in rows if row.batch is not None] if word != "logs" else []
    return ["@last", *(row.id[-8:] for row in rows if wanted(row.is_open)), *batches]


def _kernels() -> list[str]:
    from jupyter_client.kernelspec import KernelSpecManager

    return sorted(KernelSpecManager().find_kernel_specs())


def _paths(fragment: str, ending: str = "") -> list[str]:
    """Files with this ending, and folders, that `fragment` starts; hidden ones only when asked for."""
    folder, slash, start = fragment.rpartition("/")
    root = Path(f"{folder}{slash}" or ".").expanduser()
    if not root.is_dir():
        return []
    found = []
    for entry in sorted(root.iterdir()):
        if not entry.name.startswith(start or "") or (entry.name.startswith(".") and not start):
            continue
        if entry.is_dir():
            found.append(f"{folder}{slash}{entry.name}/")
        elif entry.name.endswith(ending):
            found.append(f"{folder}{slash}{entry.name}")
    return found
