"""The OpenAPI document of the service: every route of app.py with its fields, answers and errors.

Limits are read from where they are enforced, so that the document cannot say something else.
"""

from functools import cache
from typing import Any

from .. import __version__
from ..presets import CAMERAS, STYLES
from ..safety.feedback import LONGEST_REASON
from ..safety.policy import CATEGORIES
from .orders import BOUNDS, CURVES, SAMPLERS

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "number"}
WHOLE: Schema = {"type": "integer"}
FILE: Schema = {"type": "string", "format": "binary"}


def nullable(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def record(properties: dict[str, Schema], required: list[str] | None = None, **more: Any) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties) if required is None else required,
        **more,
    }


def listing(entry: str) -> Schema:
    return record(
        {
            "object": {"const": "list"},
            "data": {"type": "array", "items": ref(entry)},
            "first_id": nullable(TEXT),
            "last_id": nullable(TEXT),
            "has_more": {"type": "boolean"},
        }
    )


def decimal(low: float, high: float) -> Schema:
    """A number, or the same as a text."""
    return {
        "anyOf": [
            {"type": "number", "minimum": low, "maximum": high},
            {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?$"},
        ]
    }


PROMPT: Schema = {"type": "string", "minLength": 1, "maxLength": BOUNDS.prompt}
SECONDS = decimal(0.1, BOUNDS.seconds)
SIZE: Schema = {"type": "string", "pattern": "^[1-9][0-9]{1,4}x[1-9][0-9]{1,4}$", "examples": ["1280x720", "720x1280"]}
VIDEO_REFERENCE: Schema = {"anyOf": [FILE, TEXT, record({"id": TEXT}, additionalProperties=False)]}

SETTINGS: dict[str, Schema] = {  # what every request may say of how it is made
    "model": TEXT,
    "seed": {"type": "integer", "minimum": 0, "maximum": 2**63 - 1},
    "negative_prompt": {"type": "string", "maxLength": BOUNDS.prompt},
    "num_inference_steps": {"type": "integer", "minimum": BOUNDS.steps[0], "maximum": BOUNDS.steps[1]},
    "guidance_scale": decimal(*BOUNDS.guidance),
    "strength": decimal(0, 1),
    "expanded_prompt": {"type": "string", "maxLength": BOUNDS.prompt},
    "style": {"enum": list(STYLES)},
    "camera": {"enum": list(CAMERAS)},
    "n": {"type": "integer", "minimum": 1, "maximum": BOUNDS.variations},
}
LOOP: Schema = {"type": "boolean"}
FRAME: dict[str, Schema] = {  # size, length and rate
    "size": SIZE,
    "seconds": SECONDS,
    "fps": decimal(*BOUNDS.fps),
    "num_frames": {"type": "integer", "minimum": 1},
    "width": {"type": "integer", "minimum": BOUNDS.side[0], "maximum": BOUNDS.side[1], "multipleOf": 2},
    "height": {"type": "integer", "minimum": BOUNDS.side[0], "maximum": BOUNDS.side[1], "multipleOf": 2},
}
RANGE: Schema = {
    "anyOf": [
        {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?-[0-9]+(\.[0-9]+)?$"},
        {"type": "array", "items": NUMBER, "minItems": 2, "maxItems": 2},
    ]
}
REFERENCE: Schema = {
    "anyOf": [
        FILE,
        record({"image_url": TEXT}, additionalProperties=False),
        record({"file_id": TEXT}, additionalProperties=False),
    ]
}
CARD = record(
    {
        "prompt": PROMPT,
        "at": decimal(0, BOUNDS.seconds),
        "cut": {"type": "boolean"},
        "input_reference": REFERENCE,
        "video": VIDEO_REFERENCE,
        "range": RANGE,
    },
    ["prompt"],
    additionalProperties=False,
)

EVENT = record({"id": TEXT, "event": {"enum": ["video", "deleted"]}, "data": TEXT, "retry": WHOLE}, [])

SCHEMAS: dict[str, Schema] = {
    "Error": record(
        {"error": record({"message": TEXT, "type": TEXT, "param": nullable(TEXT), "code": nullable(TEXT)})}
    ),
    "Video": record(
        {
            "id": {"type": "string", "pattern": "^video_[0-9a-f]{32}$"},
            "object": {"const": "video"},
            "model": TEXT,
            "status": {"enum": ["queued", "in_progress", "completed", "failed"]},
            "progress": {"type": "integer", "minimum": 0, "maximum": 100},
            "created_at": WHOLE,
            "completed_at": nullable(WHOLE),
            "expires_at": nullable(WHOLE),
            "prompt": nullable(TEXT),
            "size": TEXT,
            "seconds": TEXT,
            "remixed_from_video_id": nullable(TEXT),
            "error": nullable(record({"code": TEXT, "message": TEXT})),
            "vitascope": ref("Extras"),
        }
    ),
    "Extras": record(
        {
            "task": {"enum": ["create", "edit", "extend", "connect", "outpaint", "combine"]},
            "settings": {"type": "object"},
            "variations": {"type": "array", "items": TEXT},
            "from": {"type": "object"},
            "queue_position": nullable(WHOLE),
            "eta_seconds": nullable(NUMBER),
            "started_at": nullable(NUMBER),
            "attempt": WHOLE,
            "cancelling": {"type": "boolean"},
            "preview": WHOLE,
            "version": WHOLE,
        }
    ),
    "VideoList": listing("Video"),
    "Deleted": record({"id": TEXT, "object": TEXT, "deleted": {"const": True}}),
    "Character": record({"id": TEXT, "name": TEXT, "created_at": WHOLE}),
    "CharacterList": listing("Character"),
    "Expansion": record({"object": {"const": "expansion"}, "prompt": TEXT, "expanded_prompt": TEXT}),
    "Evidence": record({"step": TEXT, "found": {"type": "boolean"}, "detail": TEXT, "log10_p": nullable(NUMBER)}),
    "Verification": record(
        {
            "object": {"const": "verification"},
            "file": TEXT,
            "verdict": {"enum": ["ours", "tampered", "unknown"]},
            "stands_on": TEXT,
            "evidence": {"type": "array", "items": ref("Evidence")},
            "warnings": {"type": "array", "items": TEXT},
        }
    ),
    "Report": record({"object": {"const": "report"}, "video": TEXT, "category": TEXT}),
    "File": record(
        {
            "id": TEXT,
            "object": {"const": "file"},
            "bytes": WHOLE,
            "created_at": WHOLE,
            "filename": TEXT,
            "purpose": TEXT,
            "status": TEXT,
        }
    ),
    "FileList": listing("File"),
    "Webhook": record(
        {"id": TEXT, "object": {"const": "webhook"}, "url": TEXT, "created_at": WHOLE, "secret": TEXT},
        ["id", "object", "url", "created_at"],
    ),
    "WebhookList": listing("Webhook"),
    "ModelList": record({"object": {"const": "list"}, "data": {"type": "array", "items": {"type": "object"}}}),
    "Session": {"type": "object"},
    "VideoCreate": record(
        {
            "prompt": PROMPT,
            "input_reference": REFERENCE,
            "characters": {
                "type": "array",
                "items": record({"id": TEXT}, additionalProperties=False),
                "maxItems": BOUNDS.characters,
            },
            "storyboard": {"type": "array", "items": CARD, "minItems": 1, "maxItems": BOUNDS.cards},
            "loop": LOOP,
            "extra_params": record({"sampler": {"enum": list(SAMPLERS)}}, [], additionalProperties=False),
            **FRAME,
            **SETTINGS,
        },
        ["prompt"],
        additionalProperties=False,
    ),
    "VideoRemix": record(
        {"prompt": PROMPT, "range": RANGE, "mask": FILE, "loop": LOOP, **FRAME, **SETTINGS},
        ["prompt"],
        additionalProperties=False,
    ),
    "VideoEdit": record(
        {
            "prompt": PROMPT,
            "video": VIDEO_REFERENCE,
            "range": RANGE,
            "mask": FILE,
            "loop": LOOP,
            **FRAME,
            **SETTINGS,
        },
        ["prompt", "video"],
        additionalProperties=False,
    ),
    "VideoExtend": record(
        {
            "prompt": PROMPT,
            "video": VIDEO_REFERENCE,
            "direction": {"enum": ["forward", "backward"]},
            **FRAME,
            **SETTINGS,
        },
        ["prompt", "video", "seconds"],
        additionalProperties=False,
    ),
    "VideoConnect": record(
        {
            "prompt": PROMPT,
            "video": VIDEO_REFERENCE,
            "other": VIDEO_REFERENCE,
            "then": {"type": "string", "maxLength": BOUNDS.prompt},
            "curve": {"enum": list(CURVES)},
            **FRAME,
            **SETTINGS,
        },
        ["prompt", "video", "other"],
        additionalProperties=False,
    ),
    "VideoOutpaint": record(
        {"prompt": PROMPT, "video": VIDEO_REFERENCE, **FRAME, **SETTINGS},
        ["prompt", "video", "size"],
        additionalProperties=False,
    ),
    "VideoCombine": record(
        {
            "prompt": PROMPT,
            "video": VIDEO_REFERENCE,
            "other": VIDEO_REFERENCE,
            "mask": FILE,
            **FRAME,
            **SETTINGS,
        },
        ["prompt", "video", "other"],
        additionalProperties=False,
    ),
    "ExpansionCreate": record(
        {"prompt": PROMPT, "seed": {"type": "integer", "minimum": 0, "maximum": 2**63 - 1}},
        ["prompt"],
        additionalProperties=False,
    ),
    "VerificationCreate": record({"file": FILE}, additionalProperties=False),
    "ReportCreate": record(
        {
            "category": {"enum": [*CATEGORIES, "other"]},
            "reason": {"type": "string", "minLength": 1, "maxLength": LONGEST_REASON},
        },
        ["reason"],
        additionalProperties=False,
    ),
    "CharacterCreate": record(
        {"name": {"type": "string", "minLength": 1, "maxLength": BOUNDS.name}, "video": FILE},
        additionalProperties=False,
    ),
    "FileCreate": record(
        {"file": FILE, "purpose": {"enum": ["vision", "user_data"]}}, ["file"], additionalProperties=False
    ),
    "WebhookCreate": record(
        {"url": {"type": "string", "format": "uri", "maxLength": 2000}}, additionalProperties=False
    ),
}


@cache
def document() -> Schema:
    """OpenAPI 3.1."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "vitascope",
            "version": __version__,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            "description": "The Videos API, served by an open text-to-video system.",
        },
        "servers": [{"url": "/"}],
        "security": [{"key": []}],
        "paths": paths(),
        "components": {"schemas": SCHEMAS, "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}},
    }


def paths() -> dict[str, dict[str, Schema]]:
    """Every path with its methods."""
    item = [{"name": "id", "in": "path", "required": True, "schema": TEXT}]
    last = {"name": "last-event-id", "in": "header", "schema": TEXT}
    page = [
        {"name": "after", "in": "query", "schema": TEXT},
        {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 0, "maximum": 100}},
        {"name": "order", "in": "query", "schema": {"enum": ["asc", "desc"]}},
    ]
    variant = {"name": "variant", "in": "query", "schema": {"enum": ["video", "thumbnail", "spritesheet"]}}
    extent = {"name": "range", "in": "header", "schema": TEXT}
    return {
        "/v1/videos": {
            "post": operation("Make a video from text", "Video", body="VideoCreate"),
            "get": operation("List your videos", "VideoList", parameters=page),
        },
        "/v1/videos/edits": {"post": operation("Change a video, a range of it or a region", "Video", body="VideoEdit")},
        "/v1/videos/extensions": {"post": operation("Make a video longer", "Video", body="VideoExtend")},
        "/v1/videos/connections": {"post": operation("Lead from one video to another", "Video", body="VideoConnect")},
        "/v1/videos/outpaintings": {
            "post": operation("Give a video another aspect ratio", "Video", body="VideoOutpaint")
        },
        "/v1/videos/combinations": {
            "post": operation("Put what moves in a video into the place of another", "Video", body="VideoCombine")
        },
        "/v1/videos/characters": {
            "post": operation("Keep a character", "Character", body="CharacterCreate"),
            "get": operation("Your characters", "CharacterList"),
        },
        "/v1/videos/characters/{id}": {
            "get": operation("A character", "Character", parameters=item),
            "delete": operation("Forget a character", "Deleted", parameters=item),
        },
        "/v1/videos/events": {"get": events("Follow all your videos", [last])},
        "/v1/videos/{id}": {
            "get": operation("A video's state", "Video", parameters=item),
            "delete": operation("Forget a video and its files", "Deleted", parameters=item),
        },
        "/v1/videos/{id}/content": {"get": download("A finished video's file", [*item, variant, extent])},
        "/v1/videos/{id}/remix": {
            "post": operation("Change a video by a text", "Video", body="VideoRemix", parameters=item)
        },
        "/v1/videos/{id}/cancel": {"post": operation("Stop making a video", "Video", parameters=item)},
        "/v1/videos/{id}/retry": {"post": operation("Make a finished video's order again", "Video", parameters=item)},
        "/v1/videos/{id}/preview": {"get": download("What is seen so far", item)},
        "/v1/videos/{id}/report": {
            "post": operation("Say what is wrong with a video", "Report", body="ReportCreate", parameters=item)
        },
        "/v1/videos/{id}/events": {"get": events("Follow a video to its end", [*item, last])},
        "/v1/files": {
            "post": operation("Keep a picture", "File", body="FileCreate"),
            "get": operation("Your pictures", "FileList"),
        },
        "/v1/files/{id}": {
            "get": operation("A picture's record", "File", parameters=item),
            "delete": operation("Forget a picture", "Deleted", parameters=item),
        },
        "/v1/files/{id}/content": {"get": download("A picture", [*item, extent])},
        "/v1/expansions": {"post": operation("A prompt at greater length", "Expansion", body="ExpansionCreate")},
        "/v1/verify": {"post": operation("Where a file comes from", "Verification", body="VerificationCreate")},
        "/v1/webhooks": {
            "post": operation("Tell a URL of your videos", "Webhook", body="WebhookCreate"),
            "get": operation("Your webhooks", "WebhookList"),
        },
        "/v1/webhooks/{id}": {"delete": operation("Forget a webhook", "Deleted", parameters=item)},
        "/v1/models": {"get": operation("Models", "ModelList")},
        "/v1/session": {
            "post": operation("Keep the key in a browser's cookie", "Session"),
            "delete": operation("Forget the cookie", "Session"),
        },
        "/openapi.json": {"get": operation("This document", "Session")},
        "/metrics": {"get": plain("Prometheus metrics")},
        "/healthz": {"get": plain("Whether the process lives")},
        "/readyz": {"get": plain("Whether the service can take requests")},
    }


def operation(summary: str, answer: str, *, body: str | None = None, parameters: list[Schema] | None = None) -> Schema:
    """A method that answers with JSON; every body may be sent as JSON or as a form."""
    described: Schema = {"summary": summary, "responses": responses({"application/json": {"schema": ref(answer)}})}
    if parameters:
        described["parameters"] = parameters
    if body:
        content = {"schema": ref(body)}
        described["requestBody"] = {
            "required": True,
            "content": {"multipart/form-data": content, "application/json": content},
        }
    return described


def responses(content: Schema) -> Schema:
    refusal = {"description": "What was wrong", "content": {"application/json": {"schema": ref("Error")}}}
    return {"200": {"description": "Done", "content": content}, "4XX": refusal, "5XX": refusal}


def download(summary: str, parameters: list[Schema]) -> Schema:
    kinds = ("video/mp4", "image/webp", "image/jpeg", "application/octet-stream", "multipart/byteranges", "text/plain")
    content = {kind: {"schema": FILE} for kind in kinds}
    described = responses(content)
    described["206"] = {"description": "The range that was asked for", "content": content}
    described["400"] = described["416"] = {
        "description": "No such range, or not ready yet",
        "content": {"application/json": {"schema": ref("Error")}, "text/plain": {"schema": TEXT}},
    }
    return {"summary": summary, "parameters": parameters, "responses": described}


def events(summary: str, parameters: list[Schema]) -> Schema:
    return {
        "summary": summary,
        "parameters": parameters,
        "responses": responses({"text/event-stream": {"schema": EVENT}}),
    }


def plain(summary: str) -> Schema:
    answer = {"description": summary, "content": {"text/plain": {"schema": TEXT}}}
    return {"summary": summary, "responses": {"200": answer, "503": answer, "401": {"description": "A key is needed"}}}
