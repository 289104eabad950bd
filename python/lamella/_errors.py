"""The errors of lamella: one tree, and each is also what a user of Python would catch."""
from __future__ import annotations


class Error(Exception):
    """The root of all. `code` is the core's name of it ("LM_EXISTS"); `retryable` says whether the same call may
    succeed later; `errno` is the system's number where there is one."""

    code: str = ""
    retryable: bool = False

    def __str__(self) -> str:
        return str(self.args[-1]) if self.args else ""


class IOError(Error, OSError):
    """The system refused: disk full, a limit, a broken disk. The destination is as it was."""


class NotFoundError(Error, FileNotFoundError):
    pass


class ExistsError(Error, FileExistsError):
    """overwrite=False, and something is there."""


class PermissionDeniedError(Error, PermissionError):
    pass


class ConflictError(Error, OSError):
    """if_match: what stands there is not what was expected. Or another process holds it."""


class StaleError(Error, OSError):
    """The manifest speaks of another file."""


class UnsuitableError(Error, OSError):
    """Something that cannot be replaced stands there: a device, a FIFO, a directory."""


class UnknownDurabilityError(Error, OSError):
    """The new file is in place, but a power cut may bring the old one back."""


class UnknownOutcomeError(Error, OSError):
    """Nobody can say which of the two files is there: look."""


class ArgumentError(Error, ValueError):
    pass


class DataError(Error, ValueError):
    """Data that is not valid, or a value that does not fit."""


class CorruptError(DataError):
    """A file is damaged, or is not what its name says."""


class SchemaValidationError(DataError):
    """The data does not fit the schema. `problems` has them all, a line each."""

    @property
    def problems(self) -> list[str]:
        text = str(self)
        count, colon, rest = text.partition(" problems: ")
        if colon and count.isdigit():
            text = rest
        return [part.strip() for part in text.split("; ") if part.strip()]


class LimitError(Error, ValueError):
    """Larger than a named limit."""


class UnsupportedError(Error, NotImplementedError):
    """Not supported, or a library that it needs is not there: the message says which package to install."""


class OutOfMemoryError(Error, MemoryError):
    pass


class InternalError(Error, RuntimeError):
    """A bug of lamella's."""


class InterruptedError(Error, KeyboardInterrupt):
    """A call was stopped. The destination is as it was."""


# By the core's status; what is not here is an InternalError.
_BY_CODE: dict[str, type[Error]] = {
    "LM_NO_MEMORY": OutOfMemoryError,
    "LM_INVALID": ArgumentError,
    "LM_IO": IOError,
    "LM_NOT_FOUND": NotFoundError,
    "LM_EXISTS": ExistsError,
    "LM_CONFLICT": ConflictError,
    "LM_PERMISSION": PermissionDeniedError,
    "LM_NO_SPACE": IOError,
    "LM_UNSUPPORTED": UnsupportedError,
    "LM_LIMIT": LimitError,
    "LM_SCHEMA": SchemaValidationError,
    "LM_DATA": SchemaValidationError,
    "LM_CORRUPT": CorruptError,
    "LM_STALE": StaleError,
    "LM_CANCELLED": InterruptedError,
    "LM_UNKNOWN_DURABILITY": UnknownDurabilityError,
    "LM_UNKNOWN_OUTCOME": UnknownOutcomeError,
    "LM_UNSUITABLE": UnsuitableError,
    "LM_BUSY": ConflictError,
}


# What the system calls such a failure, where the core did not come from a system call.
_ERRNO = {"LM_NOT_FOUND": 2, "LM_EXISTS": 17, "LM_PERMISSION": 13}


def make(code: str, exception: str, os_code: int, http_code: int, retryable: bool, message: str) -> Error:
    """The exception of a status; called by the core."""
    kind = _BY_CODE.get(code, InternalError)
    number = os_code or _ERRNO.get(code, 0)
    error = kind(number, message) if number and issubclass(kind, OSError) else kind(message)
    error.code = code
    error.retryable = retryable
    return error
