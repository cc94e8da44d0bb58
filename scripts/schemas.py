"""Write the JSON Schemas of all documents that `--json` prints, from the dataclasses behind them.

A field's type becomes its schema, and what the docstring says of it its description. Run it where torch is installed,
after a field was added: `python -m scripts.schemas`.
"""

from __future__ import annotations

import ast
import enum
import importlib
import inspect
import json
import re
import sys
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path, PurePath
from typing import Any, Final, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np

from misread.report.json import SCHEMA
from misread.report.schema import DIALECT, FOLDER
from misread.stats import Rate
from misread.wish import Wish

Json = dict[str, Any]

#: Kind of document -> where the dataclass behind it stands.
RESULTS: Final = {
    "verification": "misread.runtime.verdict:Verification",
    "diagnosis": "misread.runtime.doctor:Diagnosis",
    "inspection": "misread.runtime.inspect:Inspection",
    "export": "misread.export.run:ExportResult",
    "quantization": "misread.export.quantize.run:QuantizeResult",
    "comparison": "misread.runtime.compare:Comparison",
    "evaluation": "misread.runtime.evaluate:Evaluation",
    "perf": "misread.runtime.perf:Perf",
    "attack": "misread.attack.run:AttackResult",
    "physical": "misread.attack.printed.run:PrintedResult",
    "pack": "misread.runtime.replay.pack:PackResult",
    "assessment": "misread.attack.assess.result:Assessment",
    "camera": "misread.runtime.camera.result:CameraResult",
    "sheet": "misread.runtime.sheet.write:SheetResult",
    "lens-fit": "misread.runtime.calibrate.lens:LensFit",
    "photometry": "misread.runtime.calibrate.photometry:Photometry",
    "demo": "misread.demo.result:DemoResult",
    "selftest": "misread.attack.selftest.run:SelfTest",
    "report": "misread.report.results.whole:Reported",
    "judgement": "misread.runtime.verdict:Judgement",
}
#: What every result may say besides its fields.
SAID: Final[Mapping[str, Json]] = {
    "sentence": {"type": "string", "description": "What happened, in numbers."},
    "passed": {"type": "boolean", "description": "Whether every check passed."},
    "exit_code": {"type": "integer", "description": "What the command ends with."},
}
SCALARS: Final[Mapping[Any, Json]] = {
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": ["number", "null"]},  # what is not finite is null
    str: {"type": "string"},
    type(None): {"type": "null"},
    Wish: {"type": "string"},
}
#: Fields that are left out of documents: pictures, and where they lie.
LEFT_OUT: Final[Mapping[str, frozenset[str]]] = {
    "CameraResult": frozenset({"folder"}),
    "KeyFrame": frozenset({"image"}),
    "DemoResult": frozenset({"content"}),
}
#: Properties that documents write beside the fields.
WRITTEN: Final[Mapping[str, tuple[str, ...]]] = {
    "BuildVerdict": ("available", "passed", "clean", "verified", "misread", "robust"),
    "Replay": ("agrees", "within_noise", "sentence"),
}
RATE: Final[Json] = {
    "description": "A share with its counts; low and high are its 95 % interval, null where none is honest.",
    "type": "object",
    "properties": {
        "hits": {"type": "integer", "minimum": 0},
        "total": {"type": "integer", "minimum": 0},
        **{name: {"type": ["number", "null"], "minimum": 0, "maximum": 1} for name in ("share", "low", "high")},
    },
    "required": ["hits", "total", "low", "high"],
}
_ENTRY: Final = re.compile(r"^ {4}(\w+): ")


def schemas() -> dict[str, Json]:
    """Return the schema of every document, by kind."""
    return {kind: schema_of(kind) for kind in RESULTS}


def schema_of(kind: str) -> Json:
    """Return the schema of one kind of document; new fields may come, so an object may have more than it says."""
    module, _, name = RESULTS[kind].partition(":")
    result = getattr(importlib.import_module(module), name)
    defs: dict[str, Json] = {}
    body = _object(result, defs)
    said = {name: schema for name, schema in SAID.items() if hasattr(result, name)}
    head = {"schema": {"const": SCHEMA}, "kind": {"const": f"misread-{kind}"}}
    special = SPECIAL.get(kind)
    properties = head | said | body["properties"] | (special(defs) if special else {})
    return {
        "$schema": DIALECT,
        "$id": f"urn:misread:schema:{kind}:{SCHEMA}",
        "title": f"misread-{kind}",
        "description": body.get("description", ""),
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "$defs": dict(sorted(defs.items())),
    }


def shape(hint: Any, defs: dict[str, Json]) -> Json:  # noqa: PLR0911  one return per kind reads best
    """Return the schema of a type as `misread.report.json.plain` writes its values.

    Raises:
        TypeError: nothing is known of it.
    """
    origin, inner = get_origin(hint), get_args(hint)
    if hint in SCALARS:
        return dict(SCALARS[hint])
    if hint is Any or hint is object:
        return {}
    if origin in {Union, types.UnionType}:
        return _either([shape(one, defs) for one in inner])
    if origin is Literal:
        return {"enum": list(inner)}
    if origin is tuple and inner[-1] is not Ellipsis:
        each = [shape(one, defs) for one in inner]
        return {"type": "array", "prefixItems": each, "minItems": len(each), "maxItems": len(each)}
    if origin in {tuple, list, set, frozenset, Sequence}:
        return {"type": "array", "items": shape(inner[0], defs)}
    if origin in {dict, Mapping}:
        return {"type": "object", "additionalProperties": shape(inner[1], defs)}
    if isinstance(origin or hint, type):
        return _named(origin or hint, defs)
    raise TypeError(f"nothing is known of {hint!r}")


