"""What makes two runs the same: data, notebook, given parameters, environment. The id of a task follows from it, so
that nothing is ever run twice, whoever was killed when."""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import json
import platform
import uuid
from collections.abc import Iterable, Mapping

from codalab_nb._version import __version__
from codalab_nb.model.dataset import DatasetDocument
from codalab_nb.site.catalog import Template
from codalab_nb.site.service_notebooks import service_notebooks
from codalab_nb.systematic.configuration import Configuration

_NAMESPACE = uuid.UUID("5f0c1a52-6a0f-5d0e-9d0b-4f5b7c1d2e33")
# Whatever a method imports itself, it computes with these.
_ALWAYS = ("numpy", "pandas", "scipy", "scikit-learn", "matplotlib")


def data_key(document: DatasetDocument) -> str:
    """Of what is in a data set and how it is understood, whatever it is called."""
    files = sorted((file.path, file.sha256) for file in document.files)
    return _digest([files, document.profile.model_dump(mode="json")])


def configuration_key(configuration: Configuration, template: Template) -> str:
    """Of the notebook as it is now, the given parameters, and the packages that it computes with here."""
    return _digest([notebook_digest(template), configuration.key, environment(template.method.imports)])


def notebook_digest(template: Template) -> str:
    """sha256 of the notebook file. Raises OSError."""
    return hashlib.sha256(template.path.read_bytes()).hexdigest()


def run_id(data: str, configuration: str) -> str:
    return _id("run", data, configuration)


def score_id(run: str) -> str:
    return _id("score", run, _service_key("score.ipynb"))


def profile_id(data: str) -> str:
    return _id("profile", data, _service_key("profile.ipynb"))


def environment(imports: Iterable[str]) -> Mapping[str, str]:
    """Python, this project, and the packages that a method computes with: name → version."""
    providers = _providers()
    packages = {name for module in imports for name in providers.get(module.partition(".")[0], ())} | set(_ALWAYS)
    found = {name: version for name in sorted(packages) if (version := _version(name))}
    return {"python": platform.python_version(), "codalab-nb": __version__, **found}


@functools.cache
def _service_key(name: str) -> str:
    content = (service_notebooks() / name).read_bytes()
    return hashlib.sha256(content).hexdigest() + _digest(environment(()))


@functools.cache
def _providers() -> Mapping[str, list[str]]:
    return importlib.metadata.packages_distributions()


@functools.cache
def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()


def _id(*parts: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, " ".join(parts)))
