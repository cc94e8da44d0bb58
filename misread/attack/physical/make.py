"""From a picture to a physical witness with its control, measured on captures that no search has seen."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import torch

from misread.attack.goal import Targeted, Untargeted
from misread.attack.guard import untouched
from misread.attack.physical.channel import PROFILES, Backdrop, Channel, Profile
from misread.attack.physical.eot import EotPgd, gradient_over
from misread.attack.physical.placebo import mirrored, shuffled, shuffled_colours, turned_colours
from misread.attack.physical.problem import PhysicalProblem
from misread.attack.physical.terms import nonprintability, roughness
from misread.attack.threat import Threat
from misread.errors import InputError, ModelError, OptionError
from misread.pixels import from_unit, to_unit
from misread.registry import by_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from misread.attack.goal import Goal
    from misread.attack.physical.channel import Clip
    from misread.attack.physical.eot import Found, Progress
    from misread.attack.physical.terms import Colour
    from misread.attack.physical.threats import Gradient, PhysicalThreat
    from misread.attack.problem import Model
    from misread.card import ModelCard
    from misread.stats import Rate


@dataclass(frozen=True, kw_only=True, slots=True)
class PhysicalOptions:
    """How a physical witness is made.

    Attributes:
        attack: The search.
        profile: Channel profile, by name or in full.
        backgrounds: Pictures that the sign is shown before, (h, w, 3) uint8 each; empty leaves it in its own. The
            search sees every other one, the final measurement the rest.
        held_clips: Clips of the final measurement; at least 5 give an interval.
        held_frames: Frames in each.
        seed: Seed of all draws.

    Raises:
        OptionError: A count below 1, a negative seed, or a single background.
    """

    attack: EotPgd = field(default_factory=EotPgd)
    profile: str | Profile = PROFILES[0]
    backgrounds: tuple[NDArray[np.uint8], ...] = ()
    held_clips: int = 20
    held_frames: int = 12
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse a measurement of nothing."""
        if not (self.held_clips >= 1 and self.held_frames >= 1 and self.seed >= 0):
            counts = f"{self.held_clips} clips, {self.held_frames} frames, seed {self.seed}"
            message = f"held-out clips and frames start at 1 and a seed at 0, got {counts}"
            raise OptionError(message)
        if len(self.backgrounds) == 1:
            message = "backgrounds are shared out between search and measurement; give at least 2, got 1"
            raise OptionError(message)

    def channel(self, card: ModelCard, mask: NDArray[np.bool_], *, held: bool = False) -> Channel:
        """Give the channel of the search, or that of the final measurement."""
        profile = self.profile if isinstance(self.profile, Profile) else named_profile(self.profile)
        chosen = self.backgrounds[held::2]
        if not chosen:
            return Channel(profile=profile, card=card)
        backdrop = Backdrop(pictures=tuple(map(_tensor, chosen)), sign=torch.as_tensor(mask))
        return Channel(profile=profile, card=card, backdrop=backdrop)


@dataclass(frozen=True, kw_only=True, slots=True)
class PhysicalOutcome:
    """A physical witness. Nothing here is a result yet: the deployed build and another channel have the last word.

    The rates are shares of frames of held-out clips of the training channel, the same clips for every arm.

    Attributes:
        image: (h, w, 3) uint8, what to print.
        placebo: (h, w, 3) uint8, the same change with its pixels shuffled over the mask.
        success: Frames in which the image reaches the goal.
        placebo_misread: Frames in which the placebo is misread, as anything.
        mirrored_misread: Frames in which the mirrored change is misread: a placebo with the same grain. What covers the
            sign is turned by half a turn instead.
        control: Frames in which the clean picture is read right. Without it no success means anything.
        largest_level: Largest change of any value, in levels of 255.
        values_changed: Number of values changed.
        tv: Total variation of the change, or of what covers the sign: mean difference of neighbours, of full scale.
        nonprintability: Mean distance of the changed area to printable colours, of full scale.
        area: Pixels that might change.
        sign_area: Pixels of the mask that was given.
        best_step: Step at which the image was seen, of ``attack.steps``.
        search: The search's own account, every draw of it included.
        place_log: Every draw of the search for a place, where the threat has one.
        held_out: Every draw of the final measurement, as JSON types.
        profile: Name of the channel's profile.
        profile_version: Its version.
        seconds: Wall-clock time.
    """

    image: NDArray[np.uint8]
    placebo: NDArray[np.uint8]
    success: Rate
    placebo_misread: Rate
    mirrored_misread: Rate
    control: Rate
    largest_level: int
    values_changed: int
    tv: float
    nonprintability: float
    area: int
    sign_area: int
    best_step: int
    search: Found
    place_log: tuple[dict[str, Any], ...]
    held_out: tuple[dict[str, Any], ...]
    profile: str
    profile_version: int
    seconds: float


