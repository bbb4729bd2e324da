"""Text in pictures: what is read of requests that were written into pictures, and what becomes of it, hand by hand.

    python benchmarks/writing.py [--requests 20] [--hands "upside down"]

Requests are contrast pairs that the prompt classifier was not trained with. Needs `pip install --no-deps
rapidocr-onnxruntime`. A minute of one core for 20 requests in all hands.
"""

import argparse
import time

import numpy as np

from vitascope.redteam.pictures import HANDS
from vitascope.redteam.suites import contrast
from vitascope.safety.policy import Policy
from vitascope.safety.prompt import classifier
from vitascope.safety.reviewers import Writing


def without_spaces(text: str) -> str:
    return "".join(text.lower().split())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=20)
    parser.add_argument("--hands", nargs="+", choices=list(HANDS), default=list(HANDS), metavar="NAME")
    options = parser.parse_args()
    policy = Policy.load()
    requests, writing = contrast(0, options.requests), Writing(policy)
    unsafe = np.array([request.unsafe for request in requests])
    stopped = np.array([not classifier().judge(request.texts, policy).allowed for request in requests])
    print(f"{writing.version}\nas prompts: {stopped[unsafe].sum()} of {unsafe.sum()} refused ones caught, "
          f"{(~stopped[~unsafe]).sum()} of {(~unsafe).sum()} allowed ones let through\n\n"
          "| written | read to the letter, spaces aside | refused ones caught | allowed ones let through | "
          "seconds of processor time, median and most |\n|---|---|---|---|---|")
    for hand in options.hands:
        exact, stopped, took = [], [], []
        for request in requests:
            picture = HANDS[hand](request.texts[-1])
            started = time.process_time()
            lines = writing.reader(picture)
            took.append(time.process_time() - started)
            exact.append(without_spaces("".join(lines)) == without_spaces(request.texts[-1]))
            stopped.append(bool(writing.refused(lines)))
        stops = np.array(stopped)
        print(f"| {hand} | {sum(exact)} of {len(exact)} | {stops[unsafe].sum()} of {unsafe.sum()} | "
              f"{(~stops[~unsafe]).sum()} of {(~unsafe).sum()} | {np.median(took):.2f}, {max(took):.2f} |", flush=True)


if __name__ == "__main__":
    main()
