"""Pictures of words that are rendered, not photographed: training data of text readers that needs no files."""
