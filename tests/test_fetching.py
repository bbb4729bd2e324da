import gzip
import http.server
import ipaddress
import socket
import threading
from collections.abc import Iterator

import pytest

from vitascope.serve.fetching import check_url, fetch, is_public, resolve


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "172.16.5.4",
        "192.168.1.1",
        "169.254.169.254",
        "0.0.0.0",
        "100.64.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "192.0.2.1",
        "198.18.0.1",
        "240.0.0.1",
        "::1",
        "::",
        "fe80::1",
        "fc00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2001:db8::1",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    ],
)
def test_private_addresses_are_not_public(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.216.34", "2606:4700::1111", "::ffff:8.8.8.8"])
def test_public_addresses_are(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://example.com/a",
        "gopher://example.com",
        "http://",
        "//example.com",
        "http://user:pass@example.com/",
        "http://127.0.0.1/",
        "http://[::1]/",
        "http://[",
        "http://example.com:99999/",
        "javascript:alert(1)",
        "http://8.8.8.8/\r\nX-Evil: 1",
        "http://169.254.169.254/",
    ],
)
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(ValueError):
        check_url(url)


def test_a_name_with_one_private_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 80)) for address in ("8.8.8.8", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *arguments, **options: answers)
    with pytest.raises(ValueError, match="not on the public network"):
        resolve("two.example", 80)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *arguments, **options: answers[:1])
    assert str(resolve("one.example", 80)) == "8.8.8.8"


@pytest.mark.parametrize("host", ["localhost", "2130706433", "0x7f.1", "127.1"])
def test_other_spellings_of_this_machine_are_refused(host: str) -> None:
    with pytest.raises(ValueError):
        fetch(f"http://{host}:9/", limit=10)


class Handler(http.server.BaseHTTPRequestHandler):
    """A web server that a user could own."""

    def do_GET(self) -> None:
        seen.append(self.headers["Host"])
        match self.path:
            case "/picture":
                self.answer(200, b"0123456789")
            case "/away":
                self.answer(302, b"", Location="/picture")
            case "/inside":
                self.answer(302, b"", Location="http://10.0.0.1/secret")
            case "/file":
                self.answer(302, b"", Location="file:///etc/passwd")
            case "/circle":
                self.answer(302, b"", Location="/circle")
            case "/bomb":
                self.answer(200, gzip.compress(bytes(10**6)), **{"Content-Encoding": "gzip"})
            case _:
                self.answer(404, b"")

    def answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        pass


seen: list[str] = []


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://localhost:{server.server_port}"
        server.shutdown()
        thread.join()


def only_this_machine(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Stands for the public network in these tests."""
    return address.is_loopback


def test_a_file_is_fetched_through_redirects(site: str) -> None:
    for path in ("/picture", "/away"):
        assert fetch(site + path, limit=10, allow=only_this_machine) == b"0123456789"
    assert seen[-1] == site.removeprefix("http://")


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/inside", "not on the public network"),
        ("/file", "no http or https"),
        ("/circle", "redirects more than 3"),
        ("/nothing", "answered 404"),
        ("/bomb", "more than 100000 bytes"),
    ],
)
def test_what_is_refused_on_the_way(site: str, path: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        fetch(site + path, limit=100_000, allow=only_this_machine)


def test_large_bodies_are_refused(site: str) -> None:
    with pytest.raises(ValueError, match="more than 9 bytes"):
        fetch(f"{site}/picture", limit=9, allow=only_this_machine)


def test_data_urls() -> None:
    assert fetch("data:image/png;base64,AAEC", limit=3) == b"\0\1\2"
    assert fetch("data:,a%20b", limit=3) == b"a b"
    for url in ("data:image/png;base64,AAEC", "data:;base64,A", "data:nothing"):
        with pytest.raises(ValueError):
            fetch(url, limit=2)
