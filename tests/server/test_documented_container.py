"""The recipe of a container in the documentation, as far as it runs without one."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from servers import serving

PAGE = Path(__file__).parents[2] / "docs" / "production.md"


@pytest.fixture(scope="module")
def recipe():
    """The words of each line that has some, by its instruction."""
    block = re.search(
        r"^```dockerfile\n(FROM .*?)^```$", PAGE.read_text("utf-8"), re.M | re.S
    )[1]
    return {line.split()[0]: line[line.find("[") :] for line in block.splitlines()}


def test_its_command_serves_and_its_check_of_health_notices(recipe, served_model):
    program, command, model, *options = json.loads(recipe["CMD"])
    assert (program, command, Path(model).suffix) == ("skresnet", "serve", ".skops")
    python, *check = json.loads(recipe["HEALTHCHECK"])
    assert python == "python"
    with serving(served_model, *options) as server:
        port = str(server.port)
        check = [sys.executable, *(word.replace("8000", port) for word in check)]
        subprocess.run(check, check=True, timeout=60)
    assert subprocess.run(check, capture_output=True, timeout=60).returncode == 1
