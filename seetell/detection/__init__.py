"""Region proposals and what is made of them: the detection half of dense captioning."""
