"""What the flags of `run` and `analyze` ask for. Slips are collected, to be told together with what the site finds."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from codalab_nb.errors import InputError, Problems
from codalab_nb.model.parameters import read_parameter_file
from codalab_nb.settings import parse_duration, parse_size
from codalab_nb.site.parameter_values import Spelled
from codalab_nb.site.requests import Options


def options(args: argparse.Namespace, problems: Problems) -> Options:
    return Options(
        timeout_s=_measured("timeout", args.timeout, parse_duration, problems),
        memory_bytes=_measured("memory", args.memory, parse_size, problems),
        network=args.network,
        environment=_environment(args.pass_env, problems),
        pool=args.pool,
    )


def _measured(name: str, text: str | None, read: Callable[[object], Any], problems: Problems) -> Any:
    if text is None:
        return None
    try:
        return read(text)
    except ValueError as error:
        problems.add(name, f"--{name}: {error}.", "")
        return None


def _environment(names: Iterable[str], problems: Problems) -> Mapping[str, str]:
    passed = {}
    for name in names:
        if name in os.environ:
            passed[name] = os.environ[name]
        else:
            fix = (
                f"Set it first: export {name}=…"
                if name.isidentifier()
                else "Give the name alone; its value is taken from here."
            )
            problems.add("env_unset", f"--pass-env {name}: this variable is not set here.", fix)
    return passed


def pairs(flag: str, texts: Iterable[str], problems: Problems, *, what: str = "NAME=VALUE") -> dict[str, str]:
    """`K=V` texts as a dictionary; a text without `=`, or a key given twice, is a problem."""
    found: dict[str, str] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        key = key.strip()
        if not equals or not key:
            problems.add("usage", f"{flag} {text!r} is not {what}.", f"Write {flag} {what}.")
        elif key in found:
            problems.add("param_twice", f"{flag} {key} is given twice.", "Give it once.")
        else:
            found[key] = value
    return found


def parameters(args: argparse.Namespace, problems: Problems) -> dict[str, Any]:
    """-f, then -p and -r over it. Values of -p are `Spelled`: they take the type that the notebook declares."""
    spelled = pairs("-p", args.parameters, problems)
    texts = pairs("-r", args.texts, problems, what="NAME=TEXT")
    for key in spelled.keys() & texts.keys():
        problems.add("param_twice", f"{key} is given with -p and with -r.", "Give it once.")
    return {**_from_file(args.file, problems), **{key: Spelled(value) for key, value in spelled.items()}, **texts}


def _from_file(name: str | None, problems: Problems) -> Mapping[str, Any]:
    if name is None:
        return {}
    try:
        return read_parameter_file(name, Path(name).read_bytes())
    except InputError as error:
        problems.take(error)
    except OSError as error:
        problems.add("missing_file", f"-f {name} cannot be read: {error.strerror}.", "Check the path.")
    return {}


def method_parameters(args: argparse.Namespace, problems: Problems) -> dict[str, Spelled]:
    found = pairs("-p", args.parameters, problems, what="[METHOD.]NAME=VALUE")
    return {key: Spelled(value) for key, value in found.items()}


def sweep(args: argparse.Namespace, problems: Problems) -> dict[str, list[Spelled]]:
    found = pairs("--sweep", args.sweep, problems, what="[METHOD.]NAME=V1,V2")
    return {
        key: [Spelled(value.strip()) for value in values.split(",") if value.strip()] for key, values in found.items()
    }


def age(flag: str, text: str | None, problems: Problems) -> float | None:
    """Seconds of an age as `7d`."""
    if text is None:
        return None
    try:
        return parse_duration(text)
    except ValueError as error:
        problems.add("usage", f"{flag}: {error}.", f"{flag} 7d")
        return None
