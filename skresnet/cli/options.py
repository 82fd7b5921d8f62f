"""Options that several commands share, and the values they take.

An option that is a parameter of a step has the parameter's name in the Pipeline, such
as ``embedder__layer``, and its default, so that values pass through as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from pathlib import Path
from typing import Any, TypeVar

import click

Option = Callable[[Any], Any]
Format = TypeVar("Format")

INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "hamming", "box", "lanczos")


def size(value: Any) -> Any:
    """Turn ``224`` into an int, and ``224x320`` into a tuple (height, width)."""
    if not isinstance(value, str):
        return value
    sides = _numbers(value.lower(), "x")
    if len(sides) not in (1, 2) or min(sides) < 32:
        raise click.BadParameter(
            f"{value!r} is no size: expected pixels such as 224, or height x width "
            "such as 224x320, each at least 32."
        )
    return sides[0] if len(sides) == 1 else sides


def jobs(value: Any) -> Any:
    """Turn text into a number of threads, which is never 0."""
    number = click.INT.convert(value, None, None)
    if number == 0:
        raise click.BadParameter(
            "0 is no number of threads: expected such as 2, or -1."
        )
    return number


def layer_sizes(value: Any) -> Any:
    """Turn ``500,250,200`` into a tuple of int, and ``none`` into an empty one."""
    if not isinstance(value, str) or value == "none":
        return () if value == "none" else value
    sizes = _numbers(value, ",")
    if not sizes or min(sizes) < 1:
        raise click.BadParameter(
            f"{value!r} are no layers: expected their units such as 500,250,200, or "
            "none."
        )
    return sizes


def or_word(word: str, value: Any, otherwise: Any) -> Callable[[Any], Any]:
    """Take what a type of click takes, or a word that stands for a value."""

    def converted(text: Any) -> Any:
        if text in (word, value):
            return value
        return otherwise.convert(text, None, None)

    return converted


def _numbers(text: str, separator: str) -> tuple[int, ...]:
    try:
        return tuple(int(number) for number in text.split(separator))
    except ValueError:
        return ()


def _none_if(word: str) -> Callable[[click.Context, click.Parameter, Any], Any]:
    return lambda ctx, param, value: None if value == word else value


def examples(*lines: str) -> str:
    """Write the end of a help: lines to paste, unwrapped however long they are."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def together(*options: Option) -> Option:
    """Make one decorator of several."""
    return lambda command: reduce(lambda made, add: add(made), options[::-1], command)


def option(*names: str, **settings: Any) -> Option:
    """Make an option that shows its default."""
    return click.option(*names, **{"show_default": True, **settings})


reading_options = together(
    option(
        "--batch-size",
        "embedder__batch_size",
        type=click.IntRange(min=1),
        default=32,
        help="Pictures that go through the network at once.",
    ),
    option(
        "--jobs",
        "embedder__n_jobs",
        type=jobs,
        metavar="THREADS",
        default=-1,
        help="Threads that read pictures, -1 for one a processor.",
    ),
)

