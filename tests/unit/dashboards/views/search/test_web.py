import ipaddress
import ssl
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import ClassVar

import pytest

from dashboards.views.search import web
from dashboards.views.search.web import Limits, Rules, WebProblem
from tests.dashboard_pictures import encoded, halves

PICTURE = encoded(halves())
LOOPBACK = ipaddress.ip_address("127.0.0.1")


class Handler(BaseHTTPRequestHandler):
    """Answers ``/<word>`` as the word says."""

    seen: ClassVar[list[str]] = []
    stop = Event()

    def do_GET(self):
        Handler.seen.append(f"{self.headers['Host']}{self.path}")
        getattr(self, "do_" + self.path.strip("/").split("?")[0].split("/")[0], self.do_missing)()

    def say(self, body: bytes, length: int | None = None, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        if length is not None:
            self.send_header("Content-Length", str(length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def do_picture(self):
        self.say(PICTURE, len(PICTURE))

    def do_chunked(self):
        self.say(PICTURE)

    def do_page(self):
        self.say(b"<html>hello", 11, Content_Type="image/jpeg")

    def do_declared(self):
        self.say(b"", 10**9)

    def do_endless(self):
        self.say(b"")
        while not Handler.stop.is_set():
            try:
                self.wfile.write(b"\xff" * 65536)
            except OSError:
                return

    def do_cut(self):
        self.say(PICTURE[:200], len(PICTURE))

    def do_packed(self):
        self.say(PICTURE, len(PICTURE), Content_Encoding="gzip")

    def do_silent(self):
        Handler.stop.wait(20)

    def do_trickle(self):
        self.say(b"", 10**6)
        while not Handler.stop.wait(0.05):
            try:
                self.wfile.write(b"\xff")
            except OSError:
                return

    def do_loop(self):
        self.say(b"", 0, 302, Location="/loop")

    def do_moved(self):
        self.say(b"", 0, 301, Location="/picture")

    def do_away(self):
        self.say(b"", 0, 302, Location=self.path.split("?to=")[1])

    def do_missing(self):
        self.say(b"", 0, 404)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    Handler.stop.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_port
    Handler.stop.set()
    server.shutdown()
    server.server_close()
    thread.join()


def here(host: str, port: int) -> list[str]:
    """Every name stands for this machine."""
    return ["127.0.0.1"]


@pytest.fixture
def get(port: int) -> Callable[..., bytes]:
    """Fetch from a host of the internet, which the test's server plays."""

    def run(path: str, limits: Limits | None = None, **rules: object) -> bytes:
        options = {"resolve": here, "allowed": lambda address: address == LOOPBACK, **rules}
        return web.fetch(f"http://pictures.example:{port}{path}", Rules(limits=limits or Limits(seconds=8), **options))

    return run


def test_a_picture(get: Callable[..., bytes], port: int):
    assert get("/picture") == PICTURE
    assert Handler.seen[-1] == f"pictures.example:{port}/picture", "the name is in the Host header"
    assert get("/chunked") == PICTURE
    assert get("/moved") == PICTURE


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/page", "no picture this model can read"),
        ("/declared", "larger than 20 MB"),
        ("/cut", "cannot be reached"),
        ("/packed", "a form that was not asked for"),
        ("/missing", "does not give the picture to everybody"),
        ("/loop", "redirected more than 3 times"),
    ],
)
def test_what_gives_no_picture(get: Callable[..., bytes], path: str, why: str):
    with pytest.raises(WebProblem, match=why):
        get(path)


def test_an_endless_answer_ends_at_the_limit(get: Callable[..., bytes]):
    with pytest.raises(WebProblem, match="larger than 1 MB"):
        get("/endless", Limits(bytes=1_000_000))


@pytest.mark.parametrize("path", ["/silent", "/trickle"])
def test_a_slow_answer_ends_in_time(get: Callable[..., bytes], path: str):
    with pytest.raises(WebProblem, match=r"did not answer within 0\.4 seconds"):
        get(path, Limits(seconds=0.4))


def test_a_slow_resolver_ends_in_time(get: Callable[..., bytes]):
    stop = Event()

    def slow(host: str, port: int) -> list[str]:
        stop.wait(10)
        return []

    with pytest.raises(WebProblem, match="cannot be reached"):
        get("/picture", Limits(seconds=0.2), resolve=slow)
    stop.set()


# Who may be asked


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "255.255.255.255",
        "224.0.0.1",
        "198.18.0.1",
        "192.88.99.1",
        "::1",
        "::",
        "fe80::1",
        "fc00::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:8.8.8.8",
        "64:ff9b::7f00:1",
        "2002:7f00:1::",
        "2001::1",
        "fec0::1",
        "2001:db8::1",
    ],
)
def test_addresses_that_are_not_public(address: str):
    assert not web.is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.216.34", "2606:2800:220:1::1"])
