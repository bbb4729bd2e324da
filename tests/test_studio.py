"""The studio in Debian's Chromium: what a person does, and what the service is then asked for.

Needs `playwright` and a Chromium that plays H.264 at $CHROMIUM; Playwright's own does not.
"""

import io
import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import quick_produce
from PIL import Image
from serving import Live, finished, serving, settings, wait_for

from vitascope.safety import feedback
from vitascope.serve.app import STUDIO
from vitascope.serve.job import Limits
from vitascope.serve.order import Order
from vitascope.serve.worker import Assignment
from vitascope.video import write_frames

playwright = pytest.importorskip("playwright.sync_api", reason="the studio's tests drive a browser by playwright")
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
PATIENCE = 1000 * float(os.environ.get("PATIENCE", "20"))  # milliseconds that a page has; a busy machine is slow
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]
pytestmark = pytest.mark.skipif(
    not Path(CHROMIUM).exists(), reason=f"there is no browser at {CHROMIUM}; CHROMIUM names another"
)
Page, Tab = "playwright.sync_api.Page", Callable[..., "Page"]


step = threading.Semaphore(0)  # that a video made "slowly" may go on to once its preview is there


def produce(given: Assignment) -> None:
    def held(now: int, total: int) -> None:
        given.progress(now, total)
        while now > total // 2 and not step.acquire(timeout=0.1):
            given.progress(now, total)  # hears of a cancel

    quick_produce.produce(replace(given, progress=held) if "slowly" in given.order.prompt else given)


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with serving(settings(tmp_path_factory.mktemp("data")), produce) as live:
        yield live


@pytest.fixture(scope="module")
def browser() -> Iterator[object]:
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def tab(browser, live: Live) -> Iterator[Tab]:
    """Opens pages of the studio; fails if one of them logs an error or talks to another machine."""
    contexts, wrong = [], []

    def open_page(path: str = "", *, url: str = live.url, **options: object) -> Page:
        options = {"viewport": {"width": 1200, "height": 800}, **options}
        contexts.append(browser.new_context(**options))
        page = contexts[-1].new_page()
        page.set_default_timeout(PATIENCE)
        page.on(
            "console",
            lambda message: message.type == "error" and "401" not in message.text and wrong.append(message.text),
        )
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda request: request.url.startswith((url, "blob:", "data:")) or wrong.append(request.url))
        page.goto(f"{url}/{path}")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert wrong == []


@pytest.fixture(scope="module")
def clip(live: Live) -> str:
    return make(live, prompt="a cat on a sofa", seed=7)


def make(live: Live, path: str = "/v1/videos", **fields: object) -> str:
    answer = live.http.post(path, json={"size": "64x48", "seconds": "2", **fields})
    assert answer.status_code == 200, answer.text
    finished(live, answer.json()["id"])
    return answer.json()["id"]


@contextmanager
def new_video(live: Live) -> Iterator[Callable[[], dict]]:
    """Gives the one video that was asked for within the block, when it has ended."""
    known = {video["id"] for video in videos(live)}
    found: dict = {}
    yield lambda: found
    new = wait_for(lambda: [video for video in videos(live) if video["id"] not in known])
    assert len(new) == 1
    found.update(finished(live, new[0]["id"]))


def videos(live: Live) -> list[dict]:
    return live.http.get("/v1/videos", params={"limit": 100}).json()["data"]


def drop(page: Page, name: str, kind: str, content: bytes) -> None:
    """Drop a file onto the page as a person would from a folder."""
    transfer = page.evaluate_handle(
        "([name, type, bytes]) => { const data = new DataTransfer();"
        " data.items.add(new File([new Uint8Array(bytes)], name, { type })); return data; }",
        [name, kind, list(content)],
    )
    for event in ("dragenter", "dragover", "drop"):
        page.dispatch_event("body", event, {"dataTransfer": transfer})


