"""What is known to be no gain, or measured in the wrong place: said with the result, refused by nobody."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from misread.export.onnx_file import graphs_of
from misread.export.quantize.target import this_machine

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    import onnx

    from misread.export.pictures import Labelled
    from misread.export.quantize.options import StaticOptions
    from misread.export.variants import Form

_CPU: Final = ("CPUExecutionProvider",)


def gain_notes(
    precision: str,
    model: onnx.ModelProto,
    options: StaticOptions,
    providers: tuple[str, ...],
    forms: Collection[Form] = (),
) -> Iterator[str]:
    """Yield a sentence for each thing that makes this build no faster, or its figures no figures of its target.

    Args:
        precision: of the build.
        model: the float model.
        options: of the build.
        providers: that it runs on.
        forms: other forms that are written.
    """
    here = this_machine()
    kinds = Counter(node.op_type for graph in graphs_of(model) for node in graph.node)
    convolves = kinds["Conv"] > kinds["MatMul"] + kinds["Gemm"]
    if precision == "fp16" and providers == _CPU:
        yield "fp16 is storage only on a CPU: onnxruntime computes in float32 there, so it is no faster than fp32"
    if precision == "int8-dynamic" and convolves:
        yield (
            "int8-dynamic measures the range of every activation while it runs, which makes convolutions slower than "
            "fp32 on a CPU; for a convolutional network make int8"
        )
    if "ort" in forms and convolves and not precision.startswith("int8") and here.name.startswith("x86"):
        yield (
            "the .ort file keeps to what every processor runs: on x86 a float convolutional network is up to twice "
            "slower from it than from the .onnx file"
        )
    if not precision.startswith("int8"):
        return
    target = options.processor
    if target.name == "x86":
        yield (
            "without VNNI int8 gains little speed, and the weights keep seven bits; "
            "where the device has VNNI, build with --target x86-vnni"
        )
    if target != here:
        yield f"built for {target.name} and measured on {here.name}: measure accuracy and speed again on the device"


def measuring_notes(labelled: Labelled, calibration: str, max_drop: float | None) -> Iterator[str]:
    """Yield a sentence for each thing that makes a measured drop less than it looks.

    Args:
        labelled: what accuracy was measured on.
        calibration: where ranges were learnt from.
        max_drop: the budget in points.
    """
    if labelled.shared:
        yield (
            f"{labelled.shared} pictures of {labelled.pictures.source} were left out of the measuring: "
            f"ranges were learnt from them ({calibration})"
        )
    if labelled.found > len(labelled) + labelled.shared:
        yield f"measured on {len(labelled)} of {labelled.found} pictures, spread evenly"
    if max_drop is not None and len(labelled) * max_drop < 100:
        yield (
            f"one picture of {len(labelled)} is {100 / len(labelled):.2g} points, more than the budget of "
            f"{max_drop:g}; measure on more"
        )
