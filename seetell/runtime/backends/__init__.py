"""Libraries and servers that run models which are no bundles; each is imported when such a model is loaded."""
