"""`codalab-nb config show`: every setting, its value, and where that comes from."""

from __future__ import annotations

import argparse
import os
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from codalab_nb import settings
from codalab_nb.errors import InputError
from codalab_nb.frontends.cli.output import Output
from codalab_nb.frontends.cli.text import duration, size


def show(_args: argparse.Namespace, out: Output) -> int:
    try:
        config = settings.load()
    except InputError:
        # This is where one looks up what the settings are called, so the list is shown before what is wrong.
        if not out.json:
            out.say("The settings in force cannot be read; these are the defaults.", "yellow")
            _list(_described(settings.Settings(), {}, {}), settings.default_home(), out)
        raise
    path = settings.config_file(config.home)
    stored = tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    found = _described(config, stored, os.environ)
    if out.json:
        out.object(found)
    else:
        _list(found, config.home, out)
    return 0


def _described(
    config: settings.Settings, stored: Mapping[str, object], environ: Mapping[str, str]
) -> list[dict[str, Any]]:
    fields = settings.Settings.model_fields
    return [
        {
            "setting": name,
            "value": value,
            "from": _source(name, stored, environ),
            "help": fields[name].description or "",
        }
        for name, value in config.model_dump().items()
    ]


def _list(found: Sequence[Mapping[str, Any]], home: Path, out: Output) -> None:
    rows = [[one["setting"], _spelled(one["setting"], one["value"]), one["from"], one["help"]] for one in found]
    out.table(("setting", "value", "from", "what it is"), rows)
    path = settings.config_file(home)
    out.prose(
        f"To change one: write it into {path} (as `slots = 2`), or set the variable {settings.PREFIX}SLOTS.", "dim"
    )


def _source(name: str, stored: Mapping[str, object], environ: Mapping[str, str]) -> str:
    if environ.get(settings.PREFIX + name.upper()):
        return "environment"
    return "file" if name in stored and name != "home" else "default"


def _spelled(name: str, value: object) -> str:
    if isinstance(value, float):
        return duration(value)
    if name in ("memory", "files") and isinstance(value, int):
        return size(value)
    return str(value) if not isinstance(value, Path) else os.fspath(value)
