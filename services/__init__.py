"""WHO: one folder, one process, one image each; none imports another. They meet in streams, state store and image buffer.

cameras ─▶ frames ─▶ inference ─▶ predictions ─▶ sampler ─▶ samples ─▶ uploader ─▶ dataset hosts
              │                        │           ▲  │  └▶ tallies        ▲  │
              │                        ▼           │  ▼                    │  ▼
              │      people ◀─▶ feedback ─▶ verdicts   image buffer ───────┘  uploads
              └──────── read back by reference, only for drawn frames ─▶┘
"""
