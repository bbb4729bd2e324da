"""How long `vitascope generate` takes to its first sampling step, beside `import torch` alone and `vitascope --help`.

    python benchmarks/startup.py [--model DIR] [--runs 7]

Runs take turns, so that whatever else the machine does slows all of them; the fastest of each counts.
"""

import argparse
import subprocess
import sys
import tempfile
import time

GENERATE = """
import os, sys
from contextlib import contextmanager
from vitascope import cli, options

@contextmanager
def until_the_first_step(name):
    yield lambda done, total, part="": os._exit(0)

options.progress_bar = until_the_first_step
sys.argv = ["vitascope", "generate", "a red car drives to the right", "--out", "car.mp4", *sys.argv[1:]]
cli.main()
"""
HELP = "import sys; from vitascope.cli import main; sys.argv = ['vitascope', '--help']; main()"


def seconds(program: str, arguments: list[str], folder: str) -> float:
    """Wall-clock time of one run of Python; its exit status must be 0."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", program, *arguments], cwd=folder, check=True, capture_output=True)
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", help="folder of a model; the bundled one if not given")
    parser.add_argument("--runs", type=int, default=7)
    options = parser.parse_args()
    programs = {"import torch": ("import torch", []), "vitascope --help": (HELP, []),
                "to the first sampling step": (GENERATE, ["--model", options.model] if options.model else [])}
    with tempfile.TemporaryDirectory() as folder:
        runs = [{name: seconds(*program, folder) for name, program in programs.items()} for _ in range(options.runs)]
    fastest = {name: min(run[name] for run in runs) for name in programs}
    for name, value in fastest.items():
        print(f"{name:28} {value:6.2f} s   {value / fastest['import torch']:5.2f} times `import torch`")


if __name__ == "__main__":
    main()
