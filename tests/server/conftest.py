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
def server(served_model, colour_folder):
    """Shared by all tests here, so that each is the next request after the others."""
    limits = ("--max-mib", 4, "--max-pictures", 20, "--max-seconds", 5)
    with serving(served_model, *limits) as server:
        # What shows where the model looked is built when it is first asked for.
        picture = colour_folder / "test" / "red" / "00.png"
        while server.predict(picture, query="?activation=true").status == 503:
            pass
        yield server
