"""Which command starts the kernel that a task asks for."""

from __future__ import annotations

import json
from pathlib import Path

from codalab_nb.errors import InputError


def installed(interpreter: str) -> dict[str, str]:
    """Kernel name → its folder, as Jupyter finds them for the submitter's interpreter, then for this process."""
    from jupyter_client.kernelspec import KernelSpecManager  # slow to import, and most tasks want python3

    manager = KernelSpecManager()
    own = Path(interpreter).parent.parent / "share" / "jupyter" / "kernels"
    manager.kernel_dirs = [str(own), *manager.kernel_dirs]
    found: dict[str, str] = manager.find_kernel_specs()
    return found


def find(kernel: str, interpreter: str) -> list[str] | None:
    """None for `python3`, which is the submitter's own interpreter; else the argv of that installed kernel.

    Raises InputError(no_kernel) that lists the installed ones.
    """
    if kernel == "python3":
        return None
    specs = installed(interpreter)
    if kernel not in specs:
        there = ", ".join(sorted({"python3", *specs}))
        raise InputError(
            "no_kernel",
            f"There is no kernel named {kernel!r} on the worker; there are: {there}.",
            "Choose one with `-k`.",
        )
    spec = json.loads((Path(specs[kernel]) / "kernel.json").read_text(encoding="utf-8"))
    return [part.replace("{resource_dir}", specs[kernel]) for part in spec["argv"]]


def folders(argv: list[str] | None) -> list[Path]:
    """What the kernel's command needs to see besides the submitter's interpreter: the environment it lives in."""
    if argv is None:
        return []
    program = Path(argv[0])
    if not program.is_absolute():
        return []
    prefixes = [program.parent.parent, program.resolve().parent.parent]
    return [prefix for prefix in dict.fromkeys(prefixes) if prefix != Path("/") and prefix != Path("/usr")]
