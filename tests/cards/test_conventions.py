"""Each convention against figures that its own project publishes, and against what strangers may write."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from misread.card import MAX_CARD_CHARS, ModelCard
from misread.cards import CONVENTIONS, DEFAULTS, GIVEN, GRAPH, OWN, find_card
from misread.cards.facts import CardFacts, distinct
from misread.cards.graph import graph_facts
from misread.errors import MisreadError, ModelError

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
TIMM = {
    "input_size": [3, 224, 224],
    "interpolation": "bicubic",
    "crop_pct": 0.95,
    "crop_mode": "center",
    "mean": list(MEAN),
    "std": list(STD),
    "label_names": ["cat", "dog"],
    "architecture": "resnet10t",
    "forward": "os.system",
}
TIMM_FILE = {"pretrained_cfg": json.dumps(TIMM)}
TORCHVISION = {
    "categories": ["crane", "dog", "crane"],
    "crop_size": [224],
    "resize_size": [232],
    "mean": list(MEAN),
    "std": list(STD),
    "interpolation": "bilinear",
    "antialias": True,
}
VIT = {
    "image_processor_type": "ViTImageProcessor",
    "do_resize": True,
    "size": {"height": 224, "width": 224},
    "resample": 2,
    "do_rescale": True,
    "rescale_factor": 0.00392156862745098,
    "do_normalize": True,
    "image_mean": [0.5, 0.5, 0.5],
    "image_std": [0.5, 0.5, 0.5],
}
CONVNEXT = {
    "feature_extractor_type": "ConvNextFeatureExtractor",
    "size": {"shortest_edge": 224},
    "crop_pct": 0.875,
    "resample": 3,
    "do_normalize": True,
    "image_mean": list(MEAN),
    "image_std": list(STD),
}
MOBILENET = {
    "image_processor_type": "MobileNetV2ImageProcessorFast",
    "size": {"shortest_edge": 256},
    "do_center_crop": True,
    "crop_size": {"height": 224, "width": 224},
    "resample": 2,
    "image_mean": [0.5, 0.5, 0.5],
    "image_std": [0.5, 0.5, 0.5],
}
ULTRALYTICS = {
    "author": "Ultralytics",
    "task": "classify",
    "names": "{0: 'tench', 1: \"king's\", 2: 'crane'}",
    "imgsz": "[224, 224]",
    "stride": "1",
    "channels": "3",
}
IMAGE = {
    "Image.BitmapPixelFormat": "Bgr8",
    "Image.ColorSpaceGamma": "SRGB",
    "Image.NominalPixelRange": "NominalRange_0_255",
}
FLAGS = ModelCard(labels=("x", "y"), size_hw=(16, 16), resize="crop", resize_px=20, mean=(0.1, 0.1, 0.1))


def hugging(config: dict[str, Any], labels: int = 2) -> dict[str, str]:
    names = {str(number): f"label {number}" for number in range(labels)}
    return {"preprocessor_config": json.dumps(config), "config.json": json.dumps({"id2label": names})}


def found(metadata: dict[str, str], **more: Any) -> tuple[ModelCard, tuple[str, ...]]:
    answer = find_card(metadata, name="net.onnx", **more)
    assert answer is not None
    return answer.card, answer.sources


def test_misread_s_own_comes_before_all() -> None:
    metadata = FLAGS.to_metadata() | {"pretrained_cfg": json.dumps(TIMM)} | ULTRALYTICS
    assert found(metadata) == (FLAGS, (OWN,))


def test_timm() -> None:
    card = ModelCard(
        labels=("cat", "dog"),
        size_hw=(224, 224),
        resize="crop",
        resize_px=235,  # floor(224 / 0.95)
        interpolation="bicubic",
        mean=MEAN,
        std=STD,
    )
    assert found({"pretrained_cfg": json.dumps(TIMM)}) == (card, ("timm metadata",))
    squashed = TIMM | {"crop_mode": "squash", "crop_pct": 1.0, "input_size": [1, 20, 30], "mean": [0.5], "std": [1]}
    card, _ = found({"pretrained_cfg": json.dumps(squashed)})
    assert (card.resize, card.size_hw, card.colour, card.mean) == ("squash", (20, 30), "grey", (0.5,))


def test_torchvision_tells_equal_labels_apart() -> None:
    card, sources = found({"torchvision": json.dumps(TORCHVISION)})
    assert sources == ("torchvision metadata",)
    assert card == ModelCard(
        labels=("crane (0)", "dog", "crane (2)"),
        size_hw=(224, 224),
        resize="crop",
        resize_px=232,
        mean=MEAN,
        std=STD,
    )
    stretched = TORCHVISION | {"resize_size": [224, 224]}
    assert found({"torchvision": json.dumps(stretched)})[0].resize == "squash"


@pytest.mark.parametrize(
    ("config", "size", "geometry", "kernel_and_mean"),
    [
        (VIT, 224, ("squash", None), ("bilinear", 0.5)),
        (VIT | {"size": 224}, 224, ("squash", None), ("bilinear", 0.5)),
        (CONVNEXT, 224, ("crop", 256), ("bicubic", MEAN[0])),
        (CONVNEXT | {"size": {"shortest_edge": 384}}, 384, ("squash", None), ("bicubic", MEAN[0])),
        (MOBILENET, 224, ("crop", 256), ("bilinear", 0.5)),
        (MOBILENET | {"size": 240, "crop_size": 200}, 200, ("crop", 240), ("bilinear", 0.5)),
    ],
)
def test_hugging_face(
    config: dict[str, Any], size: int, geometry: tuple[str, int | None], kernel_and_mean: tuple[str, float]
) -> None:
    card, sources = found(hugging(config))
    assert sources == ("Hugging Face metadata",)
    assert (card.size_hw, (card.resize, card.resize_px)) == ((size, size), geometry)
    assert (card.interpolation, card.mean[0]) == kernel_and_mean
    assert (card.labels, card.scale, card.antialias) == (("label 0", "label 1"), 1 / 255, True)


def test_hugging_face_without_arithmetic_and_in_bgr() -> None:
    plain = MOBILENET | {"image_processor_type": "MobileViTImageProcessor", "do_flip_channel_order": True}
    card, _ = found(hugging(plain | {"do_normalize": False, "do_rescale": False}))
    assert (card.colour, card.scale, card.mean, card.std) == ("bgr", 1.0, (0.0,) * 3, (1.0,) * 3)


def test_ultralytics() -> None:
    card, sources = found(ULTRALYTICS)
    assert sources == ("ultralytics keys",)
    assert card == ModelCard(
        labels=("tench", "king's", "crane"), size_hw=(224, 224), resize="crop", resize_px=224, output="probabilities"
    )
    wide, _ = found(ULTRALYTICS | {"imgsz": "[224, 320]"})
    assert (wide.size_hw, wide.resize) == ((224, 320), "squash")


def test_of_files_by_others_only_the_keys_count_and_the_rest_is_asked_for() -> None:
    with pytest.raises(ModelError, match=r"add --resize .*, --interpolation .*, --antialias .*, --scale .*, --output"):
        found({name: ULTRALYTICS[name] for name in ("task", "names", "imgsz", "channels")})


def test_image_keys_and_flags_fill_each_other() -> None:
    card, sources = found(IMAGE, given=FLAGS, declared=CardFacts(size_hw=(16, 20)))
    assert sources == ("ONNX image keys", GRAPH, GIVEN)
    assert (card.colour, card.scale, card.mean) == ("bgr", 1.0, (0.0,) * 3)  # not the mean of the flags
    assert (card.size_hw, card.labels, card.resize_px) == ((16, 20), ("x", "y"), 20)


def test_a_letterbox_of_the_flags_is_taken_whole() -> None:
    padded = ModelCard(labels=("x", "y"), size_hw=(16, 16), resize="letterbox", pad_level=7)
    assert found(IMAGE, given=padded)[0].pad_level == 7
    assert found({"preprocessor_config": json.dumps(MOBILENET)}, given=padded)[0].resize == "crop"


def test_half_of_one_recipe_is_not_completed_from_another() -> None:
    plain = json.dumps(MOBILENET | {"do_normalize": False})
    card, sources = found({"preprocessor_config": plain}, given=FLAGS)
    assert sources == ("Hugging Face metadata", GIVEN)
    assert (card.labels, card.mean, card.resize_px) == (FLAGS.labels, (0.0,) * 3, 256)


@pytest.mark.parametrize(
    ("values", "scale", "mean"),
    [("Normalized_0_1", 1 / 255, 0.0), ("NominalRange_0_1", 1 / 255, 0.0), ("Normalized_1_1", 2 / 255, 1.0)],
)
def test_ranges_of_the_image_keys(values: str, scale: float, mean: float) -> None:
    facts = CONVENTIONS[-1].read(IMAGE | {"Image.NominalPixelRange": values})
    assert facts is not None
    assert (facts.scale, facts.mean) == (scale, (mean,) * 3)


def test_timm_comes_before_hugging_face_before_ultralytics() -> None:
    metadata = {"pretrained_cfg": json.dumps({"crop_pct": 1.0, "interpolation": "bicubic"})} | hugging(MOBILENET)
    card, sources = found(metadata | ULTRALYTICS)
    assert sources == ("timm metadata", "Hugging Face metadata")
    assert (card.interpolation, card.resize_px, card.labels) == ("bicubic", 256, ("label 0", "label 1"))


def test_nothing_said_is_none_and_flags_alone_are_flags() -> None:
    assert find_card({"producer": "x", "names": "os.system"}, name="n", declared=CardFacts(size_hw=(8, 8))) is None
    assert found({}, given=FLAGS) == (FLAGS, (GIVEN,))


def test_flags_fill_just_what_a_file_leaves_open() -> None:
    """A timm file without labels and size: the flags say these, and nothing of theirs comes over what timm says."""
    open_ = {"pretrained_cfg": json.dumps({"interpolation": "bicubic", "mean": list(MEAN), "std": list(STD)})}
    said = CardFacts(labels=("a", "b"), size_hw=(8, 8), resize="squash", colour="bgr", interpolation="nearest")
    card, sources = found(open_, given=said)
    assert sources == ("timm metadata", GIVEN)
    assert card == ModelCard(
        labels=("a", "b"), size_hw=(8, 8), interpolation="bicubic", mean=MEAN, std=STD, colour="bgr"
    )
    with pytest.raises(ModelError, match=r"add --labels FILE, --resize squash [^-]*--resize-px\), --colour"):
        found(open_, given=CardFacts(size_hw=(8, 8)))
    assert found(TIMM_FILE, given=CardFacts(size_hw=(8, 8)))[1] == ("timm metadata",)


def test_a_file_that_says_nothing_needs_labels_and_size_and_the_defaults_are_named() -> None:
    card, sources = found({}, given=CardFacts(labels=("a", "b"), colour="bgr"), declared=CardFacts(size_hw=(8, 9)))
    assert sources == (GIVEN, GRAPH, DEFAULTS)
    assert card == ModelCard(labels=("a", "b"), size_hw=(8, 9), colour="bgr")
    with pytest.raises(ModelError, match=r"of how it is fed; add --labels FILE, --size PX$"):
        found({}, given=CardFacts(colour="bgr"))
    with pytest.raises(ModelError, match=r"add --resize squash"):
        found({}, given=CardFacts(labels=("a", "b"), size_hw=(8, 8), resize_px=9))


def test_a_card_at_hand_comes_last() -> None:
    assert found({}, spare=("bundle", FLAGS)) == (FLAGS, ("bundle",))
    card, sources = found({}, given=CardFacts(colour="bgr"), spare=("bundle", FLAGS))
    assert (card, sources) == (replace(FLAGS, colour="bgr"), (GIVEN, "bundle"))
    card, sources = found(IMAGE, given=CardFacts(output="probabilities"), spare=("bundle", FLAGS))
    assert sources == ("ONNX image keys", GIVEN, "bundle")
    assert (card.colour, card.scale, card.mean) == ("bgr", 1.0, (0.0, 0.0, 0.0))
    assert (card.labels, card.resize_px, card.output) == (FLAGS.labels, 20, "probabilities")
    assert found(TIMM_FILE, spare=("bundle", FLAGS))[1] == ("timm metadata",)


def test_numbers_serve_as_labels_where_the_file_has_none_and_says_how_many() -> None:
    numbered = CardFacts(numbered=True, size_hw=(8, 8))
    card, sources = found({}, given=numbered, declared=CardFacts(classes=3))
    assert (card.labels, sources) == (("0", "1", "2"), (GIVEN, DEFAULTS))
    card, sources = found(TIMM_FILE, given=numbered)
    assert (card.labels, sources) == (("cat", "dog"), ("timm metadata",))
    with pytest.raises(ModelError, match=r"net\.onnx does not declare how many classes it has; name them with"):
        found({}, given=numbered)


@pytest.mark.parametrize(
    ("taken", "given", "facts"),
    [
        (("n", 3, 224, 320), ("n", 1000), CardFacts(size_hw=(224, 320), classes=1000)),
        ((1, 1, 8, 8), (1, 10, 1, 1), CardFacts(size_hw=(8, 8), colour="grey", classes=10)),
        ((None, 3, "h", 8), ("n", "k"), CardFacts()),
        (("n", 3, "h", "w"), ("n", 2, "k"), CardFacts()),
        (("n", 3, 0, 8), ("n",), CardFacts()),
        (("n", 3), None, CardFacts()),
        (None, (1, 1), CardFacts()),
    ],
)
def test_what_shapes_say(taken: tuple[Any, ...] | None, given: tuple[Any, ...] | None, facts: CardFacts) -> None:
    assert graph_facts(taken, given) == facts


def test_all_that_is_missing_is_listed_together() -> None:
    with pytest.raises(
        ModelError, match=r"^net.onnx does not say all .* --labels FILE, --size PX, --resize .*--output"
    ):
        found(IMAGE)
    with pytest.raises(ModelError, match=r"\(timm's crop_mode 'border' .* none of misread's\); add --resize squash"):
        found({"pretrained_cfg": json.dumps(TIMM | {"crop_mode": "border"})})


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        ({"pretrained_cfg": json.dumps(TIMM | {"interpolation": "lanczos"})}, "'lanczos' is none of misread's"),
        ({"torchvision": json.dumps(TORCHVISION | {"interpolation": "box"})}, "'box' is none of misread's"),
        ({"torchvision": json.dumps(TORCHVISION | {"interpolation": ["bilinear"]})}, "is none of misread's"),
        (hugging(VIT | {"resample": False}), "Pillow's filter False is none"),
        ({"torchvision": json.dumps(TORCHVISION | {"resize_size": [256, 256]})}, "stretches before it crops"),
        (hugging(VIT | {"resample": 1}), "Pillow's filter 1 is none of misread's"),
        (
            hugging(VIT | {"image_processor_type": "MyImageProcessor"}),
            "what the image processor 'My' does is not known",
        ),
        (hugging(VIT | {"image_processor_type": None}), "'without a name'"),
        (hugging(MOBILENET | {"crop_pct": 0.9}), "is not known to misread"),
        (hugging(VIT | {"do_resize": False}), "resizes nothing"),
        (hugging(VIT | {"do_center_crop": True, "crop_size": 200}), "stretches before it crops"),
        (hugging(MOBILENET | {"do_center_crop": False}), "crops nothing"),
        (IMAGE | {"Image.BitmapPixelFormat": "Rgba8"}, "'Rgba8' is none that misread follows"),
        (IMAGE | {"Image.ColorSpaceGamma": "Linear"}, "'Linear' is none that misread follows"),
        (IMAGE | {"Image.NominalPixelRange": "NominalRange_16_235"}, "'NominalRange_16_235' is none"),
    ],
)
def test_what_misread_cannot_follow_is_said_and_asked_for(metadata: dict[str, str], said: str) -> None:
    with pytest.raises(ModelError, match=rf"{said}.*; add --"):
        found(metadata)


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        ({"pretrained_cfg": "{"}, "pretrained_cfg metadata is no JSON"),
        ({"pretrained_cfg": "[]"}, "must hold a JSON object"),
        ({"pretrained_cfg": "[" * 100_000}, "is no JSON"),
        ({"pretrained_cfg": " " * (MAX_CARD_CHARS + 1)}, "at most"),
        ({"pretrained_cfg": '{"input_size": [3, 224]}'}, "channels, height and width"),
        ({"pretrained_cfg": '{"input_size": [3, 224.5, 224]}'}, "a whole number"),
        ({"pretrained_cfg": '{"input_size": [3, 8, 8], "crop_pct": 0}'}, r"a share in \(0, 1\]"),
        ({"pretrained_cfg": '{"mean": [NaN]}'}, "a finite number"),
        ({"pretrained_cfg": '{"mean": [1' + "0" * 400 + "]}"}, "a finite number"),
        ({"pretrained_cfg": '{"mean": "eval(1)"}'}, "a finite number"),
        ({"pretrained_cfg": '{"mean": [1, 2, 3, 4, 5]}'}, "one to four numbers"),
        ({"pretrained_cfg": json.dumps(TIMM | {"mean": [0.5]})}, "makes no sense: mean must hold 3"),
        ({"torchvision": json.dumps(TORCHVISION | {"antialias": "yes"})}, "true or false"),
        ({"torchvision": json.dumps(TORCHVISION | {"crop_size": [1, 2, 3]})}, "one or two sides"),
        ({"torchvision": json.dumps(TORCHVISION | {"resize_size": [9]})}, "resize_px must be from 224"),
        (hugging(VIT | {"size": {"longest_edge": 3}}), "height and width, or shortest_edge"),
        (hugging(VIT | {"image_std": None}), "image_std metadata must hold numbers"),
        (hugging(CONVNEXT | {"crop_pct": 2}), r"a share in \(0, 1\]"),
        ({"id2label": '{"a": "b"}'}, "labels by number"),
        ({"id2label": '{"0": "a", "2": "b"}'}, "from 0 to 1 without a gap"),
        ({"id2label": '{"0": "a", "1": ""}'}, "a text for every label"),
        ({"id2label": '{"0": "a", "1": ["b"]}'}, "a text for every label"),
        (ULTRALYTICS | {"task": "detect"}, "task is 'detect'; a classifier"),
        (ULTRALYTICS | {"names": "__import__('os')"}, "names metadata cannot be read"),
        (ULTRALYTICS | {"names": "'abc'"}, "labels by number"),
        (ULTRALYTICS | {"imgsz": "[1, 2, 3]"}, "one or two sides"),
        (ULTRALYTICS | {"channels": "'3'"}, "a finite number"),
    ],
)
def test_broken_metadata_end_in_one_sentence(metadata: dict[str, str], said: str) -> None:
    with pytest.raises(ModelError, match=said) as caught:
        found(metadata)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 1000


def test_labels_alone_in_ultralytics_style_without_author_and_size() -> None:
    facts = CONVENTIONS[3].read({"names": "['a', 'b']", "task": "classify"})
    assert facts == CardFacts(labels=("a", "b"))
    assert CONVENTIONS[3].read({"names": "['a']"}) is None


def test_equal_labels() -> None:
    assert distinct(["a", "b", "a"]) == ("a (0)", "b", "a (2)")


SIMPLE = st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=4)
JSON = (
    SIMPLE | st.lists(SIMPLE, max_size=3) | st.dictionaries(st.sampled_from(["0", "1", "height"]), SIMPLE, max_size=2)
)
KNOWN = sorted({*TIMM, *TORCHVISION, *VIT, *CONVNEXT, *MOBILENET, "id2label"})


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a busy machine is no failure
@given(
    key=st.sampled_from(["pretrained_cfg", "torchvision", "preprocessor_config", "config", "id2label"]),
    base=st.sampled_from([TIMM, TORCHVISION, VIT, CONVNEXT, MOBILENET]),
    change=st.dictionaries(st.sampled_from(KNOWN), JSON, max_size=3),
)
def test_any_json_gives_a_card_or_a_sentence(key: str, base: dict[str, Any], change: dict[str, Any]) -> None:
    try:
        find_card({key: json.dumps(base | change)}, name="net.onnx", given=FLAGS)
    except MisreadError as error:
        assert str(error)  # noqa: PT017  either end is right, a crash is not