def picture(width: int, height: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(buffer, "PNG")
    return buffer.getvalue()


def inputs(live: Live, id: str) -> dict[str, Path]:
    """The files that a video is made from, by role."""
    order = Order.from_json(live.service.jobs.find(id).request["order"])
    return {role: live.service.files.path(name) for role, name in order.inputs.items()}


def expect(locator):
    playwright.expect.set_options(timeout=PATIENCE)
    return playwright.expect(locator)


# ---------------------------------------------------------------------------------------------------------- the library


def test_a_sentence_becomes_a_video_that_plays_under_the_pointer(live: Live, tab: Tab) -> None:
    page = tab()
    with new_video(live) as video:
        page.get_by_label("Prompt").fill("a train in the snow")
        page.keyboard.press("Enter")
    assert (video()["prompt"], video()["size"], video()["model"]) == ("a train in the snow", "128x128", "vitascope")
    tile = page.locator(f".tile[data-id={video()['id']}]")
    tile.hover()
    assert (
        page.evaluate("document.createElement('video').canPlayType('video/mp4; codecs=\"avc1.640028\"')") == "probably"
    )
    page.wait_for_function("() => document.querySelector('.tile video')?.currentTime > 0.3")
    page.mouse.move(5, 5)
    expect(page.locator(".tile video")).to_have_count(0)


def test_settings_are_asked_for(live: Live, tab: Tab) -> None:
    page = tab()
    for label, value in {"Aspect": "16:9", "Size": "256", "Length": "4", "Style": "pencil"}.items():
        page.get_by_label(label, exact=True).select_option(value)
    page.get_by_role("button", name="Loop").click()
    page.get_by_role("button", name="More").click()
    page.get_by_label("Seed").fill("12345")
    page.get_by_label("What must not be seen").fill("rain")
    page.get_by_label("Prompt").fill("a quiet street")
    with new_video(live) as video:
        page.get_by_role("button", name="Create").click()
    made = video()["vitascope"]["settings"]
    assert (video()["size"], video()["seconds"]) == ("448x256", "4")
    assert (made["seed"], made["style"], made["negative"], made["loop"]) == (12345, "pencil", "rain", True)


def test_a_reload_keeps_queue_and_draft(live: Live, tab: Tab) -> None:
    page = tab()
    page.get_by_label("Variations").select_option("2")
    page.get_by_label("Prompt").fill("slowly falling leaves")
    page.keyboard.press("Enter")
    rows = page.locator(".waiting", has_text="slowly falling leaves")
    expect(rows).to_have_count(2)
    page.get_by_label("Prompt").fill("what comes next")
    page.reload()
    expect(rows).to_have_count(2)
    expect(page.get_by_label("Prompt")).to_have_value("what comes next")
    running = page.locator('.waiting[data-status="in_progress"]')
    expect(running.locator("img.preview")).to_be_visible()
    first = int(running.get_by_role("progressbar").get_attribute("aria-valuenow"))
    step.release()
    page.wait_for_function(
        "(first) => Number(document.querySelector('.waiting [role=progressbar]')?.ariaValueNow) > first", arg=first
    )
    rows.last.get_by_role("button", name="Cancel").click()
    cancelled = page.locator('.tile[data-status="failed"]', has_text="Cancelled")
    expect(cancelled).to_have_count(1)
    cancelled.get_by_role("button", name="Try again").click()
    expect(rows).to_have_count(2)
    for row in videos(live)[:3]:
        live.http.post(f"/v1/videos/{row['id']}/cancel")


def test_what_failed_says_why_and_can_go(live: Live, tab: Tab) -> None:
    id = make(live, prompt="something impossible")
    page = tab()
    tile = page.locator(f".tile[data-id={id}]")
    expect(tile).to_contain_text("The prompt is impossible")
    tile.get_by_role("button", name="Remove").click()
    expect(tile).to_have_count(0)
    assert live.http.get(f"/v1/videos/{id}").status_code == 404


def test_search_and_pages(live: Live, tab: Tab, clip: str) -> None:
    page = tab()
    page.get_by_label("Search the library").fill("sofa")
    expect(page.locator(f".tile[data-id={clip}]")).to_be_visible()
    page.get_by_label("Search the library").fill("nobody wrote this")
    expect(page.get_by_text("No video has these words.")).to_be_visible()


# ---------------------------------------------------------------------------------------------------- files, storyboard


def test_a_dropped_picture_becomes_the_first_frame_and_outlives_a_reload(live: Live, tab: Tab) -> None:
    page = tab()
    drop(page, "sea.png", "image/png", picture(90, 30))
    expect(page.get_by_alt_text("First frame")).to_be_visible()
    page.reload()
    expect(page.get_by_alt_text("First frame")).to_be_visible()
    page.get_by_label("Prompt").fill("waves")
    with new_video(live) as video:
        page.keyboard.press("Enter")
        page.locator(".prompt", has_text="waves").first.wait_for()
    with Image.open(inputs(live, video()["id"])["image"]) as image:
        assert image.size == (128, 128) and image.convert("RGB").getpixel((64, 64)) == (0, 128, 128)
    page.get_by_role("button", name="Remove the first frame").click()
    expect(page.get_by_alt_text("First frame")).to_have_count(0)


def test_a_dropped_video_brings_its_settings_back(live: Live, tab: Tab, tmp_path: Path) -> None:
    made = {"prompt": "two dogs", "negative": "cats", "size": "448x256", "seconds": 4.0, "seed": 99, "steps": 12}
    write_frames(iter(np.zeros((5, 48, 64, 3), np.uint8)), tmp_path / "ours.mp4", fps=8, metadata={"settings": made})
    page = tab()
    drop(page, "ours.mp4", "video/mp4", (tmp_path / "ours.mp4").read_bytes())
    page.get_by_role("button", name="Use all settings").click()
    expect(page.get_by_label("Prompt")).to_have_value("two dogs")
    expect(page.get_by_label("Aspect")).to_have_value("16:9")
    expect(page.get_by_label("Size", exact=True)).to_have_value("256")
    expect(page.get_by_label("Length")).to_have_value("4")
    page.get_by_role("button", name="More").click()
    expect(page.get_by_label("Seed")).to_have_value("99")
    expect(page.get_by_label("Steps")).to_have_value("12")


def test_a_dropped_video_of_others_can_be_made_longer(live: Live, tab: Tab, tmp_path: Path) -> None:
    write_frames(iter(np.zeros((8, 48, 64, 3), np.uint8)), tmp_path / "other.mp4", fps=8)
    page = tab()
    drop(page, "other.mp4", "video/mp4", (tmp_path / "other.mp4").read_bytes())
    page.get_by_role("tab", name="Extend").click()
    assert page.get_by_role("tab", name="Settings").count() == 0
    page.get_by_label("What happens there").fill("it goes on")
    with new_video(live) as video:
        page.get_by_role("button", name="Before").click()
    assert video()["vitascope"]["task"] == "extend" and not video()["vitascope"]["settings"]["forward"]
    assert (video()["size"], video()["seconds"]) == ("64x48", "3")


def test_a_drag_builds_a_storyboard(live: Live, tab: Tab) -> None:
    page = tab()
    page.get_by_role("button", name="Storyboard").click()
    page.get_by_label("Length").select_option("4")
    for share, words in ((0.5, "then it jumps"), (0.0, "a frog sits")):
        pile, track = page.locator(".pile").bounding_box(), page.locator(".track").bounding_box()
        page.mouse.move(pile["x"] + 20, pile["y"] + 10)
        page.mouse.down()
        page.mouse.move(track["x"] + track["width"] * share + 1, track["y"] + 10, steps=5)
        page.mouse.up()
        page.locator(".cards textarea:focus").fill(words)
    page.locator(".cards li").nth(1).get_by_label("Cut").check()
    marker, track = page.get_by_role("slider", name="Card 2").bounding_box(), page.locator(".track").bounding_box()
    page.mouse.move(marker["x"] + 2, marker["y"] + 10)
    page.mouse.down()
    page.mouse.move(track["x"] + track["width"] * 0.75, track["y"] + 10, steps=5)
    page.mouse.up()
    page.keyboard.press("ArrowLeft")
    page.reload()
    with new_video(live) as video:
        page.get_by_role("button", name="Create").click()
    assert video()["vitascope"]["settings"]["storyboard"] == [
        {"prompt": "a frog sits", "at": 0, "cut": False},
        {"prompt": "then it jumps", "at": 2.75, "cut": True},
    ]
    assert video()["prompt"] == "a frog sits. then it jumps"


def test_a_card_shows_a_picture(live: Live, tab: Tab) -> None:
    page = tab()
    page.get_by_role("button", name="Storyboard").click()
    page.locator(".pile").click()
    page.get_by_label("Picture of card 1").set_input_files(
        {"name": "sea.png", "mimeType": "image/png", "buffer": picture(90, 30)}
    )
    expect(page.get_by_alt_text("A picture")).to_be_visible()
    page.reload()
    expect(page.get_by_alt_text("A picture")).to_be_visible()
    page.get_by_label("Prompt", exact=True).fill("waves roll in")
    with new_video(live) as video:
        page.get_by_role("button", name="Create").click()
    assert video()["vitascope"]["settings"]["storyboard"] == [{"prompt": "", "at": 0, "cut": False, "shows": "card-0"}]
    with Image.open(inputs(live, video()["id"])["card-0"]) as image:
        assert image.size == (90, 30)


def test_a_part_of_a_video_goes_onto_the_storyboard(live: Live, tab: Tab, clip: str) -> None:
    page = tab(f"#/video/{clip}")
    page.get_by_role("tab", name="Re-cut").click()
    page.get_by_label("Range begins").fill("0.5")
    page.get_by_label("Range ends").fill("1.5")
    page.get_by_role("button", name="Onto the storyboard").click()
    expect(page.get_by_alt_text("A part of a video")).to_be_visible()
    page.get_by_label("Prompt", exact=True).fill("the cat wakes up and leaves")
    with new_video(live) as video:
        page.get_by_role("button", name="Create").click()
    (card,) = video()["vitascope"]["settings"]["storyboard"]
    assert (card["shows"], card["range"], card["at"]) == ("clip-0", [0.5, 1.5], 0.5)
    assert (video()["size"], video()["seconds"], video()["vitascope"]["from"]) == ("64x48", "2", {"clip-0": clip})


def test_the_expanded_prompt_is_shown_and_can_be_changed(live: Live, tab: Tab) -> None:
    page = tab()
    page.get_by_label("Prompt", exact=True).fill("a dog jumps")
    page.get_by_role("button", name="Expand").click()
    expanded = page.get_by_label("What the model reads")
    expect(expanded).to_have_value(re.compile("^a dog jumps .+"))
    first = expanded.input_value()
    page.get_by_role("button", name="Other words").click()
    page.wait_for_function(
        "(first) => document.querySelector('.expanded textarea').value !== first", arg=first
    )
    expanded.fill("a dog jumps over a wall")
    with new_video(live) as video:
        page.get_by_role("button", name="Create").click()
    assert video()["prompt"] == "a dog jumps"
    assert video()["vitascope"]["settings"]["expanded"] == "a dog jumps over a wall"
    page.get_by_label("Prompt", exact=True).fill("a cat sleeps")
    expect(expanded).to_have_value(re.compile("^a cat sleeps .+"))


# ------------------------------------------------------------------------------------------------------------ one video


def test_a_video_plays_frame_by_frame(tab: Tab, clip: str) -> None:
    page = tab(f"#/video/{clip}")
    page.wait_for_function("() => document.querySelector('.screen video')?.currentTime > 0.3")
    page.keyboard.press(" ")
    page.wait_for_function("() => document.querySelector('.screen video').paused")
    page.evaluate("document.querySelector('.screen video').currentTime = 0.5")
    for key, middle in (("ArrowRight", 5.5), ("ArrowLeft", 4.5)):  # of the frames 5 and 4, at 8 a second
        page.keyboard.press(key)
        page.wait_for_function(
            "(at) => Math.abs(document.querySelector('.screen video').currentTime - at) < 0.01", arg=middle / 8
        )


def ask(live: Live, page: Page, tool: str, button: str, prepare: Callable[[], None] = lambda: None) -> dict:
    page.get_by_role("tab", name=tool).click()
    prepare()
    page.locator(".tool textarea").fill(f"changed by {tool}")
    with new_video(live) as video:
        page.locator(".tool").get_by_role("button", name=button, exact=True).click()
    assert video()["prompt"] == f"changed by {tool}" and video()["vitascope"]["from"]["video"] in page.url
    return video()


def test_remix_with_a_strength(live: Live, tab: Tab, clip: str) -> None:
    page = tab(f"#/video/{clip}")
    video = ask(live, page, "Remix", "Remix", lambda: page.get_by_label("Strength", exact=True).fill("0.35"))
    assert video["remixed_from_video_id"] == clip and video["vitascope"]["settings"]["strength"] == 0.35


def test_extend_at_both_ends(live: Live, tab: Tab, clip: str) -> None:
    page = tab(f"#/video/{clip}")
    for button, forward in (("Before", False), ("After", True)):
        video = ask(live, page, "Extend", button)
        assert (video["vitascope"]["settings"]["forward"], video["seconds"]) == (forward, "4")


def test_infill_of_a_marked_range(live: Live, tab: Tab, clip: str) -> None:
    page = tab(f"#/video/{clip}")

    def mark() -> None:
        page.get_by_label("Range begins").fill("0.5")
        page.get_by_label("Range ends").fill("1.25")

    assert ask(live, page, "Infill", "Fill in", mark)["vitascope"]["settings"]["span"] == [0.5, 1.25]


def test_inpaint_of_a_painted_mask(live: Live, tab: Tab, clip: str) -> None:
    page = tab(f"#/video/{clip}")

    def paint() -> None:
        box = page.locator("canvas.mask").bounding_box()
        assert abs(box["width"] / box["height"] - 64 / 48) < 0.02
        page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + box["height"] * 0.5)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + box["height"] * 0.5)
        page.mouse.up()

    with Image.open(inputs(live, ask(live, page, "Inpaint", "Inpaint", paint)["id"])["mask"]) as image:
        mask = np.asarray(image.convert("RGB"))
    assert mask.shape == (48, 64, 3) and set(np.unique(mask)) == {0, 255}
    assert mask[24, 17].min() == 255 and mask[24, 50].max() == 0 and mask[4, 17].max() == 0


