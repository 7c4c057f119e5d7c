"""Explains single answers: what each feature contributed, checked to add up to the answer."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sandbox.inside.answers import MULTICLASS, Answers, Coding, answers_of, features_of
from sandbox.inside.models import Loaded, load
from sandbox.inside.shapley import Floats, Found, explained

TOLERANCE = 1e-4  # of one, or of the largest usual answer


def perform(inputs: dict[str, Any], work: Path) -> dict[str, Any]:  # noqa: ARG001 - as all
    """`model`, `rows` (what is usual), `asked` (rows to explain), `features`, `task`, `seed`.

    Answers for each asked row its answer, base and contributions, and by how much they miss it.
    """
    model = load(Path(inputs["model"]), allow_pickle=bool(inputs.get("allow_pickle")))
    usual, asked = pd.read_parquet(inputs["rows"]), pd.read_parquet(inputs["asked"])
    names = features_of(model, list(inputs["features"]), usual)
    answers, background = prepared(model, usual, asked, names, inputs)
    return told(model, answers, answers.coding.numbers(asked[names]), background, inputs)


def prepared(
    model: Loaded, usual: pd.DataFrame, asked: pd.DataFrame, names: list[str], inputs: Any
) -> tuple[Answers, Floats]:
    """How the model answers coded rows, and the background: usual rows, evenly spaced."""
    most = min(int(inputs["background"]), len(usual))
    places = np.linspace(0, len(usual) - 1, most).astype(int)
    chosen = usual[names].iloc[places].reset_index(drop=True)
    coding = Coding.of(chosen, asked[names])
    answers = answers_of(model, coding, inputs["task"], coding.frame(coding.numbers(chosen[:2])))
    return answers, coding.numbers(chosen)


def told(
    model: Loaded, answers: Answers, rows: Floats, background: Floats, inputs: Any
) -> dict[str, Any]:
    """Every row's explanation as plain values, each beside what it misses the answer by."""
    found = explained(model, rows, background, answers, int(inputs["seed"]))
    output = answers.of(rows)
    which = output.argmax(axis=1) if inputs["task"] == MULTICLASS else np.zeros(len(rows), int)
    scale = 1.0 if not answers.regression else float(np.abs(answers.of(background)).max()) or 1.0
    return {
        "method": found.method,
        "note": found.note,
        "unit": answers.unit,
        "features": list(answers.coding.columns),
        "tolerance": TOLERANCE * scale,
        "background": digest_of(background, answers),
        "background_rows": len(background),
        "flavour": model.flavour,
        "rows": [_row(n, int(k), found, output) for n, k in enumerate(which)],
    }


def _row(n: int, k: int, found: Found, output: Floats) -> dict[str, Any]:
    base, answer = float(found.base[k]), float(output[n, k])
    parts = found.contributions[n, :, k]
    return {
        "answer": plain(answer),
        "class": k,
        "base": plain(base),
        "contributions": [plain(one) for one in parts],
        "errors": [plain(one) for one in found.errors[n, :, k]],
        "gap": plain(abs(base + float(parts.sum()) - answer)),
    }


def plain(number: float) -> float | None:
    """A number as JSON holds it, with so many digits as every run agrees on."""
    return float(f"{float(number):.12g}") if np.isfinite(number) else None


def digest_of(numbers: Floats, answers: Answers) -> str:
    """SHA-256 over the background's values as they were read, with their columns."""
    coding = answers.coding
    return hashlib.sha256(f"{coding.columns}\n{coding.spelled(numbers)}".encode()).hexdigest()
