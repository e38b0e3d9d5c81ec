"""References for classifiers of torchvision, timm and Hugging Face: small networks, the packages' own pictures in.

python 3.11, pip install torch==2.15.0 torchvision==0.29.2 timm==1.0.31 transformers==4.57.6 optimum-onnx==0.1.0
onnx==1.23.2 onnxruntime==1.32.0 pillow==13.0.0; from the root: OMP_NUM_THREADS=1 python -m tests.families.make_classifiers

The reference is the packages' own evaluation transform on a Pillow image, the torch model, softmax. Weights are random;
the last layer is scaled so that pictures differ in their classes.
"""

import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnxruntime
import timm
import torch
import torchvision
import transformers
from optimum.exporters.onnx import main_export
from PIL import Image
from timm.data import create_transform, resolve_data_config
from timm.utils.onnx import onnx_export
from torch import nn
from torchvision.transforms._presets import ImageClassification

from tests.families.pictures import picture
from tests.families.written import FOLDER, SIZES_PX, class_case, steady, write

NAMES = ["anvil", "barrel", "crate", "drum"]
SIDE_PX = 96
IMAGENET = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
Prepare = Callable[[Image.Image], torch.Tensor]


def photo(size_px: tuple[int, int]) -> Image.Image:
    return Image.fromarray(picture(*size_px)[:, :, ::-1].copy())


def settle(model: nn.Module, last: nn.Linear, prepare: Prepare) -> nn.Module:
    """Batch statistics of the pictures; logits that spread over them by about 1."""
    images = torch.stack([prepare(photo(size_px)) for size_px in SIZES_PX])
    for part in model.modules():
        if isinstance(part, nn.BatchNorm2d):
            part.momentum = None
    with torch.no_grad():
        model.train()(images)
        said = logits(model.eval(), images)
        last.weight /= said.std(0)[:, None]
        last.bias -= said.mean(0)
        last.bias /= said.std(0)
    return model


def logits(model: nn.Module, images: torch.Tensor) -> torch.Tensor:
    said: Any = model(images)
    return said if isinstance(said, torch.Tensor) else said.logits


def case(model: nn.Module, prepare: Prepare, size_px: tuple[int, int]) -> dict[str, Any]:
    with torch.inference_mode():
        return class_case(size_px, logits(model, prepare(photo(size_px))[None])[0].softmax(0).numpy())


def export(model: nn.Module, path: Path, batch: str | None = None) -> None:
    axes = None if batch is None else {"input": {0: batch}, "output": {0: batch}}
    torch.onnx.export(
        model,
        (torch.rand(1, 3, SIDE_PX, SIDE_PX),),
        str(path),
        input_names=["input"],
        output_names=["output"],
        dynamic_axes=axes,
        opset_version=17,
        dynamo=False,
    )


