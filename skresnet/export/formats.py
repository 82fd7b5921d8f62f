"""The kinds of files, how each is written, and how each is run."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skresnet.backbone import BackboneSettings
from skresnet.dense_layers import DenseLayer
from skresnet.export.keras_graph import whole_keras_model
from skresnet.export.onnx_graph import onnx_model
from skresnet.forks import claim, claim_tensorflow
from skresnet.head.predictor import HeadPredictor
from skresnet.networks import Arrays
from skresnet.text import shown

# From uint8 pixels (batch, height, width, 3) to probabilities (batch, n_classes).
Run = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


@dataclass(frozen=True, eq=False)
class Parts:
    """What a model is made of.

    Parameters
    ----------
    settings : BackboneSettings
        Of the network.
    weights : dict of str to tuple of ndarray
        Of each of its layers.
    steps : list of estimators
        What rows go through, the classifier last.
    layers : list of DenseLayer or None
        The same as dense layers, None where they are more than that.
    metadata : dict of str to str
        What a file says of itself.
    """

    settings: BackboneSettings
    weights: dict[str, Arrays]
    steps: Sequence[Any]
    layers: list[DenseLayer] | None
    metadata: Mapping[str, str]

    def keras(self, output_name: str | None = None) -> Any:
        """Build the Keras model."""
        claim_tensorflow()
        assert self.layers is not None
        return whole_keras_model(
            self.settings, self.weights, self.layers, output_name=output_name
        )

    def onnx(self) -> Any:
        """Build the ONNX model, a head of scikit-learn's as skl2onnx has it."""
        ours = isinstance(self.steps[-1], HeadPredictor)
        return onnx_model(
            self.settings,
            self.weights,
            self.layers if ours else None,
            self.steps,
            self.metadata,
        )


@dataclass(frozen=True)
class Format:
    """A kind of file.

    Parameters
    ----------
    title : str
        Its name.
    write : callable
        Writes the parts to a path, and may write files beside it.
    read : callable
        Opens the path in the runtime.
    runtime : str
        The distribution that runs it.
    modules : tuple of str
        What must be importable to write and run it.
    dense_only : bool, default=True
        Whether the head must be dense layers.
    companions : tuple of str, default=()
        Endings of the files that belong to it.
    """

    title: str
    write: Callable[[Parts, Path], None]
    read: Callable[[Path], Run]
    runtime: str
    modules: tuple[str, ...] = ()
    dense_only: bool = True
    companions: tuple[str, ...] = ()


def _write_onnx(parts: Parts, path: Path) -> None:
    path.write_bytes(parts.onnx().SerializeToString())


def _read_onnx(path: Path) -> Run:
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return lambda pixels: session.run(["probabilities"], {"pixels": pixels})[0]


def _write_openvino(parts: Parts, path: Path) -> None:
    import openvino

    claim("OpenVINO")
    graph = parts.onnx()
    try:
        # What it says of itself is in the file as rt_info "framework".
        model = openvino.Core().read_model(io.BytesIO(graph.SerializeToString()))
    except RuntimeError as error:
        names = ", ".join(type(step).__name__ for step in parts.steps)
        unknown = {node.op_type for node in graph.graph.node if node.domain}
        raise ValueError(
            f"{path.name}: OpenVINO cannot hold what follows the embedder ({names}): "
            f"it knows no {', '.join(sorted(unknown)) or 'such operator'}. Expected a "
            "DenseSGDClassifier, LogisticRegression or MLPClassifier, with steps "
            "before it that skl2onnx converts. A name that ends in .onnx takes more."
        ) from error
    openvino.save_model(model, path, compress_to_fp16=False)


def _read_openvino(path: Path) -> Run:
    import openvino

    claim("OpenVINO")
    # Where a processor can, OpenVINO computes in bfloat16 unless it is told.
    compiled = openvino.Core().compile_model(
        path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"}
    )
    return lambda pixels: compiled(pixels)["probabilities"]


def _write_keras(parts: Parts, path: Path) -> None:
    parts.keras().save(path)
    # The file is a zip archive, of which this member says what the model is.
    with zipfile.ZipFile(path) as archive:
        members = {item: archive.read(item) for item in archive.infolist()}
    with zipfile.ZipFile(path, "w") as archive:
        for item, content in members.items():
            if item.filename == "metadata.json":
                said = json.loads(content) | dict(parts.metadata)
                content = json.dumps(said).encode()
            archive.writestr(item, content)


def _read_keras(path: Path) -> Run:
    claim_tensorflow()
    import keras

    model = keras.saving.load_model(path, compile=False)
    return lambda pixels: np.asarray(model(pixels, training=False))


def _write_saved_model(parts: Parts, path: Path) -> None:
    parts.keras("probabilities").export(path, format="tf_saved_model", verbose=False)
    extra = path / "assets.extra"  # where TensorFlow has what users add
    extra.mkdir()
    _write_json(extra / "metadata.json", parts.metadata)


def _read_saved_model(path: Path) -> Run:
    claim_tensorflow()
    import tensorflow as tf

    loaded = tf.saved_model.load(str(path))
    serve = loaded.signatures["serving_default"]
    return lambda pixels: serve(pixels=tf.constant(pixels))["probabilities"].numpy()


def _write_litert(parts: Parts, path: Path) -> None:
    parts.keras("probabilities").export(path, format="litert", verbose=False)
    # TensorFlow's own tools append an archive with the labels, too.
    with zipfile.ZipFile(path, "a") as archive:
        classes = json.loads(parts.metadata["classes"])
        archive.writestr("labels.txt", "\n".join(map(shown, classes)))
        archive.writestr("metadata.json", json.dumps(dict(parts.metadata)))


def _read_litert(path: Path) -> Run:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(path))
    runner = interpreter.get_signature_runner("serving_default")
    return lambda pixels: runner(pixels=pixels)["probabilities"]


def _write_json(path: Path, metadata: Mapping[str, str]) -> None:
    path.write_text(json.dumps(dict(metadata), indent=2) + "\n", encoding="utf-8")


FORMATS = {
    ".onnx": Format(
        "ONNX",
        _write_onnx,
        _read_onnx,
        "onnxruntime",
        ("onnx", "onnxruntime"),
        dense_only=False,
    ),
    ".xml": Format(
        "OpenVINO",
        _write_openvino,
        _read_openvino,
        "openvino",
        ("onnx", "openvino"),
        dense_only=False,
        companions=(".bin",),
    ),
    ".keras": Format("Keras", _write_keras, _read_keras, "keras"),
    ".tflite": Format(
        "LiteRT", _write_litert, _read_litert, "ai-edge-litert", ("ai_edge_litert",)
    ),
    "": Format("SavedModel", _write_saved_model, _read_saved_model, "tensorflow"),
}
"""By the ending of the path; a SavedModel is a folder, whose name has none."""
