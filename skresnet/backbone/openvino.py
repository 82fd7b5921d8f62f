"""The inference graph in OpenVINO, which is an optional package.

To read 94 MB of weights, fold the normalisations into them and put them in OpenVINO's
order takes a process longer than all else that a prediction needs. What comes of it
depends on nothing but the settings, so it is kept on disk for the next process: one
file a network, beside the embeddings that the command keeps.

One that OpenVINO does not take is compiled from its weights.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from threading import local
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skresnet.backbone import kept
from skresnet.backbone.eight_bits import quantised
from skresnet.backbone.settings import (
    BackboneSettings,
    has_fast_bfloat16,
    most_threads,
)
from skresnet.networks import Arrays, Layer

# To be raised when the same settings, or a network's layers, give another graph.
_GRAPH_VERSION = 4
_PRECISIONS = {"float32": "f32", "bfloat16": "bf16"}

_ENDING = ".openvino"


def compile_openvino(
    settings: BackboneSettings, read_weights: Callable[[], dict[str, Arrays]]
) -> Callable[[NDArray[Any]], NDArray[np.float32]]:
    """Return a function from uint8 or float32 pixels (n, h, w, 3) to features (n, d).

    One or two pictures are a request, see `_pictures_of_a_request`, so that a batch of
    any length is computed without compiling again; the last request may be filled up
    with zeros. There are two requests for each of OpenVINO's streams: one is computed
    while the next is filled, and no stream waits for Python.

    The weights are read only where the network was not compiled before, see
    `compiled_once`.

    Raises
    ------
    ValueError
        If OpenVINO does not compute in the precision on this processor.
    """
    import openvino as ov

    core = ov.Core()
    kind = _kind(settings)
    properties: dict[str, Any] = {
        "INFERENCE_PRECISION_HINT": kind,
        "PERFORMANCE_HINT": "THROUGHPUT",
        # Several processes would otherwise be pinned to the same cores.
        "ENABLE_CPU_PINNING": False,
    }
    if threads := most_threads():
        properties["INFERENCE_NUM_THREADS"] = threads
    processor = core.get_property("CPU", "FULL_DEVICE_NAME")
    compiled = compiled_once(
        settings,
        f"{ov.get_version()}, {processor}, {properties}, {settings.calibration}",
        lambda: core.compile_model(
            _described(settings, read_weights), "CPU", properties
        ),
        lambda file: core.import_model(
            ov.Tensor(file, shared_memory=True), "CPU", properties
        ),
    )
    used = compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name()
    if used != kind:
        raise ValueError(
            f"precision={settings.precision!r} is not possible with engine='openvino' "
            f"on this processor, where OpenVINO computes in {used}: use "
            "precision='float32' or engine='tensorflow'."
        )
    return _Network(compiled, _pictures_of_a_request(settings), settings.n_features)


class _Network:
    """A compiled network, which any number of threads may call at once.

    Parameters
    ----------
    compiled : openvino.CompiledModel
        From n_pictures float32 pictures to rows.

    n_pictures : int
        Of a request.

    n_features : int
        The length of a row.
    """

    def __init__(self, compiled: Any, n_pictures: int, n_features: int) -> None:
        # Requests alone would let go of the memory that its weights lie in.
        self._compiled = compiled
        self._n_pictures = n_pictures
        self._n_features = n_features
        n_streams = compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS")
        self._n_requests = 2 * n_streams
        self._of_thread = local()

    def __call__(self, batch: NDArray[Any]) -> NDArray[np.float32]:
        """Compute the rows of a batch."""
        rows = np.empty((len(batch), self._n_features), np.float32)
        try:
            self._compute(batch, rows)
        except BaseException:
            self._of_thread.__dict__.clear()  # some requests may be at work still
            raise
        return rows

    def _compute(self, batch: NDArray[Any], rows: NDArray[np.float32]) -> None:
        n, requests = self._n_pictures, self._requests()
        under_way: deque[tuple[Any, NDArray[np.float32]]] = deque()
        for number, start in enumerate(range(0, len(batch), n)):
            if len(under_way) == len(requests):
                _finish(*under_way.popleft())
            request, part = requests[number % len(requests)], slice(start, start + n)
            _fill(request, batch[part])
            request.start_async()
            under_way.append((request, rows[part]))
        while under_way:
            _finish(*under_way.popleft())

    def _requests(self) -> list[Any]:
        """Return this thread's own requests, with memory for pictures and rows."""
        if not hasattr(self._of_thread, "requests"):
            self._of_thread.requests = [
                self._compiled.create_infer_request() for _ in range(self._n_requests)
            ]
        requests: list[Any] = self._of_thread.requests
        return requests


