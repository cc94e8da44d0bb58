"""What the suite found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from misread.attack.assess.warn import Finding
    from misread.runtime.fingerprint import Fingerprint
    from misread.stats import Rate


@dataclass(frozen=True, kw_only=True, slots=True)
class StageResult:
    """One attack of the suite.

    Attributes:
        name: Of the attack.
        attempted: Images that still stood when it began.
        found: Of these, the misread ones.
        standing: Share of all images that are read right clean and still stood after it: robust accuracy so far.
        passes: Mean passes per attempted image, those with a gradient included.
        gradients: Mean passes with a gradient.
        seconds: Wall-clock time.
    """

    name: str
    attempted: int
    found: int
    standing: Rate
    passes: float
    gradients: float
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildAssessment:
    """Robust accuracy of one deployed build, as onnxruntime reads it.

    Attributes:
        name: Of the file.
        sha256: Of the file.
        clean: Accuracy on the unchanged images.
        transferred: Of the images that were broken on the model and that the build reads right clean, those that the
            build misreads too.
        robust: Share of all images that the build reads right clean and under everything that was tried.
        stages: The suite against the build itself, for the images it still read right.
        surrogate: Empty where the file's own gradients were used; else why not, and only queries were.
        fingerprint: What ran.
        card_from: Who said how it is fed.
    """

    name: str
    sha256: str
    clean: Rate
    transferred: Rate
    robust: Rate
    stages: tuple[StageResult, ...]
    surrogate: str = ""
    fingerprint: Fingerprint | None = None
    card_from: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class PictureResult:
    """One picture.

    Attributes:
        name: Of the file.
        label: What it shows.
        fell_to: Attack that broke it; `stands`, or `misread` where the clean picture is.
        builds: The same for each build; `transfer` where the model's own changed copy was enough.
    """

    name: str
    label: str
    fell_to: str
    builds: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Assessment:
    """Robust accuracy under one threat.

    Attributes:
        model: As it was asked for.
        threat: Norm, eps, levels.
        pictures: How many.
        labels_given: Somebody labelled all pictures; otherwise what the model reads clean is taken as right.
        clean: Accuracy on the unchanged pictures.
        robust: Share of all pictures that are read right clean and under every attack.
        stages: The suite.
        builds: Deployed builds.
        warnings: What makes the figures doubtful.
        each: Every picture.
        bundle: Folder of the misread copies, or None.
        seconds: Wall-clock time, loading included.
        fingerprint: What ran, where the model is a file.
        card_from: Who said how the model is fed.

    Examples:
        >>> found = misread.assess("signs", "8/255", limit=1)
        >>> found.robust.total, found.threat["norm"]
        (1, 'linf')
    """

    model: str
    threat: Mapping[str, Any]
    pictures: int
    labels_given: bool
    clean: Rate
    robust: Rate
    stages: tuple[StageResult, ...]
    builds: tuple[BuildAssessment, ...]
    warnings: tuple[Finding, ...]
    each: tuple[PictureResult, ...]
    bundle: str | None
    seconds: float
    fingerprint: Fingerprint | None = None
    card_from: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """The result in one sentence."""
        eps = self.threat["eps"]
        size = f"{eps * 255:g}/255" if self.threat["norm"] == "linf" else f"{eps:g}"
        said = f"{self.model}: {self.robust.text()} of the pictures stand at {self.threat['norm']} {size}"
        builds = [f"{build.robust.text()} on {build.name}" for build in self.builds]
        return "; ".join([said, *builds])
