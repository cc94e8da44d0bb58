"""Host floor: from a PyTorch classifier to builds in ONNX, each held against the module it came from."""
