"""The model families Gleaner reads: a new one is its file, its line here, and its reference in tests/families.

In this order a file is asked whose it is; the first that recognises it takes it.
"""

from services.inference.families.caffe_ssd import CaffeSsd
from services.inference.families.classify import Classify
from services.inference.families.detr import Detr
from services.inference.families.efficientnms import EfficientNms
from services.inference.families.family import Family
from services.inference.families.mmdeploy import MMDeploy
from services.inference.families.rfdetr import RfDetr
from services.inference.families.rtdetr import RtDetr
from services.inference.families.tf_od import TfOd
from services.inference.families.torchvision import Torchvision
from services.inference.families.ultralytics import Ultralytics
from services.inference.families.ultralytics_e2e import UltralyticsEnd2End
from services.inference.families.ultralytics_rtdetr import UltralyticsRtdetr
from services.inference.families.yolov5 import Yolov5
from services.inference.families.yolov7_end2end import Yolov7End2End
from services.inference.families.yolox import Yolox

FAMILIES: dict[str, type[Family]] = {
    family.name: family
    for family in (
        TfOd,
        EfficientNms,
        RtDetr,
        Detr,
        MMDeploy,
        RfDetr,
        Torchvision,
        CaffeSsd,
        Yolov7End2End,
        Classify,
        UltralyticsRtdetr,
        UltralyticsEnd2End,
        Ultralytics,
        Yolox,
        Yolov5,
    )
}
