"""What the checks of data find, and how often they are wrong.

Copies are made of training pictures and looked for among them; each data set is shown
to what has seen the other one; and labels are flipped.
"""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.figures import Figure
from benchmarks.report import (
    add_folders,
    argument_parser,
    machine,
    print_machine,
    print_table,
    write_json,
)
from skresnet import find_label_issues, find_leakage, load_image_splits
from skresnet.auditing.duplicates import Thumbnails
from skresnet.embedder import EMBEDDERS
from skresnet.image_embedder import ImageEmbedder

_RATES = (0.01, 0.001)


def _recompressed(image: Image.Image) -> Image.Image:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=30)
    return Image.open(file)


def _halved(image: Image.Image) -> Image.Image:
    return image.resize((image.width // 2, image.height // 2))


def _cropped(image: Image.Image) -> Image.Image:
    width, height = image.size
    return image.crop((width // 10, height // 10, width * 9 // 10, height * 9 // 10))


def _cornered(image: Image.Image) -> Image.Image:
    width, height = image.size
    return image.crop((0, 0, width * 7 // 8, height * 7 // 8))


_ALTERATIONS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "recompressed": _recompressed,
    "halved": _halved,
    "cropped": _cropped,
    "corner": _cornered,
    "mirrored": ImageOps.mirror,
}


def _copies(name: str, data: Any, n_copies: int) -> list[dict[str, Any]]:
    """Look for altered copies of training pictures, and for copies that are none."""
    train, rest = data["train"].data, [data[split].data for split in ("val", "test")]
    others = np.concatenate(rest)
    rows = np.random.default_rng(0).choice(len(train), n_copies, replace=False)
    originals = [Image.open(train[row]).convert("RGB") for row in rows]
    made = [alter(image) for alter in _ALTERATIONS.values() for image in originals]
    results = []
    for rate in _RATES:
        pairs = find_leakage(train, [*made, *others], false_alarm_rate=rate)
        hits = np.zeros(len(made), bool)
        for pair in pairs:
            if pair.second < len(made):
                hits[pair.second] = pair.first == rows[pair.second % n_copies]
        shares = hits.reshape(len(_ALTERATIONS), n_copies).mean(axis=1)
        alarms = sum(pair.second >= len(made) for pair in pairs)
        results.append(
            {
                "data": name,
                "rate": rate,
                **dict(zip(_ALTERATIONS, shares.tolist(), strict=True)),
                "false alarms": alarms / len(others),
            }
        )
    return results


def _alarms(name: str, data: Any, n_draws: int) -> list[dict[str, Any]]:
    """Learn thresholds from a part of the pictures, and look among the others."""
    splits = [data[split].data for split in ("train", "val", "test")]
    every = Thumbnails.of(np.concatenate(splits), n_jobs=-1)
    generator = np.random.default_rng(0)
    results = []
    for size in (50, 100, 200, 400, 800):
        if 1.5 * size > len(every.positions):
            break
        alarms: dict[float, list[float]] = {rate: [] for rate in _RATES}
        for _ in range(n_draws):
            order = generator.permutation(len(every.positions))
            part, rest = every.at(order[:size]), every.at(order[size:])
            nearest = part.nearest_to(part, 2)
            distances = rest.nearest_to(part, 1).distances[:, 0]
            for rate in _RATES:
                alarms[rate].append(float(np.mean(distances < nearest.threshold(rate))))
        means = {f"at {rate}": float(np.mean(alarms[rate])) for rate in _RATES}
        results.append({"data": name, "learnt from": size, **means})
    return results


def _outsiders(
    name: str, data: Any, other: str, outsiders: Any, embedder: ImageEmbedder
) -> dict[str, Any]:
    """Show one data set to what has seen the training pictures of another."""
    embedder.fit_transform(data["train"].data)
    own = embedder.novelty(data["test"].data)
    novel = embedder.novelty(outsiders["test"].data)
    area = roc_auc_score(
        np.repeat([0, 1], [len(own), len(novel)]), np.concatenate([own, novel])
    )
    return {
        "seen": name,
        "shown": other,
        "area": float(area),
        "false alarms": float(np.mean(own > 1)),
        "found": float(np.mean(novel > 1)),
    }


def _labels(
    name: str, data: Any, share: float, embedder: ImageEmbedder
) -> dict[str, Any]:
    """Flip labels, and look for them."""
    splits = [data[split] for split in ("train", "val", "test")]
    X = np.concatenate([split.data for split in splits])
    y = np.concatenate([split.target for split in splits])
    classes = np.unique(y)
    generator = np.random.default_rng(0)
    flipped = generator.choice(len(y), int(share * len(y)), replace=False)
    for row in flipped:
        y[row] = generator.choice(classes[classes != y[row]])
    model = make_pipeline(
        embedder, StandardScaler(), LogisticRegression(C=0.001, max_iter=200)
    )
    issues = [issue.position for issue in find_label_issues(model, X, y)]
    hits = np.isin(issues, flipped)
    first = hits[: min(50, len(flipped))]
    return {
        "data": name,
        "flipped": len(flipped),
        "listed": len(issues),
        "first": len(first),
        "precision of the first": float(first.mean()),
        "recall": float(hits.sum() / len(flipped)),
    }


def _print(rows: list[dict[str, Any]]) -> None:
    def cell(value: Any) -> str:
        return f"{value:.4f}" if isinstance(value, float) else str(value)

    head = list(rows[0])
    print_table([head, *([cell(value) for value in row.values()] for row in rows)])
    print()


def figures(
    network: str,
    copies: list[dict[str, Any]],
    outsiders: list[dict[str, Any]],
    labels: list[dict[str, Any]],
) -> Iterator[Figure]:
    """Give the shares that are found, and of false alarms."""
    for row in copies:
        for what in (*_ALTERATIONS, "false alarms"):
            name = f"{row['data']}, copies at {row['rate']}, {what}"
            yield Figure(name, "share", [row[what]])
    for row in outsiders:
        for what in ("area", "found", "false alarms"):
            name = f"{network}, {row['shown']} shown to {row['seen']}, {what}"
            yield Figure(name, "share", [row[what]])
    for row in labels:
        for what in ("precision of the first", "recall"):
            name = f"{network}, {row['data']}, flipped labels, {what}"
            yield Figure(name, "share", [row[what]])


def main() -> None:
    """Run the benchmark."""
    parser = argument_parser("auditing", __doc__ or "", rounds="has no meaning here")
    add_folders(parser, "two or more, with splits")
    parser.add_argument("--network", choices=list(EMBEDDERS), default="resnet50")
    parser.add_argument("--weights", default="imagenet", help="of the network")
    parser.add_argument("--cache", type=Path, help="where features are kept")
    parser.add_argument("--copies", type=int, default=100, help="of each kind")
    parser.add_argument("--draws", type=int, default=20, help="of parts to learn from")
    parser.add_argument("--flipped", type=float, default=0.05, help="share of labels")
    options = parser.parse_args()
    if len(options.folders) < 2:
        parser.error("pictures of one folder are shown to what has seen another")
    facts = machine()
    print_machine(facts)
    sets = {folder.name: load_image_splits(folder) for folder in options.folders}
    embedder = EMBEDDERS[options.network](weights=options.weights, cache=options.cache)
    copies = list(
        itertools.chain.from_iterable(
            _copies(name, data, options.copies) for name, data in sets.items()
        )
    )
    _print(copies)
    alarms = list(
        itertools.chain.from_iterable(
            _alarms(name, data, options.draws) for name, data in sets.items()
        )
    )
    _print(alarms)
    outsiders = [
        _outsiders(name, sets[name], other, sets[other], embedder)
        for name, other in itertools.permutations(sets, 2)
    ]
    _print(outsiders)
    labels = [
        _labels(name, data, options.flipped, embedder) for name, data in sets.items()
    ]
    _print(labels)
    write_json(
        options.json,
        facts,
        {"copies": copies, "alarms": alarms, "outsiders": outsiders, "labels": labels},
        figures(options.network, copies, outsiders, labels),
    )


if __name__ == "__main__":
    main()
