"""What both estimators know of the packages they stand on."""

from email.message import Message

import pytest
import sklearn

import skresnet.base
from skresnet import make_image_classifier
from skresnet.base import documentation_address, installed_version


def test_the_version_of_a_package_is_that_of_its_distribution():
    assert installed_version("scikit-learn") == sklearn.__version__
    assert installed_version("no-such-package") == "not installed"


def test_a_distribution_of_another_name_that_brings_the_module_counts(
    tmp_path, monkeypatch
):
    # As tensorflow-cpu brings tensorflow.
    (tmp_path / "quick.py").touch()
    info = tmp_path / "quick_cpu-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Name: quick-cpu\nVersion: 1.2\n")
    (info / "RECORD").write_text("quick.py,,\nquick_cpu-1.2.dist-info/METADATA,,\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert installed_version("quick") == "1.2"


@pytest.mark.parametrize("urls", [[], ["Documentation, https://example.org/docs/"]])
def test_html_links_to_our_reference_where_there_is_one(urls, monkeypatch):
    written = Message()
    for url in urls:
        written["Project-URL"] = url
    monkeypatch.setattr(skresnet.base, "metadata", lambda name: written)
    documentation_address.cache_clear()
    html = make_image_classifier()._repr_html_()
    documentation_address.cache_clear()
    for name in ("ImageClassifierPipeline", "ResNet50Embedder", "DenseSGDClassifier"):
        link = f"https://example.org/docs/api/skresnet.{name}.html"
        assert (link in html) == bool(urls)
    assert "scikit-learn.org/stable/modules/generated/skresnet" not in html
