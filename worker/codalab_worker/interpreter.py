"""What the running interpreter is: the environment record of a result, and the paths a box must see."""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import platform
import site
import sys
import sysconfig
from collections.abc import Iterable
from pathlib import Path
from typing import Any


def environment_record() -> dict[str, Any]:
    """Enough to rebuild this environment: versions and the sorted `name==version` list of installed packages."""
    packages = {
        f"{distribution.metadata['Name']}=={distribution.version}"
        for distribution in importlib.metadata.distributions()
        if distribution.metadata["Name"]
    }
    ipykernel = None
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):
        ipykernel = importlib.metadata.version("ipykernel")
    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "executable": sys.executable,
        "prefix": sys.prefix,
        "platform": platform.platform(),
        "machine": platform.machine(),
        "ipykernel": ipykernel,
        "packages": sorted(packages, key=str.lower),
    }


def package_folders() -> list[str]:
    """Where an installer would change this environment."""
    folders = [sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    if site.ENABLE_USER_SITE:
        folders.append(site.getusersitepackages())
    return [folder for folder in dict.fromkeys(folders) if folder]


def fingerprint(folders: Iterable[str]) -> tuple[int, ...]:
    """Changes when a package is installed or removed there: modification times in nanoseconds, 0 if absent."""
    times = []
    for folder in folders:
        try:
            times.append(Path(folder).stat().st_mtime_ns)
        except OSError:
            times.append(0)
    return tuple(times)


def binding_paths() -> tuple[list[str], list[str]]:
    """(prefixes, other places) that a box running this interpreter must see."""
    executable = Path(os.path.realpath(sys.executable))
    top = executable.parent.parent if executable.parent.name == "bin" else executable.parent
    kernels = [str(Path(prefix, "share/jupyter")) for prefix in (sys.prefix, "/usr/local", "/usr")]
    with contextlib.suppress(RuntimeError):  # no home folder
        kernels.append(str(Path("~/.local/share/jupyter/kernels").expanduser()))
    return [sys.prefix, sys.base_prefix, sys.exec_prefix, str(top)], [*filter(None, sys.path), *kernels]


def home() -> str:
    """The user's home folder; empty if there is none."""
    try:
        return str(Path("~").expanduser())
    except RuntimeError:
        return ""


def user_base() -> str | None:
    """The folder of `pip install --user`, if this interpreter uses one and it exists."""
    base = site.getuserbase() if site.ENABLE_USER_SITE else None
    return base if base and Path(base).is_dir() else None
