"""The model families Gleaner reads: a new one is its file, its line here, and its reference in tests/families.

In this order a file is asked whose it is; the first that recognises it takes it.
"""

from shared.models.families.caffe_ssd import CaffeSsd
from shared.models.families.classify import Classify
from shared.models.families.detr import Detr
from shared.models.families.efficientnms import EfficientNms
from shared.models.families.family import Family
from shared.models.families.mmdeploy import MMDeploy
from shared.models.families.rfdetr import RfDetr
from shared.models.families.rtdetr import RtDetr
from shared.models.families.tf_od import TfOd
from shared.models.families.torchvision import Torchvision
from shared.models.families.ultralytics import Ultralytics
from shared.models.families.ultralytics_e2e import UltralyticsEnd2End
from shared.models.families.ultralytics_rtdetr import UltralyticsRtdetr
from shared.models.families.yolov5 import Yolov5
from shared.models.families.yolov7_end2end import Yolov7End2End
from shared.models.families.yolox import Yolox

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
