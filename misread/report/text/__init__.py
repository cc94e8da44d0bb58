"""Results as plain text for a terminal or a pipe."""

from __future__ import annotations

from misread.report.text.attack import attack_text
from misread.report.text.camera import camera_text
from misread.report.text.diagnosis import diagnosis_text
from misread.report.text.export import export_text
from misread.report.text.verification import verification_text

__all__ = ["attack_text", "camera_text", "diagnosis_text", "export_text", "verification_text"]
