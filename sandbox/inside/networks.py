"""Feed-forward networks whose numbers lie in a safetensors file: a chain of layers, run by NumPy.

The file holds numbers and nothing that runs. Which layers they belong to stands in `MLmodel`, and
the numbers are named as PyTorch's `Sequential` names them: the third layer's are `2.weight` and
`2.bias`. Computed in double precision, so answers differ from PyTorch's by its rounding.
"""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

Floats = np.ndarray[Any, np.dtype[np.float64]]
Numbers = Mapping[str, Floats]

MOST_LAYERS = 200
EPSILON = 1e-5  # PyTorch's, for both kinds of normalising
LEAK = 0.01  # PyTorch's
CHANCES = ("sigmoid", "softmax")


class BadNetwork(Exception):
    """Layers and numbers do not fit each other; says which."""

    refused = True


@dataclass(frozen=True)
class Layer:
    """How a layer answers rows, and the numbers that it takes (optional ones end in `?`)."""

    answer: Callable[[Floats, Numbers], Floats]
    takes: tuple[str, ...] = ()

    def needs(self) -> set[str]:
        return {name for name in self.takes if not name.endswith("?")}

    def knows(self) -> set[str]:
        return {name.removesuffix("?") for name in self.takes}


def _linear(rows: Floats, of: Numbers) -> Floats:
    answers: Floats = rows @ of["weight"].T + of.get("bias", 0.0)
    return answers


def _batch_norm(rows: Floats, of: Numbers) -> Floats:
    usual = (rows - of["running_mean"]) / np.sqrt(of["running_var"] + EPSILON)
    return _scaled(usual, of)


def _layer_norm(rows: Floats, of: Numbers) -> Floats:
    spread = np.sqrt(rows.var(axis=1, keepdims=True) + EPSILON)
    return _scaled((rows - rows.mean(axis=1, keepdims=True)) / spread, of)


def _scaled(rows: Floats, of: Numbers) -> Floats:
    scaled: Floats = rows * of.get("weight", 1.0) + of.get("bias", 0.0)
    return scaled


def _standardise(rows: Floats, of: Numbers) -> Floats:
    return (rows - of["mean"]) / of["scale"]


LAYERS: dict[str, Layer] = {
    "linear": Layer(_linear, ("weight", "bias?")),
    "standardise": Layer(_standardise, ("mean", "scale")),
    "batch_norm": Layer(
        _batch_norm, ("running_mean", "running_var", "weight?", "bias?", "num_batches_tracked?")
    ),
    "layer_norm": Layer(_layer_norm, ("weight?", "bias?")),
    "relu": Layer(lambda rows, _: np.maximum(rows, 0.0)),
    "leaky_relu": Layer(lambda rows, _: np.where(rows > 0, rows, LEAK * rows)),
    "elu": Layer(lambda rows, _: np.where(rows > 0, rows, np.expm1(np.minimum(rows, 0.0)))),
    "gelu": Layer(lambda rows, _: rows * special.ndtr(rows)),
    "silu": Layer(lambda rows, _: rows * special.expit(rows)),
    "tanh": Layer(lambda rows, _: np.tanh(rows)),
    "sigmoid": Layer(lambda rows, _: special.expit(rows)),
    "softmax": Layer(lambda rows, _: special.softmax(rows, axis=1)),
    "dropout": Layer(lambda rows, _: rows),  # only while it is trained
}


@dataclass(frozen=True)
class Network:
    """A chain of layers, each with its own numbers."""

    chain: tuple[tuple[str, Numbers], ...]

    @property
    def tells_chances(self) -> bool:
        return self.chain[-1][0] in CHANCES

    def answer(self, frame: Any) -> Floats:
        """Rows × outputs; one column is one value a row.

        Raises:
            BadNetwork: a column holds no numbers, or a layer gets other widths than it takes.
        """
        rows = _matrix(frame)
        for place, (name, numbers) in enumerate(self.chain):
            try:
                rows = LAYERS[name].answer(rows, numbers)
            except ValueError as error:
                raise BadNetwork(
                    f"Layer {place} ({name}) cannot take {rows.shape[1]} numbers a row."
                ) from error
        return rows[:, 0] if rows.shape[1] == 1 else rows

    def classes(self, frame: Any) -> np.ndarray[Any, Any]:
        """The likeliest class of each row, counted from 0."""
        chances = self.answer(frame)
        return (chances >= 0.5).astype(int) if chances.ndim == 1 else chances.argmax(axis=1)


def _matrix(frame: Any) -> Floats:
    try:
        return np.asarray(frame.to_numpy(np.float64))
    except (ValueError, TypeError) as error:
        text = [name for name in frame.columns if frame[name].dtype.kind not in "biuf"]
        told = ", ".join(map(str, text[:5]))
        raise BadNetwork(
            f"A network takes numbers only; these columns hold none: {told}."
        ) from error


def network(content: bytes, layers: object) -> Network:
    """The network that these layers and the numbers of a safetensors file make.

    Args:
        content: the file's bytes.
        layers: the layers' names in their order, of `LAYERS`.

    Raises:
        BadNetwork: unknown layers, numbers that are missing, left over or cannot be read.
    """
    names = _names(layers)
    numbers = _numbers(content)
    chain = tuple((name, _own(place, name, numbers)) for place, name in enumerate(names))
    taken = {f"{place}.{key}" for place, (_, own) in enumerate(chain) for key in own}
    if left := sorted(set(numbers) - taken):
        raise BadNetwork(f"Its file holds numbers that no layer takes: {', '.join(left[:5])}.")
    return Network(chain)


def _names(layers: object) -> list[str]:
    if not isinstance(layers, list) or not 0 < len(layers) <= MOST_LAYERS:
        raise BadNetwork(f"`layers` must be a list of 1 to {MOST_LAYERS} names of layers.")
    unknown = sorted({str(name)[:50] for name in layers if name not in LAYERS})
    if unknown:
        known = ", ".join(LAYERS)
        raise BadNetwork(
            f"These layers are not known: {', '.join(unknown[:5])}; known are {known}."
        )
    return list(layers)


def _numbers(content: bytes) -> dict[str, Floats]:
    safetensors = importlib.import_module("safetensors")
    reader = importlib.import_module("safetensors.numpy")
    try:
        return {name: np.asarray(one, np.float64) for name, one in reader.load(content).items()}
    except (KeyError, TypeError) as error:
        said = f"Its numbers are kept as {str(error)[:50]}, which NumPy does not know"
        raise BadNetwork(f"{said}: keep them as float32.") from error
    except (safetensors.SafetensorError, ValueError) as error:
        raise BadNetwork(f"Its safetensors file cannot be read: {str(error)[:200]}") from error


def _own(place: int, name: str, numbers: dict[str, Floats]) -> dict[str, Floats]:
    layer, start = LAYERS[name], f"{place}."
    own = {key.removeprefix(start): one for key, one in numbers.items() if key.startswith(start)}
    if missing := sorted(layer.needs() - set(own)):
        told = ", ".join(f"{start}{key}" for key in missing)
        raise BadNetwork(f"Layer {place} ({name}) lacks its numbers {told}.")
    return {key: one for key, one in own.items() if key in layer.knows()}