def test_public_addresses(address: str):
    assert web.is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::1]", "0x7f000001", "2130706433", "127.1", "169.254.169.254"]
)
def test_this_machine_and_its_network_are_refused(host: str, port: int):
    before = len(Handler.seen)
    with pytest.raises(WebProblem, match=r"private or reserved network|cannot be reached"):
        web.fetch(f"http://{host}:{port}/picture")
    assert len(Handler.seen) == before, "nobody was asked"


def test_one_private_address_of_a_name_refuses_them_all(get: Callable[..., bytes]):
    with pytest.raises(WebProblem, match="private or reserved"):
        get("/picture", resolve=lambda host, port: ["127.0.0.1", "10.0.0.1"])


def test_a_redirect_into_a_private_network_is_refused(get: Callable[..., bytes], port: int):
    def resolve(host: str, port: int) -> list[str]:
        return ["127.0.0.1"] if host == "pictures.example" else ["127.0.0.2"]

    before = len(Handler.seen)
    with pytest.raises(WebProblem, match="private or reserved"):
        get(f"/away?to=http://inside.example:{port}/picture", resolve=resolve)
    assert len(Handler.seen) == before + 1


def test_a_redirect_to_another_scheme_is_refused(get: Callable[..., bytes]):
    with pytest.raises(WebProblem, match="begin with http"):
        get("/away?to=file:///etc/passwd")


def test_the_address_that_was_checked_is_the_one_that_is_asked(get: Callable[..., bytes]):
    answers = [["127.0.0.1"], ["10.0.0.1"]]  # a name server that changes its mind
    assert get("/picture", resolve=lambda host, port: answers.pop(0)) == PICTURE


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("ftp://host/a.jpg", "begin with http"),
        ("file:///etc/passwd", "begin with http"),
        ("a.jpg", "begin with http"),
        ("http://user:word@host/a.jpg", "user name or password"),
        ("http://host:22/a.jpg", "Ports of other services"),
        ("http://host:99999/a.jpg", "not a web address"),
        ("http:///a.jpg", "not a web address"),
        ("http://ho%73t/a.jpg", "not a web address"),
        ("http://a\\b/a.jpg", "characters no web address has"),
        ("http://host/a b.jpg", "characters no web address has"),
        ("http://host/a\r\nHost: x", "characters no web address has"),
        ("http://host/" + "a" * 3000, "longer than 2,000"),
        ("http://[::1/a.jpg", "not a web address"),
    ],
)
def test_addresses_that_are_none(url: str, why: str):
    with pytest.raises(WebProblem, match=why):
        web.fetch(url, Rules(resolve=lambda host, port: pytest.fail("it must not be looked up")))


def test_a_certificate_that_nobody_vouches_for_is_refused(port: int):
    rules = Rules(resolve=here, allowed=lambda _: True, tls=ssl.create_default_context)
    with pytest.raises(WebProblem, match="cannot be reached"):
        web.fetch(f"https://pictures.example:{port}/picture", rules)


@pytest.mark.parametrize(("value", "on"), [("0", False), ("false", False), ("NO ", False), ("1", True), ("", True)])
def test_it_can_be_turned_off(monkeypatch: pytest.MonkeyPatch, value: str, on: bool):
    monkeypatch.setenv(web.SWITCH, value)
    assert web.enabled() is on
    if not on:
        with pytest.raises(WebProblem, match="turned off"):
            web.fetch("http://pictures.example/picture")
