"""The pages as their readers use them: code that is pasted, links that are followed."""

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sklearn
from PIL import Image

import skresnet
import skresnet.server

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("*/README.md")])
OTHER_TOOLS = ROOT / "docs/other_tools.md"  # of which a reader has one or the other
CODE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")


def imported(block):
    """Name the tool that a block is about, which is not one of our own needs."""
    modules = re.findall(r"^(?:import|from) (\w+)", block[1], re.MULTILINE)
    needed = {"numpy", "pandas", "PIL", "sklearn", "skresnet"}
    return next(module for module in modules if module not in needed)


def name(page):
    return str(page.relative_to(ROOT))


@pytest.fixture(scope="module")
def downloaded_weights(tmp_path_factory):
    """A file as Keras publishes it, with random weights."""
    import keras

    path = tmp_path_factory.mktemp("weights") / "resnet50.weights.h5"
    resnet = keras.applications.ResNet50(include_top=False, weights=None)
    resnet.save_weights(path)
    yield path
    path.unlink()  # 95 MB


@pytest.fixture
def reader(tmp_path, monkeypatch, downloaded_weights):
    """A reader's folder with photographs, and what a page may take for granted."""
    import matplotlib

    monkeypatch.setattr(
        "skresnet.weights.imagenet.fetch_imagenet", lambda: downloaded_weights
    )
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    generator = np.random.default_rng(0)
    for split, count in {"train": 5, "val": 2, "test": 2}.items():
        for label, colour in {"cat": 60, "dog": 180}.items():
            folder = tmp_path / "photos" / split / label
            folder.mkdir(parents=True)
            for index in range(count):
                pixels = generator.normal(colour, 30, (40, 48, 3)).clip(0, 255)
                image = Image.fromarray(pixels.astype(np.uint8))
                image.save(folder / f"{index}.jpg")
    for new in ("new.jpg", "other.png"):
        image.save(new)
    # What the command of docs/command.md leaves behind.
    table = pd.DataFrame(
        {"class": ["cat", "dog"], "features": [[0.0, 1.0], [1.0, 0.0]]}
    )
    table.to_parquet("features.parquet")
    data = skresnet.load_image_splits("photos")
    with (
        sklearn.config_context(),
        matplotlib.rc_context({"backend": "agg"}),
    ):
        yield {
            "data": data,
            "paths": data.train.data,
            "labels": data.train.target,
            "model": skresnet.make_image_classifier(),
            "classifier": skresnet.DenseSGDClassifier(),
            "ResNet50Embedder": skresnet.ResNet50Embedder,
        }


def run(page, blocks, reader):
    """Run code of a page with what its reader has."""
    text = page.read_text("utf-8")
    for block in blocks:
        # Empty lines in front, so that a traceback names the line of the page.
        line = text[: block.start(1)].count("\n")
        exec(compile("\n" * line + block[1], page, "exec"), reader)


def blocks(page):
    return list(CODE.finditer(page.read_text("utf-8")))


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page != OTHER_TOOLS and blocks(page)], ids=name
)
def test_the_code_of_a_page_runs_from_top_to_bottom(page, reader):
    run(page, blocks(page), reader)


@pytest.mark.parametrize("block", blocks(OTHER_TOOLS)[1:], ids=imported)
def test_the_code_with_each_other_tool_runs(block, reader):
    found = find_spec(imported(block))
    if found is None or found.origin is None:  # but a folder of that name
        pytest.skip(f"{imported(block)} is not installed")
    run(OTHER_TOOLS, [blocks(OTHER_TOOLS)[0], block], reader)


def test_the_pods_of_the_job_for_kubernetes_make_the_whole_folder(reader, tmp_path):
    kubernetes_validate = pytest.importorskip("kubernetes_validate")
    import yaml

    page = (ROOT / "docs/clusters.md").read_text("utf-8")
    job = yaml.safe_load(re.search(r"^```yaml\n(.*?)^```$", page, re.M | re.S)[1])
    said = re.search(r"Kubernetes (\d\.\d+) gives", page)[1]
    kubernetes_validate.validate(job, said, strict=True)

    (container,) = job["spec"]["template"]["spec"]["containers"]
    *shell, line = container["command"]
    line = line.replace("skresnet", f"{sys.executable} -m skresnet", 1)
    line = line.replace("/data", str(tmp_path)) + " --part-size 3 --weights distilled"
    for index in range(job["spec"]["completions"]):
        pod = {**os.environ, "JOB_COMPLETION_INDEX": str(index)}
        subprocess.run([*shell, line], env=pod, check=True, capture_output=True)
    rows = pd.read_parquet(tmp_path / "features")
    assert sorted(rows["path"]) == sorted(
        str(path) for path in (tmp_path / "photos").glob("*/*/*.jpg")
    )


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_to_files_lead_somewhere(page):
    targets = [
        target.partition("#")[0]
        for target in LINK.findall(page.read_text("utf-8"))
        if not target.startswith(("http:", "https:", "#"))
    ]
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_every_public_name_is_in_the_reference():
    listed = re.findall(r"^   (\w+)$", (ROOT / "docs/api.md").read_text(), re.MULTILINE)
    constants = {"__version__", "ORIGINAL_SETTINGS", "TRUSTED_TYPES"}
    public = {*skresnet.__all__, *skresnet.server.__all__}
    assert sorted(listed) == sorted(public - constants)


def test_every_page_is_in_the_user_guide_or_the_navigation():
    trees = [
        (ROOT / "docs" / name).read_text() for name in ("index.md", "user_guide.md")
    ]
    entries = {line for tree in trees for line in tree.splitlines()}
    pages = {page.stem for page in (ROOT / "docs").glob("*.md")} - {"index"}
    assert pages - entries == set()
