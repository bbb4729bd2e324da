"""URLs that users name, read without harm: only from the public network, in bounded time and size.

Every address that a name stands for must be public, at every redirect, and the connection goes to the very address that
was checked, so that a name cannot change between the check and the use. Refusals are ValueErrors of one line.
"""

import base64
import binascii
import ipaddress
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import SplitResult, unquote_to_bytes, urljoin, urlsplit

import httpx

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
NAT64 = ipaddress.ip_network("64:ff9b::/96")  # IPv4 in disguise, private or not
SECONDS = 15.0  # for all redirects together
REDIRECTS = 3


def is_public(address: Address) -> bool:
    """Whether an address belongs to nobody's private network, this machine or a special purpose."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if address.sixtofour is not None or address.teredo is not None or address in NAT64:
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def check_url(url: str, *, allow: Callable[[Address], bool] = is_public) -> None:
    """ValueError for a URL that would be refused whatever its name stands for."""
    parts = _split(url)
    try:
        address = ipaddress.ip_address(parts.hostname or "")
    except ValueError:
        return
    if not allow(address):
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
    request = client.build_request(
        method,
        target,
        content=content,
        headers={"Host": parts.netloc, **(headers or {})},
        extensions={"sni_hostname": parts.hostname},
    )
    response = client.send(request, stream=True)
    try:
        yield response
    finally:
        response.close()


def fetch(url: str, *, limit: int, allow: Callable[[Address], bool] = is_public) -> bytes:
    """What is at an http(s) URL or in a data URL, at most `limit` bytes. ValueError says why not."""
    if url[:5].lower() == "data:":
        return _read_data_url(url, limit)
    deadline = time.monotonic() + SECONDS
    with httpx.Client(trust_env=False, timeout=SECONDS / 3, headers={"Accept-Encoding": "identity"}) as client:
        for _ in range(REDIRECTS + 1):
            try:
                with open_checked(client, "GET", url, allow=allow) as response:
                    if not response.has_redirect_location:
                        return _read_body(response, url, limit, deadline)
                    url = urljoin(url, response.headers["location"])
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                raise ValueError(f"{_show(url)} could not be read: {type(error).__name__}") from None
    raise ValueError(f"{_show(url)} redirects more than {REDIRECTS} times")


def _split(url: str) -> SplitResult:
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
