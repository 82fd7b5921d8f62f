"""The command, run in this process on the small coloured pictures."""

import pytest
from click.testing import CliRunner
from tiny import TINY

from skresnet.cli import main


@pytest.fixture(scope="session")
def cache_home(tmp_path_factory):
    return tmp_path_factory.mktemp("cache-home")


@pytest.fixture(scope="session")
def run(cache_home):
    """Run the command; its output is in the result's stdout and stderr."""

    def run(*args, input=None, status=0):
        result = CliRunner().invoke(
            main,
            [str(arg) for arg in args],
            input=input,
            env={"XDG_CACHE_HOME": str(cache_home)},
        )
        assert result.exit_code == status, result.output
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run


@pytest.fixture(scope="session")
def trained(run, colour_folder, tmp_path_factory):
    """A model file, and what the command said while it made it."""
    path = tmp_path_factory.mktemp("model") / "model.joblib"
    return path, run("train", colour_folder, "--out", path, *TINY)


@pytest.fixture(scope="session")
def model_file(trained):
    return trained[0]


@pytest.fixture
def damaged(colour_folder, tmp_path):
    """Train and test folders with a text and a cut-off picture among the train ones."""
    root = tmp_path / "damaged"
    for picture in colour_folder.glob("*/*/0[0-5].png"):
        copy = root / picture.relative_to(colour_folder)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(picture.read_bytes())
    whole = (root / "train" / "red" / "00.png").read_bytes()
    (root / "train" / "red" / "cut.png").write_bytes(whole[: len(whole) // 2])
    (root / "train" / "red" / "text.png").write_text("no picture")
    return root
