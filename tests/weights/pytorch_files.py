"""Files as PyTorch wrote them until 2020, made without PyTorch."""

import pickle
import sys
from collections import OrderedDict
from types import ModuleType

import numpy as np

MAGIC_NUMBER = 0x1950A86A20F9469CFC6C


class _Tensor:
    """What stands for a tensor while it is pickled."""

    def __init__(self, key, storage, offset, shape, strides):
        self.facts = ("storage", _TORCH.FloatStorage, key, "cpu", storage.size, None)
        self.place = (offset, shape, strides)

    def __reduce__(self):
        rest = (False, OrderedDict())
        return _UTILS._rebuild_tensor_v2, (_Storage(self.facts), *self.place, *rest)


class _Storage:
    def __init__(self, facts):
        self.facts = facts


class _Pickler(pickle.Pickler):
    def persistent_id(self, item):
        return item.facts if isinstance(item, _Storage) else None


def _module(name, **content):
    module = ModuleType(name)
    for key, value in content.items():
        value.__module__, value.__qualname__ = name, key
        setattr(module, key, value)
    return module


# Pickles name what makes a tensor, which has to be there when they are written.
_TORCH = _module("torch", FloatStorage=type("FloatStorage", (), {}))
_UTILS = _module("torch._utils", _rebuild_tensor_v2=lambda *facts: None)


def write_pytorch_file(path, storages, tensors, monkeypatch):
    """Write float32 storages by key, and tensors as (key, offset, shape, strides)."""
    with monkeypatch.context() as patch, path.open("wb") as file:
        patch.setitem(sys.modules, "torch", _TORCH)
        patch.setitem(sys.modules, "torch._utils", _UTILS)
        for value in (MAGIC_NUMBER, 1001, {"little_endian": True}):
            pickle.dump(value, file, protocol=2)
        made = OrderedDict(
            (name, _Tensor(key, storages[key], *place))
            for name, (key, *place) in tensors.items()
        )
        _Pickler(file, protocol=2).dump(made)
        pickle.dump(sorted(storages), file, protocol=2)
        for key in sorted(storages):
            file.write(storages[key].size.to_bytes(8, "little"))
            file.write(storages[key].astype("<f4").tobytes())


def write_pickles(path, *values):
    """Write what begins like such a file and goes on with something else."""
    with path.open("wb") as file:
        for value in (MAGIC_NUMBER, 1001, {"little_endian": True}, *values):
            pickle.dump(value, file, protocol=2)


def numbers(n):
    return np.arange(n, dtype=np.float32)