def make_physical_witness(
    twin: Model,
    card: ModelCard,
    picture: NDArray[np.uint8],
    mask: NDArray[np.bool_],
    truth: int,
    *,
    threat: Threat | PhysicalThreat,
    goal: Goal | None = None,
    options: PhysicalOptions | None = None,
    progress: Progress | None = None,
) -> PhysicalOutcome:
    """Change a picture so that it is misread when it is printed or shown and filmed.

    Args:
        twin: RGB (n, 3, h, w) in [0, 1] -> logits; left as found.
        card: How the deployed reader prepares what it sees.
        picture: (h, w, 3) uint8, whole; what is printed.
        mask: (h, w) bool, the pixels that may change: the sign's own area.
        truth: Class that the picture shows.
        threat: Linf bound of the change, or what is done to the sign, such as ``Stickers()``.
        goal: What counts as success; any other class by default.
        options: Search, profile, size of the measurement, seed.
        progress: Told (what, done, total).

    Raises:
        InputError: Picture, mask and label do not fit together.
        OptionError: The threat is not bounded by linf.
        ModelError: The twin returns no logits.
    """
    started = time.perf_counter()
    options = options or PhysicalOptions()
    goal = goal or Untargeted()
    bound = threat if isinstance(threat, Threat) else threat.bound
    problem = PhysicalProblem(
        channel=options.channel(card, mask),
        model=twin,
        picture=_tensor(picture),
        mask=torch.as_tensor(mask),
        truth=truth,
        threat=bound,
        goal=goal,
    )
    generator = torch.Generator().manual_seed(options.seed)
    with untouched(twin):
        _check_model(problem)
        channel = options.channel(card, mask, held=True)
        held = replace(problem, channel=channel).draw(options.held_clips, options.held_frames, 1.0, generator)
        place_log: list[dict[str, Any]] = []
        if not isinstance(threat, Threat):
            problem = threat.placed(problem, _watched(options.attack, generator, place_log))
        found = options.attack.search(problem, generator, progress=progress)
        problem = replace(problem, channel=channel)
        outcome = _outcome(problem, found, held, generator, palette=options.attack.terms.palette)
    seconds = time.perf_counter() - started
    return replace(outcome, sign_area=int(mask.sum()), place_log=tuple(place_log), seconds=seconds)


