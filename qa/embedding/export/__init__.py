"""Models exported to ONNX, which run several times faster on a CPU."""
