"""Networks that embed images and sentences in one space."""