def _fill(request: Any, pictures: NDArray[Any]) -> None:
    """Write pictures to a request's own memory, and zeros where it has room left."""
    pixels = request.get_input_tensor().data
    pixels[: len(pictures)] = pictures
    pixels[len(pictures) :] = 0


def _finish(request: Any, rows: NDArray[np.float32]) -> None:
    """Wait for a request, and take its rows without those of zeros."""
    request.wait()
    rows[:] = request.get_output_tensor().data[: len(rows)]


def _pictures_of_a_request(settings: BackboneSettings) -> int:
    """Return how many pictures one core computes at a time.

    A picture that comes alone waits for a whole request. Milliseconds a picture on two
    cores, of 64 to 256 pictures with requests of one, two and four, and of one picture
    alone (medians of 7 or 9 rounds by turns, the rows the same to the bit):

    ====================  =========  =====  =====  =====  =====  =====  =====
    network               precision    one    two   four  alone  alone  alone
    ====================  =========  =====  =====  =====  =====  =====  =====
    ResNet50              float32    14.90  14.74  15.35   29.4   58.7  120.4
    ResNet50              bfloat16    7.92   7.48   7.38   16.1   30.0   58.6
    ResNet50              int8        4.70   4.41   4.28    9.7   18.2   34.7
    EfficientNet-Lite0    float32     2.32   2.24   2.43    4.9    9.1   17.5
    EfficientNet-Lite0    bfloat16    1.17   1.20   1.19    2.5    4.8    9.4
    EfficientNet-Lite0    int8        0.93   0.97   0.98    2.1    4.0    7.6
    ====================  =========  =====  =====  =====  =====  =====  =====
    """
    is_large = settings.network.name == "resnet50"
    return 2 if is_large and settings.precision != "float32" else 1


def _kind(settings: BackboneSettings) -> str:
    """Return what OpenVINO calls the precision of all that is not quantised."""
    if settings.precision == "int8":
        return "bf16" if has_fast_bfloat16() else "f32"
    return _PRECISIONS[settings.precision]


def _described(
    settings: BackboneSettings, read_weights: Callable[[], dict[str, Arrays]]
) -> Any:
    """Describe the network in the precision of the settings."""
    n = _pictures_of_a_request(settings)
    if settings.precision != "int8":
        return _model(settings, read_weights(), n)
    model = quantised(settings, lambda: _model(settings, read_weights(), 1))
    model.reshape([n, *settings.input_size, 3])
    return model


def _model(settings: BackboneSettings, weights: dict[str, Arrays], n: int) -> Any:
    """Describe the network for n pictures at once, from float32 pixels to rows."""
    import openvino as ov
    from openvino import opset13 as ops

    pixels = ops.parameter([n, *settings.input_size, 3], np.float32)
    value = pixels
    if settings.preprocessing is not None:
        preprocessing = settings.network.preprocessing
        if preprocessing.reverses_channels:
            value = ops.gather(value, np.array([2, 1, 0]), np.array(3))
        value = ops.subtract(value, np.array(preprocessing.means, np.float32))
        value = ops.divide(value, np.array(preprocessing.scale, np.float32))
    outputs = {"input": ops.transpose(value, np.array([0, 3, 1, 2]))}
    for operation in settings.network.operations(settings.layer, weights):
        inputs = [outputs[name] for name in operation.layer.inputs]
        outputs[operation.name] = _apply(operation.layer, inputs, operation.filters)
    return ov.Model(
        [_row(outputs[settings.layer], settings)], [pixels], settings.network.name
    )