def test_loop_and_connect(live: Live, tab: Tab, clip: str) -> None:
    other = make(live, prompt="the other one")
    page = tab(f"#/video/{clip}")
    looped = ask(live, page, "Loop", "Make a loop")
    assert looped["vitascope"]["settings"]["loop"] and looped["seconds"] == "3"

    def choose() -> None:
        page.get_by_role("radio", name="the other one").click()
        page.get_by_label("How one gives way to the other").select_option("late")

    video = ask(live, page, "Connect", "Connect", choose)
    assert video["vitascope"]["from"] == {"video": clip, "other": other}
    made = video["vitascope"]["settings"]
    assert (made["curve"], made["then"]) == ("late", "the other one")


def test_outpaint_and_combine(live: Live, tab: Tab, clip: str) -> None:
    other = make(live, prompt="another place")
    page = tab(f"#/video/{clip}")
    wider = ask(live, page, "Outpaint", "Outpaint", lambda: page.get_by_label("New aspect").select_option("16:9"))
    assert (wider["size"], wider["vitascope"]["task"]) == ("80x48", "outpaint")
    both = ask(live, page, "Combine", "Combine", lambda: page.get_by_role("radio", name="another place").click())
    assert both["vitascope"]["from"] == {"video": clip, "other": other} and both["vitascope"]["task"] == "combine"
    assert both["vitascope"]["settings"]["strength"] == Order.strength  # the slider begins at the API's default