embedder_options = together(
    option(
        "--network",
        type=click.Choice(["resnet50", "efficientnet_lite0"]),
        default="resnet50",
        help="What makes the features. efficientnet_lite0 is faster, and its ImageNet "
        "weights are installed with this package.",
    ),
    option(
        "--weights",
        "embedder__weights",
        default="imagenet",
        metavar="imagenet|distilled|random|FILE",
        callback=_none_if("random"),
        help="Weights of the network: those of ImageNet, ResNet50's that come with "
        "this package, random ones, or a Keras file.",
    ),
    option(
        "--layer",
        "embedder__layer",
        default="avg_pool",
        metavar="NAME",
        help="The layer whose output are the features, by its Keras name.",
    ),
    option(
        "--pooling",
        "embedder__pooling",
        type=click.Choice(["avg", "max", "flatten"]),
        default="avg",
        help="How the output of an inner layer becomes one row.",
    ),
    option(
        "--input-size",
        "embedder__input_size",
        type=size,
        metavar="PIXELS",
        default=(224, 224),
        show_default=False,
        help="Pixels that pictures are resized to, one number or height x width, such "
        "as 224x320.  [default: 224]",
    ),
    option(
        "--interpolation",
        "embedder__interpolation",
        type=click.Choice(INTERPOLATIONS),
        default="bilinear",
        help="Filter for resizing.",
    ),
    option(
        "--aspect",
        "embedder__aspect",
        type=click.Choice(["stretch", "crop", "pad"]),
        default="stretch",
        help="What becomes of another aspect ratio.",
    ),
    option(
        "--preprocessing",
        "embedder__preprocessing",
        type=click.Choice(["caffe", "lite", "none"]),
        help="What ImageNet weights expect, caffe for resnet50 and lite for "
        "efficientnet_lite0, or raw pixels.  [default: by the network]",
    ),
    option(
        "--precision",
        "embedder__precision",
        type=click.Choice(["float32", "bfloat16", "int8"]),
        default="float32",
        help="Precision of the convolutions; int8 needs skresnet[int8], and about half "
        "a minute once.",
    ),
    option(
        "--engine",
        "embedder__engine",
        type=click.Choice(["auto", "tensorflow", "openvino"]),
        default="auto",
        help="What computes the network; openvino is to be installed besides, and auto "
        "takes it where it is, for float32.",
    ),
    option(
        "--scaled-decoding/--full-decoding",
        "embedder__scaled_decoding",
        default=True,
        help="Let the JPEG decoder deliver a smaller size where that is enough.",
    ),
    reading_options,
)

classifier_options = together(
    option(
        "--hidden-layers",
        "classifier__hidden_layer_sizes",
        type=layer_sizes,
        metavar="UNITS,...",
        default=(500,),
        show_default=False,
        help="Units of each hidden layer of the head, or none.  [default: 500]",
    ),
    option(
        "--dropout",
        "classifier__dropout",
        type=click.FloatRange(0, 1, max_open=True),
        default=0.2,
        help="Dropout rate in front of the last hidden layer.",
    ),
    option(
        "--learning-rate",
        "classifier__learning_rate",
        type=click.FloatRange(0, min_open=True),
        default=0.01,
        help="Learning rate of SGD.",
    ),
    option(
        "--momentum",
        "classifier__momentum",
        type=click.FloatRange(0, 1),
        default=0.9,
        help="Momentum of SGD.",
    ),
    option(
        "--weight-decay",
        "classifier__weight_decay",
        type=or_word("auto", "auto", click.FloatRange(0)),
        metavar="SHARE|auto",
        default="auto",
        help="Share of each weight, times the learning rate, that a step takes away.",
    ),
    option(
        "--standardize/--no-standardize",
        "classifier__standardize",
        default=True,
        help="Centre and scale the features while the head is trained.",
    ),
    option(
        "--epochs",
        "classifier__epochs",
        type=or_word("auto", "auto", click.IntRange(min=1)),
        metavar="EPOCHS|auto",
        default="auto",
        help="Passes over the training pictures.",
    ),
    option(
        "--train-batch-size",
        "classifier__batch_size",
        type=click.IntRange(min=1),
        default=32,
        help="Pictures of one gradient step.",
    ),
    option(
        "--patience",
        "classifier__patience",
        type=or_word("none", None, click.IntRange(min=0)),
        metavar="EPOCHS|none",
        default="none",
        help="Epochs without progress after which training stops.",
    ),
    option(
        "--monitor",
        "classifier__monitor",
        type=click.Choice(["val_accuracy", "val_loss", "accuracy", "loss"]),
        default="val_loss",
        help="What decides the best epoch.",
    ),
    option(
        "--validation-fraction",
        "classifier__validation_fraction",
        type=or_word(
            "none", None, click.FloatRange(0, 1, min_open=True, max_open=True)
        ),
        metavar="SHARE|none",
        default=0.2,
        help="Share of the training pictures that decides the best epoch where there "
        "is no val folder; none trains on all, and they decide.",
    ),
    option(
        "--refit/--no-refit",
        "classifier__refit",
        default=True,
        help="Train anew on all training pictures, for as many epochs as were best.",
    ),
    option(
        "--class-weight",
        "classifier__class_weight",
        type=click.Choice(["none", "balanced"]),
        default="none",
        callback=_none_if("none"),
        help="balanced: rare classes weigh as much as frequent ones.",
    ),
)

