"""Networks that locate phrases."""
