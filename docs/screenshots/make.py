"""Makes the pictures of the studio in this folder: `python docs/screenshots/make.py [OUT]`, some minutes.

A real service and a real browser; the clips are drawn by the procedural world, not by a model, so that the pictures
show the studio and claim nothing about quality. Needs the package's extra `test`, `npm` (the world's artwork),
Chromium at $CHROMIUM, and for the pictures as they are here the font Inter (Debian's `chromium`, `fonts-inter`).
"""

import io
import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))

from serving import Live, finished, serving, settings, wait_for

from vitascope.serve.order import Order
from vitascope.serve.worker import Assignment
from vitascope.video import write_frames
from vitascope.world.caption import caption
from vitascope.world.physics import simulate
from vitascope.world.render import render
from vitascope.world.scene import FULL, Scene, sample_scene

BROWSER = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
VOCABULARY = replace(FULL, cuts=0.0, sequences=0.0, styles=("3d",))
SIZES = ("448x256", "256x256", "256x448", "336x256", "448x256", "256x256")
SIDES = (256, 256)  # those of the second clip
CLIPS = 10
STEPS, HELD = 40, 15  # steps of a clip; the one at which clips of the queue wait to be photographed
PHOTOGRAPHED = threading.Event()
WIDE, PHONE = {"width": 1440, "height": 900}, {"width": 390, "height": 844}


def scene_of(order: Order) -> Scene:
    return sample_scene(
        order.seed,
        replace(VOCABULARY, styles=(order.style or "3d",)),
        width=order.width,
        height=order.height,
        frames=max(round(order.seconds * order.fps), 2),
        fps=order.fps,
    )


@cache
def frames_of(seed: int, style: str, width: int, height: int, seconds: float) -> np.ndarray:
    scene = scene_of(Order("create", "", "", width=width, height=height, seconds=seconds, seed=seed, style=style))
    return render(scene, simulate(scene))


def draw(given: Assignment) -> None:
    """Makes an order's video by drawing a scene; "slowly" in the prompt waits half-way until the queue's pictures are
    taken."""
    order = given.order
    frames = frames_of(order.seed, order.style or "3d", order.width, order.height, order.seconds)
    if "too much" in order.prompt:
        raise ValueError("the prompt asks for more than the model knows")
    if "slowly" in order.prompt:
        given.progress(HELD, STEPS)
        given.preview(blurred(frames[0]))
        PHOTOGRAPHED.wait()
    settings = {"prompt": order.prompt, "seed": order.seed, "size": order.size}
    write_frames(frames, given.out, fps=order.fps, metadata=settings)


