"""What users send as pictures and clips, kept harmless: fetched only from the public network, measured before decoded.

`fetch` reads a URL. Every address that a name stands for must be public, at every redirect, and the connection goes to
the very address that was checked, so that a name cannot change between the check and the use. `image_size` and
`clip_size` read headers only; `check_image` and `check_clip` refuse what is too large before a decoder sees it.
Refusals are ValueErrors of one line. The web process reads headers of pictures; everything else here runs in the
worker.
"""

import base64
import binascii
import io
import ipaddress
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote_to_bytes, urljoin, urlsplit

import httpx
from PIL import Image

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
NAT64 = ipaddress.ip_network("64:ff9b::/96")  # IPv4 in disguise, private or not
FORMATS = ("PNG", "JPEG", "WEBP")


@dataclass(frozen=True)
class Limits:
    """What an upload may be."""

    image_bytes: int = 20 * 2**20
    clip_bytes: int = 200 * 2**20
    body_bytes: int = 256 * 2**20  # of a whole request
    image_pixels: int = 40_000_000
    clip_pixels: int = 4096 * 2304  # of a frame
    clip_seconds: float = 120.0
    fetch_seconds: float = 15.0  # for all redirects together
    redirects: int = 3


LIMITS = Limits()


def is_public(address: Address) -> bool:
    """Whether an address belongs to nobody's private network, this machine or a special purpose."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if address.sixtofour is not None or address.teredo is not None or address in NAT64:
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def check_url(url: str) -> None:
    """ValueError for a URL that would be refused whatever its name stands for."""
    parts = _split(url)
    try:
        address = ipaddress.ip_address(parts.hostname or "")
    except ValueError:
        return
    if not is_public(address):
        raise ValueError(f"{_show(url)} is not on the public network")


def resolve(host: str, port: int, *, allow: Callable[[Address], bool] = is_public) -> Address:
    """An address to connect to. ValueError if there is none, or if any of the name's addresses is refused."""
    try:
        found = {info[4][0] for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
    except (OSError, UnicodeError):
        raise ValueError(f"{host[:80]} has no address") from None
    addresses = [ipaddress.ip_address(address.partition("%")[0]) for address in sorted(found)]
    if not addresses or not all(map(allow, addresses)):
        raise ValueError(f"{host[:80]} is not on the public network")
    return addresses[0]


@contextmanager
def open_checked(
    client: httpx.Client,
    method: str,
    url: str,
    *,
    allow: Callable[[Address], bool] = is_public,
    headers: dict[str, str] | None = None,
    content: bytes | None = None,
) -> Iterator[httpx.Response]:
    """Send one request, without following redirects, to the checked address of its host. The response is a stream."""
    parts = _split(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    address = resolve(parts.hostname, port, allow=allow)
    target = httpx.URL(url).copy_with(host=str(address), port=port, fragment=None)
    name = parts.netloc
    request = client.build_request(
        method,
        target,
        content=content,
        headers={"Host": name, **(headers or {})},
        extensions={"sni_hostname": parts.hostname},
    )
    response = client.send(request, stream=True)
    try:
        yield response
    finally:
        response.close()


def fetch(url: str, *, limit: int, limits: Limits = LIMITS, allow: Callable[[Address], bool] = is_public) -> bytes:
    """What is at an http(s) URL or in a data URL, at most `limit` bytes. ValueError says why not."""
    if url[:5].lower() == "data:":
        return _read_data_url(url, limit)
    deadline = time.monotonic() + limits.fetch_seconds
    timeout = httpx.Timeout(limits.fetch_seconds / 3)
    with httpx.Client(trust_env=False, timeout=timeout, headers={"Accept-Encoding": "identity"}) as client:
        for _ in range(limits.redirects + 1):
            try:
                with open_checked(client, "GET", url, allow=allow) as response:
                    if not response.has_redirect_location:
                        return _read_body(response, url, limit, deadline)
                    url = urljoin(url, response.headers["location"])
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                raise ValueError(f"{_show(url)} could not be read: {type(error).__name__}") from None
    raise ValueError(f"{_show(url)} redirects more than {limits.redirects} times")


def image_size(data: bytes) -> tuple[int, int]:
    """Width and height from a picture's header. ValueError for what is no picture."""
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            return image.size
    except Exception:  # Pillow's parsers raise a dozen kinds for hostile headers
        raise ValueError(f"the file is no {', '.join(FORMATS)} picture") from None


def check_image(data: bytes, *, limits: Limits = LIMITS) -> tuple[int, int]:
    """Width and height of a picture that may be decoded."""
    if len(data) > limits.image_bytes:
        raise ValueError(f"the picture has {len(data)} bytes; expected at most {limits.image_bytes}")
    width, height = image_size(data)
    if not 0 < width * height <= limits.image_pixels:
        raise ValueError(f"the picture is {width}x{height}; expected at most {limits.image_pixels} pixels")
    return width, height


def looks_like_clip(head: bytes) -> bool:
    """Whether a file begins as MP4, QuickTime, WebM, Matroska or GIF do; the rest is for the worker to find out."""
    return head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free") or head[:4] in (b"\x1aE\xdf\xa3", b"GIF8")


def check_clip(path: Path, *, limits: Limits = LIMITS) -> tuple[int, int, float]:
    """Width, height and seconds of a clip that may be decoded, from its header. ValueError for what may not."""
    import av  # the worker's

    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise ValueError("the file holds no video")
            stream = container.streams.video[0]
            width, height = stream.codec_context.width, stream.codec_context.height
            length = container.duration / av.time_base if container.duration else 0.0
            seconds = float(stream.duration * stream.time_base) if stream.duration else length
    except (av.FFmpegError, OSError):
        raise ValueError("the file is no video that can be read") from None
    if not 0 < width * height <= limits.clip_pixels:
        raise ValueError(f"the video is {width}x{height}; expected at most {limits.clip_pixels} pixels a frame")
    if seconds > limits.clip_seconds:
        raise ValueError(f"the video is {seconds:.1f} seconds long; expected at most {limits.clip_seconds:g}")
    return width, height, seconds


def _split(url: str):
    """The parts of an http(s) URL without credentials, ValueError for any other."""
    try:
        parts = urlsplit(url)
        parts.port
    except ValueError:
        raise ValueError(f"{_show(url)} is no URL") from None
    known = parts.scheme in ("http", "https") and parts.hostname and parts.username is None
    if not known or not url.isprintable():  # what `urlsplit` leaves out silently could end a header line
        raise ValueError(f"{_show(url)} is no http or https URL")
    return parts


def _read_body(response: httpx.Response, url: str, limit: int, deadline: float) -> bytes:
    if response.status_code != 200:
        raise ValueError(f"{_show(url)} answered {response.status_code}")
    data = bytearray()
    for chunk in response.iter_bytes():  # counted after decompression
        data += chunk
        if len(data) > limit:
            raise ValueError(f"{_show(url)} holds more than {limit} bytes")
        if time.monotonic() > deadline:
            raise ValueError(f"{_show(url)} is too slow")
    return bytes(data)


def _read_data_url(url: str, limit: int) -> bytes:
    head, comma, body = url[5:].partition(",")
    if not comma or len(body) > 3 * limit:
        raise ValueError("the data URL is malformed or too large")
    try:
        data = unquote_to_bytes(body)
        data = base64.b64decode(data, validate=True) if head.lower().endswith(";base64") else data
    except (binascii.Error, ValueError):
        raise ValueError("the data URL is not valid base64") from None
    if len(data) > limit:
        raise ValueError(f"the data URL holds {len(data)} bytes; expected at most {limit}")
    return data


def _show(url: str) -> str:
    """A URL in a message or a log: without its query, and short."""
    return repr(url.partition("?")[0][:120])
