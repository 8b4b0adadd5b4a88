"""General tables and small matrices as data sets in memory, with the roles a profile would propose."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from codalab_nb.analysis.expression import ExpressionSet
from codalab_nb.datasets.columns import describe
from codalab_nb.model.dataset import Profile
from codalab_nb.model.design import propose_roles, revise

TABLES = Path(__file__).parent.parent / "data" / "small_tables"


def table_set(frame: pd.DataFrame | str, **roles: str) -> ExpressionSet:
    """A general table (or the name of one in tests/data/small_tables); `roles`: column=role."""
    if isinstance(frame, str):
        name, frame = frame, pd.read_csv(TABLES / f"{frame}.csv")
    else:
        name = "table"
    columns = propose_roles(describe(frame))
    profile = Profile(orientation="table", n_samples=len(frame), n_features=frame.shape[1], columns=columns)
    profile = revise(profile, roles=roles)
    frame = frame.set_axis(pd.Index([str(row + 1) for row in range(len(frame))]))
    values = frame.select_dtypes("number").astype(float).T
    return ExpressionSet(name, values, pd.DataFrame(index=values.index), frame, profile.model_dump(mode="json"))


def matrix_set(values: pd.DataFrame, samples: pd.DataFrame, kind: str = "log", **roles: str) -> ExpressionSet:
    """Genes × samples with their sample table."""
    profile = Profile.model_validate(
        {
            "orientation": "genes_in_rows",
            "kind": kind,
            "n_samples": values.shape[1],
            "n_features": len(values),
            "columns": propose_roles(describe(samples)),
        }
    )
    profile = revise(profile, roles=roles)
    features = pd.DataFrame(index=values.index)
    return ExpressionSet("matrix", values, features, samples, profile.model_dump(mode="json"))
