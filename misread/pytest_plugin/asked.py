"""What the command line, the project's settings and a marker ask for."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from misread.errors import FileError, MisreadError, OptionError

if TYPE_CHECKING:
    from collections.abc import Collection, Generator

    import pytest

    from misread.bundle import Bundle
    from misread.runtime.session import Deployed

NAME: Final = "misread"
EACH: Final = ("witness", "build")


@contextmanager
def sentences(kind: type[BaseException]) -> Generator[None]:
    """Let an error of misread end a test, or its collection, with its sentence and without a traceback."""
    try:
        yield
    except MisreadError as error:
        from misread.text import printable

        raised = kind(printable(str(error)))
        if hasattr(raised, "pytrace"):
            raised.pytrace = False
        raise raised from None


@dataclass(frozen=True, kw_only=True, slots=True)
class Given:
    """The files of a run.

    Attributes:
        builds: ONNX files, each once.
        bundle: the folder of witnesses, or None.
    """

    builds: tuple[Path, ...]
    bundle: Path | None

    @classmethod
    def of(cls, config: pytest.Config) -> Self:
        """Read the options; where there are none, the settings, whose paths begin at their file."""
        here = config.invocation_params.dir
        said = [here / name for name in config.getoption("misread_build") or ()]
        bundle = config.getoption("misread_bundle")
        setting = config.getini("misread_bundle")
        home = config.inipath.parent if config.inipath else here
        return cls(
            builds=tuple(dict.fromkeys(said or config.getini("misread_builds"))),
            bundle=here / bundle if bundle else home / setting if setting else None,
        )

    @property
    def names(self) -> dict[Path, str]:
        """What each build is called: by its file, by its whole path where two files share a name."""
        times = Counter(path.name for path in self.builds)
        return {path: path.name if times[path.name] == 1 else str(path) for path in self.builds}

    def read_bundle(self) -> Bundle:
        """Read the bundle.

        Raises:
            FileError: none was given, or it is broken.
        """
        from misread.bundle import read_bundle

        if self.bundle is None:
            raise FileError("no bundle to read; give --misread-bundle DIR, or misread_bundle in the settings of pytest")
        return read_bundle(self.bundle)

    def open_build(self, path: Path | None) -> Deployed:
        """Open a build; what it does not say of how it is fed, the bundle's card says.

        Raises:
            MisreadError: none was given, or it is no build.
        """
        from misread.runtime.session import Deployed

        if path is None:
            raise FileError("no build to open; give --misread-build FILE, or misread_builds in the settings of pytest")
        spare = None if self.bundle is None else ("bundle", self.read_bundle().card)
        return Deployed.open(path, spare=spare)


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """One test case before it is run.

    Attributes:
        build: ONNX file.
        name: of the build.
        witness: its id; None for the whole build.
        gates: keywords of `misread.runtime.gates.Gates`.
    """

    build: Path
    name: str
    witness: str | None = None
    gates: dict[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """For pytest: the build, and the witness."""
        return self.name if self.witness is None else f"{self.name}-{self.witness}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A marker.

    Attributes:
        each: what becomes a case.
        gates: of a build.
    """

    each: str
    gates: dict[str, Any]

    @classmethod
    def of(cls, marker: pytest.Mark, fixtures: Collection[str]) -> Self:
        """Read a marker.

        Raises:
            OptionError: it does not fit the test.
            UnknownName: it asks for what there is not.
        """
        from misread.registry import by_name

        said = dict(marker.kwargs)
        if marker.args or "each" not in said:
            raise OptionError('the marker wants to know what a case is; write @pytest.mark.misread(each="witness")')
        each = by_name("each", EACH, str(said.pop("each")), key=str)
        if "misread_case" not in fixtures or "misread_build" in fixtures:
            raise OptionError("a test marked misread takes the argument misread_case, and not misread_build")
        if each == "witness" and said:
            raise OptionError(f'{", ".join(said)} is about a whole build; write each="build"')
        return cls(each=each, gates=cls._checked(said))

    @staticmethod
    def _checked(gates: dict[str, Any]) -> dict[str, Any]:
        if gates:
            from misread.library.options import options_of
            from misread.runtime.gates import Gates

            options_of(Gates, **gates)
        return gates

    def cases(self, given: Given) -> list[Wanted]:
        """List the cases, build by build; none where no build was given.

        Raises:
            FileError: the bundle cannot be read.
        """
        if not given.builds or given.bundle is None:
            return []
        of_build: list[str | None] = [None]
        if self.each == "witness":
            of_build = [witness.id for witness in given.read_bundle().witnesses]
        return [
            Wanted(build=path, name=given.names[path], witness=witness, gates=self.gates)
            for path in given.builds
            for witness in of_build
        ]
