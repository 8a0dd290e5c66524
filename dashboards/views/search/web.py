"""A picture by its web address, without giving access to the network of this machine.

Every address a name stands for must be public, the connection goes to the very address that was checked, and each
redirect is checked again. Time and size are bounded; only a picture comes back; no reason given says more about the
network than that it did not work.
"""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import os
import socket
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Thread, Timer
from time import monotonic
from urllib.parse import quote, urljoin, urlsplit

from imgsim.decoding.decode import probe
from imgsim.errors import ImageError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Sequence[str]]

SWITCH = "IMGSIM_DASHBOARD_URLS"
MOST_LENGTH = 2000
_PLAIN_PORTS = frozenset((80, 443))
_REDIRECTS = frozenset((301, 302, 303, 307, 308))
_HEADERS = {"User-Agent": "imgsim-dashboard", "Accept": "image/*", "Accept-Encoding": "identity", "Connection": "close"}
_CHUNK = 1 << 16
_REFUSED_NETWORKS = tuple(
    ipaddress.ip_network(text)
    for text in (
        "192.88.99.0/24",  # relays to 6to4
        "::/96",  # holds IPv4 addresses, as do the next five
        "::ffff:0:0/96",
        "::ffff:0:0:0/96",
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "2002::/16",
        "2001::/32",
        "fec0::/10",  # private, formerly
    )
)


class WebProblem(Exception):  # noqa: N818  it is shown, not only raised
    """A web address that gives no picture; the message says why and what to do, in one sentence."""


@dataclass(frozen=True)
class Limits:
    """Limits of one fetch."""

    seconds: float = 10.0
    bytes: int = 20_000_000
    redirects: int = 3


@dataclass(frozen=True)
class _Target:
    """Server and path of a URL."""

    secure: bool
    host: str
    port: int
    path: str

    @property
    def header(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.secure else 80) else f"{host}:{self.port}"


def enabled() -> bool:
    """Tell whether web addresses may be fetched: not with ``IMGSIM_DASHBOARD_URLS=0``."""
    return os.environ.get(SWITCH, "1").strip().lower() not in ("0", "false", "no", "off")


def is_public(address: Address) -> bool:
    """Tell whether an address is on the public internet: not private, local, shared, reserved or mapped."""
    if getattr(address, "scope_id", None) or not address.is_global:
        return False
    if address.is_multicast or address.is_reserved or address.is_unspecified or address.is_loopback:
        return False
    return not any(address.version == network.version and address in network for network in _REFUSED_NETWORKS)


