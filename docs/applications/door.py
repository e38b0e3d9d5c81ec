import sys

import cv2
from gleaner import Gleaner


def moving(mask):
    for contour in cv2.findContours(cv2.medianBlur(mask, 9), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)[0]:
        x, y, w, h = cv2.boundingRect(contour)
        yield {"box": [x, y, x + w, y + h], "class_name": "moving", "confidence": cv2.contourArea(contour) / (w * h)}


url, video = sys.argv[1:]
camera, model = cv2.VideoCapture(video), cv2.createBackgroundSubtractorMOG2(detectShadows=False)
with Gleaner(url, source_id="door", model_id="motion", model_version="1") as client:
    while (frame := camera.read()[1]) is not None:
        found = sorted(moving(model.apply(frame)), key=lambda one: -one["confidence"])[:20]
        ids = client.publish(frame, predictions=found).wait(timeout_s=30)
        if found and input(f"frame {ids.frame_id}: did {found[0]['box']} move? [y/n] ") == "n":
            client.verdict(ids.prediction_id, "rejected", reason="false_positive", detection_index=0)
