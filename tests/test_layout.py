"""How the package is laid out: which module imports which, and how long they are."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import skresnet

ROOT = Path(skresnet.__file__).parent
# They stand above the public names; everything else stands below.
ABOVE = {"skresnet.__main__", "skresnet.cli", "skresnet.demo", "skresnet.server"}


def dotted(path):
    parts = path.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


MODULES = {dotted(path): path for path in ROOT.rglob("*.py")}


def imported_by(module):
    """Every module that the text of one imports, for types or in functions too."""
    for node in ast.walk(ast.parse(MODULES[module].read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [name if name in MODULES else node.module for name in names]
        else:
            continue
        yield from (name for name in names if name in MODULES)


def room(module):
    return ".".join(module.split(".")[:2])


def test_imports_go_in_one_direction_between_modules_and_between_rooms():
    modules = {module: set(imported_by(module)) for module in MODULES}
    rooms = {room(module): set() for module in modules}
    for module, imported in modules.items():
        rooms[room(module)] |= {room(name) for name in imported} - {room(module)}
    assert len(rooms["skresnet.embedding"]) > 2
    for graph in (modules, rooms):
        TopologicalSorter(graph).prepare()  # raises CycleError, which names them


def test_only_what_stands_above_the_public_names_imports_them():
    importers = {m for m in MODULES if "skresnet" in set(imported_by(m))}
    assert importers
    assert {room(module) for module in importers} <= ABOVE


def test_no_file_is_longer_than_560_lines():
    long = {
        m: n for m, p in MODULES.items() if (n := len(p.read_text().splitlines())) > 560
    }
    assert not long


def test_a_classifier_needs_no_module_of_pictures():
    needed, left = set(), ["skresnet.classifier"]
    while left:
        module = left.pop()
        needed.add(module)
        left += set(imported_by(module)) - needed
    assert "skresnet.head.loop" in needed
    of_pictures = {"embedding", "reading", "cache", "networks", "backbone", "weights"}
    assert (
        not {room(module).removeprefix("skresnet.") for module in needed} & of_pictures
    )
