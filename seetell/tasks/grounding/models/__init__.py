"""Networks that ground phrases."""
