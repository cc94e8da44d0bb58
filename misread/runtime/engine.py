"""onnxruntime as it is installed: the devices that it sees, and what its version means here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from misread.runtime.packages import numbers

if TYPE_CHECKING:
    from collections.abc import Collection

OLDEST: Final = (1, 20)
#: With which the tests ran, as constraints.txt says.
TESTED: Final = (1, 31)
_WRONG_ON_VNNI: Final = "1.23.1"
_VNNI: Final = frozenset({"avx512_vnni", "avx_vnni", "amx_int8"})


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineDevice:
    """A device that an execution provider of onnxruntime could use.

    Attributes:
        provider: as in `CPUExecutionProvider`.
        kind: `CPU`, `GPU` or `NPU`.
        vendor: of the device; empty where nobody says.
    """

    provider: str
    kind: str
    vendor: str


def devices(onnxruntime: Any) -> tuple[EngineDevice, ...]:
    """List what onnxruntime could run on; empty where it is too old to say, or fails to."""
    ask = getattr(onnxruntime, "get_ep_devices", None)
    if ask is None:
        return ()
    try:
        found = [
            EngineDevice(
                provider=str(entry.ep_name),
                kind=str(entry.device.type).rpartition(".")[2],
                vendor=str(entry.device.vendor),
            )
            for entry in ask()
        ]
    except Exception:  # noqa: BLE001  a driver that is half installed raises what it likes, and this is only a list
        return ()
    return tuple(dict.fromkeys(found))


def version_warnings(version: str, features: Collection[str]) -> tuple[str, ...]:
    """Say what is wrong with this version of onnxruntime on a processor with these instruction sets."""
    found = []
    if (-1, -1) < numbers(version) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        found.append(f"onnxruntime {version} is older than {oldest}; type: pip install --upgrade onnxruntime")
    if version == _WRONG_ON_VNNI and _VNNI & set(features):
        found.append(
            f"onnxruntime {version} computes some int8 convolutions wrongly on this processor (its issue 26324); "
            "type: pip install --upgrade onnxruntime"
        )
    return tuple(found)


def version_notes(onnxruntime: Any) -> tuple[str, ...]:
    """Say what this version of onnxruntime cannot do, or that nobody has tested it yet."""
    version = str(getattr(onnxruntime, "__version__", ""))
    found = []
    session = getattr(onnxruntime, "InferenceSession", None)
    if not hasattr(session, "get_provider_graph_assignment_info"):
        found.append(f"onnxruntime {version} cannot tell which provider took which node; results leave that open")
    if numbers(version) > TESTED:
        tested = ".".join(map(str, TESTED))
        found.append(
            f"onnxruntime {version} is newer than {tested}, with which misread was tested; "
            "verify int8 builds again after an update"
        )
    return tuple(found)
