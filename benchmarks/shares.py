"""What part of the time that videos took went into each step, from the records of an installation.

    python benchmarks/shares.py [--records FOLDER] [--task text]

Every production leaves its seconds, by step, in its record, so this measures what was really made here. Productions of
less than three seconds are left out.
"""

import argparse
from pathlib import Path

import numpy as np

from vitascope.provenance import records

STEPS = ("inputs", "prompt", "make", "frames", "watermark", "encode", "credentials")
LEAST = 3.0  # seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--records", type=Path)
    parser.add_argument("--task", help="only productions of this task")
    options = parser.parse_args()
    found = [record.seconds for record in records.everything(options.records)
             if sum(record.seconds.values()) >= LEAST and options.task in (None, record.task)]
    if not found:
        raise SystemExit("no record of a production of three seconds or more")
    shares = np.array([[seconds.get(step, 0.0) for step in STEPS] for seconds in found])
    shares /= shares.sum(1, keepdims=True)
    print(f"{len(found)} productions\n\n| step | median share | nine of ten below | largest |\n|---|---|---|---|")
    for step, column in zip(STEPS, shares.T, strict=True):
        print(f"| {step} | {np.median(column):.1%} | {np.quantile(column, 0.9):.1%} | {column.max():.1%} |")
    whole = shares[:, STEPS.index("frames")] / shares[:, STEPS.index("make")]
    print(f"\nthe review of frames took {np.median(whole):.1%} of the time of making them in the median, "
          f"{np.quantile(whole, 0.9):.1%} or less in nine of ten")


if __name__ == "__main__":
    main()
