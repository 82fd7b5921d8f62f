"""Features in a folder, as `skresnet embed` writes them, where a command wants rows."""

from __future__ import annotations

from typing import Any, NamedTuple

import click
import numpy as np
from click.core import ParameterSource

from skresnet.cli.models import fitted
from skresnet.cli.pictures import Part, Parts, set_aside


class Features(NamedTuple):
    """Rows with the pictures that they are of."""

    rows: Any  # a Dask array, or if memory holds them with ease an ndarray
    pictures: Part

    def at(self, rows: np.ndarray) -> Features:
        """Take some of them, in ascending order."""
        from skresnet.lazy import taken_rows

        taken = (
            self.rows[rows]
            if isinstance(self.rows, np.ndarray)
            else taken_rows(self.rows, rows)
        )
        return Features(taken, self.pictures.at(rows))


class FeatureParts(NamedTuple):
    """The features of a training."""

    train: Features
    val: Features | None
    test: Features | None
    test_was_set_aside: bool
    embedder: str

    @property
    def pictures(self) -> Parts:
        """What they are of."""
        val, test = (part and part.pictures for part in (self.val, self.test))
        return Parts(self.train.pictures, val, test, self.test_was_set_aside)


def load_feature_parts(place: Any, test_size: float, random_state: int) -> FeatureParts:
    """Load the splits of features, or all, of which some are set aside for the test."""
    loaded = _loaded(place)
    embedder = loaded.embedder
    if "data" not in loaded:
        if "train" not in loaded:
            raise ValueError(f"No row of {str(place)!r} is in the split 'train'.")
        train, val, test = (
            _features(loaded[name]) if name in loaded else None
            for name in ("train", "val", "test")
        )
        assert train is not None
        return FeatureParts(train, val, test, False, embedder)
    every = _features(loaded)
    if test_size == 0:
        return FeatureParts(every, None, None, False, embedder)
    test_rows = np.sort(set_aside(every.pictures, test_size, random_state))
    train_rows = np.delete(np.arange(len(every.pictures.paths)), test_rows)
    return FeatureParts(every.at(train_rows), None, every.at(test_rows), True, embedder)


def load_test_features(place: Any) -> tuple[Features, str]:
    """Load the test split of features, or all where there are no splits."""
    loaded = _loaded(place)
    if "data" not in loaded and "test" not in loaded:
        raise ValueError(f"No row of {str(place)!r} is in the split 'test'.")
    return _features(loaded if "data" in loaded else loaded.test), loaded.embedder


def embedder_of(text: str) -> Any:
    """Make and fit the embedder that has made features, or say why it cannot be had."""
    from skresnet.stored_features import check_same_features, embedder_described

    embedder = fitted(embedder_described(text))
    check_same_features(text, embedder, "with the weights found here")
    return embedder


def refuse_options_of_pictures(place: str, *others: str) -> None:
    """Refuse options on how pictures become rows, since they are rows already."""
    context = click.get_current_context()
    for option in context.command.params:
        name = str(option.name)
        is_given = context.get_parameter_source(name) is ParameterSource.COMMANDLINE
        if is_given and (name.startswith("embedder__") or name in others):
            raise click.UsageError(
                f"{option.opts[0]} is about pictures, and {place} holds features, "
                "which say themselves how they were made. Leave it out."
            )


def _loaded(place: Any) -> Any:
    from skresnet import load_features

    try:
        loaded = load_features(place)
    except ImportError as error:
        raise click.ClickException(str(error)) from error
    if loaded.embedder is None:
        raise ValueError(
            f"The features in {str(place)!r} do not say which embedder has made them, "
            "so that a model could not predict pictures. Write them by `skresnet "
            "embed`; a classifier alone is DenseSGDClassifier().fit(...) in Python."
        )
    return loaded


def _features(bunch: Any) -> Features:
    from skresnet.head.blocks import LOADED_BYTES

    rows = bunch.data
    paths = bunch.filenames
    if paths is None:
        paths = np.array([f"row {row}" for row in range(len(rows))], object)
    small = rows.nbytes <= LOADED_BYTES
    return Features(
        rows.compute() if small else rows, Part(paths, bunch.target, bunch.groups)
    )
