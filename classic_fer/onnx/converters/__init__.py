"""Each feature, encoding and classifier as operations of an ONNX graph."""