def test_a_video_that_is_removed_elsewhere_goes(live: Live, tab: Tab) -> None:
    id = make(live, prompt="soon gone")
    page = tab()
    tile = page.locator(f".tile[data-id={id}]")
    expect(tile.locator("img")).not_to_have_js_property("naturalWidth", 0)  # else its picture may be asked for when it is gone
    view = tab(f"#/video/{id}")
    view.wait_for_function(  # all of it is here
        "() => { const video = document.querySelector('.screen video');"
        " return video?.buffered.length && video.buffered.end(0) > video.duration - 0.1; }"
    )
    live.http.delete(f"/v1/videos/{id}")
    expect(tile).to_have_count(0)
    expect(view.get_by_text("There is no such video.")).to_be_visible()


def test_a_card_lets_go_of_a_video_that_is_removed(live: Live, browser) -> None:
    id = make(live, prompt="shown on a card")
    page = browser.new_context().new_page()  # which may be told that there is no such video
    page.set_default_timeout(PATIENCE)
    page.goto(f"{live.url}/#/video/{id}")
    page.get_by_role("tab", name="Re-cut").click()
    page.get_by_role("button", name="Onto the storyboard").click()
    expect(page.get_by_alt_text("A part of a video")).not_to_have_js_property("naturalWidth", 0)
    live.http.delete(f"/v1/videos/{id}")
    page.reload()
    expect(page.get_by_title("A picture for card 1")).to_be_visible()
    page.context.close()


