"""Sources: image folders, single images and video files → frames. The producer that comes along.

Reads     files; a folder is a source, a video is a source
Writes    frames: one encoded image each, keyed by its source, with the producer's own id and index
Keeps     nothing: the same files give the same frames again, under the same ids
Once?     at least once, in order within a source; a frame that was sent twice has one frame id
On failure  log unavailable → wait and send again; a file that is no image → counted, the rest goes on
"""
