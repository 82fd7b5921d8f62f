"""A network in other libraries: from uint8 pictures to features, batch by batch.

Every function here prepares a network and returns a callable that takes all pictures
through it once. All compute the same network with the same weights.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.measure import AbsentError, Run, library
from benchmarks.network import Step, preprocessing, settings, steps
from skresnet.backbone import Engine, Precision
from skresnet.networks import NETWORKS

Pictures = NDArray[np.uint8]
Features = NDArray[np.float32]

_MATRIX_SIDE = 4096
GFLOP_PER_PRODUCT = 2 * _MATRIX_SIDE**3 / 1e9


def skresnet_backbone(
    pictures: Pictures, batch_size: int, network: str, precision: Precision
) -> Run:
    """Prepare the network alone, as the embedder calls it."""
    from skresnet.backbone import load_backbone

    backbone = load_backbone(settings(network, precision, side=pictures.shape[1]))
    return lambda: _joined(backbone, _batches(pictures, batch_size))


def embedder_class(network: str) -> Any:
    """Return the embedder of a network."""
    from skresnet import EfficientNetLite0Embedder, ResNet50Embedder

    return {
        "resnet50": ResNet50Embedder,
        "efficientnet_lite0": EfficientNetLite0Embedder,
    }[network]


def skresnet_embedder(
    pictures: Pictures,
    batch_size: int,
    network: str,
    precision: Precision,
    engine: Engine = "tensorflow",
) -> Run:
    """Prepare the embedder, whose transform takes the whole array."""
    library(engine)
    embedder = embedder_class(network)(
        weights=None,
        random_state=0,
        input_size=pictures.shape[1],
        batch_size=batch_size,
        precision=precision,
        engine=engine,
    ).fit(pictures)
    return lambda: embedder.transform(pictures)


def keras_predict(
    pictures: Pictures, batch_size: int, network: str, jit_compile: str | bool
) -> Run:
    """Prepare ``Model.predict``, with the preprocessing in front of it."""
    model = _keras_model(network, pictures.shape[1], jit_compile)

    def run() -> Features:
        prepared = _preprocessed(network, pictures)
        features: Features = model.predict(prepared, batch_size=batch_size, verbose=0)
        return features

    return run


def keras_predict_prepared(
    pictures: Pictures, batch_size: int, network: str, jit_compile: str | bool
) -> Run:
    """Prepare ``Model.predict`` on pictures that were preprocessed before the clock."""
    model = _keras_model(network, pictures.shape[1], jit_compile)
    prepared = _preprocessed(network, pictures)
    return lambda: model.predict(prepared, batch_size=batch_size, verbose=0)


def tensorflow_xla(pictures: Pictures, batch_size: int, network: str) -> Run:
    """Prepare Keras' network compiled whole by XLA."""
    import tensorflow as tf

    model = _keras_model(network, pictures.shape[1], False)

    @tf.function(jit_compile=True, autograph=False)
    def features(batch: Any) -> Any:
        pixels = tf.cast(batch, tf.float32)
        return model(_preprocessed(network, pixels), training=False)

    return lambda: _joined(
        lambda batch: features(tf.constant(batch)).numpy(),
        _batches(pictures, batch_size),
    )


def onnx_runtime(pictures: Pictures, batch_size: int, network: str) -> Run:
    """Prepare ONNX Runtime with its default settings for the CPU."""
    runtime = library("onnxruntime")
    session = runtime.InferenceSession(
        _onnx_model(network, batch_size, pictures.shape[1]),
        providers=["CPUExecutionProvider"],
    )
    return lambda: _joined(
        lambda batch: session.run(None, {"pixels": batch})[0],
        _batches(pictures, batch_size),
    )


