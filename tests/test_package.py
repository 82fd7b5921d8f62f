"""The package as it is imported and as it is run."""

import subprocess
import sys
from collections.abc import Mapping

import pytest

import skresnet


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
        "<- best",
        "Test loss: ",
        "Test accuracy: ",
        "test/tables/",
    ):
        assert text in result.stdout
