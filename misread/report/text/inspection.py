"""What `misread inspect` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from misread.report.text.table import WIDTH, facts, table, wrapped

if TYPE_CHECKING:
    from misread.card import ModelCard
    from misread.runtime.inspect import Inspection, Value

MANY: Final = 12
_STEPS: Final = ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"))


def inspection_text(found: Inspection, *, width: int = WIDTH) -> str:
    """Return an inspection as plain text: the file, what goes in and out, the card, the operators."""
    pairs = [
        ("file", str(found.path)),
        ("size", f"{size_text(found.size_bytes)} ({found.size_bytes} bytes)"),
        ("sha256", found.sha256),
        ("weights", found.weights_sha256 or "not hashed: a part of them lies in another file"),
        ("precision", found.precision),
        ("stored", ", ".join(f"{s.tensors} {s.dtype} ({size_text(s.size_bytes)})" for s in found.stored) or "none"),
        ("other files", ", ".join(found.external)),
        ("opset", ", ".join(f"{domain} {version}" for domain, version in found.opsets)),
        ("ir version", str(found.ir_version)),
        ("producer", found.producer),
        *(("input", _value(value)) for value in found.inputs),
        *(("output", _value(value)) for value in found.outputs),
        *_card(found),
    ]
    lines = facts(pairs, width=width)
    nodes = sum(times for _, times in found.operators)
    own = f", {found.functions} functions of its own" if found.functions else ""
    lines += ["", *wrapped(f"{nodes} nodes of {len(found.operators)} kinds{own}", width=width)]
    shown = found.operators[:MANY]
    lines += table(("", ""), [(kind, str(times)) for kind, times in shown], right={1}, width=width)
    if len(found.operators) > MANY:
        lines.append(f"  and {len(found.operators) - MANY} more kinds; --json lists them")
    return "\n".join(lines) + "\n"


def size_text(size_bytes: int) -> str:
    """Return a size as in `13.4 MiB`; below a KiB as in `512 B`."""
    for step, name in _STEPS:
        if size_bytes >= step:
            return f"{size_bytes / step:.1f} {name}"
    return f"{size_bytes} B"


def _value(value: Value) -> str:
    sides = "of unknown shape" if value.shape is None else f"({', '.join(str(side) for side in value.shape)})"
    return f"{value.name} {value.dtype or 'no tensor'} {sides}"


def _card(found: Inspection) -> list[tuple[str, str]]:
    if found.card is None:
        return [("card", found.card_missing)]
    return [("card", f"from {', '.join(found.card_from)}"), *_fed(found.card)]


def _fed(card: ModelCard) -> list[tuple[str, str]]:
    height, width = card.size_hw
    details = {
        "crop": f"shortest side to {card.resize_px}, centre crop",
        "letterbox": f"letterbox on grey level {card.pad_level}",
    }
    crop = details.get(card.resize, card.resize)
    smooth = "antialiased" if card.antialias else "not antialiased"
    ends = (
        f"{card.labels[0]}, {card.labels[1]}, .., {card.labels[-1]}" if len(card.labels) > 3 else " ".join(card.labels)
    )
    whole = "the picture itself, uint8 RGB of any size; what follows happens in the graph"
    return [
        *([("  takes", whole)] if card.baked_preprocessing else []),
        ("  resize", f"{crop} to {height}x{width} (height x width), {card.interpolation}, {smooth}"),
        ("  pixels", f"{card.colour}, times {card.scale:.6g}, minus {_numbers(card.mean)}, over {_numbers(card.std)}"),
        ("  labels", f"{len(card.labels)}: {ends}"),
        ("  returns", card.output),
    ]


def _numbers(values: tuple[float, ...]) -> str:
    return " ".join(f"{value:.6g}" for value in values)
