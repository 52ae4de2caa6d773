"""What a network looks at, has learnt and dreams of: one method a file.

Methods know no task. Those without torch, but for :mod:`~seetell.explain.style_model`, take a function from images to
scores, which a task's part ``explain`` makes of its predictor, see :class:`~seetell.explain.explained.Explained`; those
with torch take a network and hook into it.
"""