def test_a_video_is_reported(live: Live, tab: Tab, clip: str) -> None:
    page = tab(f"#/video/{clip}")
    page.get_by_role("button", name="Report").click()
    page.get_by_label("It is about").select_option("violence")
    page.get_by_label("In your words").fill("it hits somebody")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    note = wait_for(lambda: feedback.reports(live.service.settings.data))[-1]
    assert (note.file, note.category, note.reason) == (f"{clip}.mp4", "violence", "it hits somebody")


@pytest.mark.timeout(400)  # a process that starts from nothing, on a busy machine
def test_a_file_is_asked_where_it_comes_from(tab: Tab, tmp_path: Path) -> None:
    slope = np.uint8(np.indices((48, 64)).sum(0) * 2)[..., None].repeat(3, -1)
    write_frames((np.roll(slope, 2 * number, 1) for number in range(8)), tmp_path / "other.mp4", fps=8)
    page = tab()
    page.get_by_role("button", name="Where does a file come from?").click()
    drop(page, "other.mp4", "video/mp4", (tmp_path / "other.mp4").read_bytes())
    page.set_default_timeout(350_000)  # milliseconds
    page.get_by_role("heading", name="Nothing says that it was made here").wait_for()
    expect(page.get_by_text("Content credentials")).to_be_visible()
    expect(page.get_by_text("The mark in the pixels")).to_be_visible()


