"""Trained networks outside of PyTorch: as ONNX files, checked against what PyTorch paints, and in ONNX Runtime."""
