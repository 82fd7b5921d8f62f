"""`skresnet info`."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

import click

from skresnet import __version__
from skresnet.cli.models import best_epoch, load_model
from skresnet.cli.options import examples
from skresnet.cli.terminal import fitting
from skresnet.text import shown

_PACKAGES = (
    "tensorflow",
    "openvino",
    "nncf",
    "keras",
    "scikeras",
    "scikit-learn",
    "numpy",
    "pillow",
)

# What decides how fast convolutions are, in the words of /proc/cpuinfo.
_INSTRUCTIONS = (
    *("avx2", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16"),
    *("amx_int8", "amx_bf16"),
)


@click.command(
    short_help="Show versions, weights, cache and processor, or a model.",
    epilog=examples("skresnet info", "skresnet info model.joblib"),
)
@click.argument("model", type=click.Path(path_type=Path), required=False)
@click.option(
    "--cache",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder of the cache.  [default: the one for this user]",
)
def info(model: Path | None, cache: Path | None) -> None:
    """Show versions, weights, cache and processor, or what the MODEL in a file is.

    A model in a .joblib file is a pickle: loading it runs what it contains. Load only
    files from people you trust. One in a .skops file runs nothing.
    """
    facts = _model_facts(load_model(model)) if model else _machine_facts(cache)
    width = max(len(name) for name, _ in facts)
    for name, value in facts:
        click.echo(fitting(f"{name:{width}}  {shown(value)}", " " * (width + 2)))


def _machine_facts(cache: Path | None) -> list[tuple[str, str]]:
    from skresnet.base import installed_version

    return [
        ("skresnet", __version__),
        ("python", platform.python_version()),
        *((package, installed_version(package)) for package in _PACKAGES),
        *_weights(),
        ("cache", _cache(cache)),
        ("processor", _processor()),
        ("bfloat16", _possible("bfloat16")),
        ("int8", _possible("int8")),
    ]


def _weights() -> list[tuple[str, str]]:
    from skresnet import load_weights_info

    facts = []
    for info in load_weights_info():
        words = [info.description]
        if not info.path and not info.available_offline:
            words.append("not installed")
        if info.path:
            damaged = Path(info.path).exists() and not info.available_offline
            state = "damaged" if damaged else "not on this machine"
            words.append("here" if info.available_offline else state)
            if info.host and not info.available_offline:
                words.append(f"downloaded on first use from {info.host}")
            words.append(info.path)
        if info.size:
            words.append(f"{info.size / 1e6:.1f} MB")
        if info.digest:
            words.append(f"SHA-256 {info.digest}")
        # Such a digest fits into a line only beside names as short as this.
        facts.append(("weights", f"{info.name}: {', '.join(words)}"))
    return facts


def _cache(folder: Path | None) -> str:
    from skresnet.cache import (
        CacheUnavailableError,
        EmbeddingCache,
        default_cache_folder,
    )

    folder = folder or default_cache_folder()
    try:
        with EmbeddingCache(folder) as cache:
            found = cache.info()
    except CacheUnavailableError as error:
        return str(error)
    return f"{folder}, {found.entries:,} rows, {found.bytes_on_disk / 1e6:,.1f} MB"


def _processor() -> str:
    from joblib import cpu_count

    cpuinfo = Path("/proc/cpuinfo")
    flags = set(cpuinfo.read_text().split()) if cpuinfo.is_file() else set()
    found = [name for name in _INSTRUCTIONS if name in flags]
    return ", ".join(
        [platform.machine(), f"{cpu_count()} of {os.cpu_count()} cores usable", *found]
    )


def _possible(precision: str) -> str:
    from skresnet.backbone import check_precision

    try:
        check_precision(precision)
    except ValueError as error:
        return str(error)
    return f"fast: --precision {precision} can be used"


def _model_facts(model: Any) -> list[tuple[str, str]]:
    embedder, classifier = model["embedder"], model[-1]
    size = embedder.input_size
    height, width = (size, size) if isinstance(size, int) else size
    weights = embedder.weights_
    facts = [
        ("steps", ", ".join(model.named_steps)),
        ("classes", f"{len(model.classes_)}: {', '.join(map(str, model.classes_))}"),
        ("weights", ", ".join(filter(None, (weights.name, weights.path)))),
        ("digest", weights.digest),
        ("layer", embedder.layer),
        ("pooling", embedder.pooling),
        ("features", str(len(embedder.get_feature_names_out()))),
        ("input size", f"{height} x {width} pixels"),
        ("resizing", f"{embedder.interpolation}, {embedder.aspect}"),
        ("preprocessing", str(embedder.preprocessing).lower()),
        ("precision", embedder.precision),
        ("engine", _engine(embedder)),
        ("made with", _made_with(embedder)),
    ]
    if hasattr(classifier, "best_epoch_"):
        sizes = [*classifier.hidden_layer_sizes, len(model.classes_)]
        facts += [
            ("head", " > ".join(map(str, sizes)) + f", dropout {classifier.dropout}"),
            ("best", best_epoch(classifier)),
        ]
    else:
        facts.append(("head", type(classifier).__name__))
    return facts


def _engine(embedder: Any) -> str:
    here = embedder._backbone.on_this_machine().engine
    return here if embedder.engine == here else f"{embedder.engine}, here {here}"


def _made_with(estimator: Any) -> str:
    from skresnet.base import MADE_WITH

    versions = getattr(estimator, MADE_WITH, {})
    return ", ".join(f"{name} {number}" for name, number in versions.items())
