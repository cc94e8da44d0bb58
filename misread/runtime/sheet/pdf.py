"""Pages as a PDF in true millimetres. The only file that knows fpdf2."""

from __future__ import annotations

from datetime import UTC, datetime
from io import BytesIO
from typing import TYPE_CHECKING, Final

import cv2

from misread.runtime.sheet.mark import Drawing, Fill

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fpdf import FPDF

    from misread.runtime.sheet.mark import Mark, Page

DPI: Final = 300
POINTS_PER_MM: Final = 72 / 25.4


def pdf_bytes(pages: Sequence[Page], *, title: str) -> bytes:
    """Paint pages as a PDF; the same pages give the same bytes.

    Raises:
        ModuleNotFoundError: fpdf2 is not installed; the command line says which extra brings it.

    """
    from fpdf import FPDF

    pdf = FPDF(unit="mm")
    pdf.set_creation_date(datetime(2000, 1, 1, tzinfo=UTC))  # else the hour of writing would be in the file
    pdf.set_producer("misread")
    pdf.set_title(_latin(title))
    pdf.set_auto_page_break(auto=False)
    pdf.set_image_filter("FlateDecode")
    for page in pages:
        pdf.add_page(format=(page.width, page.height))
        for mark in page.marks:
            _paint(pdf, mark)
    return bytes(pdf.output())


def _paint(pdf: FPDF, mark: Mark) -> None:
    if isinstance(mark, Fill):
        pdf.set_fill_color(*mark.colour)
        pdf.rect(*mark.box, style="F")
    elif isinstance(mark, Drawing):
        left, top, width, height = mark.box
        drawn = mark.draw(round(width / 25.4 * DPI))
        _, data = cv2.imencode(".png", cv2.cvtColor(drawn, cv2.COLOR_RGB2BGR))
        pdf.image(BytesIO(data.tobytes()), left, top, width, height)
    else:
        pdf.set_font("Helvetica", style="B" if mark.bold else "", size=mark.size_mm * POINTS_PER_MM)
        pdf.text(mark.left, mark.base, _latin(mark.text))


def _latin(text: str) -> str:
    """Keep to what the fonts of every PDF reader hold."""
    return text.encode("latin-1", "replace").decode("latin-1")
