"""Networks that name the class of every pixel, one paper a file."""
