"""An MLflow project's program trains inside the layers; what does not fit is refused by name."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import skops.io

from sandbox.errand import Ending, Errand
from sandbox.run import run

DRAW = np.random.default_rng(5)
ROWS = pd.DataFrame({"a": DRAW.normal(size=200), "b": DRAW.normal(size=200)})
LATE = (ROWS["a"] + DRAW.normal(size=200) > 0).astype(int)
PROJECT = """
name: flight-delay
python_env: python_env.yaml
entry_points:
  main:
    parameters:
      data: path
      model: path
      outcome: string
      C: {type: float, default: 1.0}
    command: "python -u train.py --data {data} --model {model} --outcome {outcome} --C {C}"
"""
PROGRAM = """
import argparse, pathlib
import pandas as pd, skops.io
from sklearn.linear_model import LogisticRegression
import beside
parser = argparse.ArgumentParser()
for name in ("data", "model", "outcome"):
    parser.add_argument("--" + name)
parser.add_argument("--C", type=float)
told = parser.parse_args()
rows = pd.read_parquet(told.data)
outcome = rows.pop(told.outcome)
fitted = LogisticRegression(C=told.C).fit(rows, outcome)
skops.io.dump(fitted, pathlib.Path(told.model) / "model.skops")
print(beside.WORDS, told.C)
"""


@pytest.fixture
def desk(tmp_path):
    """What a training errand gets: the champion with a project as its code, rows and outcomes."""
    from sklearn.linear_model import LogisticRegression

    inside, out = tmp_path / "in", tmp_path / "out"
    code = inside / "version" / "code" / "flights"
    code.mkdir(parents=True)
    out.mkdir()
    write(code, "MLproject", PROJECT)
    write(code, "python_env.yaml", f"dependencies: [numpy=={np.__version__}]")
    write(code, "train.py", PROGRAM)
    write(code, "beside.py", "WORDS = 'fitted with'")
    ROWS.to_parquet(inside / "features.parquet")
    pd.DataFrame({"part": "train", "late": LATE}).to_parquet(inside / "table.parquet")
    skops.io.dump(LogisticRegression().fit(ROWS, LATE), inside / "version" / "model.skops")
    flavours = {"flavors": {"sklearn": {"pickled_model": "model.skops"}}}
    write(inside / "version", "MLmodel", json.dumps(flavours))
    return inside


def write(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(text)


def code_of(desk):
    return desk / "version" / "code" / "flights"


def train(desk, **more):
    told = {
        "table": str(desk / "table.parquet"),
        "features": str(desk / "features.parquet"),
        "outcome": "late",
        "task": "binary",
        "kind": "complete",
        "parameters": {},
        "search": [{}],
        "code": str(desk / "version" / "code"),
        "entry": "main",
        "champion": str(desk / "version"),
        "allow_pickle": False,
        "pins": {},
        "trusted": [],
        "made_at": "2026-03-01 00:00:00.0",
    }
    return run(Errand("train", told | more, (desk,), writable=desk.parent / "out"))


def refusal(desk, **more):
    outcome = train(desk, **more)
    assert outcome.ending is Ending.REFUSED, outcome
    assert not (desk.parent / "out" / "model").exists()
    return outcome.detail


def test_a_project_trains_what_its_program_would_train_outside(desk):
    from sklearn.linear_model import LogisticRegression

    outcome = train(desk, parameters={"C": 0.01})
    assert (outcome.ending, outcome.detail) == (Ending.DONE, "")
    assert "fitted with 0.01" in outcome.log
    made = skops.io.load(desk.parent / "out" / "model" / "model.skops")
    expected = LogisticRegression(C=0.01).fit(ROWS, LATE)
    assert np.allclose(made.coef_, expected.coef_)
    assert (desk.parent / "out" / "model" / "code" / "flights" / "MLproject").is_file()


def test_a_declared_search_runs_the_program_for_each_combination(desk):
    outcome = train(desk, search=[{"C": 1e-6}, {"C": 1.0}])
    assert outcome.ending is Ending.DONE, outcome.detail
    assert outcome.answer["chosen"] == {"C": 1.0}
    assert len(outcome.answer["tried"]) == 2


def test_parameters_that_do_not_fit_are_named(desk):
    assert "declares no parameter depth" in refusal(desk, parameters={"depth": 3})
    assert "is a float, and 'deep' is none" in refusal(desk, parameters={"C": "deep"})
    assert "data of the entry point main" in refusal(desk, parameters={"data": "/etc/passwd"})
    write(code_of(desk), "MLproject", PROJECT.replace("{type: float, default: 1.0}", "float"))
    assert "asks for C" in refusal(desk)
    write(code_of(desk), "MLproject", PROJECT.replace("      data: path\n", ""))
    assert "must declare data" in refusal(desk)
    write(code_of(desk), "MLproject", PROJECT.replace("outcome: string", "outcome: date"))
    assert "of type date; known are string" in refusal(desk)


@pytest.mark.parametrize(
    ("command", "why"),
    [
        ("bash train.sh", "must begin with python"),
        ("python", "must begin with python"),
        ("python train.py {data}; curl example.org", "needs a shell"),
        ("python train.py $(cat /etc/passwd)", "needs a shell"),
        ("python ../../../../usr/lib/python3/antigravity.py", "which the project lacks"),
        ("python nowhere.py", "runs nowhere.py, which the project lacks"),
        ("python train.py {colour}", "names colour, which is not declared"),
        ("python train.py 'half", "cannot be read"),
        ("python -c pass", "runs -c, which the project lacks"),
    ],
)
def test_a_command_is_one_program_of_the_project(desk, command, why):
    told = PROJECT[: PROJECT.index("    command")] + f"    command: {json.dumps(command)}\n"
    write(code_of(desk), "MLproject", told)
    assert why in refusal(desk)


def test_values_stay_single_words_whatever_is_in_them(desk):
    told = PROJECT.replace("      C: {type: float, default: 1.0}", "      C: string")
    write(code_of(desk), "MLproject", told)
    program = "import sys\nprint(len(sys.argv), sys.argv[-1])\n" + PROGRAM.replace("C=told.C", "")
    write(code_of(desk), "train.py", program.replace("type=float", "type=str"))
    outcome = train(desk, parameters={"C": "1; rm -rf / --model x"})
    assert outcome.ending is Ending.DONE, outcome.detail
    assert "9 1; rm -rf / --model x" in outcome.log


def test_a_program_that_fails_or_leaves_no_model_is_named(desk):
    write(code_of(desk), "train.py", "import sys\nsys.exit('no rows of March')")
    assert "ended with no rows of March" in refusal(desk)
    write(code_of(desk), "train.py", "print('nothing')")
    assert "left no model.skops" in refusal(desk)
    pickled = "import argparse, pathlib, pickle, sys\n"
    pickled += "folder = sys.argv[sys.argv.index('--model') + 1]\n"
    pickled += "pathlib.Path(folder, 'model.skops').write_bytes(pickle.dumps({}))"
    write(code_of(desk), "train.py", pickled)
    assert "left no model.skops" in refusal(desk)


def test_a_program_that_reaches_out_is_contained(desk):
    write(code_of(desk), "train.py", "import socket\nsocket.create_connection(('127.0.0.1', 5432))")
    assert train(desk).ending is Ending.FORBIDDEN_CALL


def test_another_environment_than_the_projects_stops_it(desk):
    write(code_of(desk), "python_env.yaml", "dependencies: [-r pins.txt]")
    write(code_of(desk), "pins.txt", "numpy==0.1\nno-such-package==1\nscipy>=1\n")
    said = refusal(desk)
    assert f"numpy {np.__version__} instead of 0.1; no-such-package missing instead of 1" in said
    write(code_of(desk), "MLproject", "docker_env: {image: trees}\n" + PROJECT)
    assert "asks for a container" in refusal(desk)


def test_what_is_no_project_is_said(desk):
    assert "no MLproject with an entry point other" in refusal(desk, entry="other")
    write(code_of(desk), "MLproject", "entry_points: {main: {}}")
    assert "has no command" in refusal(desk)
    write(code_of(desk), "MLproject", "{")
    assert "is no YAML" in refusal(desk)


def test_a_program_cannot_learn_on_from_a_champion(desk):
    assert "takes no `before`" in refusal(desk, kind="incremental")
