import subprocess
import sys
from hashlib import sha256
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image
from sklearn.linear_model import LogisticRegression

from skresnet.datasets import load_image_splits, make_paper_figures


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    folder = tmp_path_factory.mktemp("drawn")
    return folder, make_paper_figures(folder, n_per_class=15, random_state=0)


def fingerprints(folder):
    return {
        path.relative_to(folder): sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*.png")
    }


def histograms(paths):
    rows = []
    for path in paths:
        pixels = np.asarray(Image.open(path)).reshape(-1, 3)
        counts = [np.histogram(channel, 8, (0, 256))[0] for channel in pixels.T]
        rows.append(np.concatenate(counts) / len(pixels))
    return np.stack(rows)


def test_it_returns_what_load_image_splits_finds(drawn):
    folder, figures = drawn
    again = load_image_splits(folder, verify=True)
    classes = ["diagrams", "equations", "photographs", "plots", "tables"]
    assert figures.target_names == classes
    for split, count in {"train": 15, "val": 8, "test": 8}.items():
        assert figures[split].data.tolist() == again[split].data.tolist()
        _, counts = np.unique(figures[split].target, return_counts=True)
        assert counts.tolist() == [count] * 5


def test_sizes_vary_between_200_and_350_pixels(drawn):
    sides = [side for path in drawn[1].train.data for side in Image.open(path).size]
    assert min(sides) >= 199
    assert max(sides) <= 351
    assert np.ptp(sides) > 100


def test_no_figure_is_blank_or_drawn_twice(drawn):
    folder, _ = drawn
    prints = fingerprints(folder)
    assert len(set(prints.values())) == len(prints)
    assert all(np.ptp(np.asarray(Image.open(folder / path))) > 40 for path in prints)


def test_colour_alone_does_not_tell_the_classes_apart(drawn):
    _, figures = drawn
    model = LogisticRegression(C=100, max_iter=2000)
    model.fit(histograms(figures.train.data), figures.train.target)
    assert model.score(histograms(figures.test.data), figures.test.target) < 0.85


def test_the_same_random_state_draws_the_same_bytes(tmp_path):
    for name, seed in {"a": 3, "b": 3, "c": 4}.items():
        make_paper_figures(tmp_path / name, n_per_class=1, random_state=seed)
    first = fingerprints(tmp_path / "a")
    assert first == fingerprints(tmp_path / "b")
    other = fingerprints(tmp_path / "c")
    assert all(first[path] != other[path] for path in first)


def test_neither_global_randomness_nor_rc_params_nor_pyplot_are_touched(tmp_path):
    code = f"""
import sys
import matplotlib as mpl
import numpy as np
from skresnet.datasets import make_paper_figures
mpl.use("agg")
settings = dict(mpl.rcParams)
np.random.seed(5)
expected = np.random.random()
np.random.seed(5)
make_paper_figures({str(tmp_path)!r}, n_per_class=2, random_state=0)
assert np.random.random() == expected
assert dict(mpl.rcParams) == settings
assert "matplotlib.pyplot" not in sys.modules
"""
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


def test_drawing_gives_no_warning(tmp_path, recwarn):
    make_paper_figures(tmp_path, n_per_class=4, random_state=1)
    assert [str(warning.message) for warning in recwarn] == []


def test_splits_crop_photographs_from_parts_that_do_not_overlap():
    from skresnet.datasets.figures import REGIONS

    ends = sorted(REGIONS.values())
    assert set(REGIONS) == {"train", "val", "test"}
    assert all(left[1] <= right[0] for left, right in pairwise(ends))


def test_a_folder_with_something_in_it_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("three years")
    with pytest.raises(FileExistsError, match=r"not empty \(it holds 'thesis.txt'\)"):
        make_paper_figures(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
    with pytest.raises(FileExistsError, match=r"thesis\.txt' is a file"):
        make_paper_figures(tmp_path / "thesis.txt")


@pytest.mark.parametrize(("count", "error"), [(0, ValueError), ("ten", TypeError)])
def test_a_senseless_count_is_refused_before_anything_is_written(
    tmp_path, count, error
):
    with pytest.raises(error, match="n_per_class"):
        make_paper_figures(tmp_path / "new", n_per_class=count)
    assert not (tmp_path / "new").exists()


def test_without_matplotlib_it_says_how_to_install_it(tmp_path, monkeypatch):
    for name in [
        name for name in sys.modules if name.startswith("skresnet.datasets.fig")
    ]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    for name in [name for name in sys.modules if name.startswith("matplotlib.")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(ImportError, match=r'pip install "skresnet\[demo\]"'):
        make_paper_figures(tmp_path / "new")
    assert not (tmp_path / "new").exists()
