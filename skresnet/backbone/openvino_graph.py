"""The inference graph in OpenVINO, which is an optional package."""

from collections.abc import Callable
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skresnet.backbone.architecture import Arrays, Layer, feature_shape
from skresnet.backbone.folding import CAFFE_MEANS, operations
from skresnet.backbone.spec import BackboneSpec

_REQUEST = 4  # pictures
_PRECISIONS = {"float32": "f32", "bfloat16": "bf16"}


def compile_openvino(
    spec: BackboneSpec, weights: dict[str, Arrays]
) -> Callable[[NDArray[Any]], NDArray[np.float32]]:
    """Return a function from uint8 or float32 pixels (n, h, w, 3) to features (n, d).

    Four pictures are a request, and as many requests are under way as OpenVINO has
    streams, so that a batch of any length is computed without compiling again; the
    last request may be filled up with zeros. On two cores, a stream each, requests of
    four made 67 pictures a second of 224 x 224 in float32 and 130 in bfloat16,
    requests of one 64 and 122.

    Safe to call from threads, which take turns: one call keeps all streams busy.

    Raises
    ------
    ValueError
        If OpenVINO does not compute in the precision on this processor.
    """
    import openvino as ov

    compiled = ov.Core().compile_model(
        _model(spec, weights),
        "CPU",
        {
            "INFERENCE_PRECISION_HINT": _PRECISIONS[spec.precision],
            "PERFORMANCE_HINT": "THROUGHPUT",
            # Several processes would otherwise be pinned to the same cores.
            "ENABLE_CPU_PINNING": False,
        },
    )
    used = compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name()
    if used != _PRECISIONS[spec.precision]:
        raise ValueError(
            f"precision={spec.precision!r} is not possible with engine='openvino' on "
            f"this processor, where OpenVINO computes in {used}: use "
            "precision='float32' or engine='tensorflow'."
        )
    queue = ov.AsyncInferQueue(compiled)
    queue.set_callback(_keep)
    turns = Lock()

    def compute(batch: NDArray[Any]) -> NDArray[np.float32]:
        rows = np.empty((len(batch), spec.n_features), np.float32)
        with turns:
            try:
                for start in range(0, len(batch), _REQUEST):
                    part = slice(start, start + _REQUEST)
                    queue.start_async([_filled(batch[part])], rows[part])
            finally:
                queue.wait_all()  # after Ctrl-C too: what runs writes to the rows
        return rows

    return compute


def _filled(pictures: NDArray[Any]) -> NDArray[np.float32]:
    """Return as many pictures as a request has, the missing ones all zeros."""
    request = np.zeros((_REQUEST, *pictures.shape[1:]), np.float32)
    request[: len(pictures)] = pictures
    return request


def _keep(request: Any, rows: NDArray[np.float32]) -> None:
    rows[:] = request.get_output_tensor().data[: len(rows)]


def _model(spec: BackboneSpec, weights: dict[str, Arrays]) -> Any:
    """Describe the network for one request, from float32 pixels to rows."""
    import openvino as ov
    from openvino import opset13 as ops

    pixels = ops.parameter([_REQUEST, *spec.input_size, 3], np.float32)
    value = pixels
    if spec.preprocessing == "caffe":
        value = ops.gather(value, np.array([2, 1, 0]), np.array(3))
        value = ops.subtract(value, np.array(CAFFE_MEANS, np.float32))
    outputs = {"input": ops.transpose(value, np.array([0, 3, 1, 2]))}
    for operation in operations(spec.layer, weights):
        inputs = [outputs[name] for name in operation.layer.inputs]
        outputs[operation.name] = _apply(operation.layer, inputs, operation.filters)
    return ov.Model([_row(outputs[spec.layer], spec)], [pixels], "resnet50")


def _apply(step: Layer, values: list[Any], filters: Arrays) -> Any:
    """Compute a layer on values of shape (n, channels, height, width)."""
    from openvino import opset13 as ops

    strides, padding, once = [step.stride] * 2, [step.padding] * 2, [1, 1]
    if step.kind == "conv":
        kernel = np.ascontiguousarray(filters[0].transpose(3, 2, 0, 1))
        value = ops.convolution(values[0], kernel, strides, padding, padding, once)
        return ops.add(value, filters[1].reshape(1, -1, 1, 1))
    if step.kind == "pad":
        sides = np.array([0, 0, *padding])
        return ops.pad(values[0], sides, sides, "constant", np.array(0, np.float32))
    if step.kind == "relu":
        return ops.relu(values[0])
    if step.kind == "add":
        return ops.add(*values)
    if step.kind == "max_pool":
        window = [step.size] * 2
        pooled = ops.max_pool(values[0], strides, once, padding, padding, window)
        return pooled.output(0)  # the second output says where each maximum was
    return ops.reduce_mean(values[0], np.array([2, 3]))


def _row(value: Any, spec: BackboneSpec) -> Any:
    """Make rows of what the layer puts out."""
    from openvino import opset13 as ops

    if len(feature_shape(spec.layer, spec.input_size)) == 1:
        return value
    if spec.pooling == "flatten":
        channels_last = ops.transpose(value, np.array([0, 2, 3, 1]))
        return ops.reshape(channels_last, np.array([_REQUEST, -1]), special_zero=False)
    reduce = ops.reduce_max if spec.pooling == "max" else ops.reduce_mean
    return reduce(value, np.array([2, 3]))
