"""Convolutional networks to compare with: trained in PyTorch, used through onnxruntime.

`training.train_network` learns a network from a `Dataset` and leaves a run folder with
``model.onnx``, which needs neither PyTorch nor this package. The modules `layers`, `networks`,
`augmentation`, `loop` and `checkpoints` import torch when they are imported; the others do not, and
ask `torch_extra.require_torch` first.
"""