def held_out_captures(
    card: ModelCard, picture: NDArray[np.uint8], mask: NDArray[np.bool_], options: PhysicalOptions
) -> Callable[[NDArray[np.uint8]], Iterator[NDArray[np.uint8]]]:
    """Draw the clips of the final measurement once more, to show them to others than the twin.

    Returns:
        (h, w, 3) uint8, a picture of that size -> per clip the prepared pictures (n, h, w, 3) uint8 of its frames.
    """
    channel, generator = options.channel(card, mask, held=True), torch.Generator().manual_seed(options.seed)
    size_hw = (picture.shape[0], picture.shape[1])
    clips = [channel.draw(size_hw, options.held_frames, 1.0, generator) for _ in range(options.held_clips)]

    def capture(shown: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
        with torch.no_grad():
            for clip in clips:
                yield from_unit(channel.apply(_tensor(shown), clip).numpy())

    return capture


def _watched(attack: EotPgd, generator: torch.Generator, log: list[dict[str, Any]]) -> Gradient:
    """Gradients over fresh captures of full severity, each draw logged."""

    def gradient(problem: PhysicalProblem, x: torch.Tensor) -> torch.Tensor:
        clips = attack.draw(problem, attack.steps, generator)
        log.extend({"place": True, **clip.log()} for clip in clips)
        return gradient_over(problem, x, clips)

    return gradient


def named_profile(name: str) -> Profile:
    """Look up a profile.

    Raises:
        UnknownName: There is none of that name.
    """
    return by_name("channel profile", PROFILES, name)


def _tensor(picture: NDArray[np.uint8]) -> torch.Tensor:
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != "uint8":
        message = f"expected a picture (h, w, 3) uint8 RGB, got {picture.shape} {picture.dtype}"
        raise InputError(message)
    return torch.from_numpy(to_unit(picture[None]))[0]


def _check_model(problem: PhysicalProblem) -> None:
    (clip,) = problem.draw(1, 1, 0.0, torch.Generator().manual_seed(0))
    with torch.no_grad():
        logits: object = problem.model(problem.channel.apply(problem.picture, clip))
    if not isinstance(logits, torch.Tensor) or logits.ndim != 2 or len(logits) != 1 or logits.shape[1] < 2:
        got = tuple(logits.shape) if isinstance(logits, torch.Tensor) else type(logits).__name__
        message = f"expected logits (n, classes) with at least 2 classes from the model, got {got}"
        raise ModelError(message)
    if not 0 <= problem.truth < logits.shape[1]:
        message = f"label {problem.truth} does not exist: the model has {logits.shape[1]} classes"
        raise InputError(message)


def _outcome(
    problem: PhysicalProblem,
    found: Found,
    held: tuple[Clip, ...],
    generator: torch.Generator,
    *,
    palette: tuple[Colour, ...],
) -> PhysicalOutcome:
    placebo, mirror = _controls(problem, found.image, generator)
    levels = ((found.image - problem.picture) * 255).round().abs()
    profile = problem.channel.profile
    return PhysicalOutcome(
        image=_pixels(found.image),
        placebo=_pixels(placebo),
        success=problem.measure(found.image, held).rate,
        placebo_misread=_misread(problem, placebo, held),
        mirrored_misread=_misread(problem, mirror, held),
        control=_read_right(problem, held),
        largest_level=int(levels.max()),
        values_changed=int((levels > 0).sum()),
        tv=float(roughness(problem, found.image)),
        nonprintability=float(nonprintability(found.image, problem.mask, palette)),
        area=int(problem.mask.sum()),
        sign_area=int(problem.mask.sum()),
        best_step=found.step,
        search=found,
        place_log=(),
        held_out=tuple(clip.log() for clip in held),
        profile=profile.name,
        profile_version=profile.version,
        seconds=0.0,
    )


def _controls(
    problem: PhysicalProblem, image: torch.Tensor, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Without order, and with the same grain."""
    clean, mask = problem.picture, problem.mask
    if problem.covers:
        return shuffled_colours(clean, image, mask, generator), turned_colours(clean, image, mask)
    return shuffled(clean, image, mask, problem.threat, generator), mirrored(clean, image, mask, problem.threat)


def _misread(problem: PhysicalProblem, picture: torch.Tensor, held: tuple[Clip, ...]) -> Rate:
    return replace(problem, goal=Untargeted()).measure(picture, held).rate


def _read_right(problem: PhysicalProblem, held: tuple[Clip, ...]) -> Rate:
    return replace(problem, goal=Targeted(problem.truth)).measure(problem.picture, held).rate


def _pixels(image: torch.Tensor) -> NDArray[np.uint8]:
    pixels: NDArray[np.uint8] = from_unit(image[None].numpy())[0]
    return pixels
