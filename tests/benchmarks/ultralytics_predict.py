"""How fast Ultralytics' own `predict` is on an exported model, run by an interpreter that has it.

`python ultralytics_predict.py MODEL FOLDER ROUNDS`: every picture of the folder, `ROUNDS` times over; the last line printed has
frames, seconds, and seconds of CPU.
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
    warm = sum(1 for _ in model.predict(pictures, stream=True, verbose=False))
    assert warm == len(pictures), f"{warm} of {len(pictures)} pictures were read"
    started_s, cpu_s, seen = time.perf_counter(), time.process_time(), 0
    for _ in range(rounds):
        seen += sum(1 for _ in model.predict(pictures, stream=True, verbose=False))
    print(seen, time.perf_counter() - started_s, time.process_time() - cpu_s)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
