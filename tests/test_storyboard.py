"""Storyboards: what is wrong is named with its path, and every card stands at its time."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vitascope.edits import encode_later, encode_start, make
from vitascope.storyboard import SCHEMA, check, place, plan_storyboard, read_storyboard
from vitascope.video import Video, write_video

WHOLE = {
    "prompt": "a red car", "style": "pencil", "size": "64x48", "seed": 3, "negative": "rain",
    "shots": [
        {"seconds": 2, "prompt": "in the city", "camera": "pans left", "cards": [
            {"at": 0, "image": "still.png"}, {"at": 1, "prompt": "it jumps", "image": "still.png"}]},
        {"seconds": 1.25, "cards": [{"at": 0.5, "video": "clip.gif"}]},
    ],
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    noise = np.random.default_rng(0).integers(0, 256, (9, 48, 64, 3), dtype=np.uint8)
    write_video(Video(noise[:1]), tmp_path / "still.png")
    write_video(Video(noise, 8), tmp_path / "clip.gif")
    return tmp_path


def write(folder: Path, document: object) -> Path:
    path = folder / "board.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return path


def test_a_storyboard_is_read(folder: Path) -> None:
    board = read_storyboard(write(folder, WHOLE))
    assert (board.size, board.seed, board.fps, board.negative) == ("64x48", 3, 8.0, "rain")
    first, second = board.shots
    assert first.prompt == "in the city, a red car, the camera pans left, as a pencil sketch"
    assert first.cards[1].prompt == "it jumps, a red car, the camera pans left, as a pencil sketch"
    assert second.prompt == "a red car, as a pencil sketch" and second.cards[0].video == folder / "clip.gif"


def change(*path: object, to: object) -> dict:
    document = json.loads(json.dumps(WHOLE))
    inner = document
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = to
    return document


@pytest.mark.parametrize("document, parts", [
    ("{", ["JSON"]), ("[" * 100_000, ["JSON"]), ([], ["the storyboard", "object"]), ({}, ["shots is missing"]),
    ({"shots": []}, ["shots is empty"]), ({"shots": [{"seconds": 1}]}, ["shots[0].prompt is missing"]),
    (change("colour", to=1), ["colour is an unknown field", "style"]),
    (change("style", to="oil"), ["style is 'oil'", "pencil"]), (change("fps", to=0), ["fps is 0", "at least 1"]),
    (change("seed", to=1.5), ["seed is 1.5", "integer"]), (change("seed", to=True), ["seed is true"]),
    (change("size", to="big"), ["size is 'big'", "128x128"]), (change("prompt", to=" "), ["prompt has 0 characters"]),
    (change("shots", 1, "seconds", to=0), ["shots[1].seconds is 0", "more than 0"]),
    (change("shots", 1, "seconds", to=61), ["shots[1].seconds is 61", "60"]),
    (change("shots", 1, "seconds", to=59), ["61 seconds together"]),
    (change("shots", 0, "cards", 1, "at", to=2), ["shots[0].cards[1].at is 2", "2 seconds"]),
    (change("shots", 0, "cards", 1, "at", to=-1), ["shots[0].cards[1].at is -1"]),
    (change("shots", 0, "cards", 1, "text", to="x"), ["shots[0].cards[1].text is an unknown field", "prompt"]),
    (change("shots", 0, "cards", 1, "at", to=0), ["shots[0].cards[1] overlaps shots[0].cards[0]"]),
    (change("shots", 0, "cards", 0, to={"at": 0.5, "video": "clip.gif", "seconds": 1}),
     ["shots[0].cards[1] overlaps shots[0].cards[0]"]),
    (change("shots", 0, "cards", 0, to={"at": 0.75, "prompt": "it falls"}),
     ["shots[0].cards[1] overlaps shots[0].cards[0]", "0.5 seconds apart"]),
    (change("shots", 0, "cards", 0, to={"at": 0}), ["shots[0].cards[0] shows nothing"]),
    (change("shots", 0, "cards", 0, "video", to="clip.gif"), ["shots[0].cards[0] has an image and a video"]),
    (change("shots", 0, "cards", 0, "seconds", to=1), ["shots[0].cards[0].seconds"]),
    (change("shots", 0, "cards", 0, "image", to="none.png"), ["shots[0].cards[0].image", "none.png", "no such file"]),
    (change("shots", 0, "cards", 0, "image", to="board.json"), ["shots[0].cards[0].image", "cannot be read"]),
])
def test_what_is_wrong_is_named_with_its_path(folder: Path, document: object, parts: list[str]) -> None:
    with pytest.raises(ValueError) as error:
        read_storyboard(write(folder, document))
    message = str(error.value)
    assert "\n" not in message and "board.json" in message and all(part in message for part in parts), message


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="none.json.*No such file"):
        read_storyboard(tmp_path / "none.json")


def test_times_fall_into_groups_of_four_frames() -> None:
    assert [place(seconds, 8) for seconds in (0, 0.1, 0.5, 0.625, 1, 2)] == [0, 1, 1, 2, 2, 4]


def test_cards_stand_at_their_times_and_shots_are_cut_at_the_frame(folder: Path, nano_system) -> None:
    one, two = plan_storyboard(nano_system, read_storyboard(write(folder, WHOLE)), 64, 48)
    still, clip = (np.asarray(Image.open(folder / "still.png"))[None], two.own[1:9])
    assert one.condition.levels[:, 0, 0].tolist() == [0, 1, 0, 1, 1]
    assert torch.allclose(one.condition.known[:, :1], encode_start(nano_system, still))
    assert torch.allclose(one.condition.known[:, 2:3], encode_later(nano_system, still.repeat(4, 0)))
    assert [span.weight.tolist() for span in one.condition.prompts] == [[1, 1, 0, 0, 0], [0, 0, 1, 1, 1]]
    assert two.condition.levels[:, 0, 0].tolist() == [1, 0, 0, 1] and two.condition.negative == "rain"
    first, second = (np.stack(list(make(nano_system, plan, seed=0, steps=1))) for plan in (one, two))
    assert len(first) == 16 and np.array_equal(first[:1], still)
    assert len(second) == 10 and np.array_equal(second[1:9], clip) and clip.any()


def test_the_schema_describes_itself_and_an_example() -> None:
    check(WHOLE, SCHEMA)
    published = Path(__file__).parent.parent / "docs" / "storyboard.schema.json"  # `vitascope storyboard --schema`
    assert json.loads(published.read_text()) == SCHEMA

    def objects(schema: dict) -> list[dict]:
        inner = [*schema.get("properties", {}).values(), *([schema["items"]] if "items" in schema else [])]
        return [schema, *(found for one in inner for found in objects(one))]

    known = {"$schema", "title", "type", "description", "additionalProperties", "required", "properties", "items",
             "minItems",
             "enum", "minLength", "maxLength", "pattern", "minimum", "maximum", "exclusiveMinimum"}
    assert all(set(one) <= known and one["type"] in ("object", "array", "string", "number", "integer")
               for one in objects(SCHEMA))
    assert all(one["additionalProperties"] is False for one in objects(SCHEMA) if one["type"] == "object")
