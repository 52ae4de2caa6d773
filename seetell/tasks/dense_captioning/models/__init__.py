"""Networks that detect regions and caption them."""
