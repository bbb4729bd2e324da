"""Guards: imports go one way, in the order that ARCHITECTURE.md prints; the README tells the command line as it is."""

import ast
import re
import shlex
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
import typer

from vitascope.cli import app

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "vitascope"
README = (ROOT / "README.md").read_text(encoding="utf-8")

Name = tuple[str, ...]


def layout() -> list[str]:
    """The parts of the package from the bottom to the top: names of files without their ending, and of folders."""
    block = re.search(r"```layout\n(.*?)```", (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8"), re.S)
    assert block is not None
    return [line.split()[0].removesuffix(".py").removesuffix("/") for line in block[1].splitlines()]


def imports(source: str, module: Name) -> Iterator[Name]:
    """What a module takes from the package: (models, text, Text) for `from .models.text import Text`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [tuple(alias.name.split(".")) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = ("vitascope", *module)[:-node.level] if node.level else ()
            base = (*base, *(node.module or "").split(".")) if node.module else base
            names = [(*base, alias.name) for alias in node.names]
        else:
            continue
        yield from (name[1:] for name in names if name[0] == "vitascope")


def modules() -> dict[Name, set[Name]]:
    """Every module of the package, and the names that it imports from it."""
    found = {path.relative_to(PACKAGE).with_suffix("").parts: path.read_text(encoding="utf-8")
             for path in PACKAGE.rglob("*.py")}
    return {module: set(imports(source, module)) for module, source in found.items() if module != ("__init__",)}


def test_imports_are_found_in_every_form() -> None:
    source = ("import vitascope.video\nfrom .text import Text\nfrom ..tasks import know\nfrom .. import video\n"
              "import os\ndef f():\n    from vitascope.world import scene\n")
    assert set(imports(source, ("models", "upsampler"))) == {
        ("video",), ("models", "text", "Text"), ("tasks", "know"), ("video",), ("world", "scene")}


def test_every_part_has_its_line_in_the_architecture() -> None:
    assert {module[0] for module in modules()} - set(layout()) == set()


def upward(found: dict[Name, set[Name]], parts: list[str]) -> list[str]:
    """The imports that go from a part to one above it."""
    order = {name: number for number, name in enumerate(parts)}
    return [f"{'.'.join(module)} imports {'.'.join(name)}" for module, names in found.items() for name in names
            if name and order.get(name[0], 0) > order.get(module[0], 0)]


def circle(found: dict[Name, set[Name]]) -> list[Name]:
    """Modules that import each other in a circle, [] if there are none."""
    graph = {module: {name[:length] for name in names for length in (1, 2) if name[:length] in found} - {module}
             for module, names in found.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def test_imports_go_one_way() -> None:
    assert upward(modules(), layout()) == []


def test_no_imports_go_round_in_a_circle() -> None:
    assert circle(modules()) == []


def test_the_guards_see_what_is_wrong() -> None:
    found = modules()
    found["video",] |= {("world", "scene")}
    assert upward(found, layout()) == ["video imports world.scene"]
    found["world", "scene"] |= {("world", "render", "render")}
    assert {("world", "scene"), ("world", "render")} <= set(circle(found))


def test_named_files_exist() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    for line in re.search(r"```layout\n(.*?)```", text, re.S)[1].splitlines():
        if (folder := line.split()[0]).endswith("/"):
            missing = [name for name in re.findall(r"\w+\.py", line) if not (PACKAGE / folder / name).exists()]
            assert (PACKAGE / folder).is_dir() <= (not missing), (folder, missing)


# ------------------------------------------------------------------------------------------------------------ documents

def commands() -> dict[str, set[str]]:
    """Every command of the command line with its options."""
    found = {}

    def walk(command: object, path: tuple[str, ...]) -> None:
        for name, child in getattr(command, "commands", {}).items():
            walk(child, (*path, name))
        if not hasattr(command, "commands"):
            found[" ".join(path)] = {option for parameter in command.params for option in parameter.opts}

    walk(typer.main.get_command(app), ())
    return found


def examples() -> list[list[str]]:
    """The arguments of every ./run or vitascope in the README's shell blocks."""
    lines = [line for block in re.findall(r"```sh\n(.*?)```", README, re.S) for line in block.splitlines()]
    split = [shlex.split(line, comments=True) for line in lines]
    return [words[1:] for words in split if words and words[0] in ("./run", "vitascope")]


def test_every_command_is_in_the_readme() -> None:
    assert [name for name in commands() if f"`vitascope {name}" not in README] == []


def test_the_readme_names_only_commands_that_there_are() -> None:
    named = re.findall(r"`vitascope ((?:[a-z-]+ ?)+)`", README)
    assert named and [name for name in named if name.strip() not in commands()] == []


@pytest.mark.parametrize("words", examples(), ids=" ".join)
def test_examples_use_commands_and_options_that_there_are(words: list[str]) -> None:
    if words[0] == "test":
        return
    known = commands()
    name = next(" ".join(words[:length]) for length in (2, 1) if " ".join(words[:length]) in known)
    options = {word.split("=")[0] for word in words if re.match(r"--?[a-z]", word)}
    assert options <= known[name] | {"--help"}
