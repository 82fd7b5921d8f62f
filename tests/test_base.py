"""What both estimators know of the packages they stand on."""

import sklearn

from skresnet.base import installed_version


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
