"""Settings, read once at start and passed on. Environment beats `codalab.toml` beats the defaults below."""

from __future__ import annotations

import math
import os
import re
import tomllib
from pathlib import Path
from typing import Annotated, Literal

import platformdirs
from pydantic import AfterValidator, BeforeValidator, Field, ValidationError

from codalab_nb.errors import InputError, Problem
from codalab_nb.model.base import Document

PREFIX = "CODALAB_NB_"
_NOT_SETTINGS = {"CODALAB_NB_FAILPOINT", "CODALAB_NB_FAILPOINT_LOG", "CODALAB_NB_TEST_ALL"}

_UNITS_S = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_UNITS_B = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
_LARGEST_SIZE = 1 << 60


def parse_duration(text: object) -> float:
    """Seconds from a number or from `90s`, `15m`, `2h`, `7d`, `1h30m`. Raises ValueError."""
    seconds = _seconds(text)
    if not math.isfinite(seconds):
        raise ValueError(f"{str(text)[:50]!r} is longer than any computer counts")
    return seconds


def _seconds(text: object) -> float:
    if isinstance(text, int | float) and not isinstance(text, bool):
        return float(text)
    spelled = str(text).strip().lower()
    if re.fullmatch(r"\d+(\.\d+)?", spelled):
        return float(spelled)
    if not re.fullmatch(r"(\d+(\.\d+)?[smhd])+", spelled):
        raise ValueError(f"{text!r} is not a duration; write for example 90s, 15m, 2h or 1h30m")
    return sum(float(number) * _UNITS_S[unit] for number, _, unit in re.findall(r"(\d+(\.\d+)?)([smhd])", spelled))


def parse_size(text: object) -> int:
    """Bytes from a number or from `500M`, `2G`, `1.5GiB` (powers of 1024). Raises ValueError."""
    if isinstance(text, int) and not isinstance(text, bool):
        return text
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([bkmgt]?)(?:i?b)?", str(text).strip().lower())
    if not match:
        raise ValueError(f"{text!r} is not a size; write for example 500M or 2G")
    size = float(match[1]) * _UNITS_B[match[2]]
    if not size < _LARGEST_SIZE:
        raise ValueError(f"{str(text)[:50]!r} is more than any computer has")
    return int(size)


def _absolute(path: Path) -> Path:
    return Path(os.path.abspath(path.expanduser()))  # noqa: PTH100 (resolve() would follow the user's own links)


Duration = Annotated[float, BeforeValidator(parse_duration)]
Size = Annotated[int, BeforeValidator(parse_size)]


def default_home() -> Path:
    return Path(platformdirs.user_data_dir("codalab-nb", appauthor=False))


class Settings(Document):
    """Everything that can be set. Names in `codalab.toml` are these; in the environment `CODALAB_NB_` + upper case."""

    home: Annotated[Path, AfterValidator(_absolute)] = Field(
        default_factory=default_home, description="folder of the embedded mode: store, ledger, queue, log"
    )
    sandbox: Literal["auto", "bubblewrap", "none"] = Field(
        "auto", description="auto: bubblewrap where it works, else none with a warning at every use"
    )
    slots: Annotated[int, Field(ge=1, le=256)] = Field(
        default_factory=lambda: min(4, os.cpu_count() or 1),
        description="tasks that run at the same time; at most as many background tasks run beside them",
    )
    warm: Annotated[int, Field(ge=0, le=64)] = Field(2, description="kernels kept ready for each interpreter in use")
    idle: Duration = Field(900.0, description="the background process goes away after this time without a task")
    grace: Duration = Field(
        10.0, description="on `stop`, running tasks may go on for this long before they are given back"
    )
    timeout: Duration = Field(3600.0, description="default time limit of a task")
    memory: Size = Field(4 << 30, description="default memory limit of a task")
    processes: Annotated[int, Field(ge=16, le=65536)] = Field(256, description="default limit of processes in a task")
    files: Size = Field(1 << 30, description="default limit of a task's result files together")
    max_attempts: Annotated[int, Field(ge=1, le=100)] = Field(
        3, description="attempts before a task is lost; 1 means: start it at most once"
    )
    deadline: Duration = Field(7 * 86400.0, description="a task without a verdict expires after this time")
    heartbeat: Duration = Field(1.0, description="a worker's sign of life; three missed ones and it counts as dead")
    lock: Duration = Field(15.0, description="a message stays reserved this long for the worker that took it")
    reconcile: Duration = Field(2.0, description="time between two looks for tasks that were left alone")
    message_life: Duration = Field(3600.0, description="life of a queued message before it is sent again")
    retention: Duration = Field(30 * 86400.0, description="`clean` removes results older than this by default")


def _from_environment(environ: dict[str, str]) -> dict[str, str]:
    return {
        name.removeprefix(PREFIX).lower(): value
        for name, value in environ.items()
        if name.startswith(PREFIX) and name not in _NOT_SETTINGS and value
    }


def config_file(home: Path) -> Path:
    return home / "codalab.toml"


def load(environ: dict[str, str] | None = None) -> Settings:
    """The settings in force. Raises InputError naming every wrong value and where it stands."""
    given = _from_environment(dict(os.environ) if environ is None else environ)
    home = _absolute(Path(given.get("home") or default_home()))
    path = config_file(home)
    stored: dict[str, object] = {}
    try:
        stored = tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        pass  # a home that is no folder is told by whoever prepares it
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(
            "config_syntax", f"{path} is not valid TOML: {error}.", "Correct or remove the file."
        ) from error
    except PermissionError as error:
        raise InputError("config_unreadable", f"{path} cannot be read.", "Check its permissions.") from error
    stored.pop("home", None)  # the file lies in home: it cannot say where that is
    try:
        return Settings.model_validate({**stored, **given, "home": home})
    except ValidationError as error:
        problems = [_problem(str(detail["loc"][0]), detail["msg"], given, path) for detail in error.errors()]
        raise InputError(*_parts(problems[0]), others=problems[1:]) from error


def _problem(name: str, message: str, given: dict[str, str], path: Path) -> Problem:
    where = f"The variable {PREFIX}{name.upper()}" if name in given else f"The setting {name!r} in {path}"
    message = message.removeprefix("Value error, ")
    if message.startswith("Extra inputs"):
        message = f"there is no such setting; there are {', '.join(Settings.model_fields)}"
    return Problem("config_value", f"{where} is wrong: {message}.", "`codalab-nb config show` lists all settings.")


def _parts(problem: Problem) -> tuple[str, str, str]:
    return problem.code, problem.message, problem.fix
