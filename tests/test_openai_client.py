"""Programs written for Sora's API, unchanged but for the base URL: the real client through every method."""

import asyncio
import io
import warnings
from collections.abc import Iterator
from pathlib import Path

import httpx
import openai
import pytest
from PIL import Image

from serving import Live, serving, settings
from vitascope.presets import STYLES
from vitascope.video import read_video

pytestmark = pytest.mark.filterwarnings("ignore:The Sora API is scheduled:DeprecationWarning")


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with serving(settings(tmp_path_factory.mktemp("data"))) as live:
        yield live


@pytest.fixture(scope="module")
def client(live: Live) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{live.url}/v1", api_key="sk-old", max_retries=0) as client:
        yield client


@pytest.fixture(scope="module")
def made(client: openai.OpenAI):
    """A finished video."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return client.videos.create_and_poll(prompt="a cat on a sofa", size="64x48", seconds="1", poll_interval_ms=50)


@pytest.fixture(scope="module")
def clip(client: openai.OpenAI, made) -> bytes:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return client.videos.download_content(made.id).read()


def picture(width: int = 64, height: int = 48) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), "teal").save(buffer, "PNG")
    return buffer.getvalue()


def poll(client: openai.OpenAI, id: str):
    return client.videos.poll(id, poll_interval_ms=50)


def test_create_and_poll(made) -> None:
    assert (made.status, made.progress, made.error) == ("completed", 100, None)
    assert (made.size, made.seconds, made.model, made.object) == ("64x48", "1", "sora-2", "video")
    assert made.prompt == "a cat on a sofa" and made.completed_at >= made.created_at and made.expires_at is None
    assert made.id.startswith("video_") and len(made.id) == 38
    keys = {
        "id",
        "object",
        "model",
        "status",
        "progress",
        "created_at",
        "completed_at",
        "expires_at",
        "prompt",
        "size",
        "seconds",
        "remixed_from_video_id",
        "error",
    }
    assert set(made.to_dict()) == keys | {"vitascope"}


def test_create_answers_at_once_with_the_defaults(client: openai.OpenAI) -> None:
    video = client.videos.create(prompt="a dog")
    assert (video.status, video.size, video.seconds, video.progress) == ("queued", "720x1280", "4", 0)
    client.videos.delete(video.id)


def test_poll_waits_as_long_as_the_server_says(client: openai.OpenAI, live: Live) -> None:
    id = client.videos.create(prompt="a dog", size="64x48", seconds="1").id
    answer = client.videos.with_raw_response.retrieve(id)
    assert 500 <= int(answer.headers["openai-poll-after-ms"]) <= 5000
    assert client.videos.poll(id).status == "completed"


@pytest.mark.parametrize(
    ("variant", "start"), [("video", b"ftyp"), ("thumbnail", b"RIFF"), ("spritesheet", b"\xff\xd8")]
)
def test_download(client: openai.OpenAI, made, variant: str, start: bytes) -> None:
    content = client.videos.download_content(made.id, variant=variant)
    assert start in content.read()[:12]


def test_the_file_has_the_size_and_length_that_were_asked_for(
    client: openai.OpenAI, clip: bytes, tmp_path: Path
) -> None:
    (tmp_path / "clip.mp4").write_bytes(clip)
    video = read_video(tmp_path / "clip.mp4")
    assert video.size == (64, 48) and len(video) == 8 and video.fps == 8


def test_retrieve_of_nothing_is_not_found(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        client.videos.retrieve("video_nothing")
    assert caught.value.code == "not_found" and "video_nothing" in caught.value.message


def test_list_pages_by_itself(client: openai.OpenAI, made) -> None:
    new = [client.videos.create(prompt=f"video {number}", size="64x48", seconds="1").id for number in range(5)]
    newest = client.videos.list(limit=2)
    assert [video.id for video in newest.data] == new[:2:-1] and newest.has_more and newest.last_id == new[3]
    everything = [video.id for video in client.videos.list(limit=2)]
    assert everything[:5] == new[::-1] and made.id in everything and len(set(everything)) == len(everything)
    oldest = [video.id for video in client.videos.list(limit=3, order="asc")]
    assert oldest == everything[::-1]


def test_delete(client: openai.OpenAI) -> None:
    id = client.videos.create(prompt="gone soon", size="64x48", seconds="1").id
    poll(client, id)
    gone = client.videos.delete(id)
    assert (gone.id, gone.object, gone.deleted) == (id, "video.deleted", True)
    with pytest.raises(openai.NotFoundError):
        client.videos.download_content(id)


def test_remix(client: openai.OpenAI, made) -> None:
    remix = poll(client, client.videos.remix(made.id, prompt="now in the snow").id)
    assert remix.status == "completed" and remix.remixed_from_video_id == made.id
    assert (remix.size, remix.seconds, remix.prompt) == (made.size, made.seconds, "now in the snow")


def test_edit_an_uploaded_video(client: openai.OpenAI, clip: bytes) -> None:
    edit = client.videos.edit(prompt="as a drawing", video=("clip.mp4", clip, "video/mp4"))
    edit = poll(client, edit.id)
    assert (edit.status, edit.size, edit.seconds) == ("completed", "64x48", "1")


def test_extend_an_uploaded_video(client: openai.OpenAI, clip: bytes) -> None:
    longer = poll(client, client.videos.extend(prompt="and on", seconds="2", video=("clip.mp4", clip, "video/mp4")).id)
    assert (longer.status, longer.seconds) == ("completed", "3")


def test_characters(client: openai.OpenAI, clip: bytes) -> None:
    character = client.videos.create_character(name="Mossy", video=("m.mp4", clip, "video/mp4"))
    again = client.videos.get_character(character.id)
    assert (again.id, again.name, again.created_at) == (character.id, "Mossy", character.created_at)
    every = client.get("/videos/characters", cast_to=object)["data"]
    assert [one["id"] for one in every] == [character.id]
    extra = {"characters": [{"id": character.id}]}
    video = client.videos.create(prompt="mossy dances", size="64x48", seconds="1", extra_body=extra)
    assert poll(client, video.id).status == "completed"
    with pytest.raises(openai.BadRequestError) as caught:
        client.videos.create(prompt="somebody dances", extra_body=extra)
    assert caught.value.param == "characters"
    assert client.delete(f"/videos/characters/{character.id}", cast_to=object)["deleted"]
    assert client.get("/videos/characters", cast_to=object)["data"] == []


def test_a_first_frame_from_a_file(client: openai.OpenAI) -> None:
    video = client.videos.create(
        prompt="it moves", size="64x48", seconds="1", input_reference=("a.png", picture(), "image/png")
    )
    assert poll(client, video.id).status == "completed"
    with pytest.raises(openai.BadRequestError, match="must match size") as caught:
        client.videos.create(prompt="it moves", size="64x64", input_reference=("a.png", picture(), "image/png"))
    assert caught.value.param == "input_reference"


def test_work_arounds_of_programs_by_post_and_extra_body(client: openai.OpenAI, made) -> None:
    """Dictionaries raise inside the client, so programs post JSON, or put bracket keys into extra_body."""
    import base64

    url = "data:image/png;base64," + base64.b64encode(picture()).decode()
    sent = [
        client.post(
            "/videos",
            body={"prompt": "json", "size": "64x48", "seconds": 1, "input_reference": {"image_url": url}},
            cast_to=object,
        ),
        client.videos.create(
            prompt="brackets", size="64x48", seconds="1", extra_body={"input_reference[image_url]": url}
        ).to_dict(),
        client.videos.create(
            prompt="nested", size="64x48", seconds="1", extra_body={"input_reference": {"image_url": url}, "seed": 7}
        ).to_dict(),
        client.post("/videos/edits", body={"prompt": "json", "video": {"id": made.id}}, cast_to=object),
        client.post(
            "/videos/extensions", body={"prompt": "json", "seconds": "1", "video": {"id": made.id}}, cast_to=object
        ),
    ]
    ends = [poll(client, video["id"]) for video in sent]
    assert [video.status for video in ends] == ["completed"] * 5
    assert ends[2].to_dict()["vitascope"]["settings"]["seed"] == 7 and ends[4].seconds == "2"


def test_a_file_id_as_first_frame(client: openai.OpenAI) -> None:
    file = client.files.create(file=("a.png", picture()), purpose="vision")
    assert client.files.retrieve(file.id).bytes == len(picture()) and client.files.content(file.id).read() == picture()
    video = client.videos.create(
        prompt="it moves", size="64x48", seconds="1", extra_body={"input_reference[file_id]": file.id}
    )
    assert client.files.delete(file.id).deleted
    assert poll(client, video.id).status == "completed"


def test_additional_fields(client: openai.OpenAI) -> None:
    extra = {
        "seed": 3,
        "n": 2,
        "negative_prompt": "rain",
        "num_inference_steps": 5,
        "guidance_scale": 3.5,
        "fps": 4,
        "num_frames": 12,
        "width": 48,
        "height": 64,
        "style": "pencil",
        "loop": True,
        "strength": 0.4,
        "storyboard": [{"prompt": "a", "at": 0, "cut": False}, {"prompt": "b", "at": 1.5, "cut": False}],
    }
    video = client.videos.create(prompt="all of it", extra_body=extra)
    assert (video.size, video.seconds) == ("48x64", "3")
    ours = video.to_dict()["vitascope"]
    assert ours["settings"]["storyboard"] == [
        {"prompt": "a", "at": 0.0, "cut": False},
        {"prompt": "b", "at": 1.5, "cut": False},
    ]
    first, second = (poll(client, id).to_dict()["vitascope"]["settings"] for id in ours["variations"])
    assert (first["seed"], second["seed"]) == (3, 4)
    assert {name: first[name] for name in ("negative", "steps", "guidance", "fps", "style", "loop", "strength")} == {
        "negative": "rain",
        "steps": 5,
        "guidance": 3.5,
        "fps": 4.0,
        "style": "pencil",
        "loop": True,
        "strength": 0.4,
    }


def test_a_refused_job_fails_with_its_code(client: openai.OpenAI) -> None:
    video = client.videos.create_and_poll(prompt="something forbidden", size="64x48", seconds="1", poll_interval_ms=50)
    assert video.status == "failed" and video.error.code == "moderation_blocked"


def test_retries_of_the_client_make_one_job(live: Live) -> None:
    """The first answer is lost on its way; the client sends the same request again."""
    ids: list[str] = []

    class Lossy(httpx.HTTPTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            response = super().handle_request(request)
            response.read()
            ids.append(response.json()["id"])
            return response if len(ids) > 1 else httpx.Response(503, request=request)

    body = {"prompt": "only once", "size": "64x48"}
    with httpx.Client(transport=Lossy(), base_url=live.url) as http:
        first, second, third = (
            http.post("/v1/videos", json=body, headers={"x-stainless-retry-count": count}) for count in "010"
        )
    assert first.status_code == 503 and ids[0] == ids[1] == second.json()["id"] and third.json()["id"] != ids[0]
    assert second.headers["idempotent-replayed"] == "true"


def test_models(client: openai.OpenAI) -> None:
    models = {model.id: model.to_dict()["vitascope"] for model in client.models.list().data}
    assert {"sora-2", "sora-2-pro", "vitascope"} <= models.keys()
    assert models["vitascope"]["styles"] == STYLES and "1280x720" in models["sora-2"]["sizes"]["usual"]
    assert client.models.retrieve("sora-2-2025-10-06").id == "sora-2-2025-10-06"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("veo")


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"prompt": ""}, "prompt"),
        ({"prompt": "x" * 32_001}, "prompt"),
        ({"prompt": "x", "size": "big"}, "size"),
        ({"prompt": "x", "size": "4096x4096"}, "size"),
        ({"prompt": "x", "seconds": "-4"}, "seconds"),
        ({"prompt": "x", "seconds": "1000"}, "seconds"),
        ({"prompt": "x", "model": "veo"}, "model"),
        ({"prompt": "x", "extra_body": {"colour": "red"}}, "colour"),
        ({"prompt": "x", "extra_body": {"seed": "many"}}, "seed"),
        ({"prompt": "x", "extra_body": {"style": "in oil"}}, "style"),
        ({"prompt": "x", "extra_body": {"loop": True, "storyboard": [{"prompt": "a", "at": 1, "cut": True}]}}, "loop"),
    ],
)
def test_bad_requests_name_the_field(client: openai.OpenAI, fields: dict, param: str) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.videos.create(**fields)
    assert caught.value.param == param and caught.value.type == "invalid_request_error"


def test_the_asynchronous_client(live: Live) -> None:
    async def run() -> None:
        async with openai.AsyncOpenAI(base_url=f"{live.url}/v1", api_key="sk-old") as client:
            video = await client.videos.create_and_poll(
                prompt="a horse", size="64x48", seconds="1", poll_interval_ms=50
            )
            content = await client.videos.download_content(video.id)
            assert b"ftyp" in (await content.aread())[:12]

    asyncio.run(run())