def _named(kind: type, defs: dict[str, Json]) -> Json:
    if issubclass(kind, PurePath):
        return {"type": "string"}
    if issubclass(kind, enum.Enum):
        return {"enum": [member.value for member in kind]}
    if issubclass(kind, np.ndarray):
        return {"type": "array"}
    if not is_dataclass(kind):
        raise TypeError(f"nothing is known of {kind!r}")
    if kind.__name__ not in defs:
        defs[kind.__name__] = {}  # it may hold itself
        defs[kind.__name__] = dict(RATE) if kind is Rate else _object(kind, defs)
    return {"$ref": f"#/$defs/{kind.__name__}"}


def _object(kind: Any, defs: dict[str, Json]) -> Json:
    """Return the schema of a dataclass, what it is and each field in the words of its docstring."""
    hints, words = _hints(kind), _words(kind)
    properties: dict[str, Json] = {}
    for field in fields(kind):
        if field.name not in LEFT_OUT.get(kind.__name__, frozenset()):
            described = {"description": words[field.name]} if field.name in words else {}
            properties[field.name] = described | shape(hints[field.name], defs)
    for name in WRITTEN.get(kind.__name__, ()):
        properties[name] = _property(getattr(kind, name).fget, defs)
    summary = (inspect.getdoc(kind) or "").partition("\n\n")[0].replace("\n", " ")
    return {"description": summary, "type": "object", "properties": properties, "required": list(properties)}


def _property(getter: Any, defs: dict[str, Json]) -> Json:
    summary = (inspect.getdoc(getter) or "").partition("\n\n")[0].replace("\n", " ")
    return {"description": summary, **shape(_hints(getter)["return"], defs)}


def _hints(kind: Any) -> dict[str, Any]:
    """Resolve annotations, those too that a module imports for type checkers alone."""
    module = sys.modules[kind.__module__]
    known = dict(vars(module))
    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            imports = ast.Module([one for one in node.body if isinstance(one, ast.Import | ast.ImportFrom)], [])
            exec(compile(imports, module.__name__, "exec"), known)  # noqa: S102  our own import lines
    return get_type_hints(kind, known)


def _words(kind: type) -> dict[str, str]:
    """Return what the docstring says of each field."""
    words: dict[str, str] = {}
    name = ""
    _, _, section = (inspect.getdoc(kind) or "").partition("\nAttributes:\n")
    for line in section.split("\n\n")[0].split("\n"):
        if found := _ENTRY.match(line):
            name = found[1]
        if name:
            words[name] = f"{words.get(name, '')} {line.removeprefix(f'    {name}: ').strip()}".strip()
    return words


def _either(shapes: list[Json]) -> Json:
    """Join alternatives, the plain ones into one list of types."""
    if all(one.keys() == {"type"} for one in shapes):
        names = [one["type"] if isinstance(one["type"], list) else [one["type"]] for one in shapes]
        return {"type": list(dict.fromkeys(name for each in names for name in each))}
    return {"anyOf": shapes}


def _verification(defs: dict[str, Json]) -> Json:
    """Say what the document writes otherwise than the result holds it."""
    from misread.runtime.paired import Pair
    from misread.runtime.verdict import BuildVerdict, Verdict

    build = defs[BuildVerdict.__name__]["properties"]
    otherwise = {"judgements", "exit_code"}
    properties = {name: schema for name, schema in build.items() if name not in otherwise} | {
        "placebo_misread": _property(BuildVerdict.placebo.fget, defs),  # type: ignore[attr-defined]
        "counts": {
            "type": "object",
            "properties": {str(verdict): {"type": "integer", "minimum": 0} for verdict in Verdict},
            "required": [str(verdict) for verdict in Verdict],
        },
        "witnesses": build["judgements"],
    }
    defs[BuildVerdict.__name__] |= {"properties": properties, "required": list(properties)}
    return {"pairs": {"description": "Every two builds that ran.", **shape(tuple[Pair, ...], defs)}}


def _diagnosis(_: dict[str, Json]) -> Json:
    return {"problems": {"type": "array", "items": {"type": "string"}, "description": "What must be mended."}}


def _demo(_: dict[str, Json]) -> Json:
    numbers = {"type": "object", "additionalProperties": {"type": "number"}}
    paths = {"type": "object", "additionalProperties": {"type": "string"}}
    return {"stages": numbers, "files": paths, "seconds": {"type": "number"}}


def _judgement(_: dict[str, Json]) -> Json:
    return {
        "build": {"type": "string", "description": "name of the build."},
        "sha256": {"type": "string", "description": "of the model file."},
        "lost_at": {"type": ["string", "null"], "description": "first rung that it did not survive."},
    }


#: What a kind of document says otherwise than its dataclass.
SPECIAL: Final[Mapping[str, Callable[[dict[str, Json]], Json]]] = {
    "verification": _verification,
    "diagnosis": _diagnosis,
    "demo": _demo,
    "judgement": _judgement,
}


def text(schema: Json) -> str:
    """Return a schema as the file that ships."""
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


def main() -> None:
    """Write them all."""
    for kind, schema in schemas().items():
        Path(FOLDER / f"{kind}.json").write_text(text(schema), encoding="utf-8")


if __name__ == "__main__":
    main()