def test_lineage_leads_to_parents_and_children(live: Live, tab: Tab, clip: str) -> None:
    child = make(live, f"/v1/videos/{clip}/remix", prompt="a cat made of paper")
    page = tab(f"#/video/{child}")
    page.get_by_role("link", name="From: a cat on a sofa").click()
    page.wait_for_url(f"**/#/video/{clip}")
    page.get_by_role("link", name="Edited: a cat made of paper").click()
    page.wait_for_url(f"**/#/video/{child}")


def test_a_frame_becomes_the_first_one_of_the_next(tab: Tab, clip: str) -> None:
    page = tab(f"#/video/{clip}")
    page.wait_for_function("() => document.querySelector('.screen video')?.readyState >= 2")
    page.get_by_role("button", name="Use frame").click()
    expect(page.get_by_alt_text("First frame")).to_be_visible()


def test_two_videos_side_by_side_keep_step(live: Live, tab: Tab, clip: str) -> None:
    other = make(live, prompt="beside it", seed=8)
    page = tab()
    for id in (clip, other):
        page.locator(f".tile[data-id={id}]").hover()
        page.locator(f".tile[data-id={id}] .mark").click()
    page.get_by_role("button", name="Compare").click()
    page.wait_for_function("() => document.querySelectorAll('.screen video').length === 2")
    page.get_by_role("button", name="Pause").click()
    page.get_by_label("Time").fill("1.2")
    page.wait_for_function(
        "() => [...document.querySelectorAll('.screen video')].every((one) => Math.abs(one.currentTime - 1.2) < 0.02)"
    )
    expect(page.locator("tr.differs", has_text="Seed")).to_contain_text("8")
    page.reload()
    expect(page.locator(".screen video")).to_have_count(2)


# ------------------------------------------------------------------------------------------------ keyboard, looks, keys


def test_keyboard(live: Live, tab: Tab, clip: str) -> None:
    make(live, prompt="one more")
    page = tab()
    page.locator(".tile").nth(1).wait_for()
    page.keyboard.press("/")
    expect(page.get_by_label("Prompt")).to_be_focused()
    page.keyboard.press("Escape")
    for place in (0, 1):
        page.keyboard.press("ArrowRight")
        expect(page.locator(".tile > a").nth(place)).to_be_focused()
        page.keyboard.press("s")
    expect(page.locator(".tile.selected")).to_have_count(2)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.keyboard.press("Enter")
    page.wait_for_url("**/#/video/*")
    page.get_by_role("tab", name="Remix").wait_for()
    page.keyboard.press("Escape")
    expect(page.locator(".tile").first).to_be_visible()


def test_dark_mode_follows_the_system_until_it_is_chosen(tab: Tab) -> None:
    page = tab(color_scheme="dark")
    colour = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(colour)
    page.get_by_role("button", name="Light (T)").click()
    light = page.evaluate(colour)
    assert dark != light
    page.reload()
    page.locator(".composer").wait_for()
    assert page.evaluate(colour) == light


