"""How long a fresh process takes to import, to compute, and to predict."""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.figures import of_programs
from benchmarks.photographs import paths, photographs
from benchmarks.report import (
    argument_parser,
    machine,
    print_machine,
    print_table,
    write_json,
)
from skresnet.backbone import PRECISIONS
from skresnet.backbone.kept import FOLDER_VARIABLE

# Each is the program of a fresh process. It prints seconds, one number or two, counted
# from its own first line: starting Python is the same for all.
_BEGIN = "import time; begin = time.perf_counter()\n"
_END = "\nprint(time.perf_counter() - begin)"

_IMPORTS = {
    "import sklearn": "import sklearn",
    "import skresnet": "import skresnet",
    "from skresnet import make_image_classifier": (
        "from skresnet import make_image_classifier"
    ),
    "import keras": "import keras",
    "import torch": "import torch",
}

_FIRST_FEATURES = {
    "first features, skresnet": """
from skresnet import ResNet50Embedder
ResNet50Embedder(weights={weights!r}).fit_transform([{picture!r}])
""",
    "first features, Keras": """
import keras, numpy
network = keras.applications.ResNet50(include_top=False, pooling="avg", weights=None)
network.load_weights({weights!r})
image = keras.utils.load_img({picture!r}, target_size=(224, 224))
pixels = keras.utils.img_to_array(image)[numpy.newaxis]
network.predict(keras.applications.resnet.preprocess_input(pixels), verbose=0)
""",
}

# Kept networks have a folder for each row, since no more than a few are kept in one.
# The first round, which is not counted, fills it: the others are second starts.
_SECOND_START = """
import os
os.environ[{variable!r}] = {kept!r}
from skresnet import {embedder}
{embedder}(
    weights={weights!r}, engine="openvino", precision={precision!r}
).fit_transform([{picture!r}])
"""
NETWORKS = {
    "ResNet50Embedder": "distilled",
    "EfficientNetLite0Embedder": "imagenet",
}

_AGAIN = """
{end}
again = []
for _ in range(20):
    begin = time.perf_counter()
    {predict}
    again.append(time.perf_counter() - begin)
print(sorted(again)[10])
"""

_PREDICTIONS = {
    "load and predict one picture, skresnet": (
        """
import joblib
model = joblib.load({model!r})
model.predict([{picture!r}])
""",
        "model.predict([{picture!r}])",
    ),
    "load and predict one picture, Keras": (
        """
import keras, numpy
model = keras.saving.load_model({keras_model!r})
def predict():
    image = keras.utils.load_img({picture!r}, target_size=(224, 224))
    pixels = keras.utils.img_to_array(image)[numpy.newaxis]
    return model.predict(keras.applications.resnet.preprocess_input(pixels), verbose=0)
predict()
""",
        "predict()",
    ),
}


def prepare(folder: Path, files: list[str]) -> dict[str, str]:
    """Write weights, a model of ours and one of Keras; give what programs name."""
    import joblib
    import keras

    from skresnet import make_image_classifier

    weights = folder / "resnet50.weights.h5"
    network = keras.applications.ResNet50(
        include_top=False, pooling="avg", weights=None
    )
    network.save_weights(weights)
    ours = make_image_classifier(weights=weights, classifier__epochs=1)
    ours.fit(files, [Path(file).parent.name for file in files])
    joblib.dump(ours, folder / "model.joblib")
    value = network.output
    for units in (500, 250, 200):
        value = keras.layers.Dense(units, activation="relu")(value)
    value = keras.layers.Dense(2, activation="softmax")(value)
    keras.Model(network.input, value).save(folder / "model.keras")
    return {
        "weights": str(weights),
        "picture": files[0],
        "model": str(folder / "model.joblib"),
        "keras_model": str(folder / "model.keras"),
        "kept": str(folder / "kept"),
    }


def programs(names: dict[str, str]) -> dict[str, str]:
    """Write the program of each row of the table."""
    written = {name: _BEGIN + text + _END for name, text in _IMPORTS.items()}
    for name, text in _FIRST_FEATURES.items():
        written[name] = _BEGIN + text.format(**names) + _END
    for embedder, weights in NETWORKS.items():
        for precision in PRECISIONS:
            text = _SECOND_START.format(
                variable=FOLDER_VARIABLE,
                kept=f"{names['kept']}-{embedder}-{precision}",
                embedder=embedder,
                weights=weights,
                precision=precision,
                picture=names["picture"],
            )
            name = f"second start, {embedder}, OpenVINO, {precision}"
            written[name] = _BEGIN + text + _END
    for name, (text, predict) in _PREDICTIONS.items():
        again = _AGAIN.format(end=_END, predict=predict.format(**names))
        written[name] = _BEGIN + text.format(**names) + again
    return written


def seconds(program: str) -> list[float] | str:
    """Run a program in a fresh process; give its numbers, or what went wrong."""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        last = done.stderr.strip().splitlines()[-1]
        return "not installed" if "ModuleNotFoundError" in last else last[:120]
    return [float(line) for line in done.stdout.split()]


def in_turns(
    written: dict[str, str], rounds: int
) -> tuple[dict[str, list[list[float]]], dict[str, str]]:
    """Run programs in turns, a first round of which does not count.

    It fills the disk's cache, and the folders of kept networks.

    Returns
    -------
    laps : dict of str to list
        What each program has printed in each round, by its name.
    failures : dict of str to str
        What went wrong with the others.
    """
    laps: dict[str, list[list[float]]] = {}
    failures: dict[str, str] = {}
    for number in range(1 + rounds):
        for name, program in written.items():
            taken = seconds(program)
            if isinstance(taken, str):
                failures[name] = taken
            elif number > 0:
                laps.setdefault(name, []).append(taken)
    return laps, failures


def main() -> None:
    """Run the benchmark as the command line says."""
    parser = argument_parser("startup", __doc__ or "")
    parser.add_argument("--only", help="a pattern of the names that are measured")
    arguments = parser.parse_args()
    facts = machine()
    print_machine(facts)
    with TemporaryDirectory() as folder, photographs(8, (500, 375)) as pictures:
        written = {
            name: program
            for name, program in programs(
                prepare(Path(folder), paths(pictures))
            ).items()
            if re.search(arguments.only or "", name)
        }
        laps, failures = in_turns(written, arguments.rounds)
    rows = [["", "seconds", "least", "predict again, ms"]]
    for name in written:
        if name in failures:
            rows.append([name, failures[name]])
            continue
        first, *again = zip(*laps[name], strict=True)
        rows.append(
            [
                name,
                f"{statistics.median(first):.3f}",
                f"{min(first):.3f}",
                f"{1000 * statistics.median(again[0]):.1f}" if again else "-",
            ]
        )
    print_table(rows)
    print("\nEach in a fresh process, from its first line on.")
    write_json(
        arguments.json,
        facts,
        {"seconds": laps, "absent": failures},
        of_programs(
            written,
            laps,
            failures,
            [("", "s", float), (", again", "ms", lambda seconds: 1000 * seconds)],
        ),
    )


if __name__ == "__main__":
    main()
