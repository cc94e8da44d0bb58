"""Read pictures with a baked build and nothing of misread: decode them, and ask onnxruntime.

python examples/read_baked.py MODEL.onnx PICTURE ...
"""

from __future__ import annotations

import json
import sys

import cv2
import onnxruntime

session = onnxruntime.InferenceSession(sys.argv[1])
labels = json.loads(session.get_modelmeta().custom_metadata_map["misread.card"])["labels"]
for path in sys.argv[2:]:
    decoded = cv2.imread(path)
    if decoded is None:
        sys.exit(f"{path} is no picture")
    picture = cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB)
    (logits,) = session.run(None, {"picture": picture[None]})
    print(f"{labels[logits[0].argmax()]}\t{path}")
