"""The speeds of float32, bfloat16 and int8, and of ONNX Runtime's own 8 bits.

All in one process and by turns, so that whatever else the machine does hits all alike.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from benchmarks.engines import onnx_runtime_int8
from benchmarks.in_memory import pictures
from benchmarks.measure import Run
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
    runs: dict[str, Callable[..., Any]] = {}
    for precision in PRECISIONS:
        embedder = _EMBEDDERS[arguments.network].set_params(
            engine="openvino", precision=precision
        )
        # A copy of what is fitted, since the next precision is set on the same one.
        runs[precision] = type(embedder)(**embedder.get_params()).fit(X).transform
    network = arguments.network
    ours: dict[str, Run] = {name: partial(run, X) for name, run in runs.items()}
    contenders: dict[str, Run] = dict(ours)
    if arguments.rival:
        contenders["ONNX Runtime, int8"] = onnx_runtime_int8(X, 4, network)
    speeds: dict[str, list[float]] = {name: [] for name in contenders}
    for run in contenders.values():
        run()
    for _ in range(arguments.rounds):
        for name, run in contenders.items():
            begin = time.perf_counter()
            run()
            speeds[name].append(len(X) / (time.perf_counter() - begin))
    medians = {name: statistics.median(each) for name, each in speeds.items()}
    print_table(
        [
            [network, "pictures/s", "int8 is x"],
            *(
                [name, f"{median:.1f}", f"{medians['int8'] / median:.2f}"]
                for name, median in medians.items()
            ),
        ]
    )
    write_json(arguments.json, facts, {"network": network, "speeds": speeds})


if __name__ == "__main__":
    main()
