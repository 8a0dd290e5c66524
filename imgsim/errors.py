"""Errors that imgsim raises on purpose.

    ImgsimError
    ├── SourceError          a folder, table or URL that cannot be listed or read
    ├── ImageError           one image that cannot be read or decoded
    ├── ArgumentError        a value outside its domain        (also a ValueError)
    │   └── RowError         a row that a table does not have     (also an IndexError)
    ├── ArgumentTypeError    a value of the wrong type         (also a TypeError)
    ├── BackboneError        an unknown backbone, missing weights, a failed download
    ├── QueryError           a query this model cannot answer
    ├── StoreError           the feature store cannot be read or written
    │   └── ShardError       a part of a partitioned graph is missing or damaged
    ├── DecisionsError       the store of decisions cannot be read or written
    ├── WriteError           a file or folder cannot be written: disk full, no access (also an OSError)
    ├── WorkersError          work could not be run where it was sent (processes, Ray)
    ├── ModelFormatError     a saved model that is damaged, incomplete or too new
    ├── RegistryError        the MLflow registry cannot be reached or lacks the model
    ├── DeploymentError      a model for devices that cannot be made, read or verified
    │   ├── OnnxModelError   ... as an ONNX file
    │   └── CoreMLError      ... as a Core ML package
    │       └── UnsupportedOperationError   ... because of an operation that is not implemented
    └── MissingExtraError    an optional package is not installed (also an ImportError)

Messages say what was wrong (with the path), why, and what to do about it.
"""


class ImgsimError(Exception):
    """Base class of all errors of imgsim."""


class SourceError(ImgsimError):
    """A source of images cannot be listed or read."""


class ImageError(ImgsimError):
    """One image cannot be read or decoded.

    Parameters
    ----------
    stage : str
        Step that failed: ``"read"``, ``"header"`` or ``"decode"``.
    reason : str
        Reason, in words for the owner of the file.
    """

    def __init__(self, stage: str, reason: str) -> None:
        super().__init__(reason)
        self.stage = stage
        self.reason = reason


class ArgumentError(ImgsimError, ValueError):
    """An argument is outside its domain."""


class RowError(ArgumentError, IndexError):
    """A table has no such row."""


class ArgumentTypeError(ImgsimError, TypeError):
    """An argument has the wrong type."""


class BackboneError(ImgsimError):
    """A backbone cannot be found, built, downloaded or exported."""


class QueryError(ImgsimError):
    """A query cannot be answered by this model."""


class StoreError(ImgsimError):
    """The feature store cannot be read or written."""


class ShardError(StoreError):
    """A part of a partitioned graph is missing or damaged."""


class DecisionsError(ImgsimError):
    """The store of decisions cannot be opened, read or written."""


class WriteError(ImgsimError, OSError):
    """A file or folder cannot be written.

    Parameters
    ----------
    message : str
        What could not be written, why, and what to do.
    cause : OSError
        Gives its ``errno`` and ``strerror``.
    """

    def __init__(self, message: str, cause: OSError) -> None:
        super().__init__(message)
        self.errno, self.strerror = cause.errno, cause.strerror

    def __str__(self) -> str:
        return str(self.args[0])


class WorkersError(ImgsimError):
    """Workers could not finish: a process or a Ray cluster was lost."""


class ModelFormatError(ImgsimError):
    """A saved model is damaged, incomplete or of an unknown version."""


class RegistryError(ImgsimError):
    """The MLflow registry cannot be reached, or does not hold the model.

    Parameters
    ----------
    message : str
        What was wrong, why, and what to do.
    kind : str
        ``"no_registry"`` (it does not answer or refuses), ``"empty"`` (nothing was registered yet), ``"no_model"``,
        ``"no_version"``, ``"broken"`` (the files of a version are missing or damaged), or ``"unavailable"`` (they
        cannot be read at the moment).
    """

    def __init__(self, message: str, kind: str = "no_registry") -> None:
        super().__init__(message)
        self.kind = kind


class DeploymentError(ImgsimError):
    """A model for devices cannot be made, read or verified."""


class OnnxModelError(DeploymentError):
    """A model as an ONNX file cannot be made, read or verified."""


class CoreMLError(DeploymentError):
    """A Core ML package cannot be made, read or verified."""


class UnsupportedOperationError(CoreMLError):
    """A network or package holds an operation, a parameter or a type that is not supported here.

    Parameters
    ----------
    operation : str
        Its name as Core ML or torch writes it.
    message : str
        What was wrong with it, and what to do.
    """

    def __init__(self, operation: str, message: str) -> None:
        super().__init__(message)
        self.operation = operation


class MissingExtraError(ImgsimError, ImportError):
    """An optional package is needed and not installed."""
