"""Domain adaptation and generalisation: what brings a model from the photos it learnt from to those it will meet."""
