"""A server of the small coloured pictures."""

import joblib
import pytest
from servers import serving


@pytest.fixture(scope="session")
def served_model(colour_model, tmp_path_factory):
    path = tmp_path_factory.mktemp("served") / "colours.joblib"
    joblib.dump(colour_model, path)
    return path


@pytest.fixture(scope="session")
def server(served_model):
    """Shared by all tests here, so that each is the next request after the others."""
    limits = ("--max-mib", 4, "--max-pictures", 20, "--max-seconds", 3)
    with serving(served_model, *limits) as server:
        yield server
