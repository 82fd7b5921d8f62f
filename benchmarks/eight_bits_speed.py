"""The speeds of float32, bfloat16 and int8, and of ONNX Runtime's own 8 bits.

All in one process and by turns, so that whatever else the machine does hits all alike.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from benchmarks.engines import onnx_runtime_int8
from benchmarks.figures import Figure
from benchmarks.in_memory import pictures
from benchmarks.measure import AbsentError, Run
from benchmarks.report import (
    argument_parser,
    machine,
    print_machine,
    print_table,
    write_json,
)
from skresnet import EfficientNetLite0Embedder, ResNet50Embedder
from skresnet.backbone import PRECISIONS

_EMBEDDERS = {
    "resnet50": ResNet50Embedder(weights="distilled"),
    "efficientnet_lite0": EfficientNetLite0Embedder(),
}


def _ours(X: NDArray[np.uint8], network: str, precision: str) -> Run:
    """Prepare the embedder."""
    # A copy, so that no other precision is set on what this one has fitted.
    embedder = clone(_EMBEDDERS[network])
    embedder.set_params(engine="openvino", precision=precision)
    return partial(embedder.fit(X).transform, X)


def figures(
    network: str, speeds: dict[str, list[float]], absent: dict[str, str]
) -> Iterator[Figure]:
    """Give all speeds, and how many times as fast as the others int8 is."""
    for name, laps in speeds.items():
        yield Figure(f"{network}, {name}", "pictures/s", laps)
    for name, reason in absent.items():
        yield Figure(f"{network}, {name}", "pictures/s", absent=reason)
    for name, laps in speeds.items():
        if name != "int8" and "int8" in speeds:
            pairs = zip(speeds["int8"], laps, strict=True)
            ratios = [ours / theirs for ours, theirs in pairs]
            yield Figure(f"{network}, int8 beside {name}", "x", ratios)


def main() -> None:
    """Run the benchmark as the command line says."""
    parser = argument_parser("eight_bits_speed", __doc__ or "")
    parser.add_argument("--pictures", type=int, default=32, help="of one lap")
    parser.add_argument("--network", choices=list(_EMBEDDERS), default="resnet50")
    parser.add_argument(
        "--rival", action="store_true", help="quantise by ONNX Runtime too: minutes"
    )
    arguments = parser.parse_args()
    facts = machine()
    print_machine(facts)
    X = pictures(arguments.pictures, 224)
    network = arguments.network
    makers: dict[str, Callable[[], Run]] = {
        precision: partial(_ours, X, network, precision) for precision in PRECISIONS
    }
    if arguments.rival:
        makers["ONNX Runtime, int8"] = partial(onnx_runtime_int8, X, 4, network)
    contenders: dict[str, Run] = {}
    absent: dict[str, str] = {}
    for name, make in makers.items():
        try:
            contenders[name] = make()
        except (AbsentError, ValueError) as error:  # or the processor lacks it
            absent[name] = str(error)
    speeds: dict[str, list[float]] = {name: [] for name in contenders}
    for run in contenders.values():
        run()
    for _ in range(arguments.rounds):
        for name, run in contenders.items():
            begin = time.perf_counter()
            run()
            speeds[name].append(len(X) / (time.perf_counter() - begin))
    medians = {name: statistics.median(each) for name, each in speeds.items()}
    eight = medians.get("int8", math.nan)
    print_table(
        [
            [network, "pictures/s", "int8 is x"],
            *(
                [name, f"{median:.1f}", f"{eight / median:.2f}"]
                for name, median in medians.items()
            ),
            *([name, reason] for name, reason in absent.items()),
        ]
    )
    write_json(
        arguments.json,
        facts,
        {"network": network, "speeds": speeds, "absent": absent},
        figures(network, speeds, absent),
    )


if __name__ == "__main__":
    main()
