"""Following an object with a Siamese network of a bundle, on ONNX Runtime."""
