"""How long `skresnet predict` takes for one picture, beside what it has to import."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.figures import Figure
from benchmarks.photographs import paths, photographs
from benchmarks.report import (
    argument_parser,
    machine,
    print_machine,
    print_table,
    write_json,
)
from skresnet.backbone.kept import FOLDER_VARIABLE

_LEAST = "import sklearn, openvino, PIL"
_READING = f"{_LEAST}, joblib; joblib.load({{model!r}})"
_FEATURE = """
from skresnet import EfficientNetLite0Embedder
EfficientNetLite0Embedder(engine={engine!r}).fit_transform([{picture!r}])
"""
_NETWORKS = {"efficientnet_lite0": "imagenet", "resnet50": "distilled"}
_ENGINES = ("openvino", "tensorflow")


def commands(folder: Path, files: list[str]) -> dict[str, list[str]]:
    """Fit a model for each row of the table; give the command that the row runs."""
    import joblib

    from skresnet import make_image_classifier

    labels = [Path(file).parent.name for file in files]
    found = {_LEAST: [sys.executable, "-c", _LEAST]}
    for network, weights in _NETWORKS.items():
        for engine in _ENGINES:
            model = make_image_classifier(
                network=network,
                weights=weights,
                embedder__engine=engine,
                classifier__epochs=1,
                random_state=0,
            )
            path = folder / f"{network}-{engine}.joblib"
            joblib.dump(model.fit(files, labels), path)
            if engine == "openvino":
                reading = _READING.format(model=str(path))
                found[f"the same, and {network} read"] = [
                    *(sys.executable, "-c", reading)
                ]
            predict = ["predict", str(path), files[0], "--no-cache"]
            found[f"skresnet predict, {network}, {engine}"] = [
                *(sys.executable, "-m", "skresnet", *predict)
            ]
    for engine in _ENGINES:
        feature = _FEATURE.format(engine=engine, picture=files[0])
        found[f"first features of Lite0, {engine}"] = [sys.executable, "-c", feature]
    return found


def seconds(command: list[str]) -> tuple[float, float]:
    """Run a command; give the seconds on the wall and those of all processors."""
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, capture_output=True, check=True)
    wall = time.perf_counter() - begin
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)
    return wall, used


def main() -> None:
    """Run the benchmark as the command line says."""
    parser = argument_parser("prediction", __doc__ or "")
    arguments = parser.parse_args()
    facts = machine()
    print_machine(facts)
    laps: dict[str, list[tuple[float, float]]] = {}
    with TemporaryDirectory() as name, photographs(8, (500, 375)) as pictures:
        os.environ[FOLDER_VARIABLE] = str(Path(name) / "compiled")
        listed = commands(Path(name), paths(pictures))
        for number in range(1 + arguments.rounds):
            for row, command in listed.items():
                taken = seconds(command)
                if number > 0:  # the first round fills the disk's cache
                    laps.setdefault(row, []).append(taken)
    rows = [["", "seconds", "least", "processor s", "of the imports and reading"]]
    figures = []
    for row, taken_each in laps.items():
        walls, processors = zip(*taken_each, strict=True)
        read = [other for other in laps if other.startswith("the same")]
        least = next((other for other in read if other.split()[3] in row), read[0])
        ratios = [
            wall / other
            for (wall, _), (other, _) in zip(taken_each, laps[least], strict=True)
        ]
        figures.append(Figure(row, "s", walls))
        if row.startswith("skresnet"):
            name = f"{row}, of the imports and reading"
            figures.append(Figure(name, "x", ratios))
        rows.append(
            [
                row,
                f"{statistics.median(walls):.2f}",
                f"{min(walls):.2f}",
                f"{statistics.median(processors):.2f}",
                f"{statistics.median(ratios):.2f}",
            ]
        )
    print_table(rows)
    print(
        "\nEach in a fresh process, from its start to its end, the rows taking turns."
    )
    write_json(arguments.json, facts, {"seconds, processor seconds": laps}, figures)


if __name__ == "__main__":
    main()
