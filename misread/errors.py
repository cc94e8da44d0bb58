"""Every error that misread raises, drawn once.

::

    MisreadError
    ├── CheckFailed        1  a check said no: parity, a gate, a verdict
    ├── InputError         2  wrong input or usage
    │   ├── FileError          missing, truncated, not what its name says
    │   ├── ModelError         no classifier, no card, a bad origin
    │   ├── OptionError        a value outside its range
    │   └── UnknownName        no such attack, label, source; says what is near
    ├── MissingExtra       3  an optional part is not installed; says how to get it
    └── RuntimeFailure     4  the machine failed, not the question
        ├── ModelRunError      onnxruntime refused to run the model
        ├── CameraError        no frames
        └── StorageError       disk full, no permission

The number is the exit code of the command line. A message says what was expected, what came and what to type.
"""

from __future__ import annotations

from typing import ClassVar, Self


class MisreadError(Exception):
    """Base of all errors raised on purpose; `exit_code` is what the command line ends with.

    Examples:
        >>> try:
        ...     misread.load_build("nowhere.onnx")
        ... except misread.MisreadError as error:
        ...     print(error.exit_code)
        2
    """

    exit_code: ClassVar[int] = 2


class CheckFailed(MisreadError):  # noqa: N818  named for what it says, not for what it is
    """A check ran to its end and said no.

    Examples:
        >>> misread.CheckFailed("the int8 build lost 3 points").exit_code
        1
    """

    exit_code: ClassVar[int] = 1


class InputError(MisreadError):
    """The input or the usage is wrong; nothing was done.

    Examples:
        >>> issubclass(misread.InputError, misread.MisreadError), misread.InputError.exit_code
        (True, 2)
    """


class FileError(InputError):
    """A file is missing, truncated, too large, or not what it claims to be."""


class ModelError(InputError):
    """A model is no image classifier, carries no card, or its origin cannot be loaded."""


class OptionError(InputError):
    """An option has a value that makes no sense."""


class UnknownName(InputError):  # noqa: N818
    """A name is not in the registry; the message lists what is."""


class MissingExtra(MisreadError):  # noqa: N818
    """An optional dependency is not installed.

    Examples:
        >>> print(misread.MissingExtra.of("torch", extra="attack"))
        this needs torch, which is not installed; type: pip install 'misread[attack]'
    """

    exit_code: ClassVar[int] = 3

    @classmethod
    def of(cls, package: str, *, extra: str) -> Self:
        """Say which package is missing and which extra brings it."""
        return cls(f"this needs {package}, which is not installed; type: pip install 'misread[{extra}]'")


class RuntimeFailure(MisreadError):  # noqa: N818
    """The question was right and the machine could not answer it.

    Examples:
        >>> misread.RuntimeFailure("no space left").exit_code
        4
    """

    exit_code: ClassVar[int] = 4


class ModelRunError(RuntimeFailure):
    """onnxruntime could not load or run a model that looked right."""


class CameraError(RuntimeFailure):
    """A frame source is not there, stopped, or delivers nothing usable."""


class StorageError(RuntimeFailure):
    """A file could not be written: no space, no permission, no such folder."""
