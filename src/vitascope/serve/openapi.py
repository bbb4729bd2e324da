"""The OpenAPI document of the service: every route of app.py with what it takes, its answers and errors."""

from functools import cache

from .. import __version__
from .schemas import EVENT, FILE, SCHEMAS, TEXT, Schema, ref


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
        "/v1/models/{id}": {"get": operation("A model, and what may be asked of it", "Model", parameters=item)},
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
    kinds = ("video/mp4", "image/webp", "image/jpeg", "application/octet-stream")
    content = {kind: {"schema": FILE} for kind in kinds}
    described = responses(content)
    described["206"] = {"description": "The range that was asked for", "content": content}
    described["304"] = {"description": "The client has it already"}
    return {"summary": summary, "parameters": parameters, "responses": described}


def events(summary: str, parameters: list[Schema]) -> Schema:
    described = responses({"text/event-stream": {"schema": EVENT}})
    described["204"] = {"description": "It has ended, and the client has seen it"}
    return {"summary": summary, "parameters": parameters, "responses": described}


def plain(summary: str) -> Schema:
    answer = {"description": summary, "content": {"text/plain": {"schema": TEXT}}}
    return {"summary": summary, "responses": {"200": answer, "503": answer, "401": {"description": "A key is needed"}}}
