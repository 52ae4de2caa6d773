"""Predictors on ONNX Runtime: no torch, no training code."""
