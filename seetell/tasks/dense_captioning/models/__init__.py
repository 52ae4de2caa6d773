"""Networks that find regions and describe them."""
