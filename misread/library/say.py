"""A result as the JSON document that its command prints with `--json`."""

from __future__ import annotations

from typing import Any, Final

from misread.registry import by_name
from misread.report.json import dumps, result_document, verification_document
from misread.runtime.verdict import Verification

#: By name, since those of the host must not be imported here.
_KINDS: Final = (
    ("Assessment", "misread-assessment"),
    ("AttackResult", "misread-attack"),
    ("Comparison", "misread-comparison"),
    ("Evaluation", "misread-evaluation"),
    ("ExportResult", "misread-export"),
    ("Inspection", "misread-inspection"),
    ("Perf", "misread-perf"),
    ("QuantizeResult", "misread-quantization"),
    ("Verification", "misread-verification"),
)


def as_json(result: Any) -> str:
    """Return a result as one JSON document in ASCII with `schema` and `kind`; it ends with a new line.

    Args:
        result: what one of the calls of misread returned.

    Raises:
        UnknownName: it is no such result.

    Examples:
        >>> found = misread.verify("bundle", "signs.onnx")
        >>> import json
        >>> document = json.loads(misread.as_json(found))
        >>> document["kind"], document["builds"][0]["verified"]["share"]
        ('misread-verification', 1.0)
    """
    if isinstance(result, Verification):
        return dumps(verification_document(result))
    _, kind = by_name("result", _KINDS, type(result).__name__, key=lambda pair: pair[0])
    return dumps(result_document(kind, result))