def _apply(layer: Layer, values: list[Any], filters: Arrays) -> Any:
    """Compute a layer on values of shape (n, channels, height, width)."""
    from openvino import opset13 as ops

    strides, unpadded, once = [layer.stride] * 2, [0, 0], [1, 1]
    if layer.kind in ("conv", "depthwise"):
        same = {"auto_pad": "same_upper"} if layer.padding == "same" else {}
        window = (strides, unpadded, unpadded, once)
        kernel, bias = filters[0].transpose(3, 2, 0, 1), filters[1]
        if layer.kind == "depthwise":  # of shape (groups, out, in, height, width)
            grouped = np.ascontiguousarray(kernel.transpose(1, 0, 2, 3)[:, :, None])
            value = ops.group_convolution(values[0], grouped, *window, **same)
        else:
            kernel = np.ascontiguousarray(kernel)
            value = ops.convolution(values[0], kernel, *window, **same)
        value.set_friendly_name(layer.name)  # by which it may be left unquantised
        return ops.add(value, bias.reshape(1, -1, 1, 1))
    if layer.kind == "pad":
        sides = np.array([0, 0, layer.padding, layer.padding])
        return ops.pad(values[0], sides, sides, "constant", np.array(0, np.float32))
    if layer.kind == "relu":
        return ops.relu(values[0])
    if layer.kind == "relu6":
        return ops.clamp(values[0], 0, 6)
    if layer.kind == "add":
        return ops.add(*values)
    if layer.kind == "max_pool":
        sizes = [layer.size] * 2
        pooled = ops.max_pool(values[0], strides, once, unpadded, unpadded, sizes)
        return pooled.output(0)  # the second output says where each maximum was
    return ops.reduce_mean(values[0], np.array([2, 3]))


def _row(value: Any, settings: BackboneSettings) -> Any:
    """Make rows of what the layer puts out."""
    from openvino import opset13 as ops

    if settings.layer == "avg_pool":
        return value
    if settings.pooling == "flatten":
        channels_last = ops.transpose(value, np.array([0, 2, 3, 1]))
        return ops.reshape(channels_last, np.array([0, -1]), special_zero=True)
    reduce = ops.reduce_max if settings.pooling == "max" else ops.reduce_mean
    return reduce(value, np.array([2, 3]))


def compiled_once(
    settings: BackboneSettings,
    device: str,
    compile_model: Callable[[], Any],
    import_model: Callable[[NDArray[np.uint8]], Any],
) -> Any:
    """Return a compiled network: as it was kept, or compiled now and then kept.

    Parameters
    ----------
    settings : BackboneSettings
        Of the network. Random weights are not kept.

    device : str
        All that decides what OpenVINO compiles besides: its version, the processor.

    compile_model, import_model : callable
        The two ways to it. The second is given the kept file's memory, which may be
        used for as long as the network lives.
    """
    folder = kept.private_folder(settings)
    if folder is None:
        return compile_model()
    path = folder / f"{kept.network_key(settings, _GRAPH_VERSION, device)}{_ENDING}"
    content = kept.read(path)
    if content is not None:
        try:
            compiled = import_model(content)
        except RuntimeError:  # OpenVINO's only one
            pass
        else:
            compiled.kept_memory = content  # it would not hold it by itself
            kept.mark_used(path)
            return compiled
    compiled = compile_model()
    kept.write(path, kept.as_bytes(compiled.export_model()))
    return compiled