def onnx_runtime_int8(pictures: Pictures, batch_size: int, network: str) -> Run:
    """Prepare ONNX Runtime with what its static quantisation makes of the network.

    Calibrated on the pictures that our own 8 bits are, by the settings that were its
    fastest here: quantised operators, all kinds of them, filters by channel.
    """
    runtime = library("onnxruntime")
    quantization = library("onnxruntime.quantization")
    from skresnet.backbone.eight_bits import calibration_pictures

    side = pictures.shape[1]
    known = calibration_pictures((side, side))
    known = known[: len(known) // batch_size * batch_size]

    class Reader:
        batches = iter(_batches(known, batch_size))

        def get_next(self) -> dict[str, Pictures] | None:
            batch = next(self.batches, None)
            return None if batch is None else {"pixels": batch}

    with TemporaryDirectory(prefix="skresnet-benchmark-") as name:
        plain, prepared, small = (
            str(Path(name) / f"{kind}.onnx") for kind in ("plain", "prepared", "small")
        )
        Path(plain).write_bytes(_onnx_model(network, batch_size, side))
        library("onnxruntime.quantization.shape_inference").quant_pre_process(
            plain, prepared, skip_symbolic_shape=True
        )
        quantization.quantize_static(
            prepared,
            small,
            Reader(),
            quant_format=quantization.QuantFormat.QOperator,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
            per_channel=True,
        )
        session = runtime.InferenceSession(small, providers=["CPUExecutionProvider"])
    return lambda: _joined(
        lambda batch: session.run(None, {"pixels": batch})[0],
        _batches(pictures, batch_size),
    )


def openvino(
    pictures: Pictures, batch_size: int, network: str, precision: str, hint: str
) -> Run:
    """Prepare OpenVINO with one request at a time."""
    compiled = _openvino_model(pictures, batch_size, network, precision, hint)
    request = compiled.create_infer_request()
    return lambda: _joined(
        lambda batch: np.array(request.infer([batch])[0]),
        _batches(pictures, batch_size),
    )


def openvino_queue(
    pictures: Pictures, batch_size: int, network: str, precision: str
) -> Run:
    """Prepare OpenVINO with as many requests at once as it finds best."""
    compiled = _openvino_model(pictures, batch_size, network, precision, "THROUGHPUT")
    queue = library("openvino").AsyncInferQueue(compiled)
    results: dict[int, Features] = {}
    queue.set_callback(
        lambda request, number: results.__setitem__(
            number, np.array(request.get_output_tensor().data)
        )
    )

    def run() -> Features:
        for number, batch in enumerate(_batches(pictures, batch_size)):
            queue.start_async([batch], number)
        queue.wait_all()
        return np.concatenate([results[number] for number in sorted(results)])

    return run


def pytorch(pictures: Pictures, batch_size: int, network: str, precision: str) -> Run:
    """Prepare PyTorch, channels last, with normalisations folded into the filters."""
    torch = library("torch")
    compute = getattr(torch, precision)
    layers = [
        (step, *_torch_filters(torch, step, compute))
        for step in steps(network, pictures.shape[1])
    ]
    means, scales = (
        torch.from_numpy(values).view(1, 3, 1, 1) for values in preprocessing(network)
    )

    def features(batch: Pictures) -> Features:
        with torch.inference_mode():
            # Pixels of shape (n, height, width, 3) are channels-last in memory already.
            pixels = torch.from_numpy(batch).permute(0, 3, 1, 2).float()
            pixels = (pixels - means) / scales
            value = _torch_pass(torch, layers, pixels.to(compute))
            computed: Features = value.float().numpy()
            return computed

    return lambda: _joined(features, _batches(pictures, batch_size))


def tensorflow_product(precision: Precision) -> Run:
    """Prepare a product of two square matrices in TensorFlow."""
    import tensorflow as tf

    matrix = tf.cast(tf.random.normal([_MATRIX_SIDE] * 2, seed=0), precision)
    product = tf.function(tf.matmul, autograph=False)

    def run() -> None:
        product(matrix, matrix).numpy()

    return run


def pytorch_product(precision: Precision) -> Run:
    """Prepare a product of two square matrices in PyTorch."""
    torch = library("torch")
    matrix = torch.randn([_MATRIX_SIDE] * 2).to(getattr(torch, precision))

    def run() -> None:
        with torch.inference_mode():
            torch.mm(matrix, matrix)

    return run


def _batches(pictures: Pictures, batch_size: int) -> list[Pictures]:
    return [
        pictures[start : start + batch_size]
        for start in range(0, len(pictures), batch_size)
    ]


def _joined(
    compute: Callable[[Pictures], Features], batches: Sequence[Pictures]
) -> Features:
    return np.concatenate([compute(batch) for batch in batches])


def _preprocessed(network: str, pixels: Any) -> Any:
    """Preprocess pixels as Keras' functions do, in NumPy or TensorFlow."""
    known = NETWORKS[network].preprocessing
    pixels = pixels[..., ::-1] if known.reverses_channels else pixels
    return (pixels - np.array(known.means, np.float32)) / np.float32(known.scale)


def _keras_model(network: str, side: int, jit_compile: str | bool) -> Any:
    from skresnet.backbone import keras_model

    model = keras_model(settings(network, side=side))
    model.compile(jit_compile=jit_compile)
    return model


def _onnx_model(network: str, batch_size: int, side: int) -> bytes:
    """Write the network in ONNX, for batches of one size only, as engines like best."""
    onnx = library("onnx")
    helper, from_array = onnx.helper, library("onnx.numpy_helper").from_array
    means, scales = (v.reshape(1, 3, 1, 1) for v in preprocessing(network))
    constants = [
        from_array(means, "means"),
        from_array(scales, "scales"),
        from_array(np.float32(0), "zero"),
        from_array(np.float32(6), "six"),
    ]
    nodes = [
        helper.make_node("Transpose", ["pixels"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("Cast", ["planes"], ["floats"], to=onnx.TensorProto.FLOAT),
        helper.make_node("Sub", ["floats", "means"], ["centred"]),
        helper.make_node("Div", ["centred", "scales"], ["input"]),
    ]
    operators = {
        "conv": "Conv",
        "depthwise": "Conv",
        "relu": "Relu",
        "relu6": "Clip",
        "add": "Add",
        "max_pool": "MaxPool",
    }
    for step in steps(network, side):
        if step.kind == "avg_pool":
            nodes += [
                helper.make_node("GlobalAveragePool", step.inputs, ["pooled"]),
                helper.make_node("Flatten", ["pooled"], ["features"]),
            ]
            continue
        inputs = list(step.inputs)
        window: dict[str, Any] = {}
        if step.kind in ("conv", "depthwise", "max_pool"):
            before, after = step.pads
            window = {
                "kernel_shape": [step.size] * 2,
                "strides": [step.stride] * 2,
                "pads": [before, before, after, after],
            }
        if step.kind == "depthwise":
            window["group"] = step.channels
        if step.kind == "relu6":
            inputs += ["zero", "six"]
        if step.kernel is not None:
            inputs += [f"{step.name}/kernel", f"{step.name}/bias"]
            constants += [
                from_array(step.kernel, inputs[1]),
                from_array(step.bias, inputs[2]),
            ]
        nodes.append(
            helper.make_node(operators[step.kind], inputs, [step.name], **window)
        )
    pixels = helper.make_tensor_value_info(
        "pixels", onnx.TensorProto.UINT8, [batch_size, side, side, 3]
    )
    features = helper.make_tensor_value_info(
        "features", onnx.TensorProto.FLOAT, [batch_size, step.channels]
    )
    graph = helper.make_graph(nodes, network, [pixels], [features], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9  # read by releases of both engines from 2023 on
    serialized: bytes = model.SerializeToString()
    return serialized


def _openvino_model(
    pictures: Pictures, batch_size: int, network: str, precision: str, hint: str
) -> Any:
    core = library("openvino").Core()
    model = core.read_model(_onnx_model(network, batch_size, pictures.shape[1]))
    kind = {"float32": "f32", "bfloat16": "bf16"}[precision]
    compiled = core.compile_model(
        model, "CPU", {"INFERENCE_PRECISION_HINT": kind, "PERFORMANCE_HINT": hint}
    )
    used = compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name()
    if used != kind:
        raise AbsentError(f"computes in {used} here, whatever the hint")
    return compiled


def _torch_filters(torch: Any, step: Step, compute: Any) -> tuple[Any, Any]:
    if step.kernel is None:
        return None, None
    kernel = torch.from_numpy(step.kernel).to(compute)
    bias = torch.from_numpy(step.bias).to(compute)
    return kernel.contiguous(memory_format=torch.channels_last), bias


def _torch_pass(torch: Any, network: list[tuple[Step, Any, Any]], pixels: Any) -> Any:
    functional = torch.nn.functional
    last_reader = {name: step.name for step, _, _ in network for name in step.inputs}
    values = {"input": pixels}
    for step, kernel, bias in network:
        first, *others = (values[name] for name in step.inputs)
        before, after = step.pads
        if before != after:
            first = functional.pad(first, (before, after, before, after))
            before = 0
        if step.kind in ("conv", "depthwise"):
            groups = step.channels if step.kind == "depthwise" else 1
            value = functional.conv2d(
                first, kernel, bias, step.stride, before, groups=groups
            )
        elif step.kind == "relu":
            value = functional.relu_(first)
        elif step.kind == "relu6":
            value = functional.hardtanh_(first, 0, 6)
        elif step.kind == "add":
            value = first.add(others[0])
        elif step.kind == "max_pool":
            value = functional.max_pool2d(first, step.size, step.stride, before)
        else:
            value = first.mean((2, 3))
        for name in step.inputs:
            if last_reader[name] == step.name:
                del values[name]  # its memory is used again at once
        values[step.name] = value
    return value
