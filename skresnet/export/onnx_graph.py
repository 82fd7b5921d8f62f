"""One ONNX graph, from uint8 pixels to probabilities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skresnet.backbone import BackboneSettings
from skresnet.dense_layers import DenseLayer
from skresnet.networks import Arrays, Operation

# Of the year 2022: what reads ONNX at all reads these, in browsers and on phones too.
OPSET = 17
_ML_OPSET = 3
_IR_VERSION = 8

# Operators of ONNX-ML that skl2onnx can write as plain ones, which more runtimes know.
_AVOIDED = {"LinearClassifier", "LinearRegressor", "Normalizer", "Scaler"}

# Keras' name of an activation: operator, attributes.
_ACTIVATIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "elu": ("Elu", {"alpha": 1.0}),
    "exponential": ("Exp", {}),
    "hard_sigmoid": ("HardSigmoid", {"alpha": 1 / 6, "beta": 0.5}),
    "leaky_relu": ("LeakyRelu", {"alpha": 0.2}),
    "linear": ("Identity", {}),
    "relu": ("Relu", {}),
    "selu": ("Selu", {}),
    "sigmoid": ("Sigmoid", {}),
    "softmax": ("Softmax", {"axis": -1}),
    "softplus": ("Softplus", {}),
    "softsign": ("Softsign", {}),
    "tanh": ("Tanh", {}),
}


class _Graph:
    """Nodes and constants as they are added, each output named for what it is."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def add(
        self, kind: str, inputs: Sequence[str], output: str, **attributes: Any
    ) -> str:
        from onnx import helper

        node = helper.make_node(kind, list(inputs), [output], output, **attributes)
        self.nodes.append(node)
        return output

    def constant(self, name: str, array: NDArray[Any]) -> str:
        from onnx import numpy_helper

        self.constants.append(
            numpy_helper.from_array(np.ascontiguousarray(array), name)
        )
        return name


def onnx_model(
    settings: BackboneSettings,
    weights: dict[str, Arrays],
    layers: Sequence[DenseLayer] | None,
    steps: Sequence[Any],
    metadata: Mapping[str, str],
) -> Any:
    """Return the ONNX model of a network and a head.

    Parameters
    ----------
    settings : BackboneSettings
        Of the network.
    weights : dict of str to tuple of ndarray
        Of each of its layers.
    layers : sequence of DenseLayer or None
        The head. None lets skl2onnx write the steps.
    steps : sequence of estimators
        What rows go through, the classifier last.
    metadata : mapping of str to str
        What the file says of itself.

    Returns
    -------
    model : onnx.ModelProto
        From ``"pixels"``, uint8 of shape (batch, height, width, 3), to
        ``"probabilities"``, float32 of shape (batch, n_classes).

    Raises
    ------
    ValueError
        If a layer or a step cannot be written in ONNX.
    """
    import onnx

    graph = _Graph()
    _backbone(graph, settings, weights)
    if layers is None:
        model = _with_converted(_model(graph, settings, settings.n_features), steps)
    else:
        value = "features"
        for number, layer in enumerate(layers, 1):
            last = number == len(layers)
            value = _dense(
                graph, layer, value, "probabilities" if last else f"dense_{number}"
            )
        model = _model(graph, settings, layers[-1].bias.size, "probabilities")
    onnx.helper.set_model_props(model, dict(metadata))
    onnx.checker.check_model(model)
    return model


def _backbone(
    graph: _Graph, settings: BackboneSettings, weights: dict[str, Arrays]
) -> None:
    """Add what leads from ``"pixels"`` to ``"features"``."""
    value = graph.add("Cast", ["pixels"], "pixels_float", to=1)
    if settings.preprocessing is not None:
        given = settings.network.preprocessing
        if given.reverses_channels:
            order = graph.constant("channels", np.array([2, 1, 0]))
            value = graph.add("Gather", [value, order], "reversed", axis=3)
        means = graph.constant("means", np.array(given.means, np.float32))
        value = graph.add("Sub", [value, means], "centred")
        scale = graph.constant("scale", np.array(given.scale, np.float32))
        value = graph.add("Div", [value, scale], "preprocessed")
    # ONNX has channels before height and width.
    graph.add("Transpose", [value], "input", perm=[0, 3, 1, 2])
    sides = {"input": settings.input_size}
    for operation in settings.network.operations(settings.layer, weights):
        _operation(graph, operation, sides)
    _pool(graph, settings)


def _operation(
    graph: _Graph, operation: Operation, sides: dict[str, tuple[int, int]]
) -> None:
    """Add an operation, and note the height and width of what it puts out."""
    layer, name = operation.layer, operation.name
    inputs = list(layer.inputs)
    before = sides[inputs[0]]
    if layer.kind == "avg_pool":
        pooled = graph.add("GlobalAveragePool", inputs, f"{name}/mean")
        graph.add("Flatten", [pooled], name)
        return
    after = layer.output_side(before[0]), layer.output_side(before[1])
    sides[name] = after
    window: dict[str, Any] = {
        "kernel_shape": [layer.size] * 2,
        "strides": [layer.stride] * 2,
    }
    if layer.kind in ("conv", "depthwise"):
        kernel, bias = operation.filters
        is_depthwise = layer.kind == "depthwise"
        shaped = (
            kernel.transpose(2, 3, 0, 1)
            if is_depthwise
            else kernel.transpose(3, 2, 0, 1)
        )
        inputs += [
            graph.constant(f"{name}/kernel", shaped),
            graph.constant(f"{name}/bias", bias),
        ]
        groups = layer.channels if is_depthwise else 1
        if layer.padding == "same":
            window["pads"] = _same_pads(before, after, layer.size, layer.stride)
        graph.add("Conv", inputs, name, group=groups, **window)
    elif layer.kind == "pad":
        pads = np.array([0, 0, layer.padding, layer.padding] * 2)
        graph.add("Pad", [*inputs, graph.constant(f"{name}/pads", pads)], name)
    elif layer.kind == "relu6":
        limits = [
            graph.constant(f"{name}/{limit}", np.array(limit, np.float32))
            for limit in (0, 6)
        ]
        graph.add("Clip", [*inputs, *limits], name)
    elif layer.kind == "max_pool":
        graph.add("MaxPool", inputs, name, **window)
    else:
        graph.add({"add": "Add", "relu": "Relu"}[layer.kind], inputs, name)


