"""Bundles and verifications as a report gets them, with a script planted wherever a stranger's string can stand."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from misread.bundle import Bundle, BundleWriter, Witness
from misread.card import ModelCard
from misread.runtime.fingerprint import Fingerprint
from misread.runtime.noise import NoiseFloor
from misread.runtime.verdict import BuildVerdict, GateResult, Judgement, Look, Step, Verdict, Verification
from misread.stats import wilson
from misread.wish import UNTARGETED

PLANTED = "<script>document.title='broken'</script>\"'>"
LABELS = ("Stop", PLANTED, "Yield")
RAN = Fingerprint(
    model_sha256="a" * 64,
    card_sha256="b" * 64,
    onnxruntime="1.2.3",
    providers=("CPUExecutionProvider",),
    nodes=(("CPUExecutionProvider", 7),),
    threads=2,
    level="all",
    cpu=PLANTED,
    features=("avx2",),
    machine="x86_64",
    system="Linux",
    python="3.11",
    numpy="2",
    opencv="4",
)


def made_bundle(folder: Path, witnesses: int, *, side: int = 16, noisy: bool = False) -> Bundle:
    """Write witnesses whose largest change is 1, 2, 3 ... levels in turn; `noisy` in every value."""
    generator, writer = np.random.default_rng(0), BundleWriter(folder)
    for number in range(witnesses):
        clean = generator.integers(40, 215, (side, side, 3)).astype(np.uint8)
        changed = clean.copy()
        level = number % 8 + 1
        if noisy:
            changed = (clean + generator.integers(-level, level + 1, clean.shape)).astype(np.uint8)
        changed[0, 0, 0] = clean[0, 0, 0] + level
        writer.add(
            clean=clean,
            changed=changed,
            label=LABELS[number % 2],
            label_given=True,
            goal=UNTARGETED,
            prepared=True,
            torch_float=True,
            torch_8bit=True,
            source=f"{number}-{PLANTED}.png",
        )
    return writer.finish(
        card=ModelCard(labels=LABELS, size_hw=(side, side)),
        origin=PLANTED,
        threat={"norm": "linf", "eps": None},
        attack={"name": "minimal", "seed": 0},
        counts={"attempted": witnesses + 1},
        created="2026-01-01T00:00:00+00:00",
    )


def judged(witness: Witness, verdict: Verdict, read: str) -> Judgement:
    clean = Look(label=witness.label, confidence=0.9, margin=2.0)
    margin = 1.0 if read == witness.label else -float(witness.id) - 1.0
    return Judgement(
        witness=witness.id,
        label=witness.label,
        goal=UNTARGETED,
        verdict=verdict,
        clean=clean,
        changed=Look(label=read, confidence=0.6, margin=margin),
        placebo=clean,
        misread=verdict is Verdict.VERIFIED,
    )


def made_verification(bundle: Bundle) -> Verification:
    """On fp32 every witness is verified, on int8 the first is refuted and the second excluded."""
    everywhere = tuple(judged(one, Verdict.VERIFIED, "Yield") for one in bundle.witnesses)
    first, second, *_ = bundle.witnesses
    special = (judged(first, Verdict.REFUTED, first.label), judged(second, Verdict.EXCLUDED, "Yield"))
    noise = NoiseFloor(logit=0.01, margin=0.02, pictures=1, measured_over=())
    names = (f"fp32 {PLANTED}", "int8")
    gate = GateResult(
        gate="max-flips", build=names[0], passed=False, sentence=f"{PLANTED}: too many", rate=wilson(1, 1), limit=0.0
    )
    lost = tuple(
        Judgement(witness=one.id, label=one.label, goal=UNTARGETED, verdict=Verdict.UNAVAILABLE)
        for one in bundle.witnesses
    )
    return Verification(
        bundle=bundle.folder,
        witnesses=len(bundle.witnesses),
        builds=(
            BuildVerdict(name=names[0], judgements=everywhere, fingerprint=RAN, noise=noise, card_from=(PLANTED,)),
            BuildVerdict(name=names[1], judgements=special + everywhere[2:], fingerprint=RAN),
            BuildVerdict(name="lost", judgements=lost, reason=PLANTED, exit_code=2),
        ),
        ladder=(Step(reader=names[0], rung="file", title=PLANTED, survived=wilson(3, 4)),),
        origin=PLANTED,
        threat=bundle.threat,
        attack=bundle.attack,
        counts=bundle.counts,
        labels_given=len(bundle.witnesses) - 1,
        bundle_sha256=bundle.sha256,
        gates=(gate,),
    )
