"""Quantise an OpenVINO network by NNCF: a program of its own.

A process that quantises does not share what NNCF changes for all of it: the log, the
random states, and the messages about its use that it otherwise sends to its makers.
Nothing of skresnet is imported here.
"""

import json
import sys
from pathlib import Path

import numpy as np


def main(folder: Path) -> None:
    """Read model.xml, pictures.npy and settings.json; write quantised.xml."""
    import logging

    import nncf
    import openvino as ov
    from nncf.quantization.advanced_parameters import OverflowFix
    from nncf.quantization.range_estimator import RangeEstimatorParametersSet

    nncf.set_log_level(logging.ERROR)
    settings = json.loads((folder / "settings.json").read_text())
    pictures = np.load(folder / "pictures.npy")
    model = ov.Core().read_model(folder / "model.xml")
    convolutions = {
        operation.get_friendly_name()
        for operation in model.get_ordered_ops()
        if operation.get_type_name().endswith("Convolution")
    }
    if convolutions - set(settings["spared"]):
        model = nncf.quantize(
            model,
            nncf.Dataset(
                list(pictures), lambda pixels: pixels[None].astype(np.float32)
            ),
            preset=nncf.QuantizationPreset.MIXED,
            subset_size=len(pictures),
            fast_bias_correction=True,
            ignored_scope=nncf.IgnoredScope(
                names=sorted(convolutions & set(settings["spared"]))
            ),
            advanced_parameters=nncf.AdvancedQuantizationParameters(
                # The instructions that are asked for add up in 32 bits.
                overflow_fix=OverflowFix.DISABLE,
                # Means of the pictures' greatest values, the default, cut off what is
                # rare on two photographs and is not on others.
                activations_range_estimator_params=RangeEstimatorParametersSet.MINMAX,
            ),
        )
    ov.serialize(model, folder / "quantised.xml", folder / "quantised.bin")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