def blurred(frame: np.ndarray) -> bytes:
    """A frame as it looks before it is finished."""
    picture = Image.fromarray(frame)
    buffer = io.BytesIO()
    picture.resize((24, 24 * picture.height // picture.width)).resize(
        (256, 256 * picture.height // picture.width), Image.Resampling.BICUBIC
    ).save(buffer, "WEBP")
    return buffer.getvalue()


def fill(live: Live) -> list[str]:
    """A library of clips whose prompts say what is seen; the ids in the order of making."""
    ids = []
    for seed in range(CLIPS):
        style = {5: "papercut", 9: "pencil", 14: "pixel", 17: "film"}.get(seed)
        size = SIZES[seed % len(SIZES)]
        width, height = map(int, size.split("x"))
        words = caption(
            scene_of(Order("create", "", "", width=width, height=height, seconds=2, seed=seed, style=style)),
            "plain",
            seed,
        )
        body = {"prompt": words, "size": size, "seconds": "2", "seed": seed, **({"style": style} if style else {})}
        ids.append(made(live, "/v1/videos", body))
    return ids


def made(live: Live, path: str, body: dict) -> str:
    answer = live.http.post(path, json=body)
    assert answer.status_code == 200, answer.text
    finished(live, answer.json()["id"])
    return answer.json()["id"]


@contextmanager
def queue(live: Live, seed: int) -> Iterator[None]:
    """Three videos, of which one is half made, until the block ends."""
    PHOTOGRAPHED.clear()
    ids = []
    for number, prompt in enumerate(
        [
            "a balloon rises slowly over the meadow at sunset",
            "a dog walks slowly from left to right on the beach",
            "a robot spins slowly on the moon",
        ]
    ):
        body = {"prompt": prompt, "size": "448x256", "seconds": "2", "seed": seed + number}
        ids.append(live.http.post("/v1/videos", json=body).json()["id"])
    wait_for(lambda: live.http.get(f"/v1/videos/{ids[0]}").json()["vitascope"]["preview"])
    yield
    PHOTOGRAPHED.set()
    for id in ids:
        finished(live, id)
        live.http.delete(f"/v1/videos/{id}")


@contextmanager
def page_of(browser: Browser, live: Live, *, size: dict, dark: bool, phone: bool = False) -> Iterator[Page]:
    context = browser.new_context(
        viewport=size, color_scheme="dark" if dark else "light", device_scale_factor=2 if phone else 1, has_touch=phone
    )
    page = context.new_page()
    page.set_default_timeout(300_000)  # a file that is verified takes a minute of a busy machine
    page.goto(live.url)
    page.wait_for_selector(".tile img, .welcome")
    yield page
    context.close()


def shoot(page: Page, folder: Path, name: str) -> None:
    page.wait_for_timeout(700)
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    picture.save(folder / f"{name}.webp", quality=82, method=6)


def take_pictures(browser: Browser, live: Live, folder: Path) -> None:
    ids = fill(live)
    paper = made(
        live, f"/v1/videos/{ids[1]}/remix", {"prompt": "the same as a paper cut", "style": "papercut", "seed": 1}
    )
    made(
        live, "/v1/videos/extensions", {"prompt": "and on it goes", "video": {"id": ids[1]}, "seconds": "2", "seed": 1}
    )
    live.http.post("/v1/videos", json={"prompt": "far too much at once", "size": "256x256", "seconds": "2"})
    for dark in (False, True):
        look = "dark" if dark else "light"
        with queue(live, 60 if dark else 50):
            with page_of(browser, live, size=WIDE, dark=dark) as page:
                page.locator(f'.tile[data-id="{ids[-1]}"]').hover()
                shoot(page, folder, f"library-{look}")
            with page_of(browser, live, size=PHONE, dark=dark, phone=True) as page:
                shoot(page, folder, f"phone-{look}")
        with page_of(browser, live, size=WIDE, dark=dark) as page:
            write_storyboard(page)
            shoot(page, folder, f"storyboard-{look}")
            page.goto(f"{live.url}/#/video/{ids[1]}")
            page.locator(".relatives img").first.wait_for()
            shoot(page, folder, f"video-{look}")
            if dark:
                continue
            page.get_by_role("tab", name="Infill").click()
            shoot(page, folder, "infill-light")
            page.get_by_role("tab", name="Inpaint").click()
            paint(page)
            shoot(page, folder, "inpaint-light")
            page.get_by_role("tab", name="Connect").click()
            page.get_by_role("radio").first.click()
            shoot(page, folder, "connect-light")
            page.goto(f"{live.url}/#/compare/{ids[1]}/{paper}")
            page.locator("table").wait_for()
            shoot(page, folder, "compare-light")
            page.goto(f"{live.url}/#/verify")
            clip = live.http.get(f"/v1/videos/{ids[1]}/content").content
            page.get_by_label("File", exact=True).set_input_files(
                {"name": "clip.mp4", "mimeType": "video/mp4", "buffer": clip}
            )
            page.locator(".verdict").wait_for()
            shoot(page, folder, "verify-light")
        with page_of(browser, live, size=PHONE, dark=dark, phone=True) as page:
            page.goto(f"{live.url}/#/video/{ids[1]}")
            page.locator(".screen video").wait_for()
            shoot(page, folder, "phone-video-light")


def write_storyboard(page: Page) -> None:
    page.get_by_role("button", name="Storyboard").click()
    page.get_by_label("Length").select_option("8")
    page.get_by_label("Prompt").fill("a red car in the city at night")
    for share, words in (
        (0.0, "the car stands still in the rain"),
        (0.32, "it drives from left to right"),
        (0.7, "a close look at its wheel"),
    ):
        track, pile = page.locator(".track").bounding_box(), page.locator(".pile").bounding_box()  # the composer grows
        page.mouse.move(pile["x"] + 20, pile["y"] + 15)
        page.mouse.down()
        page.mouse.move(track["x"] + track["width"] * share + 2, track["y"] + 20, steps=6)
        page.mouse.up()
        page.locator("textarea:focus").fill(words)
    page.locator(".cards li").last.get_by_label("Cut").check()
    page.get_by_label("Picture of card 1").set_input_files(
        {"name": "car.webp", "mimeType": "image/webp", "buffer": blurred(frames_of(1, "3d", *SIDES, 2.0)[0])}
    )
    page.get_by_alt_text("A picture").wait_for()
    page.get_by_role("button", name="Expand").click()
    page.locator(".expanded textarea:not(:placeholder-shown)").wait_for()


def paint(page: Page) -> None:
    box = page.locator("canvas.mask").bounding_box()
    x, y, width, height = box["x"], box["y"], box["width"], box["height"]
    page.mouse.move(x + width * 0.4, y + height * 0.45)
    page.mouse.down()
    for share in (0.5, 0.6, 0.55, 0.45):
        page.mouse.move(x + width * share, y + height * (0.35 + share / 2), steps=5)
    page.mouse.up()


def main(folder: Path) -> None:
    with (
        tempfile.TemporaryDirectory() as data,
        serving(settings(Path(data)), draw) as live,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=BROWSER
        )
        take_pictures(browser, live, folder)
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
