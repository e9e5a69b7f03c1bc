"""ONNX: a runner for any network, and any recognizer as one graph from pixels to label."""
