"""Networks in safetensors files answer as the same layers in ONNX do, or say what is wrong."""

import json

import numpy as np
import onnxruntime
import pandas as pd
import pytest
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import save

from sandbox.inside.networks import LAYERS, BadNetwork, network

DRAW = np.random.default_rng(11)
WIDTH = 5
ROWS = pd.DataFrame(DRAW.normal(size=(40, WIDTH)) * 2, columns=[*"abcde"])


def drawn(*shape):
    return DRAW.uniform(0.5, 1.5, size=shape)


# Each layer's numbers, and the ONNX operator with its inputs that says the same.
SAME = {
    "linear": ({"weight": drawn(3, WIDTH), "bias": drawn(3)}, "Gemm", {"transB": 1}),
    "batch_norm": (
        {name: drawn(WIDTH) for name in ("weight", "bias", "running_mean", "running_var")},
        "BatchNormalization",
        {"epsilon": 1e-5},
    ),
    "layer_norm": (
        {"weight": drawn(WIDTH), "bias": drawn(WIDTH)},
        "LayerNormalization",
        {"epsilon": 1e-5},
    ),
    "relu": ({}, "Relu", {}),
    "leaky_relu": ({}, "LeakyRelu", {"alpha": 0.01}),
    "elu": ({}, "Elu", {}),
    "gelu": ({}, "Gelu", {}),
    "tanh": ({}, "Tanh", {}),
    "sigmoid": ({}, "Sigmoid", {}),
    "softmax": ({}, "Softmax", {"axis": 1}),
    "dropout": ({}, "Identity", {}),
}


def in_onnx(numbers, operator, settings):
    """The reference: one operator of ONNX over the rows."""
    given = [numpy_helper.from_array(one.astype(np.float32), name) for name, one in numbers.items()]
    node = helper.make_node(operator, ["rows", *numbers], ["answers"], **settings)
    rows = helper.make_tensor_value_info("rows", TensorProto.FLOAT, [None, WIDTH])
    answers = helper.make_tensor_value_info("answers", TensorProto.FLOAT, None)
    graph = helper.make_graph([node], "layer", [rows], [answers], given)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])
    session = onnxruntime.InferenceSession(model.SerializeToString())
    return session.run(None, {"rows": ROWS.to_numpy(np.float32)})[0]


def chain(layers, numbers):
    return network(save(numbers), layers)


def test_every_layer_has_a_reference():
    assert {*SAME, "silu", "standardise"} == set(LAYERS)


@pytest.mark.parametrize("name", sorted(SAME))
def test_a_layer_answers_as_onnxruntime_does(name):
    numbers, operator, settings = SAME[name]
    found = chain([name], {f"0.{key}": one for key, one in numbers.items()}).answer(ROWS)
    assert np.abs(found - in_onnx(numbers, operator, settings)).max() < 2e-5


def test_silu_is_each_number_times_its_sigmoid():
    rows = ROWS.to_numpy()
    assert np.allclose(chain(["silu"], {}).answer(ROWS), rows / (1 + np.exp(-rows)))


def test_standardising_is_scikit_learns():
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(ROWS)
    found = chain(["standardise"], {"0.mean": scaler.mean_, "0.scale": scaler.scale_})
    assert np.allclose(found.answer(ROWS), scaler.transform(ROWS))


def test_numbers_far_from_nought_overflow_nowhere():
    far = pd.DataFrame([[-1e4, 1e4, 0.0, 1e-9, 800.0]], columns=[*"abcde"])
    with np.errstate(all="raise", under="ignore"):
        for name in ("sigmoid", "silu", "gelu", "elu", "softmax", "tanh"):
            assert np.isfinite(chain([name], {}).answer(far)).all(), name


def refusal(layers, numbers, rows=ROWS):
    with pytest.raises(BadNetwork) as caught:
        chain(layers, numbers).answer(rows)
    return str(caught.value)


def test_what_does_not_fit_is_named():
    weight = drawn(3, WIDTH)
    assert "list of 1 to 200" in refusal([], {})
    assert "list of 1 to 200" in refusal("linear", {})
    assert "list of 1 to 200" in refusal(["relu"] * 201, {})
    assert "not known: lstm" in refusal(["lstm"], {})
    assert "Layer 1 (linear) lacks its numbers 1.weight" in refusal(["relu", "linear"], {})
    left = {"0.weight": weight, "1.weight": weight}
    assert "no layer takes: 1.weight" in refusal(["linear", "relu"], left)
    assert "no layer takes: 0.gamma" in refusal(["linear"], {"0.weight": weight, "0.gamma": weight})
    wide = {"0.weight": weight, "1.weight": weight}
    assert "Layer 1 (linear) cannot take 3 numbers a row" in refusal(["linear", "linear"], wide)
    text = ROWS.assign(carrier="UA")
    assert "hold none: carrier" in refusal(["relu"], {}, text)


def test_a_file_that_is_no_safetensors_file_is_refused():
    for content in (b"", b"\x80\x04.", b"\xff" * 64, save({"0.weight": drawn(3, WIDTH)})[:-8]):
        with pytest.raises(BadNetwork, match="cannot be read"):
            network(content, ["linear"])


def test_numbers_of_half_precision_are_read_and_those_numpy_does_not_know_are_named():
    half = network(save({"0.weight": drawn(3, WIDTH).astype(np.float16)}), ["linear"])
    assert half.answer(ROWS).shape == (40, 3)
    header = json.dumps({"0.weight": {"dtype": "F8_E4M3", "shape": [5], "data_offsets": [0, 5]}})
    content = len(header).to_bytes(8, "little") + header.encode() + b"\0" * 5
    with pytest.raises(BadNetwork, match=r"F8_E4M3.*keep them as float32"):
        network(content, ["linear"])
