"""The package as it is imported and as it is run."""

import re
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from itertools import chain
from pathlib import Path

import pytest

import skresnet

PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"


def run(*args):
    return subprocess.run(args, capture_output=True, text=True, check=True)


def test_the_import_is_light():
    script = (
        "import sys, skresnet\n"
        "heavy = {'tensorflow', 'keras', 'scikeras', 'matplotlib', 'PIL', 'sklearn'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    assert run(sys.executable, "-c", script).stdout.strip() == "[]"


def test_the_estimators_are_made_without_tensorflow():
    script = (
        "import sys, skresnet\n"
        "from sklearn.base import clone\n"
        "model = clone(skresnet.make_image_classifier())\n"
        "repr(model), model.get_params()\n"
        "print(sorted({'tensorflow', 'keras'} & set(sys.modules)))"
    )
    assert run(sys.executable, "-c", script).stdout.strip() == "[]"


@pytest.mark.parametrize("name", skresnet.__all__)
def test_every_public_name_is_there_and_documented(name):
    value = getattr(skresnet, name)
    # Settings say by themselves what they are.
    assert value.__doc__ or isinstance(value, Mapping)
    assert name in dir(skresnet)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        skresnet.nothing  # noqa: B018


def test_the_demo_trains_and_prints_its_steps():
    result = run(sys.executable, "-m", "skresnet", "demo", "--n-per-class", "8")
    for text in (
        "train: 40 pictures",
        "dense_head",
        ": the best is epoch ",
        "Test loss: ",
        "Test accuracy: ",
        "test/tables/",
    ):
        assert text in result.stdout
    assert "|" not in result.stderr  # bars are for terminals


def test_a_requirement_has_one_lower_bound_wherever_it_stands():
    project = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]
    bounds = {}
    for text in chain(
        project["dependencies"], *project["optional-dependencies"].values()
    ):
        name, bound = re.fullmatch(r"([\w-]+(?:\[\w+\])?)(.*)", text).groups()
        if bound:  # what only benchmarks need has none
            bounds.setdefault(name, set()).add(bound)
    assert len(bounds["numpy"]) == len(bounds["skl2onnx"]) == 1
    assert not {name: found for name, found in bounds.items() if len(found) > 1}
