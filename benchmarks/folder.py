"""A folder of JPEG files to features: ours beside Keras' readers and embetter."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

from benchmarks import readers
from benchmarks.figures import beside_rivals
from benchmarks.measure import Contender, Result, interleaved, paired_ratio
from benchmarks.photographs import photographs
from benchmarks.report import (
    argument_parser,
    laps_of,
    machine,
    print_machine,
    print_table,
    write_json,
)
from skresnet.networks import NETWORKS

_SIDE = 224
_OURS = (
    "skresnet, files, float32",
    "skresnet, files, bfloat16",
    "skresnet, files, OpenVINO engine, int8",
)


def contenders(folder: Path, network: str) -> list[Contender]:
    """List all ways through the folder, ours first; rivals have ResNet50 alone."""
    ours = [
        Contender(
            f"skresnet, {what}, {precision}",
            partial(make, folder, _SIDE, precision, network=network),
        )
        for precision in ("float32", "bfloat16")
        for what, make in (
            ("files", readers.skresnet_folder),
            (
                "files, OpenVINO engine",
                partial(readers.skresnet_folder, engine="openvino"),
            ),
            ("array in memory", readers.skresnet_array),
            ("backbone in memory", readers.skresnet_network),
        )
    ]
    on_openvino = partial(readers.skresnet_folder, engine="openvino")
    eight_bits = [
        Contender(
            f"skresnet, {what}, OpenVINO engine, int8",
            partial(make, folder, _SIDE, "int8", network=network),
        )
        for what, make in (
            ("files", on_openvino),
            ("files, n_jobs=1", partial(on_openvino, n_jobs=1)),
            ("array in memory", partial(readers.skresnet_array, engine="openvino")),
        )
    ]
    if network != "resnet50":
        return [*ours, *eight_bits]
    return [
        *ours,
        *eight_bits,
        *(
            Contender(
                f"ImageDataGenerator and predict, batches of {batch_size}",
                partial(readers.image_data_generator, folder, _SIDE, batch_size),
            )
            for batch_size in (32, 1)
        ),
        Contender(
            "image_dataset_from_directory and predict",
            partial(readers.image_dataset, folder, _SIDE),
        ),
        Contender(
            "embetter: ImageLoader, TimmEncoder", partial(readers.embetter, folder)
        ),
    ]


def table(results: list[Result], n_files: int) -> list[list[str]]:
    """Make rows of the results, compared with ours."""
    ours = {
        result.name.removeprefix("skresnet, "): result
        for result in results
        if result.name in _OURS
    }
    rows = [
        ["", "files/s", "best", "CPU ms/file", *(f"ours {name}" for name in ours)],
    ]
    for result in results:
        if result.absent is not None:
            rows.append([result.name, result.absent])
            continue
        rows.append(
            [
                result.name,
                f"{n_files / result.median:.1f}",
                f"{n_files / result.best:.1f}",
                f"{1000 * result.cpu_median / n_files:.1f}",
                *(
                    f"x {paired_ratio(result, own):.2f}" if own.laps else "-"
                    for own in ours.values()
                ),
            ]
        )
    return rows


def main() -> None:
    """Run the benchmark as the command line says."""
    parser = argument_parser("folder", __doc__ or "")
    parser.add_argument("--files", type=int, default=192, help="files in the folder")
    parser.add_argument("--network", choices=list(NETWORKS), default="resnet50")
    parser.add_argument(
        "--size",
        type=int,
        nargs=2,
        default=(500, 375),
        metavar=("WIDTH", "HEIGHT"),
        help="pixels of a file",
    )
    parser.add_argument("--only", help="a pattern of the names that are measured")
    arguments = parser.parse_args()
    facts = machine()
    print_machine(facts)
    width, height = arguments.size
    with photographs(arguments.files, (width, height)) as folder:
        results = interleaved(
            [
                contender
                for contender in contenders(folder, arguments.network)
                if re.search(arguments.only or "", contender.name)
            ],
            rounds=arguments.rounds,
            warm_ups=1,
        )
    print_table(table(results, arguments.files))
    print(
        f"\n{arguments.files} JPEG files of {width} x {height}. 'ours' "
        "says how many times as fast ours is\nfrom files (median over the rounds)."
    )
    write_json(
        arguments.json,
        facts,
        {"n_files": arguments.files, "results": laps_of(results)},
        beside_rivals(
            results,
            arguments.network,
            "files/s",
            arguments.files,
            "skresnet, files, OpenVINO engine, {}",
        ),
    )


if __name__ == "__main__":
    main()
