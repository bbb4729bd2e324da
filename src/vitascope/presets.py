"""Styles and camera movements by name: what each adds to a prompt, in the wording that training captions have."""

from .world.catalogue import CAMERAS as CAMERA_PHRASES
from .world.catalogue import STYLE_PHRASES

STYLES: dict[str, str] = {name: phrases[0] for name, phrases in STYLE_PHRASES.items()}
CAMERAS: dict[str, str] = {name: phrases[0] for name, phrases in CAMERA_PHRASES.items()}


def with_presets(prompt: str, *, style: str | None = None, camera: str | None = None) -> str:
    """The prompt with a camera movement of CAMERAS and a style of STYLES. An empty prompt stays empty.

    ValueError for a name that there is not.
    """
    for kind, name, table in (("camera movement", camera, CAMERAS), ("style", style, STYLES)):
        if name is not None and name not in table:
            raise ValueError(f"there is no {kind} {name!r}; expected {', '.join(table)}")
    if not prompt.strip():
        return prompt
    return ", ".join([prompt, *([CAMERAS[camera]] if camera else []), *([STYLES[style]] if style else [])])
