"""Files of networks: from the Hugging Face hub, downloaded once and cached, or from a folder of this machine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from imgsim.backbones.options import NetworkOptions
from imgsim.backbones.spec import weights_digest
from imgsim.errors import ArgumentError, BackboneError
from imgsim.io.error_text import shorten
from imgsim.io.paths import expand

HUB = "hf-hub:"
LOCAL = "local-dir:"
TIMEOUT = 10.0  # seconds for the hub's first answer
_DIGEST_LENGTH = 64
_WEIGHT_SUFFIXES = (".safetensors", ".bin", ".pth", ".pt")


def network_folder(
    name: str, options: NetworkOptions, required: Sequence[Sequence[str]], optional: Sequence[str] = ()
) -> Path:
    """Return the folder with a network's files: ``local-dir:FOLDER``, ``hf-hub:ID`` or the id of a hub's repository.

    Parameters
    ----------
    name : str
        ``hf-hub:ORG/NAME[@REVISION]``; give no ``options.revision`` then.
    options : NetworkOptions
        ``revision`` and ``cache_dir`` are used.
    required : sequence of sequences
        File names; of each sequence one is needed, the first that there is.
    optional : sequence of str
        File names that are fetched where the repository has them.

    Raises
    ------
    BackboneError
        A needed file is neither here nor can it be downloaded.
    ArgumentError
        Two revisions; or a revision or cache of a folder.
    """
    if name.startswith(LOCAL):
        options.refuse_others(name, "weights", "image_size", "pooling", "resize")
        folder = expand(name.removeprefix(LOCAL), "the folder of local-dir:")
        missing = [names for names in required if find_file(folder, names) is None]
        if missing:
            raise BackboneError(f"{folder} holds no network: it lacks {_any_of(missing[0])}.")
        return folder
    repository, _, revision = name.removeprefix(HUB).partition("@")
    if revision and options.revision:
        raise ArgumentError(f"{name} names a revision, and revision={options.revision!r} too; give one of them.")
    revision = revision or options.revision or "main"
    found = _cached_folder(repository, revision, options.cache_dir, required)
    return found or _download(repository, revision, options.cache_dir, required, optional)


def find_file(folder: Path, names: Sequence[str]) -> Path | None:
    """Return the first of ``names`` that is a file in ``folder``, else None."""
    return next((folder / name for name in names if (folder / name).is_file()), None)


def content_digest(path: Path) -> str:
    """Return the hexadecimal sha256 of a file; the hub's cache has it in the name of large files already.

    Raises
    ------
    BackboneError
        It cannot be read.
    """
    stored = path.resolve()
    known = stored.parent.name == "blobs" and len(stored.name) == _DIGEST_LENGTH
    return stored.name if known else weights_digest(path)


def _cached_folder(
    repository: str, revision: str, cache_dir: str | Path | None, required: Sequence[Sequence[str]]
) -> Path | None:
    """Return the cached folder that holds one file of each sequence; nothing is asked of the hub."""
    from huggingface_hub import try_to_load_from_cache

    folders = []
    for names in required:
        try:
            tried = (try_to_load_from_cache(repository, name, cache_dir, revision) for name in names)
            found = next((Path(path).parent for path in tried if isinstance(path, str)), None)
        except ValueError as error:
            raise BackboneError(f"{repository!r} is not the name of a hub's repository: {shorten(error)}.") from None
        if found is None:
            return None
        folders.append(found)
    return folders[0]


def _download(
    repository: str,
    revision: str,
    cache_dir: str | Path | None,
    required: Sequence[Sequence[str]],
    optional: Sequence[str],
) -> Path:
    """Download one file of each sequence, and the optional ones, all of one commit."""
    folders = []
    for names in required:
        path = next((path for name in names if (path := _file(repository, revision, name, cache_dir, names))), None)
        if path is None:
            raise _unavailable(repository, revision, cache_dir, names, "it has no such file")
        folders.append(path.parent)
    for name in optional:
        _file(repository, revision, name, cache_dir, [name])
    if len(set(folders)) > 1:
        raise BackboneError(f"{repository} changed on the hub while it was downloaded. Run again.")
    return folders[0]


def _file(
    repository: str, revision: str, name: str, cache_dir: str | Path | None, wanted: Sequence[str]
) -> Path | None:
    """Download one file; None if the repository does not have it."""
    from huggingface_hub import get_hf_file_metadata, hf_hub_download, hf_hub_url
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

    try:
        # the download itself asks again and again for 23 s where there is no network
        get_hf_file_metadata(hf_hub_url(repository, name, revision=revision), timeout=TIMEOUT)
        return Path(hf_hub_download(repository, name, revision=revision, cache_dir=cache_dir))
    except LocalEntryNotFoundError as error:
        raise _unavailable(repository, revision, cache_dir, wanted, _reason(error.__cause__ or error)) from error
    except EntryNotFoundError:
        return None
    except Exception as error:
        raise _unavailable(repository, revision, cache_dir, wanted, _reason(error)) from error


def _reason(error: BaseException) -> str:
    """Return why the hub gave no file, in a few words."""
    from huggingface_hub import errors

    known = {
        errors.OfflineModeIsEnabled: "HF_HUB_OFFLINE is set",
        errors.GatedRepoError: "its owner asks for a login; accept the licence on its page, then `hf auth login`",
        errors.RepositoryNotFoundError: "the hub has no such repository, or it is private (`hf auth login`)",
        errors.RevisionNotFoundError: "the repository has no such revision",
    }
    found = next((text for kind, text in known.items() if isinstance(error, kind)), None)
    return found or shorten(error if isinstance(error, Exception) else Exception(error))


def _unavailable(
    repository: str, revision: str, cache_dir: str | Path | None, names: Sequence[str], reason: str
) -> BackboneError:
    from huggingface_hub import constants

    at = "" if revision == "main" else f" --revision {revision}"
    into = "" if cache_dir is None else f" --cache-dir {cache_dir}"
    weights = "" if not names[0].endswith(_WEIGHT_SUFFIXES) else "pass weights='FILE' with its state dict, or "
    return BackboneError(
        f"{_any_of(names)} of {repository} (revision {revision}) is not in the cache "
        f"{cache_dir or constants.HF_HUB_CACHE}, and cannot be downloaded from {constants.ENDPOINT}: {reason}. "
        f"Where there is a network, run `hf download {repository}{at}{into}` and copy that cache here; "
        f"or {weights}name a copy of the repository by backbone='local-dir:FOLDER'."
    )


def _any_of(names: Sequence[str]) -> str:
    return " or ".join(names)
