"""Files of the Hugging Face hub, downloaded from a server that answers as the hub does."""

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

import imgsim
from imgsim.backbones.libraries.hub import content_digest, find_file, network_folder
from imgsim.backbones.options import NetworkOptions

COMMIT = "a" * 40
FILES = {"config.json": b'{"architecture": "test_vit"}', "model.safetensors": b"weights " * 99}


class Hub(BaseHTTPRequestHandler):
    """Repository ``org/net`` with two files; every other repository asks for a login."""

    asked: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def _answer(self, body: bool) -> None:
        self.asked.append(self.path)
        repository, _, rest = self.path.strip("/").partition("/resolve/")
        revision, _, name = rest.partition("/")
        error = {"org/gated": "GatedRepo", "org/net": ""}.get(repository, "RepoNotFound")
        error = error or ("" if revision in ("main", COMMIT) else "RevisionNotFound")
        error = error or ("" if name in FILES else "EntryNotFound")
        content = b"" if error else FILES[name]
        self.send_response(403 if error == "GatedRepo" else 404 if error else 200)
        if error:
            self.send_header("X-Error-Code", error)
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if body:
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    from huggingface_hub import constants, file_download

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    for module in (constants, file_download):
        for name in ("ENDPOINT", "HUGGINGFACE_CO_URL_TEMPLATE"):
            if hasattr(module, name):
                template = "" if name == "ENDPOINT" else "/{repo_id}/resolve/{revision}/{filename}"
                monkeypatch.setattr(module, name, address + template)
    Hub.asked.clear()
    yield address
    server.shutdown()
    server.server_close()


def options(cache: Path, revision: str | None = None) -> NetworkOptions:
    return NetworkOptions(cache_dir=cache, revision=revision)


def test_files_are_downloaded_once_and_then_taken_from_the_cache(hub, tmp_path):
    wanted = [["config.json"], ["open_clip.safetensors", "model.safetensors"]]
    folder = network_folder("hf-hub:org/net", options(tmp_path), wanted, ["preprocessor_config.json"])
    assert folder.name == COMMIT
    assert (folder / "model.safetensors").read_bytes() == FILES["model.safetensors"]
    assert find_file(folder, ["open_clip.safetensors", "model.safetensors"]) == folder / "model.safetensors"
    assert Hub.asked
    Hub.asked.clear()
    assert network_folder("org/net", options(tmp_path), wanted) == folder
    assert network_folder(f"org/net@{COMMIT}", options(tmp_path), wanted) == folder
    assert not Hub.asked, "what is in the cache is used without a question to the hub"
    assert content_digest(folder / "model.safetensors") == hashlib.sha256(FILES["model.safetensors"]).hexdigest()


@pytest.mark.parametrize(
    ("repository", "revision", "names", "reason"),
    [
        ("org/net", None, ["pytorch_model.bin"], "it has no such file"),
        ("org/net", "v9", ["config.json"], r"no such revision.* --revision v9"),
        ("org/gated", None, ["config.json"], "asks for a login; accept the licence"),
        ("org/nosuch", None, ["config.json"], "no such repository"),
    ],
)
def test_what_the_hub_lacks_is_told(repository, revision, names, reason, hub, tmp_path):
    with pytest.raises(imgsim.BackboneError, match=f"{names[0]} of {repository} .*{reason}"):
        network_folder(repository, options(tmp_path, revision), [names])


def test_without_a_network_the_error_names_file_cache_and_ways_out(hub, tmp_path, monkeypatch):
    from huggingface_hub import constants, file_download

    for module in (constants, file_download):
        if hasattr(module, "HUGGINGFACE_CO_URL_TEMPLATE"):
            template = "http://127.0.0.1:9/{repo_id}/resolve/{revision}/{filename}"  # the discard port refuses at once
            monkeypatch.setattr(module, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        if hasattr(module, "ENDPOINT"):
            monkeypatch.setattr(module, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(imgsim.BackboneError) as told:
        network_folder("org/net", options(tmp_path), [["model.safetensors", "pytorch_model.bin"]])
    text = str(told.value)
    parts = ("model.safetensors or pytorch_model.bin of org/net", str(tmp_path), "http://127.0.0.1:9")
    ways = (f"hf download org/net --cache-dir {tmp_path}", "weights='FILE'", "backbone='local-dir:FOLDER'")
    assert all(part in text for part in (*parts, *ways)), text


def test_hf_hub_offline_is_obeyed(hub, tmp_path, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(imgsim.BackboneError, match="HF_HUB_OFFLINE is set"):
        network_folder("org/net", options(tmp_path), [["config.json"]])
    assert not Hub.asked


def test_local_folders_and_odd_names(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    assert network_folder(f"local-dir:{tmp_path}", NetworkOptions(), [["config.json"]]) == tmp_path
    with pytest.raises(imgsim.BackboneError, match=r"holds no network: it lacks model\.safetensors or a\.bin"):
        network_folder(f"local-dir:{tmp_path}", NetworkOptions(), [["model.safetensors", "a.bin"]])
    with pytest.raises(imgsim.BackboneError, match="'a/b/c' is not the name of a hub's repository"):
        network_folder("hf-hub:a/b/c", NetworkOptions(), [["config.json"]])
