"""Features of pictures that are in memory: ours beside Keras and inference engines."""

from __future__ import annotations

import argparse
import re
import statistics
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import engines
from benchmarks.figures import Figure, beside_rivals
from benchmarks.measure import Contender, Result, Run, interleaved, paired_ratio
from benchmarks.network import gflop_per_picture
from benchmarks.report import (
    argument_parser,
    laps_of,
    machine,
    print_machine,
    print_table,
    write_json,
)
from skresnet.backbone import Precision
from skresnet.networks import NETWORKS

_LIMITS: dict[Precision, str] = {
    "float32": "limit of float32",
    "bfloat16": "limit of bfloat16",
}


_OURS: dict[Precision, str] = {
    precision: f"skresnet backbone, {precision}" for precision in _LIMITS
}


def pictures(n: int, side: int) -> NDArray[np.uint8]:
    """Draw pictures of noise; how fast a network is does not depend on them."""
    generator = np.random.default_rng(0)
    return generator.integers(0, 256, (n, side, side, 3), dtype=np.uint8)


def contenders(X: NDArray[np.uint8], batch_size: int, network: str) -> list[Contender]:
    """List all ways from X to features, ours first, and the limits of the machine."""
    listed: list[tuple[str, Callable[..., Run], tuple[Any, ...]]] = [
        ("skresnet backbone, float32", engines.skresnet_backbone, ("float32",)),
        ("skresnet transform, float32", engines.skresnet_embedder, ("float32",)),
        (
            "skresnet transform, OpenVINO engine, float32",
            engines.skresnet_embedder,
            ("float32", "openvino"),
        ),
        ("Keras predict", engines.keras_predict, ("auto",)),
        ("Keras predict, jit_compile=False", engines.keras_predict, (False,)),
        (
            "Keras predict, jit_compile=False, preprocessed before",
            engines.keras_predict_prepared,
            (False,),
        ),
        ("TensorFlow XLA", engines.tensorflow_xla, ()),
        ("ONNX Runtime", engines.onnx_runtime, ()),
        ("OpenVINO, float32", engines.openvino, ("float32", "LATENCY")),
        ("OpenVINO, float32, THROUGHPUT", engines.openvino_queue, ("float32",)),
        ("PyTorch channels-last, float32", engines.pytorch, ("float32",)),
        ("skresnet backbone, bfloat16", engines.skresnet_backbone, ("bfloat16",)),
        ("skresnet transform, bfloat16", engines.skresnet_embedder, ("bfloat16",)),
        (
            "skresnet transform, OpenVINO engine, bfloat16",
            engines.skresnet_embedder,
            ("bfloat16", "openvino"),
        ),
        ("OpenVINO, bfloat16", engines.openvino, ("bfloat16", "LATENCY")),
        ("OpenVINO, bfloat16, THROUGHPUT", engines.openvino_queue, ("bfloat16",)),
        ("PyTorch channels-last, bfloat16", engines.pytorch, ("bfloat16",)),
        (
            "skresnet transform, OpenVINO engine, int8",
            engines.skresnet_embedder,
            ("int8", "openvino"),
        ),
        ("ONNX Runtime, int8", engines.onnx_runtime_int8, ()),
    ]
    product_makers: dict[str, Callable[[Precision], Run]] = {
        "TensorFlow": engines.tensorflow_product,
        "PyTorch": engines.pytorch_product,
    }
    products = [
        Contender(f"{limit}: {library} matrix product", partial(make, precision))
        for precision, limit in _LIMITS.items()
        for library, make in product_makers.items()
    ]
    return [
        Contender(name, partial(make, X, batch_size, network, *settings))
        for name, make, settings in listed
    ] + products


def table(
    results: list[Result], n_pictures: int, gflop_per_picture: float
) -> list[list[str]]:
    """Make rows of the results, compared with the first and with Keras' features."""
    pictures_per_product = engines.GFLOP_PER_PRODUCT / gflop_per_picture
    ours = {
        precision: next(result for result in results if result.name == name)
        for precision, name in _OURS.items()
    }
    networks = [r for r in results if r.laps and not r.name.startswith("limit")]
    reference = next((r for r in networks if r.name.startswith("Keras")), networks[0])
    expected = reference.laps[0].value
    rows = [
        [
            "",
            "pictures/s",
            "best",
            "CPU ms/picture",
            "ours float32",
            "ours bfloat16",
            f"off {reference.name.split()[0]} by",
        ]
    ]
    for result in results:
        if result.absent is not None:
            rows.append([result.name, result.absent])
            continue
        is_limit = result.name.startswith("limit")
        n = pictures_per_product if is_limit else n_pictures
        ratios = [
            f"x {paired_ratio(result, own) * n_pictures / n:.2f}" if own.laps else "-"
            for own in ours.values()
        ]
        features = result.laps[0].value
        off = (
            "-"
            if is_limit
            else f"{np.abs(features - expected).max() / np.abs(expected).max():.0e}"
        )
        rows.append(
            [
                result.name,
                f"{n / result.median:.1f}",
                f"{n / result.best:.1f}",
                f"{1000 * result.cpu_median / n:.1f}",
                *ratios,
                off,
            ]
        )
    return rows


