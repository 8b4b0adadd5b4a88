"""pip's way in: hatchling, and the built JupyterLab extension inside every wheel and sdist.

Only where the extension has to be built first are Node and npm's packages fetched. An editable install builds nothing,
so that `make demo`, and people who change Python alone, need no Node; `make extension` builds it for them.
CODALAB_NB_FRONT_END=skip makes a wheel without it.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from hatchling import build as hatchling
from hatchling.build import *  # noqa: F403  the backend is hatchling's, but for what stands below
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

sys.path.insert(0, str(Path(__file__).resolve().parent))
import front_end

_SHARE = f"share/jupyter/labextensions/{front_end.NAME}"


def _wanted() -> bool:
    return os.environ.get("CODALAB_NB_FRONT_END") != "skip" and not front_end.current()


def get_requires_for_build_wheel(config_settings: dict[str, Any] | None = None) -> list[str]:
    return [*hatchling.get_requires_for_build_wheel(config_settings), *(front_end.TOOLS if _wanted() else ())]


def get_requires_for_build_sdist(config_settings: dict[str, Any] | None = None) -> list[str]:
    return [*hatchling.get_requires_for_build_sdist(config_settings), *(front_end.TOOLS if _wanted() else ())]


class FrontEnd(BuildHookInterface):
    """Joins the extension to what is packed. Not to an editable install: there it is a link (`make extension`)."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        if _wanted():
            front_end.build()
        if self.target_name == "wheel" and front_end.BUILT.is_dir():
            build_data["shared_data"][str(front_end.BUILT)] = _SHARE
