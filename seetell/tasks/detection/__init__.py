"""Object detection: the objects of an image, each with its box and the name of its class."""
