"""The model families Gleaner reads: a new one is its file, its line here, and its reference in tests/families.

In this order a file is asked whose it is; the first that recognises it takes it.
"""

from services.inference.models.caffe_ssd import CaffeSsd
from services.inference.models.classify import Classify
from services.inference.models.detr import Detr
from services.inference.models.efficientnms import EfficientNms
from services.inference.models.family import Family
from services.inference.models.mmdeploy import MMDeploy
from services.inference.models.rfdetr import RfDetr
from services.inference.models.rtdetr import RtDetr
from services.inference.models.tf_od import TfOd
from services.inference.models.torchvision import Torchvision
from services.inference.models.ultralytics import Ultralytics
from services.inference.models.ultralytics_e2e import UltralyticsEnd2End
from services.inference.models.ultralytics_rtdetr import UltralyticsRtdetr
from services.inference.models.yolov5 import Yolov5
from services.inference.models.yolov7_end2end import Yolov7End2End
from services.inference.models.yolox import Yolox

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
