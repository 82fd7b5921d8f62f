"""The examples in docstrings."""

import doctest
from importlib import import_module
from pathlib import Path

import pytest

import skresnet

FOLDER = Path(skresnet.__file__).parent
MODULES = sorted(
    ".".join(path.relative_to(FOLDER.parent).with_suffix("").parts)
    for path in FOLDER.rglob("*.py")
    if ">>> " in path.read_text("utf-8")
)


@pytest.mark.parametrize("module", MODULES)
def test_examples_give_what_they_say(module, tmp_path, monkeypatch):
    pytest.importorskip("matplotlib").use("agg")
    monkeypatch.chdir(tmp_path)
    loaded = import_module(module)
    finder = doctest.DocTestFinder()
    tests = [test for test in finder.find(loaded) if test.examples]
    # Public classes give the package for their module.
    for name, value in vars(loaded).items():
        is_public = isinstance(value, type) and value.__module__ == "skresnet"
        if is_public and skresnet._HOMES[name] == module:
            tests += finder.find(value, name, globs=dict(vars(loaded)))
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    for test in tests:
        runner.run(test)
    assert runner.tries > 0
    assert runner.failures == 0
