"""The address of a tracking server: user and password in it, certificates of its own, links to its pages."""

import base64
import ssl
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import trustme

from imgsim.errors import MissingExtraError, RegistryError
from imgsim.mlflow.connection import connect, page, shown

USER, PASSWORD = "anna", "s3cr%40t"


class Guarded(BaseHTTPRequestHandler):
    """Answers MLflow's client, and only whoever gives user and password."""

    def _answer(self) -> None:
        known = "Basic " + base64.b64encode(b"anna:s3cr@t").decode()
        allowed = self.headers.get("Authorization") == known
        body = b'{"experiments": []}' if allowed else b'{"error_code": "UNAUTHENTICATED", "message": "who are you"}'
        self.send_response(200 if allowed else 401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = _answer  # noqa: N815  names of the base class

    def log_message(self, *_: object) -> None:
        """Print nothing."""


class Quiet(ThreadingHTTPServer):
    """Says nothing of clients that refuse its certificate."""

    def handle_error(self, request: object, client_address: object) -> None:
        """Print nothing."""


@contextmanager
def running(context: ssl.SSLContext | None = None) -> Iterator[int]:
    with Quiet(("127.0.0.1", 0), Guarded) as server:
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.fixture
def server() -> Iterator[int]:
    """Port of a server that wants a password."""
    with running() as port:
        yield port


@pytest.fixture
def certificates() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def encrypted(certificates: trustme.CA) -> Iterator[str]:
    """Address of a server whose certificate nobody knows."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificates.issue_cert("127.0.0.1").configure_cert(context)
    with running(context) as port:
        yield f"https://{USER}:{PASSWORD}@127.0.0.1:{port}"


def ask(uri: str) -> int:
    with connect(uri) as connection:
        return len(connection.client.search_experiments(max_results=1))


def told(uri: str) -> str:
    with pytest.raises(RegistryError) as failed:
        ask(uri)
    chain, error = [], failed.value
    while error is not None:
        chain.append(str(error))
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    assert not [text for text in chain if "s3cr" in text or "wrong" in text]
    return chain[0]


def test_user_and_password_in_the_address(server: int) -> None:
    assert ask(f"http://{USER}:{PASSWORD}@127.0.0.1:{server}") == 0


def test_user_and_password_in_variables(server: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "anna")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "s3cr@t")
    assert ask(f"http://127.0.0.1:{server}") == 0


def test_a_wrong_password_is_named_and_not_shown(server: int) -> None:
    message = told(f"http://{USER}:wrong@127.0.0.1:{server}")
    assert f"http://***@127.0.0.1:{server}" in message
    assert "Check the user and password" in message


def test_a_dead_server_with_a_password_and_no_port() -> None:
    for host in ("127.0.0.1:1", "no-such-host.invalid"):
        message = told(f"http://{USER}:{PASSWORD}@{host}")
        assert message.startswith(f"The MLflow server http://***@{host} does not answer (")


def test_an_unknown_certificate_is_explained(encrypted: str) -> None:
    assert "set MLFLOW_TRACKING_SERVER_CERT_PATH to the file of its certificate" in told(encrypted)


def test_a_certificate_of_its_own(
    encrypted: str, certificates: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificates.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("MLFLOW_TRACKING_SERVER_CERT_PATH", str(tmp_path / "ca.pem"))
    assert ask(encrypted) == 0
    monkeypatch.setenv("MLFLOW_TRACKING_SERVER_CERT_PATH", str(tmp_path / "absent.pem"))
    assert "absent.pem" in told(encrypted)


def test_a_certificate_that_is_not_checked(encrypted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_INSECURE_TLS", "true")
    assert ask(encrypted) == 0


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("http://a:b@h/x", "http://***@h/x"),
        ("https://a:b@c@h:5000", "https://***@h:5000"),
        ("postgresql://u:p@db/mlflow, then http://token@h", "postgresql://***@db/mlflow, then http://***@h"),
        ("http://h/a@b", "http://h/a@b"),
    ],
)
def test_passwords_are_hidden(text: str, hidden: str) -> None:
    assert shown(text) == hidden


def test_pages_are_linked_without_the_password(monkeypatch: pytest.MonkeyPatch) -> None:
    assert page("1", "ab", base="http://a:b@h:5000/") == "http://h:5000/#/experiments/1/runs/ab"
    runs = page("1", base="http://h")
    assert runs == "http://h/#/experiments/1/runs?workflowType=machine_learning"
    assert page("1", base="sqlite:///mlflow.db") is None
    monkeypatch.setenv("IMGSIM_MLFLOW_UI", "http://127.0.0.1:5001")
    assert page("1", "ab") == "http://127.0.0.1:5001/#/experiments/1/runs/ab"


@pytest.mark.parametrize(
    "text", ["http://anna:s3/cret@host/x", "https://a:s3@cret@host:80", "sqlite and http://anna@h"]
)
def test_no_spelling_of_a_password_is_shown(text: str) -> None:
    assert "***@h" in shown(text)
    assert "cret" not in shown(text)
    assert "anna" not in shown(text)


def test_an_address_of_a_page_is_shown() -> None:
    page_of_alias = "http://host:5000/#/models/imgsim-pets@champion"
    assert shown(page_of_alias) == page_of_alias


def test_a_password_that_is_not_quoted_is_not_repeated() -> None:
    with (
        pytest.raises(RegistryError, match="special characters of user and password") as told,
        connect("http://a:s/x@h"),
    ):
        pass
    assert "s/x" not in str(told.value)
    assert told.value.__cause__ is None


@pytest.mark.parametrize("address", ["127.0.0.1:5000", "mlflow.example.org:80/below"])
def test_an_address_without_a_scheme_is_completed(address: str) -> None:
    with pytest.raises(RegistryError, match=f"set MLFLOW_TRACKING_URI=http://{address}"), connect(address):
        pass


def test_a_database_whose_driver_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "MySQLdb", None)
    refused = pytest.raises(MissingExtraError, match=r"mysql://\*\*\*@h/x needs the package MySQLdb")
    with refused, connect("mysql://u:p@h/x") as connection:
        connection.client.search_experiments()
