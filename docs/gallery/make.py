"""Run the commands of README.md beside this file, in its order, and draw a contact sheet of what each group makes.

    python docs/gallery/make.py FOLDER [--model DIRECTORY] [--only NAME]

Videos go to FOLDER, sheets stand beside this file. What lies in FOLDER already is not made again. A command that fails
is told, and the others go on; the exit status is 1 then.
"""

import argparse
import re
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

from PIL import Image

from vitascope.sheet import contact_sheet
from vitascope.video import read_video

HERE = Path(__file__).parent.resolve()
INPUTS = ("drawing.png", "mask.png", "story.json")
FRAMES, HEIGHT = 10, 96  # of a strip
QUALITY = 70  # of the sheets


def groups() -> list[tuple[str, list[list[str]]]]:
    """(name of the sheet, arguments of each command) in the order of the page."""
    page = (HERE / "README.md").read_text(encoding="utf-8")
    return [(name, [shlex.split(line)[1:] for line in block.splitlines()])
            for name, block in re.findall(r"^!\[\]\((\w+)\.webp\)\n```sh\n(.*?)```", page, re.S | re.M)]


def results(command: list[str]) -> list[str]:
    """The names of the files that a command makes."""
    name = Path(command[command.index("--out") + 1])
    count = int(command[command.index("-n") + 1]) if "-n" in command else 1
    return [name.name] if count == 1 else [f"{name.stem}-{number}{name.suffix}" for number in range(1, count + 1)]


def run(command: list[str], folder: Path, model: Path | None) -> bool:
    """Whether everything that a command makes is there in the end."""
    def there() -> bool:
        return all((folder / name).exists() for name in results(command))

    if not there():
        started, extra = time.perf_counter(), ["--model", str(model.resolve())] if model else []
        outcome = subprocess.run([HERE.parents[1] / "run", *command, *extra], cwd=folder)
        took = time.perf_counter() - started
        print(f"  {took:.0f} s, status {outcome.returncode}: {shlex.join(command)}", flush=True)
    return there()


def draw(folder: Path, names: list[str], sheet: Path) -> None:
    """The contact sheet of those files that there are."""
    names = [name for name in names if (folder / name).exists()]
    if names:
        page = contact_sheet([read_video(folder / name) for name in names], names, frames=FRAMES, height=HEIGHT)
        Image.fromarray(page).save(sheet, quality=QUALITY, method=6)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--only", help="name of one sheet")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    for name in INPUTS:
        shutil.copyfile(HERE / name, options.folder / name)
    done = []
    for sheet, commands in groups():
        if options.only in (None, sheet):
            done += [run(command, options.folder, options.model) for command in commands]
            draw(options.folder, [name for command in commands for name in results(command)], HERE / f"{sheet}.webp")
    sys.exit(not all(done))


if __name__ == "__main__":
    main()
