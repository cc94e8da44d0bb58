"""The device floor: numpy, onnxruntime, OpenCV. Never torch, never onnx."""
