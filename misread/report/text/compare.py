"""What `misread compare` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from misread.report.text.table import WIDTH, facts, table, wrapped

if TYPE_CHECKING:
    from misread.runtime.compare.path.result import Effect, PathFinding
    from misread.runtime.compare.result import Comparison, Percentiles, Side

FLIPS: Final = 12
LAYERS: Final = 10
_TRIED: Final = 5


def compare_text(found: Comparison, *, width: int = WIDTH) -> str:
    """Return a comparison as plain text: the two sides, agreement, flips, differences, the path, the sentence."""
    blocks = [
        _sides(found, width),
        facts(
            [
                ("pictures", f"{found.pictures} from {found.data}"),
                ("labels", _labels(found)),
                ("agreement", found.agreement.text()),
            ],
            width=width,
        ),
        _flips(found, width),
        _differences(found, width),
        _noise(found, width),
        *(_path(path, width) for path in found.paths),
        _layers(found, width),
        wrapped(found.sentence, width=width),
    ]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def _sides(found: Comparison, width: int) -> list[str]:
    lines: list[str] = []
    for letter, side in (("A", found.a), ("B", found.b)):
        accuracy = f", right on {side.accuracy.text()}" if side.accuracy else ""
        lines += wrapped(f"{side.name}{accuracy}", first=f"{letter}  ", width=width)
        for text in _details(side):
            lines += wrapped(text, first="   ", width=width)
    return lines


def _details(side: Side) -> list[str]:
    digests = [("sha256", side.sha256), ("card", side.card_sha256)]
    known = [f"{name} {digest[:16]}…" for name, digest in digests if digest]
    lines = [", ".join(known) + (f" from {', '.join(side.card_from)}" if side.card_from else "")]
    if side.fingerprint is None:
        return lines
    ran = side.fingerprint
    return [
        *lines,
        f"onnxruntime {ran.onnxruntime}, {', '.join(ran.providers)}, {ran.threads} threads, level {ran.level}",
    ]


def _labels(found: Comparison) -> str:
    if found.shared_labels == found.a.labels == found.b.labels:
        return str(found.shared_labels)
    counts = f"{found.shared_labels} shared, of {found.a.labels} in A and {found.b.labels} in B"
    outside = [
        f"{name} reads {side.unshared} pictures as none of them"
        for name, side in zip("AB", (found.a, found.b), strict=True)
        if side.unshared
    ]
    return "; ".join([counts, *outside])


def _flips(found: Comparison, width: int) -> list[str]:
    if not found.flips:
        return []
    rows = [
        (
            flip.name,
            flip.label_a,
            flip.label_b,
            f"{flip.margin_a:.3g}",
            f"{flip.margin_b:.3g}",
            " ".join(flip.in_noise_of) or "-",
        )
        for flip in found.flips[:FLIPS]
    ]
    heads = ("picture", "A reads", "B reads", "margin A", "margin B", "in noise of")
    lines = table(heads, rows, right={3, 4}, width=width)
    if len(found.flips) > FLIPS:
        lines.append(f"  and {len(found.flips) - FLIPS} more; --json lists them")
    return lines


def _differences(found: Comparison, width: int) -> list[str]:
    rows = [
        (f"largest difference of {found.space}", *_percentiles(found.difference, 1.0)),
        ("  as a share of A's range, %", *_percentiles(found.relative, 100.0)),
    ]
    return table(("picture by picture", "p50", "p90", "p99", "max"), rows, right={1, 2, 3, 4}, width=width)


def _percentiles(values: Percentiles, factor: float) -> tuple[str, ...]:
    return tuple(f"{value * factor:.3g}" for value in (values.p50, values.p90, values.p99, values.max))


def _noise(found: Comparison, width: int) -> list[str]:
    rows = [
        (letter, entry.setting, f"{entry.logit:.2g}", f"{entry.margin:.2g}", str(entry.flips))
        for letter, side in (("A", found.a), ("B", found.b))
        for entry in side.noise.measured_over
    ]
    lines = table(("noise of", "changed", "logit", "margin", "flips"), rows, right={2, 3, 4}, width=width)
    for letter, side in (("A", found.a), ("B", found.b)):
        lines += [
            line for text in side.noise.skipped for line in wrapped(f"not measured on {letter}: {text}", width=width)
        ]
    return lines


def _path(path: PathFinding, width: int) -> list[str]:
    lines = wrapped(f"{path.sentence} ({path.pictures} pictures)", width=width)
    if path.effects:
        rows = [_effect(effect) for effect in path.effects]
        heads = ("stage", *path.sides, "mean", "max")
        lines += table(heads, rows, right={3, 4}, width=width, gives=2)
        lines += wrapped("  in grey levels, 1/255 of full scale, each stage by itself", width=width)
        lines += [
            line for effect in path.effects if effect.why for line in wrapped(f"  {_excused(effect)}", width=width)
        ]
    if not path.explained:
        rows = [(tried.text, f"{tried.rms:.1f}") for tried in path.tried[:_TRIED]]
        lines += table(("tried", "levels left"), rows, right={1}, width=width)
    left = f"left unexplained: {path.left.mean:.2f} levels on average, {path.left.max:.1f} at most"
    limit = f"tolerance {path.tolerance[0]:g} rms, {path.tolerance[1]:g} at 99.9 %"
    lines += wrapped(f"{left} ({limit})", first="  ", width=width)
    if path.remark:
        lines += wrapped(path.remark, first="  ", width=width)
    for text in path.unseen:
        lines += wrapped(f"cannot be told from these pictures: {text}", first="  ", width=width)
    return lines


def _layers(found: Comparison, width: int) -> list[str]:
    if found.drift is None:
        return []
    lines = wrapped(f"{found.drift.sentence} ({found.drift.pictures} pictures)", width=width)
    rows = [
        (
            layer.name,
            layer.operator,
            layer.weight or "-",
            "exact" if layer.snr_db is None else f"{layer.snr_db:.1f}",
            layer.matched,
        )
        for layer in found.drift.worst[:LAYERS]
    ]
    lines += table(("layer, worst first", "operator", "weight", "dB", "matched by"), rows, right={3}, width=width)
    if len(found.drift.layers) > LAYERS:
        lines.append(f"  and {len(found.drift.layers) - LAYERS} more; --json lists them in order")
    if found.drift.unmatched:
        lines.append(f"  {found.drift.unmatched} layers of A were not found in B")
    return lines


def _effect(effect: Effect) -> tuple[str, ...]:
    from misread.runtime.compare.path.result import STAGES

    change = effect.change
    mark = "" if effect.named else " *"
    return (
        STAGES[change.stage] + mark,
        change.expected,
        change.found,
        f"{effect.levels.mean:.2f}",
        f"{effect.levels.max:.0f}",
    )


def _excused(effect: Effect) -> str:
    from misread.runtime.compare.path.result import STAGES

    return f"* {STAGES[effect.change.stage]} is no mistake: {effect.why}"
