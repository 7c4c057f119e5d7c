"""Models that mean harm: pickles that run what they hold as soon as they are opened."""

import pickle
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest

from sandbox.errand import Errand, Limits, Outcome
from sandbox.folders import remove
from sandbox.run import run

MLMODEL = """\
flavors:
  sklearn:
    pickled_model: model.pkl
    serialization_format: cloudpickle
"""


class Runs:
    """Pickles to a call of `exec`."""

    def __init__(self, code: str) -> None:
        self.code = code

    def __reduce__(self):
        return exec, (self.code, {})


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    path = tmp_path / "rows.parquet"
    pd.DataFrame({"a": [0.0, 1.0, 2.0, 3.0], "b": [1.0, 0.0, 1.0, 0.0]}).to_parquet(path)
    return path


@pytest.fixture
def hostile(tmp_path: Path, rows: Path) -> Iterator[Callable[..., Outcome]]:
    """Opens a model that runs this code, as an approved one; small limits, a folder of its own."""
    folder, work = tmp_path / "hostile", tmp_path / "work"

    def opened(code: str, **limits: float) -> Outcome:
        folder.mkdir(exist_ok=True)
        work.mkdir(exist_ok=True)
        (folder / "MLmodel").write_text(MLMODEL)
        (folder / "model.pkl").write_bytes(pickle.dumps(Runs(code)))
        told = {"model": str(folder), "rows": str(rows), "allow_pickle": True}
        small = {"wall_seconds": 20, "cpu_seconds": 10} | limits
        return run(
            Errand("predict", told, (folder, rows), writable=work, limits=Limits(**small))  # type: ignore[arg-type]  # numbers
        )

    yield opened
    # What it leaves may be more than others can take away.
    remove(work)
