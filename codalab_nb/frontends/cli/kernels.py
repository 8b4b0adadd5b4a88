"""`codalab-nb kernels`: what `-k` may name."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from codalab_nb.frontends.cli.output import Output


def installed() -> list[dict[str, str]]:
    """`python3` is the interpreter that runs this command, whatever a kernelspec of that name says."""
    from jupyter_client.kernelspec import KernelSpecManager

    version = ".".join(map(str, sys.version_info[:3]))
    found = [{"kernel": "python3", "title": f"Python {version}", "language": "python", "command": sys.executable}]
    manager = KernelSpecManager()
    own = str(Path(sys.prefix) / "share" / "jupyter" / "kernels")
    manager.kernel_dirs = list(dict.fromkeys([own, *manager.kernel_dirs]))
    for name, entry in sorted(manager.get_all_specs().items()):
        if name != "python3":
            spec = entry["spec"]
            command = str((spec.get("argv") or [""])[0])
            found.append(
                {
                    "kernel": name,
                    "title": spec.get("display_name", name),
                    "language": spec.get("language", ""),
                    "command": command,
                }
            )
    return found


def kernels(_args: argparse.Namespace, out: Output) -> int:
    found = installed()
    if out.json:
        out.object(found)
    else:
        out.table(("kernel", "title", "language", "command"), [list(one.values()) for one in found])
        out.say("Choose one with: codalab-nb run NOTEBOOK -k KERNEL", "dim")
    return 0
