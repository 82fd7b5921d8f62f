"""Exported files run as people run them, without this package."""

import json
import zipfile
from pathlib import Path

import numpy as np


def run(path, pixels):
    """Give the probabilities that the file's own runtime computes."""
    path = Path(path)
    if path.suffix == ".onnx":
        import onnxruntime

        session = onnxruntime.InferenceSession(path)
        return session.run(["probabilities"], {"pixels": pixels})[0]
    if path.suffix == ".xml":
        import openvino

        hint = {"INFERENCE_PRECISION_HINT": "f32"}
        return openvino.compile_model(path, "CPU", hint)(pixels)["probabilities"]
    if path.suffix == ".keras":
        import keras

        return keras.saving.load_model(path).predict(pixels, verbose=0)
    if path.suffix == ".tflite":
        from ai_edge_litert.interpreter import Interpreter

        runner = Interpreter(str(path)).get_signature_runner()
        return runner(pixels=pixels)["probabilities"]
    import tensorflow as tf

    serve = tf.saved_model.load(str(path)).signatures["serving_default"]
    return np.asarray(serve(pixels=tf.constant(pixels))["probabilities"])


def metadata(path):
    """Read what the file says of itself, by the means of its format."""
    path = Path(path)
    if path.suffix == ".onnx":
        import onnxruntime

        found = onnxruntime.InferenceSession(path).get_modelmeta().custom_metadata_map
    elif path.suffix == ".xml":
        import openvino

        said = openvino.Core().read_model(path)
        names = ("classes", "height", "network")
        found = {name: said.get_rt_info(["framework", name]).value for name in names}
    elif path.suffix in (".keras", ".tflite"):
        with zipfile.ZipFile(path) as archive:
            found = json.loads(archive.read("metadata.json"))
    else:
        found = json.loads((path / "assets.extra" / "metadata.json").read_text())
    return {**found, "classes": json.loads(found["classes"])}
