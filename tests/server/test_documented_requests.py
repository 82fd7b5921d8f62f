"""The page of the documentation, followed with a server that runs."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from click import Context

from skresnet.cli import main, serve

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "serving.md").read_text("utf-8")
PAGE_ON_PRODUCTION = (DOCS / "production.md").read_text("utf-8")


def blocks(language):
    found = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert found
    return found


@pytest.fixture
def reader(server, colour_folder, tmp_path, monkeypatch):
    """A folder with the reader's pictures, and what puts the server's address in."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(colour_folder / "test" / "blue" / "00.png", "other.png")
    shutil.copy(colour_folder / "test" / "red" / "00.png", "new.jpg")
    return lambda code: code.replace("http://127.0.0.1:8000/", server.address)


def test_the_python_code_prints_the_class(reader, capsys):
    for code in blocks("py"):
        exec(reader(code), {})
    name, *numbers, is_novel = capsys.readouterr().out.split()
    assert (name, is_novel) == ("red", "False")
    assert all(0 < float(number) < 1 for number in numbers)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_shell_code_gets_two_classes_each(reader):
    for code in blocks("bash"):
        command = ["bash", "-euc", reader(code)]
        answer = subprocess.run(command, capture_output=True, check=True, timeout=60)
        pictures = json.loads(answer.stdout)["pictures"]
        assert [p["predictions"][0]["class"] for p in pictures] == ["red", "blue"]
        assert {len(p["predictions"]) for p in pictures} == {2}


def test_the_commands_of_the_pages_and_of_the_help_are_some():
    both = PAGE + PAGE_ON_PRODUCTION
    lines = re.findall(r"^skresnet (.+)$", both, re.MULTILINE)
    lines += re.findall(r"^  skresnet (.+)$", serve.serve.epilog, re.M)
    assert len(lines) > 2
    for line in lines:
        name, *arguments = line.split()
        command = main.get_command(Context(main), name)
        command.make_context(name, arguments)


def test_every_address_and_status_of_the_interface_is_told(server):
    description = server.get("/openapi.json").json
    told = set(re.findall(r"^\| `(?:GET|POST) (/[\w.]+)`", PAGE, re.MULTILINE))
    assert told == {*description["paths"], "/openapi.json"}
    statuses = set(re.findall(r"^\| (\d{3}) \|", PAGE, re.MULTILINE))
    described = {*description["paths"]["/predict"]["post"]["responses"]}
    assert statuses == described - {"200", "500"}
