"""Inference: what does the model see in each frame?

Reads     frames (those that their producer predicted itself are left alone)
Writes    predictions, on the frame's partition number and in the frames' order
Keeps     nothing; looks for another version at its file or in the image buffer, and says there, for people, which one it runs
Once?     at least once in; a frame that is redelivered is predicted again, on the same partition and with the same frame id
On failure  corrupt, oversized or unknown image → dead letter; log unavailable → wait, uncommitted; anything else → stop
"""