on_error_option = option(
    "--on-error",
    type=click.Choice(["raise", "skip"]),
    default="raise",
    help="Pictures that cannot be read: an error, or left out and listed.",
)

group_option = click.option(
    "--group-by",
    metavar="parent|PATTERN|COLUMN",
    help="What tells which pictures show one subject, and stay on one side: their "
    "folder, the part in parentheses of a pattern on their names, or a column of the "
    "table.",
)

path_options = together(
    click.option(
        "--path-column",
        "table__path_column",
        metavar="COLUMN",
        help="The column of paths of a table.  [default: by its usual names]",
    ),
    click.option(
        "--root",
        "table__root",
        metavar="FOLDER",
        help="What the paths of a table are relative to, a folder, an archive or an "
        "address.  [default: the folder of the table]",
    ),
)

table_options = together(
    path_options,
    click.option(
        "--class-column",
        "table__class_column",
        metavar="COLUMN",
        help="Its column of classes.",
    ),
    click.option(
        "--split-column",
        "table__split_column",
        metavar="COLUMN",
        help="Its column of train, val and test.",
    ),
)

report_option = click.option(
    "--report",
    type=click.Path(path_type=Path),
    help="HTML file to write a report on the test pictures to.",
)

out_option = click.option(
    "--out", type=click.Path(path_type=Path), help="File to write to, not the screen."
)

force_option = click.option("--force", is_flag=True, help="Replace files that exist.")

random_state_option = option(
    "--random-state",
    type=click.IntRange(min=0),
    default=0,
    help="Seed of everything that is random.",
)

cache_options = together(
    click.option(
        "--cache",
        type=click.Path(file_okay=False, path_type=Path),
        help="Folder that keeps features, so that no picture is embedded twice.  "
        "[default: one for this user; `skresnet info` shows it]",
    ),
    click.option("--no-cache", is_flag=True, help="Keep no features."),
)


def chosen_cache(cache: Path | None, no_cache: bool) -> Path | None:
    """Return the folder of the cache that the two options ask for."""
    from skresnet.cache import default_cache_folder

    if not no_cache:
        return cache or default_cache_folder()
    if cache:
        raise click.UsageError("--cache and --no-cache exclude each other.")
    return None


def checked_embedder(params: dict[str, Any]) -> dict[str, Any]:
    """Refuse what there is not here, of layers to engines, before listing pictures.

    Returns
    -------
    params : dict
        The same, with the network's own preprocessing where none was chosen.
    """
    from skresnet.backbone import check_engine, check_precision
    from skresnet.networks import NETWORKS

    network = NETWORKS[params["network"]]
    size = params["embedder__input_size"]
    own = network.preprocessing.name
    preprocessing = params["embedder__preprocessing"] or own
    if preprocessing not in ("none", own):
        raise click.UsageError(
            f"--preprocessing {preprocessing} is not what --network {network.name} "
            f"was trained with: that is {own}."
        )
    try:
        network.n_features(
            params["embedder__layer"],
            params["embedder__pooling"],
            (size, size) if isinstance(size, int) else size,
        )
        check_precision(params["embedder__precision"], params["embedder__engine"])
        check_engine(params["embedder__engine"])
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    chosen = None if preprocessing == "none" else preprocessing
    return params | {"embedder__preprocessing": chosen}


def chosen_format(
    name: str | None, out: Path | None, formats: Mapping[str, Format]
) -> Format:
    """Return the format of that name, or of the ending of a file, or the first one."""
    ending = out.suffix.lower().removeprefix(".") if out else ""
    return formats.get(name or ending) or next(iter(formats.values()))


def files_in(cache: Path | None, **params: Any) -> list[Path]:
    """List what is read besides pictures: a cache, and the file of the weights."""
    weights = Path(params.get("embedder__weights") or "")
    found = list(cache.iterdir()) if cache and cache.is_dir() else []
    return [*found, weights] if weights.is_file() else found