@pytest.mark.parametrize("path", ["", "#/video/{clip}", "#/compare/{clip}/{clip}", "#/verify"])
def test_nothing_is_cut_off_on_a_phone(tab: Tab, clip: str, path: str) -> None:
    page = tab(path.format(clip=clip), viewport={"width": 360, "height": 740}, has_touch=True)
    page.locator("main :is(img, video, .drop)").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def luminance(colour: str) -> float:
    levels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [level / 12.92 if level <= 0.04045 else ((level + 0.055) / 1.055) ** 2.4 for level in levels]
    return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))


def contrast(first: str, second: str) -> float:
    """WCAG 2.2, "contrast ratio"."""
    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_enough_for_everybody() -> None:
    palettes = [
        dict(re.findall(r"--(\w[\w-]*): (#[0-9a-f]{6});", block))
        for block in re.findall(r"\{([^{}]*--ground:[^{}]*)\}", (STUDIO / "style.css").read_text())
    ]
    assert len(palettes) == 3 and palettes[1] == palettes[2]
    for colours in palettes:
        for ground in ("ground", "raised", "sunk"):
            for ink in ("ink", "soft"):
                assert contrast(colours[ink], colours[ground]) >= 4.5, (ink, ground)
            assert contrast(colours["edge"], colours[ground]) >= 3, ground
        for ink, ground in (("on-accent", "accent"), ("accent", "raised"), ("accent", "tint"), ("danger", "raised")):
            assert contrast(colours[ink], colours[ground]) >= 4.5, (ink, ground)


def test_every_control_has_a_name(tab: Tab, clip: str) -> None:
    page = tab(f"#/video/{clip}")
    for tool in ("Remix", "Extend", "Re-cut", "Infill", "Loop", "Inpaint", "Outpaint", "Connect", "Combine"):
        page.get_by_role("tab", name=tool).click()
        nameless = page.evaluate("""[...document.querySelectorAll('button, input, textarea, select, a[href]')]
            .filter((one) => !(one.ariaLabel || one.labels?.length || one.textContent.trim() || one.title))
            .map((one) => one.outerHTML)""")
        assert nameless == [], tool


def test_a_service_with_keys_asks_for_one(browser, tab: Tab, tmp_path: Path) -> None:
    with serving(settings(tmp_path), produce) as guarded:
        key = guarded.service.keys.create("a person", Limits())
        page = tab(url=guarded.url)
        page.get_by_label("API key").fill("sk-wrong")
        page.get_by_role("button", name="Enter").click()
        expect(page.get_by_role("alert")).to_contain_text("does not know this key")
        page.get_by_label("API key").fill(key)
        page.get_by_role("button", name="Enter").click()
        expect(page.get_by_role("dialog")).to_have_count(0)
        page.get_by_label("Prompt").fill("a secret")
        page.keyboard.press("Enter")
        tile = page.locator(".tile", has_text="a secret")
        tile.hover()
        page.wait_for_function("() => document.querySelector('.tile video')?.currentTime > 0")
        assert key not in page.evaluate("document.cookie + JSON.stringify(localStorage)")
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_label("API key")).to_be_visible()
        page.close()


# ------------------------------------------------------------------------------------------------------------ the files


def test_nothing_needs_another_machine_or_an_inline_script() -> None:
    own = [path for path in STUDIO.rglob("*") if path.suffix in (".js", ".html", ".css")]
    for path in own:
        text = path.read_text()
        assert not re.search(r"(?:src|href)=\"(?:https?:)?//|url\(\s*['\"]?https?:|@import", text), path
        for target in re.findall(r"(?:from|import) ?\"([@\w./-]+)\"", text):
            assert target.startswith("./") and (path.parent / target).is_file(), (path, target)
    page = (STUDIO / "index.html").read_text()
    assert "style=" not in page and not re.search(r"<script>|\son\w+=", page)


def test_vendored_packages_keep_their_licences() -> None:
    named = re.findall(r"^fetch (\S+)@[\d.]+ (\S+)", (STUDIO / "vendor" / "fetch.sh").read_text(), re.MULTILINE)
    assert len(named) == 4
    for package, file in named:
        assert (STUDIO / "vendor" / f"{file}.js").is_file(), package
        assert re.search("MIT License|Apache License", (STUDIO / "vendor" / f"{file}.LICENSE").read_text()), package
