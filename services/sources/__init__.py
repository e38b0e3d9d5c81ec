"""Sources: cameras, image folders, single images and video files → frames. The producer that comes along.

Reads     cameras (RTSP, HTTP, devices), each on its own; files; a folder is a source, a video is a source
Writes    frames: one encoded image each, keyed by its source, with the producer's own id and index
Keeps     nothing: the same files give the same frames again, under the same ids; of a camera its newest pictures
Once?     at least once, in order within a source; a frame that was sent twice has one frame id
On failure  camera gone, hung or silent → opened again, alone, counted and shown; log unavailable → wait and send again, while
            cameras' older pictures give way, counted; a file that is no image → counted, the rest goes on
"""
