"""`codalab-nb config show`: every setting, its value, and where that comes from."""

from __future__ import annotations

import argparse
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path

from codalab_nb import settings
from codalab_nb.frontends.cli.output import Output
from codalab_nb.frontends.cli.text import duration, size


def show(_args: argparse.Namespace, out: Output) -> int:
    config = settings.load()
    path = settings.config_file(config.home)
    stored = tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    found = [
        {
            "setting": name,
            "value": value,
            "from": _source(name, stored),
            "help": settings.Settings.model_fields[name].description or "",
        }
        for name, value in config.model_dump().items()
    ]
    if out.json:
        out.object(found)
        return 0
    out.table(
        ("setting", "value", "from", "what it is"),
        [[f["setting"], _spelled(f["setting"], f["value"]), f["from"], f["help"]] for f in found],
    )
    out.say(f"To change one: write it into {path} (as `slots = 2`), or set the variable {settings.PREFIX}SLOTS.", "dim")
    return 0


def _source(name: str, stored: Mapping[str, object]) -> str:
    if os.environ.get(settings.PREFIX + name.upper()):
        return "environment"
    return "file" if name in stored and name != "home" else "default"


def _spelled(name: str, value: object) -> str:
    if isinstance(value, float):
        return duration(value)
    if name in ("memory", "files") and isinstance(value, int):
        return size(value)
    return str(value) if not isinstance(value, Path) else os.fspath(value)
