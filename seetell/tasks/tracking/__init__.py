"""Tracking: the objects of a video, each with one number for as long as it is seen.

Four parts work together and can be exchanged: what is found in a frame (:mod:`.detect`); where a target will be
(:mod:`.motion`) and what it looks like (:mod:`.appearance`); how well a target and a detection fit (:mod:`.affinity`);
and which of them belong together (:mod:`.associate`). A tracker of a paper is a choice of them: :mod:`.sort`,
:mod:`.deepsort` and :mod:`.bytetrack` frame by frame, :mod:`.min_cost_flow` for all frames at once.

Letters: ``T`` targets, ``N`` detections of a frame, ``D`` length of a feature.
"""
