"""Reading a network's weights out of the kinds of files that Keras has written."""

import io
import re
import zipfile
from collections import Counter
from itertools import chain, count, takewhile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from skresnet.networks import Arrays, Network

# Datasets of h5py by the name of their layer, in the order that Keras lists weights.
_Stored = dict[str, list[Any]]

_STAGE = re.compile(r"[a-z]+\d")  # how names of layers begin: conv2, block2

# What Keras 3 calls the layers of a kind in its files.
_KERAS_KINDS = {
    "conv": "conv2d",
    "depthwise": "depthwise_conv2d",
    "norm": "batch_normalization",
}


def read_keras_file(network: Network, path: Path) -> dict[str, Arrays]:
    """Read the weights of a network without its classification layer.

    Parameters
    ----------
    network : Network
        What the file should hold.
    path : pathlib.Path
        A legacy ``.h5`` file of weights or of a whole model, as Keras 2 writes it and
        Keras publishes its own; a ``.weights.h5`` file of Keras 3; or a ``.keras``
        file. There may be other layers on top, or around.

    Returns
    -------
    weights : dict of tuple of ndarray
        float32 arrays by name of layer.

    Raises
    ------
    ValueError
        If the file is of another kind, damaged, or holds another network.
    """
    import h5py  # type: ignore[import-untyped]

    source: Path | io.BytesIO = path
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            if "model.weights.h5" not in archive.namelist():
                raise ValueError(
                    f"{path} is a zip file without a model.weights.h5, so not a "
                    f"Keras model. {_expected(network)}"
                )
            source = io.BytesIO(archive.read("model.weights.h5"))
    elif not h5py.is_hdf5(path):
        raise ValueError(f"{path} is not an HDF5 file. {_expected(network)}")
    try:
        with h5py.File(source, "r") as file:
            return _select(network, path, file)
    except (OSError, KeyError) as error:
        raise ValueError(
            f"{path} is damaged or incomplete ({error}): write or download it again."
        ) from error


def _expected(network: Network) -> str:
    return (
        f"Expected a Keras file with {network.title}'s weights (.h5, .weights.h5 or "
        ".keras); weights of other libraries have to be converted first."
    )


def _select(network: Network, path: Path, file: Any) -> dict[str, Arrays]:
    """Pick the network's layers by name or, in a file with other names, by place."""
    group = file.get("model_weights", file)
    if _attribute(group, "layer_names"):
        named, placed = _legacy_layers(network, group)
    else:
        named, placed = _keras3_layers(network, group)
    stored = named if network.weight_shapes.keys() <= named.keys() else placed
    if _difference(network, stored):
        raise ValueError(
            f"{path} does not hold the weights of {network.title}: "
            f"{_difference(network, named)}. {_expected(network)}"
        )
    return {
        layer: tuple(_array(path, layer, dataset) for dataset in stored[layer])
        for layer in network.weight_shapes
    }


def _legacy_layers(network: Network, group: Any) -> tuple[_Stored, _Stored]:
    """Return the layers of a Keras 2 file by their names and by their order.

    Keras itself goes by order, so that names in published files may be others. The
    weights of a model inside a model are listed together, hence the second grouping.
    """
    layers: _Stored = {}
    for layer in _attribute(group, "layer_names"):
        for weight in _attribute(group[layer], "weight_names"):
            layers.setdefault(weight.rpartition("/")[0], []).append(
                group[layer][weight]
            )
    named = {path.rpartition("/")[2]: datasets for path, datasets in layers.items()}
    placed = dict(zip(network.weight_shapes, layers.values(), strict=False))
    return named, placed


def _keras3_layers(network: Network, file: Any) -> tuple[_Stored, _Stored]:
    """Return the layers of a Keras 3 file by their names and by their kind and number.

    Such a file numbers layers within their kind (``conv2d_3/vars/0``). The names that
    they have in the model came later, as an attribute.
    """
    groups: dict[str, Any] = {}

    def keep(path: str, item: Any) -> None:
        if path.endswith("/vars") and len(item):
            groups[path] = item

    file.visititems(keep)
    stored = {
        path: [groups[path][str(i)] for i in range(len(groups[path]))]
        for path in sorted(groups, key=_by_number)
    }
    named = {
        str(groups[path].attrs.get("name", path)): datasets
        for path, datasets in stored.items()
    }
    trunk = Counter(_folder(path) for path in stored).most_common(1)
    placed: _Stored = {}
    for kind, keras_kind in _KERAS_KINDS.items():
        pattern = re.compile(rf"{keras_kind}(_\d+)?/vars")
        names = [layer.name for layer in network.layers if layer.kind == kind]
        found = [
            datasets
            for path, datasets in stored.items()
            if _folder(path) == trunk[0][0]
            and pattern.fullmatch(path.removeprefix(_folder(path)))
        ]
        placed |= zip(names, found, strict=False)
    return named, placed


def _folder(path: str) -> str:
    """Return what precedes the last two steps of ``a/b/conv2d_3/vars``: ``a/b/``."""
    return "".join(re.findall(r"[^/]+/", path)[:-1])


def _by_number(path: str) -> list[str | int]:
    """Sort ``conv2d_10`` after ``conv2d_9``."""
    return [int(p) if p.isdigit() else p for p in re.split(r"(\d+)", path)]


def _attribute(group: Any, key: str) -> list[str]:
    """Return a list of names, which Keras cuts into numbered parts if it is long."""
    parts = takewhile(group.attrs.__contains__, (f"{key}{i}" for i in count()))
    keys = [key] if key in group.attrs else list(parts)
    names = chain.from_iterable(group.attrs[k] for k in keys)
    return [name.decode() if isinstance(name, bytes) else str(name) for name in names]


def _difference(network: Network, stored: _Stored) -> str:
    """Say how the layers differ from those of the network; nothing if they do not."""
    expected = network.weight_shapes
    stages = {match[0] for match in map(_STAGE.match, expected) if match}
    missing = [layer for layer in expected if layer not in stored]
    others = [
        layer
        for layer in stored
        if layer not in expected
        and (match := _STAGE.match(layer))
        and match[0] in stages
    ]
    reshaped = [
        f"{layer!r} has weights of shapes {found} instead of {list(shapes)}"
        for layer, shapes in expected.items()
        if layer in stored
        and (found := [dataset.shape for dataset in stored[layer]]) != list(shapes)
    ]
    differences = []
    if missing:
        differences.append(
            f"of {len(expected)} layers with weights it lacks {_listing(missing)}"
        )
    if others:
        differences.append(f"{network.title} has no {_listing(others)}")
    return "; ".join(differences + reshaped[:2])


def _listing(names: list[str]) -> str:
    """Name a few and count the rest."""
    shown = ", ".join(map(repr, names[:3]))
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"


def _array(path: Path, layer: str, dataset: Any) -> NDArray[np.float32]:
    """Read one array and make sure that it can be computed with."""
    if dataset.dtype.kind != "f":
        raise ValueError(
            f"{path}: the weights of {layer!r} are of type {dataset.dtype}, expected "
            "floating point. Save the model in float32."
        )
    values: NDArray[np.float32] = np.asarray(dataset[()], dtype=np.float32)
    if not np.isfinite(values).all():
        raise ValueError(
            f"{path}: the weights of {layer!r} contain NaN or infinite values: the "
            "training that wrote them diverged, or the file is damaged."
        )
    return values