def _same_pads(
    before: tuple[int, int], after: tuple[int, int], size: int, stride: int
) -> list[int]:
    """Give top, left, bottom and right as TensorFlow pads, the odd one last."""
    totals = [
        max((out - 1) * stride + size - side, 0)
        for side, out in zip(before, after, strict=True)
    ]
    first = [total // 2 for total in totals]
    return [*first, *(total - half for total, half in zip(totals, first, strict=True))]


def _pool(graph: _Graph, settings: BackboneSettings) -> None:
    """Make rows of what the layer puts out."""
    name = settings.layer
    if name == "avg_pool":
        graph.add("Identity", [name], "features")
    elif settings.pooling == "flatten":
        last = graph.add("Transpose", [name], "channels_last", perm=[0, 2, 3, 1])
        graph.add("Flatten", [last], "features")
    else:
        kind = {"avg": "GlobalAveragePool", "max": "GlobalMaxPool"}[settings.pooling]
        graph.add("Flatten", [graph.add(kind, [name], "pooled")], "features")


def _dense(graph: _Graph, layer: DenseLayer, value: str, output: str) -> str:
    if layer.activation not in _ACTIVATIONS:
        raise ValueError(
            f"activation={layer.activation!r} of the classifier is not written to ONNX "
            f"here: expected one of {', '.join(map(repr, _ACTIVATIONS))}. The endings "
            ".keras and .tflite, and a folder for a SavedModel, take any."
        )
    constants = [
        graph.constant(f"{output}/kernel", layer.kernel),
        graph.constant(f"{output}/bias", layer.bias),
    ]
    sums = graph.add("Gemm", [value, *constants], f"{output}/sums")
    kind, attributes = _ACTIVATIONS[layer.activation]
    return graph.add(kind, [sums], output, **attributes)


def _model(
    graph: _Graph, settings: BackboneSettings, width: int, output: str = "features"
) -> Any:
    from onnx import TensorProto, helper

    shape = ["batch", *settings.input_size, 3]
    pixels = helper.make_tensor_value_info("pixels", TensorProto.UINT8, shape)
    rows = helper.make_tensor_value_info(output, TensorProto.FLOAT, ["batch", width])
    made = helper.make_graph(
        graph.nodes, settings.network.name, [pixels], [rows], graph.constants
    )
    return helper.make_model(
        made,
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=_IR_VERSION,
        producer_name="skresnet",
    )


def _with_converted(backbone: Any, steps: Sequence[Any]) -> Any:
    """Let skl2onnx write what rows go through, and put it behind the network."""
    import onnx
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import FloatTensorType
    from sklearn.pipeline import make_pipeline

    width = backbone.graph.output[0].type.tensor_type.shape.dim[1].dim_value
    estimator = make_pipeline(*steps)
    failures = []
    for avoided in (_AVOIDED, None):
        try:
            head = convert_sklearn(
                estimator,
                initial_types=[("rows", FloatTensorType([None, width]))],
                options={id(estimator): {"zipmap": False}},
                target_opset={"": OPSET, "ai.onnx.ml": _ML_OPSET},
                black_op=avoided,
            )
            break
        except Exception as error:  # of many kinds, where a step is unknown
            failures.append(error)
    else:
        names = ", ".join(type(step).__name__ for step in steps)
        raise ValueError(
            f"skl2onnx cannot convert what follows the embedder ({names}): "
            f"{type(failures[-1]).__name__}: {str(failures[-1]).splitlines()[0]}. "
            "Expected estimators that skl2onnx supports, such as StandardScaler, "
            "LogisticRegression or RandomForestClassifier, or a DenseSGDClassifier."
        ) from failures[-1]
    _import_same_operators(head)
    head.ir_version = backbone.ir_version
    merged = onnx.compose.merge_models(
        backbone,
        head,
        prefix2="head/",
        io_map=[("features", "rows")],
        # Without what only leads to the label.
        outputs=["head/probabilities"],
        name=backbone.graph.name,
    )
    _rename(merged, "head/probabilities", "probabilities")
    merged.producer_name = backbone.producer_name
    used = {node.domain for node in merged.graph.node} | {""}
    imported = {x.domain: x.version for x in merged.opset_import if x.domain in used}
    del merged.opset_import[:]
    merged.opset_import.extend(
        map(onnx.helper.make_opsetid, *zip(*imported.items(), strict=True))
    )
    return merged


def _import_same_operators(head: Any) -> None:
    """Let a head that was converted for `OPSET` say so.

    skl2onnx writes the oldest version in which all operators are what they are there.
    """
    for imported in head.opset_import:
        if imported.domain in ("", "ai.onnx"):
            imported.version = OPSET


def _rename(model: Any, old: str, new: str) -> None:
    for node in model.graph.node:
        for names in (node.input, node.output):
            for place, name in enumerate(names):
                if name == old:
                    names[place] = new
    for output in model.graph.output:
        if output.name == old:
            output.name = new
