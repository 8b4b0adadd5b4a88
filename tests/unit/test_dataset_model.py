"""Names and references of data sets; the model package stays light."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys

import pytest

from codalab_nb.errors import InputError
from codalab_nb.model.bundle import FileRef
from codalab_nb.model.dataset import DatasetDocument, Profile, check_name, parse_reference


def test_references_name_a_version_or_the_newest() -> None:
    assert parse_reference("golub@2") == ("golub", 2)
    assert parse_reference("Golub_1999.v2") == ("Golub_1999.v2", None)


@pytest.mark.parametrize(
    "text",
    ["", "@1", "golub@", "golub@0", "golub@01", "golub@-1", "a b", "../x", "golub@1@2", "-x", "x" * 65, "golub\n"],
)
def test_what_is_no_reference_is_refused(text: str) -> None:
    with pytest.raises(InputError) as refused:
        parse_reference(text)
    assert refused.value.code == "dataset_name"


def test_a_document_knows_its_reference_and_refuses_doubled_files() -> None:
    file = FileRef(path="expression.csv", size=1, sha256="0" * 64)
    fields = {
        "name": "golub",
        "version": 3,
        "profile": Profile(orientation="files"),
        "created_at": dt.datetime.now(dt.UTC),
    }
    assert DatasetDocument.model_validate({**fields, "files": (file,)}).reference == "golub@3"
    for files in ((file, file), (file.model_copy(update={"path": "profile.json"}),)):
        with pytest.raises(ValueError, match="file names must differ"):
            DatasetDocument.model_validate({**fields, "files": files})
    with pytest.raises(ValueError, match="not a data set name"):
        check_name("..")


def test_the_model_imports_neither_pandas_nor_numpy() -> None:
    """It is imported by every command; pandas alone would cost half a second."""
    program = (
        "import sys; from codalab_nb.model import choices, dataset, design, method; import codalab_nb.report;"
        "print([name for name in ('pandas', 'numpy', 'matplotlib', 'IPython') if name in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