def system_addresses(host: str, port: int) -> list[str]:
    """Resolve a host to IP addresses with the system's resolver."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@dataclass(frozen=True)
class Rules:
    """Rules of a fetch: resolver of names, and addresses that may be asked.

    Parameters
    ----------
    resolve : callable
        Host and port to IP addresses.
    allowed : callable
        Whether a connection to an address may be opened.
    tls : callable
        Makes the context of https connections.
    limits : Limits
    """

    resolve: Resolve = system_addresses
    allowed: Callable[[Address], bool] = is_public
    tls: Callable[[], ssl.SSLContext] = ssl.create_default_context
    limits: Limits = Limits()


def fetch(url: str, rules: Rules | None = None) -> bytes:
    """Fetch the bytes of the picture at a web address.

    Parameters
    ----------
    url : str
    rules : Rules, optional

    Raises
    ------
    WebProblem
        The address is refused, does not answer in time, or holds no picture.
    """
    if not enabled():
        raise WebProblem("Asking by web address is turned off on this server; upload the picture instead.")
    rules = Rules() if rules is None else rules
    deadline = monotonic() + rules.limits.seconds
    for _ in range(rules.limits.redirects + 1):
        answer = _ask(_target(url), rules, deadline)
        if isinstance(answer, bytes):
            return _picture(answer)
        url = urljoin(url, answer)
    raise WebProblem(
        f"The address was redirected more than {rules.limits.redirects} times; give the address of the picture itself."
    )


def _picture(data: bytes) -> bytes:
    try:
        probe(data)
    except ImageError as error:
        raise WebProblem(
            "What is at this address is no picture this model can read; give the address of a JPEG, PNG or WebP file."
        ) from error
    return data


def _target(url: str) -> _Target:
    """Take a URL apart; what browsers and libraries might read differently is refused."""
    if len(url) > MOST_LENGTH:
        raise WebProblem(f"The address is longer than {MOST_LENGTH:,} characters; upload the picture instead.")
    if "\\" in url or any(c.isspace() or not c.isprintable() for c in url):
        raise WebProblem("The address holds characters no web address has; copy it again.")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
        name = "" if host is None else host if ":" in host else host.rstrip(".").encode("idna").decode("ascii")
    except ValueError as error:
        raise WebProblem("This is not a web address; copy it again.") from error
    if parts.scheme not in ("http", "https"):
        raise WebProblem("Only addresses that begin with http:// or https:// can be asked.")
    if "@" in parts.netloc:
        raise WebProblem("Addresses with a user name or password are refused; give a public one.")
    if not name or any(c in "%/?#[]" for c in name):
        raise WebProblem("This is not a web address; copy it again.")
    secure = parts.scheme == "https"
    port = (443 if secure else 80) if port is None else port
    if port not in _PLAIN_PORTS and port < 1024:
        raise WebProblem("Ports of other services are refused; give the address of a web server.")
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    query = "?" + quote(parts.query, safe="/%:@!$&'()*+,;=~-._?[]") if parts.query else ""
    return _Target(secure, name, port, path + query)


def _addresses(target: _Target, rules: Rules, deadline: float) -> list[Address]:
    """Resolve and check the addresses of a host; a single one that is not allowed refuses them all."""
    answers: list[Sequence[str]] = []

    def resolve() -> None:
        with contextlib.suppress(OSError, ValueError):
            answers.append(rules.resolve(target.host, target.port))

    helper = Thread(target=resolve, daemon=True)  # the system's resolver knows no time limit
    helper.start()
    helper.join(max(0.0, deadline - monotonic()))
    if not answers or not answers[0]:
        raise WebProblem("The address cannot be reached; check it, or upload the picture instead.")
    try:
        addresses = [ipaddress.ip_address(text) for text in answers[0]]
    except ValueError as error:
        raise WebProblem("The address cannot be reached; check it, or upload the picture instead.") from error
    if not all(rules.allowed(address) for address in addresses):
        raise WebProblem("The address lies in a private or reserved network, which is refused; upload the picture.")
    return addresses


def _ask(target: _Target, rules: Rules, deadline: float) -> bytes | str:
    """Return the body of the answer, or the address that it redirects to."""
    addresses = _addresses(target, rules, deadline)
    connection = _Connection(target, addresses, deadline, rules.tls)
    watch = Timer(max(0.0, deadline - monotonic()), connection.cut_off)  # a trickle never times out by itself
    watch.daemon = True
    watch.start()
    try:
        connection.request("GET", target.path, headers={"Host": target.header, **_HEADERS})
        with connection.getresponse() as response:  # it outlives its connection, which ends with the answer
            answer = _answer(response, rules.limits)
        if connection.cut:  # what came may look whole and is not
            raise TimeoutError
        return answer
    except (OSError, http.client.HTTPException, ValueError) as error:
        if connection.cut or monotonic() >= deadline:
            raise WebProblem(
                f"The address did not answer within {rules.limits.seconds:g} seconds; try again, or upload the picture."
            ) from error
        raise WebProblem("The address cannot be reached; check it, or upload the picture instead.") from error
    finally:
        watch.cancel()
        connection.close()


def _answer(response: http.client.HTTPResponse, limits: Limits) -> bytes | str:
    location = response.getheader("Location")
    if response.status in _REDIRECTS and location:
        return location
    if response.status != 200:
        raise WebProblem("The server there does not give the picture to everybody; upload it instead.")
    if response.getheader("Content-Encoding", "identity").strip().lower() not in ("", "identity"):
        raise WebProblem("The server there sends the picture in a form that was not asked for; upload it instead.")
    too_big = WebProblem(f"The file there is larger than {limits.bytes / 1e6:.0f} MB; give a smaller picture.")
    if response.length is not None and response.length > limits.bytes:
        raise too_big
    parts: list[bytes] = []
    size = 0
    while part := response.read(_CHUNK):
        size += len(part)
        if size > limits.bytes:
            raise too_big
        parts.append(part)
    if response.length:
        raise http.client.IncompleteRead(b"", response.length)
    return b"".join(parts)


class _Connection(http.client.HTTPConnection):
    """HTTP to addresses that were checked; the name serves for the certificate and the Host header only."""

    def __init__(
        self, target: _Target, addresses: Sequence[Address], deadline: float, tls: Callable[[], ssl.SSLContext]
    ) -> None:
        super().__init__(target.host, target.port)
        self._target, self._addresses, self._deadline, self._tls = target, addresses, deadline, tls
        self._raw: socket.socket | None = None
        self.cut = False

    def connect(self) -> None:
        """Open the first checked address that answers."""
        left = len(self._addresses)
        for address in self._addresses:
            patience = (self._deadline - monotonic()) / left
            left -= 1
            if patience <= 0:
                raise TimeoutError
            try:
                self._raw = socket.create_connection((str(address), self._target.port), timeout=patience)
                break
            except OSError:
                if not left:
                    raise
        assert self._raw is not None
        self.sock = self._raw
        self.sock.settimeout(max(0.001, self._deadline - monotonic()))
        if self._target.secure:
            wrapped = self._tls().wrap_socket(
                self._raw, server_hostname=self._target.host, do_handshake_on_connect=False
            )
            self.sock = self._raw = wrapped
            wrapped.do_handshake()
        if self.cut:
            raise TimeoutError

    def cut_off(self) -> None:
        """End the connection from another thread."""
        self.cut = True
        if self._raw is not None:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self._raw, socket.SHUT_RDWR)
