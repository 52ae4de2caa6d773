"""Building blocks of networks, in torch."""
