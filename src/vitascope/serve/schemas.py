"""What is sent to the service and what it answers, as JSON schemas for openapi.py.

Limits are read from where they are enforced, so that the document cannot say something else.
"""

from typing import Any

from ..presets import CAMERAS, STYLES
from ..safety.feedback import LONGEST_REASON
from .complaints import COMPLAINTS
from .keeping import LONGEST_NAME, PURPOSES
from .order import BOUNDS, CURVES, SAMPLERS
from .webhooks import LONGEST_URL

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
    "seed": {"type": "integer", "minimum": 0, "maximum": BOUNDS.seed[1]},
    "negative_prompt": {"type": "string", "maxLength": BOUNDS.prompt},
    "num_inference_steps": {"type": "integer", "minimum": BOUNDS.steps[0], "maximum": BOUNDS.steps[1]},
    "guidance_scale": decimal(*BOUNDS.guidance),
    "strength": decimal(0, 1),
    "expanded_prompt": {"type": "string", "maxLength": BOUNDS.prompt},
    "style": {"enum": list(STYLES)},
    "camera": {"enum": list(CAMERAS)},
    "extra_params": record({"sampler": {"enum": list(SAMPLERS)}}, [], additionalProperties=False),
    "n": {"type": "integer", "minimum": 1, "maximum": BOUNDS.variations},
    "expires_after": {"type": "integer", "minimum": BOUNDS.lifetime[0], "maximum": BOUNDS.lifetime[1]},
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
    [],
    anyOf=[{"required": [name]} for name in ("prompt", "input_reference", "video")],
    additionalProperties=False,
)


def order(required: list[str], **own: Schema) -> Schema:
    """A request for a video, with what only this kind of request has."""
    return record({"prompt": PROMPT, **own, **FRAME, **SETTINGS}, required, additionalProperties=False)


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
    "Model": record({"id": TEXT, "object": {"const": "model"}, "created": WHOLE, "owned_by": TEXT}),
    "ModelList": record({"object": {"const": "list"}, "data": {"type": "array", "items": ref("Model")}}),
    "Session": {"type": "object"},
    "VideoCreate": order(
        [],  # a prompt may stand on cards alone
        input_reference=REFERENCE,
        characters={
            "type": "array",
            "items": record({"id": TEXT}, additionalProperties=False),
            "maxItems": BOUNDS.characters,
        },
        storyboard={"type": "array", "items": CARD, "minItems": 1, "maxItems": BOUNDS.cards},
        loop=LOOP,
    ),
    "VideoRemix": order(["prompt"], range=RANGE, mask=FILE, loop=LOOP),
    "VideoEdit": order(["prompt", "video"], video=VIDEO_REFERENCE, range=RANGE, mask=FILE, loop=LOOP),
    "VideoExtend": order(
        ["prompt", "video", "seconds"], video=VIDEO_REFERENCE, direction={"enum": ["forward", "backward"]}
    ),
    "VideoConnect": order(
        ["prompt", "video", "other"],
        video=VIDEO_REFERENCE,
        other=VIDEO_REFERENCE,
        then={"type": "string", "maxLength": BOUNDS.prompt},
        curve={"enum": list(CURVES)},
    ),
    "VideoOutpaint": order(["prompt", "video", "size"], video=VIDEO_REFERENCE),
    "VideoCombine": order(
        ["prompt", "video", "other"], video=VIDEO_REFERENCE, other=VIDEO_REFERENCE, mask=FILE
    ),
    "ExpansionCreate": record(
        {"prompt": PROMPT, "seed": {"type": "integer", "minimum": 0, "maximum": BOUNDS.seed[1]}},
        ["prompt"],
        additionalProperties=False,
    ),
    "VerificationCreate": record({"file": FILE}, additionalProperties=False),
    "ReportCreate": record(
        {
            "category": {"enum": list(COMPLAINTS)},
            "reason": {"type": "string", "minLength": 1, "maxLength": LONGEST_REASON},
        },
        ["reason"],
        additionalProperties=False,
    ),
    "CharacterCreate": record(
        {"name": {"type": "string", "minLength": 1, "maxLength": LONGEST_NAME}, "video": FILE},
        additionalProperties=False,
    ),
    "FileCreate": record(
        {"file": FILE, "purpose": {"enum": list(PURPOSES)}}, ["file"], additionalProperties=False
    ),
    "WebhookCreate": record(
        {"url": {"type": "string", "format": "uri", "maxLength": LONGEST_URL}}, additionalProperties=False
    ),
}
