"""Inference: what does the model see in each frame?

Reads     frames (those that their producer predicted itself are left alone)
Writes    predictions, on the frame's partition number and in the frames' order
Keeps     nothing; which version it runs it says in the image buffer, for people, and looks there and at its file for another one
Once?     at least once in; a frame that is redelivered is predicted again, on the same partition and with the same frame id
On failure  corrupt, oversized or unknown image → dead letter; log unavailable → wait, uncommitted; anything else → stop
"""
