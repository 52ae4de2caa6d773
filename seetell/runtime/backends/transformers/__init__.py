"""Models of the Hugging Face library transformers, from the Hub, its cache or a folder, on a CPU or a GPU.

The only part of what predicts that needs torch: the extra ``hf``.
"""