def compare(arguments: argparse.Namespace) -> tuple[dict[str, Any], list[Figure]]:
    """Measure all contenders by turns."""
    n_pictures = arguments.batches * arguments.batch_size
    X = pictures(n_pictures, arguments.side)
    chosen = [
        contender
        for contender in contenders(X, arguments.batch_size, arguments.network)
        if arguments.only is None
        or re.search(arguments.only, contender.name)
        or contender.name in _OURS.values()
    ]
    results = interleaved(chosen, rounds=arguments.rounds, warm_ups=1)
    gflop = gflop_per_picture(arguments.network, arguments.side)
    print_table(table(results, n_pictures, gflop))
    print(
        "\n'ours' says how many times as fast ours is (median over the rounds); "
        f"the limit counts\n{gflop:.2g} GFLOP a picture at the speed of a product of "
        "two matrices of 4096 x 4096."
    )
    figures = beside_rivals(
        [result for result in results if not result.name.startswith("limit")],
        arguments.network,
        "pictures/s",
        n_pictures,
        "skresnet transform, OpenVINO engine, {}",
    )
    numbers = {"n_pictures": n_pictures, "results": laps_of(results)}
    return numbers, list(figures)


def spread(arguments: argparse.Namespace) -> tuple[dict[str, Any], list[Figure]]:
    """Measure fresh processes one after another, and how they differ."""
    n_pictures = arguments.batches * arguments.batch_size
    X = pictures(n_pictures, arguments.side)
    named = ("skresnet backbone, float32", "Keras predict, jit_compile=False")
    chosen = [
        c
        for c in contenders(X, arguments.batch_size, arguments.network)
        if c.name in named
    ]
    processes: dict[str, list[Result]] = {contender.name: [] for contender in chosen}
    for _ in range(arguments.processes):
        for contender in chosen:
            processes[contender.name] += interleaved(
                [contender], rounds=arguments.rounds, warm_ups=1
            )
    rows = [
        [
            "",
            "processes",
            "pictures/s",
            "slowest",
            "behind median",
            "by CPU time",
            "by best round",
        ]
    ]
    figures = []
    for name, results in processes.items():
        title = f"{arguments.network}, fresh processes, {name}"
        reasons = [result.absent for result in results if result.absent is not None]
        if reasons:
            rows.append([name, reasons[0]])
            figures.append(Figure(title, "pictures/s", absent=reasons[0]))
            continue
        medians = [result.median for result in results]
        rates = [n_pictures / median for median in medians]
        figures.append(Figure(title, "pictures/s", rates))
        behind = [
            max(values) / statistics.median(values) - 1
            for values in (
                medians,
                [result.cpu_median for result in results],
                [result.best for result in results],
            )
        ]
        rows.append(
            [
                name,
                str(len(results)),
                f"{n_pictures / statistics.median(medians):.1f}",
                f"{n_pictures / max(medians):.1f}",
                *(f"{100 * share:.1f} %" for share in behind),
            ]
        )
    print_table(rows)
    numbers = {
        "n_pictures": n_pictures,
        "processes": {name: laps_of(results) for name, results in processes.items()},
    }
    return numbers, figures


def main() -> None:
    """Run the benchmark as the command line says."""
    parser = argument_parser("in_memory", __doc__ or "")
    parser.add_argument("--batches", type=int, default=3, help="batches a lap")
    parser.add_argument("--batch-size", type=int, default=32, help="pictures a batch")
    parser.add_argument(
        "--network", choices=list(NETWORKS), default="resnet50", help="what computes"
    )
    parser.add_argument("--side", type=int, default=224, help="pixels")
    parser.add_argument(
        "--only", help="a pattern of the names that are measured, beside ours"
    )
    parser.add_argument(
        "--processes",
        type=int,
        default=0,
        help="fresh processes each of ours and of Keras, instead of all contenders",
    )
    arguments = parser.parse_args()
    facts = machine()
    print_machine(facts)
    measured = spread(arguments) if arguments.processes else compare(arguments)
    write_json(arguments.json, facts, *measured)


if __name__ == "__main__":
    main()
