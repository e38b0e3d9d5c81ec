"""The embedded adapters: everything on one box, several processes on one folder, no server.

Promises: local disks only (no NFS or SMB: file locks lie there). A log must not be carried through a fork.
"""
