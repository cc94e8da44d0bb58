"""What `misread physical` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from misread.report.text.table import WIDTH, facts, table, wrapped

if TYPE_CHECKING:
    from collections.abc import Iterator


def physical_text(result: Any, *, width: int = WIDTH) -> str:
    """Return changes made to be filmed as plain text that ends with its sentence.

    Args:
        result: `misread.attack.printed.PrintedResult`, which stands on a higher floor.
        width: of the screen, in columns.
    """
    about = [
        ("picture", f"{result.picture}, {result.label}"),
        ("threat", f"{result.threat}, on {result.witnesses[0].share:.1%} of the sign"),
        ("goal", result.goal),
        ("channel", result.profile),
        ("roughness", _of_each(result, "tv")),
        ("off palette", _of_each(result, "nonprintability")),
        ("bundle", str(result.bundle)),
    ]
    head = ("search", "read by", "clean right", "reaches goal", "placebo misread")
    blocks = [
        facts(about, width=width),
        table(head, list(_rows(result)), width=width, indent=0, gives=1),
        wrapped(result.sentence, width=width),
        wrapped(f"Next: misread camera -m BUILD --bundle {result.bundle} --headless", width=width),
    ]
    return "\n\n".join("\n".join(block) for block in blocks) + "\n"


def _of_each(result: Any, name: str) -> str:
    """Say a share of full scale for each witness, in levels of 255."""
    return ", ".join(f"{255 * getattr(each, name):.1f}/255 ({each.witness})" for each in result.witnesses)


def _rows(result: Any) -> Iterator[tuple[str, ...]]:
    for each in result.witnesses:
        for name, arms in (("torch", each.torch), *each.builds.items()):
            rates = (arms.control, arms.success, arms.placebo)
            yield f"{each.witness} {each.search}", name, *(f"{rate.hits}/{rate.total}" for rate in rates)
