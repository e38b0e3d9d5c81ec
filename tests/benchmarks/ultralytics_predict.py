"""Frames per second of Ultralytics' own `predict` on an exported model, run by an interpreter that has it.

`python ultralytics_predict.py MODEL FOLDER ROUNDS`: every picture of the folder, `ROUNDS` times over; prints one number.
Needs nothing of this project. The first pass warms up and does not count.
"""

import os
import sys
import time

os.environ["YOLO_OFFLINE"] = "1"


def main(model_path: str, folder: str, rounds: int) -> None:
    from ultralytics import YOLO

    model = YOLO(model_path, task="detect")
    pictures = sorted(os.path.join(folder, name) for name in os.listdir(folder))
    seen = sum(1 for _ in model.predict(pictures, stream=True, verbose=False))
    started_s = time.perf_counter()
    for _ in range(rounds):
        seen += sum(1 for _ in model.predict(pictures, stream=True, verbose=False))
    print((seen - len(pictures)) / (time.perf_counter() - started_s))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