def head(path: Path, made_with: str) -> dict[str, Any]:
    print(path, path.stat().st_size // 1024, "KiB")
    for session in [onnxruntime.InferenceSession(str(path))]:
        print([(one.name, one.shape, one.type) for one in (*session.get_inputs(), *session.get_outputs())])
    return {"model": path.name, "made_with": made_with, "family": "classify", "task": "classify"}


def of_torchvision() -> None:
    """`ImageClassification`: shortest edge (256, here 110), the middle (224, here 96), mean and deviation of ImageNet."""
    torch.manual_seed(1)
    prepare = ImageClassification(crop_size=SIDE_PX, resize_size=110)
    model = torchvision.models.ShuffleNetV2([1, 1, 1], [8, 16, 24, 32, 48], num_classes=len(NAMES))
    settle(model, model.fc, prepare)
    made_with = f"torchvision {torchvision.__version__}"
    resize = {"mode": "shortest_edge", "shortest_px": 110, "antialias": True}
    sidecar = {"names": NAMES, "input": {**IMAGENET, "resize": resize, "center_crop": SIDE_PX}}
    cases = steady(lambda size_px: case(model, prepare, size_px))
    for name, whole in (("logits", model), ("softmax", nn.Sequential(model, nn.Softmax(1)))):
        path = FOLDER / f"classify_torchvision_{name}.onnx"
        export(whole.eval(), path, batch="batch" if name == "logits" else None)
        write(path.with_suffix(".json"), {**head(path, made_with), "sidecar": sidecar}, cases)


def of_timm() -> None:
    """`create_transform`: bicubic, shortest edge to floor(size / crop_pct), the middle; exported by timm's own tool."""
    torch.manual_seed(2)
    model = timm.models.ResNet(
        timm.models.resnet.BasicBlock, [1, 1, 1, 1], num_classes=len(NAMES), channels=(8, 16, 24, 32), stem_width=8
    )
    config = resolve_data_config({"input_size": (3, SIDE_PX, SIDE_PX)}, model=model)
    prepare = create_transform(**config, is_training=False)
    settle(model, model.fc, prepare)
    path = FOLDER / "classify_timm.onnx"
    onnx_export(model, str(path), torch.rand(1, 3, SIDE_PX, SIDE_PX), dynamic_size=False, check=False)
    resize = {
        "mode": "shortest_edge",
        "shortest_px": math.floor(SIDE_PX / config["crop_pct"]),
        "antialias": True,
        "interpolation": config["interpolation"],
    }
    options = {"mean": list(config["mean"]), "std": list(config["std"]), "resize": resize, "center_crop": SIDE_PX}
    cases = steady(lambda size_px: case(model, prepare, size_px))
    made_with = f"timm {timm.__version__}"
    write(path.with_suffix(".json"), {**head(path, made_with), "sidecar": {"names": NAMES, "input": options}}, cases)


def of_hugging_face(name: str, model: Any, last: nn.Linear, processor: Any) -> None:
    """A folder as optimum leaves it: nothing else is said of the model than in the files beside it."""
    folder = FOLDER / name

    def prepare(image: Image.Image) -> torch.Tensor:
        return processor(image, return_tensors="pt")["pixel_values"][0]

    settle(model, last, prepare)
    kept = folder.with_suffix(".torch")
    model.save_pretrained(kept)
    processor.save_pretrained(kept)
    main_export(str(kept), folder, task="image-classification")
    shutil.rmtree(kept)
    made_with = f"transformers {transformers.__version__}, optimum-onnx 0.1.0"
    cases = steady(lambda size_px: case(model, prepare, size_px))
    write(folder / "reference.json", head(folder / "model.onnx", made_with), cases)


def labels() -> dict[str, Any]:
    return {"id2label": dict(enumerate(NAMES)), "label2id": {name: index for index, name in enumerate(NAMES)}}


def vit() -> None:
    """Stretched to a square, mean and deviation 0.5."""
    torch.manual_seed(3)
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    config = transformers.ViTConfig(**sizes, image_size=SIDE_PX, patch_size=16, **labels())
    model = transformers.ViTForImageClassification(config).eval()
    processor = transformers.ViTImageProcessor(size={"height": SIDE_PX, "width": SIDE_PX})
    of_hugging_face("classify_hf_vit", model, model.classifier, processor)


def resnet() -> None:
    """ConvNeXT's processor: shortest edge to int(size / crop_pct), the middle; bicubic."""
    torch.manual_seed(4)
    sizes = {"embedding_size": 8, "hidden_sizes": [8, 16, 24, 32], "depths": [1, 1, 1, 1], "layer_type": "basic"}
    model = transformers.ResNetForImageClassification(transformers.ResNetConfig(**sizes, **labels())).eval()
    processor = transformers.ConvNextImageProcessor(size={"shortest_edge": SIDE_PX}, crop_pct=0.875, resample=3)
    of_hugging_face("classify_hf_resnet", model, model.classifier[1], processor)


def mobilenet() -> None:
    """Shortest edge, then a crop of its own size. (The fast processors resize tensors: a byte differs now and then.)"""
    torch.manual_seed(5)
    sizes = {"depth_multiplier": 0.1, "min_depth": 8, "image_size": SIDE_PX, "finegrained_output": False}
    model = transformers.MobileNetV2ForImageClassification(transformers.MobileNetV2Config(**sizes, **labels())).eval()
    processor = transformers.MobileNetV2ImageProcessor(
        size={"shortest_edge": 112}, crop_size={"height": SIDE_PX, "width": SIDE_PX}
    )
    of_hugging_face("classify_hf_mobilenet", model, model.classifier, processor)


if __name__ == "__main__":
    for make in (of_torchvision, of_timm, vit, resnet, mobilenet):
        make()
