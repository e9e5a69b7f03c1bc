"""Small CNNs for comparison: architectures, training in PyTorch (an extra) and export to ONNX."""
