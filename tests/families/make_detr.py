"""Makes the references of Hugging Face's detection transformers: `python -m tests.families.make_detr [NAME...]`.

In an environment of its own: pip install torch==2.15.0 torchvision==0.29.2 transformers==4.57.6 onnx==1.23.2
onnxslim==0.1.98 "optimum-onnx[onnxruntime]==0.1.0". Tiny models with random weights, whose heads are scaled until they see
something; the answers are their own image processor's, network's in PyTorch, and `post_process_object_detection`'s.
"""

import json
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from optimum.exporters.onnx import main_export
from PIL import Image

from tests.families.enlivened import NEAREST_FLOOR, Head, apart, enliven, noisy, save_slim, settled, tuned, why_unfit
from tests.families.pictures import picture

HERE = Path(__file__).parent
SIZES_PX = [(517, 333), (240, 320), (90, 70)]
FLOOR = 0.05
NAMES = {0: "bolt", 1: "nut", 2: "washer"}
MASKED = ("pixel_values", "pixel_mask")


@dataclass(frozen=True)
class Example:
    """One folder: a model, how its images are made, and by which door it leaves PyTorch."""

    build: Callable[[], Any]
    processor: dict[str, Any]
    inputs: tuple[str, ...] = ("pixel_values",)
    static_px: tuple[int, int] | None = None
    """(width, height); None: every axis is free."""
    mask_px: tuple[int, int] | None = None
    """Optimum's first exports fixed the mask's size, whatever the image's."""
    files_as_optimum: bool = True
    """False: exported by hand, as one does for a model that optimum does not know, with the same names."""
    optimum_px: dict[str, int] = field(default_factory=dict)
    """What optimum is told; RT-DETR's graph works at this size alone, though its axes have names."""
    dynamo: bool = False
    """Through PyTorch's newer exporter."""
    says: dict[str, Any] = field(default_factory=dict)


def main(chosen: list[str]) -> None:
    torch.set_num_threads(1)
    for name in chosen or EXAMPLES:
        example = EXAMPLES[name]
        model, processor, cases = first_that_sees(name, example)
        export(name, example, model, processor)
        compare(HERE / name / "model.onnx", model, processor, example)
        write_reference(name, example, cases)
        print(name, (HERE / name / "model.onnx").stat().st_size, [len(case["boxes"]) for case in cases])


def first_that_sees(name: str, example: Example) -> tuple[Any, Any, list[dict[str, Any]]]:
    """The first seed whose answers are told apart by more than a rounding."""
    for seed in range(200):
        torch.manual_seed(seed)
        model = example.build().eval()
        processor = processor_of(example.processor)
        tensors = [inputs_of(processor, size, example) for size in SIZES_PX]
        level, heads = level_of(processor), heads_of(model)
        enliven(model, [partial(show, model, one, level) for one in tensors], heads)
        for _ in tuned(heads[0]):
            cases, problem = answers(model, processor, example)
            if problem is None:
                return model, processor, cases
        print(f"  {name} seed {seed}: {problem}")
    raise RuntimeError(f"{name}: no seed gives answers that are told apart")


def answers(model: Any, processor: Any, example: Example) -> tuple[list[dict[str, Any]], str | None]:
    """What it says of each picture, and what makes that no good reference."""
    lower = [answer(model, processor, size, example, FLOOR - NEAREST_FLOOR) for size in SIZES_PX]
    problem = next((why for case in lower if (why := why_unfit(case, FLOOR))), None)
    if problem is not None:
        return [], problem
    cases = [answer(model, processor, size, example) for size in SIZES_PX]
    noisy_ones = [answer(model, processor, size, example, noise=True) for size in SIZES_PX]
    return cases, next((why for pair in zip(cases, noisy_ones, strict=True) if (why := apart(*pair))), None)


def processor_of(values: dict[str, Any]) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "preprocessor_config.json").write_text(json.dumps(values))
        return transformers.AutoImageProcessor.from_pretrained(folder, use_fast=False)


def inputs_of(processor: Any, size_px: tuple[int, int], example: Example) -> dict[str, Any]:
    made = processor(images=pillow(size_px), return_tensors="pt")
    if example.mask_px is not None:
        made["pixel_mask"] = torch.ones(1, *example.mask_px, dtype=torch.int64)
    return {name: made[name] for name in example.inputs}


def pillow(size_px: tuple[int, int]) -> Image.Image:
    return Image.fromarray(np.ascontiguousarray(picture(*size_px)[:, :, ::-1]))


def answer(
    model: Any,
    processor: Any,
    size_px: tuple[int, int],
    example: Example,
    threshold: float = FLOOR,
    noise: bool = False,
) -> dict[str, Any]:
    values = inputs_of(processor, size_px, example)
    if noise:
        values = noised(values, level_of(processor))
    with torch.no_grad():
        outputs = model(**values)
    (found,) = processor.post_process_object_detection(outputs, threshold=threshold, target_sizes=[size_px[::-1]])
    order = torch.argsort(found["scores"], descending=True)
    return {
        "size_px": list(size_px),
        "boxes": found["boxes"][order].tolist(),
        "confidences": found["scores"][order].tolist(),
        "class_ids": found["labels"][order].tolist(),
    }


def show(model: Any, values: dict[str, Any], level: float, noise: bool) -> Any:
    return model(**(noised(values, level) if noise else values))


def level_of(processor: Any) -> float:
    """What one level of a byte is in the tensor, about."""
    return 1 / 255 / (0.226 if processor.do_normalize else 1)


def noised(values: dict[str, Any], level: float) -> dict[str, Any]:
    return {**values, "pixel_values": noisy(values["pixel_values"], level)}


def heads_of(model: Any) -> list[Head]:
    """The last linear layers for classes and boxes, wherever the architecture keeps them."""
    inner = getattr(model, "model", None)
    decoder = getattr(inner, "decoder", None)
    classes = getattr(decoder, "class_embed", None) or getattr(model, "class_embed", None)
    boxes = getattr(decoder, "bbox_embed", None) or getattr(model, "bbox_embed", None)
    of_class = classes[-1] if classes is not None else model.class_labels_classifier
    of_box = boxes[-1] if boxes is not None else model.bbox_predictor
    centre = (-4.2, -4.2, -4.2) if is_sigmoid(model) else (0.0, 0.0, 0.0, 3.5)
    heads = [Head(last_linear(of_class), 2.4, centre)]
    if model.config.model_type == "d_fine":
        return heads  # its boxes are sums over bins, and spread well enough as they are
    return [*heads, Head(last_linear(of_box), 0.7, (0.0, 0.0, -1.2, -1.2))]


def last_linear(module: Any) -> Any:
    return module if isinstance(module, torch.nn.Linear) else module.layers[-1]


def is_sigmoid(model: Any) -> bool:
    return model.config.model_type not in ("detr", "yolos", "table-transformer")


def export(name: str, example: Example, model: Any, processor: Any) -> None:
    """Writes model.onnx, config.json and preprocessor_config.json into the example's folder."""
    folder = HERE / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    with tempfile.TemporaryDirectory() as source:
        model.config.id2label, model.config.label2id = NAMES, {word: index for index, word in NAMES.items()}
        model.save_pretrained(source)
        (Path(source) / "preprocessor_config.json").write_text(json.dumps(example.processor))
        if example.files_as_optimum:
            main_export(source, str(folder), task="object-detection", do_validation=False, **example.optimum_px)
        else:
            by_hand(folder / "model.onnx", example, model, processor)
            shutil.copy(Path(source) / "config.json", folder)
        (folder / "preprocessor_config.json").write_text(json.dumps(example.processor, indent=2) + "\n")
    save_slim(folder / "model.onnx")


def by_hand(path: Path, example: Example, model: Any, processor: Any) -> None:
    """As optimum does: the same names; all axes free, or none."""
    values = inputs_of(processor, SIZES_PX[0], example)
    free = {
        "pixel_values": {0: "batch_size", 2: "height", 3: "width"},
        "pixel_mask": {0: "batch_size", 1: "height", 2: "width"},
    }
    free |= {} if example.mask_px is None else {"pixel_mask": {0: "batch_size"}}
    both = {"logits": {0: "batch_size"}, "pred_boxes": {0: "batch_size"}}
    axes = {} if example.static_px else {**{one: free[one] for one in example.inputs}, **both}

    def forward(*tensors: Any) -> tuple[Any, Any]:
        outputs = model(**dict(zip(example.inputs, tensors, strict=True)))
        return outputs.logits, outputs.pred_boxes

    torch.onnx.export(
        as_module(model, forward),
        tuple(values.values()),
        str(path),
        input_names=list(example.inputs),
        output_names=["logits", "pred_boxes"],
        dynamic_axes=axes or None,
        opset_version=18,
        dynamo=example.dynamo,
        external_data=False,
    )


def as_module(model: Any, forward: Callable[..., tuple[Any, Any]]) -> Any:
    module = torch.nn.Module()
    module.inner, module.forward = model, forward
    return module.eval()


def compare(path: Path, model: Any, processor: Any, example: Example) -> None:
    """The file says what PyTorch says, or it is no reference."""
    for size in SIZES_PX:
        values = inputs_of(processor, size, example)
        with torch.no_grad():
            outputs = model(**values)
        settled(path, {key: value.numpy() for key, value in values.items()}, [outputs.logits, outputs.pred_boxes])


def write_reference(name: str, example: Example, cases: list[dict[str, Any]]) -> None:
    made_with = f"transformers {transformers.__version__}, torch {torch.__version__}"
    said = {
        "model": "model.onnx",
        "made_with": made_with,
        "family": "detr",
        "task": "detect",
        **example.says,
        "cases": cases,
    }
    (HERE / name / "reference.json").write_text(json.dumps(said, indent=1) + "\n")


def backbone(stages: int) -> Any:
    last = [f"stage{index}" for index in range(5 - stages, 5)]
    return transformers.ResNetConfig(
        embedding_size=8, hidden_sizes=[8, 12, 16, 24], depths=[1, 1, 1, 1], layer_type="basic", out_features=last
    )


def detr(config: Any, model: Any, stages: int = 1, **more: Any) -> Callable[[], Any]:
    """Of the old school: a ResNet, an encoder, a decoder."""
    sizes = {"d_model": 32, "encoder_layers": 1, "decoder_layers": 1, "encoder_ffn_dim": 48, "decoder_ffn_dim": 48}
    heads = {"encoder_attention_heads": 4, "decoder_attention_heads": 4, "num_queries": 16, "num_labels": 3}
    own = {"use_timm_backbone": False, "use_pretrained_backbone": False, "backbone": None}
    return lambda: model(config(backbone_config=backbone(stages), **own, **sizes, **heads, **more))


def rtdetr(config: Any, model: Any, body: Callable[[], Any], **more: Any) -> Callable[[], Any]:
    """Of the real-time school: a hybrid encoder, then a decoder on its best tokens."""
    encoder = {
        "encoder_hidden_dim": 16,
        "encoder_in_channels": [16, 24, 32],
        "encoder_ffn_dim": 24,
        "encoder_attention_heads": 2,
    }
    decoder = {
        "decoder_in_channels": [16] * 3,
        "decoder_ffn_dim": 24,
        "decoder_layers": 2,
        "decoder_attention_heads": 2,
    }
    sizes = {"d_model": 16, "num_queries": 16, "num_labels": 3, "num_denoising": 0, "hidden_expansion": 0.5}
    return lambda: model(config(backbone_config=body(), **encoder, **decoder, **sizes, **more))


def yolos() -> Any:
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 48}
    tokens = {"image_size": [160, 96], "patch_size": 16, "num_detection_tokens": 16, "num_labels": 3}
    return transformers.YolosForObjectDetection(transformers.YolosConfig(**sizes, **tokens))


def rt_resnet() -> Any:
    return transformers.RTDetrResNetConfig(
        embedding_size=8,
        hidden_sizes=[8, 16, 24, 32],
        depths=[1, 1, 1, 1],
        layer_type="basic",
        out_features=["stage2", "stage3", "stage4"],
    )


def hgnet() -> Any:
    stages = {
        "stage_in_channels": [8, 8, 16, 24],
        "stage_mid_channels": [4, 4, 8, 8],
        "stage_out_channels": [8, 16, 24, 32],
    }
    blocks = {"stage_num_blocks": [1] * 4, "stage_numb_of_layers": [1] * 4, "stage_kernel_size": [3, 3, 5, 5]}
    shape = {"stage_downsample": [False, True, True, True], "stage_light_block": [False, False, True, True]}
    widths = {"embedding_size": 8, "stem_channels": [3, 4, 8], "hidden_sizes": [8, 16, 24, 32], "depths": [1] * 4}
    return transformers.HGNetV2Config(
        **stages, **blocks, **shape, **widths, out_features=["stage2", "stage3", "stage4"]
    )


IMAGENET = {"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}
COMMON = {"do_resize": True, "do_rescale": True, "rescale_factor": 1 / 255, "resample": 2, **IMAGENET}
EDGES = {**COMMON, "do_normalize": True, "do_pad": True, "size": {"shortest_edge": 96, "longest_edge": 160}}
SQUARE = {**COMMON, "do_normalize": False, "do_pad": False, "size": {"height": 128, "width": 128}}
PADDED = {**EDGES, "size": {"shortest_edge": 80, "longest_edge": 128}, "pad_size": {"height": 128, "width": 128}}
# As the first DETRs on the hub have it: whole numbers for sizes, and the extractor that the processor was once.
OLD = {
    "do_normalize": True,
    "do_resize": True,
    "feature_extractor_type": "DetrFeatureExtractor",
    "size": 96,
    "max_size": 128,
    **IMAGENET,
}

EXAMPLES: dict[str, Example] = {
    "detr": Example(
        detr(transformers.DetrConfig, transformers.DetrForObjectDetection),
        {**EDGES, "image_processor_type": "DetrImageProcessor"},
    ),
    "detr_table_transformer": Example(
        detr(transformers.TableTransformerConfig, transformers.TableTransformerForObjectDetection),
        OLD,
        inputs=MASKED,
        mask_px=(64, 64),
        files_as_optimum=False,
    ),
    "detr_padded_static": Example(
        detr(transformers.DetrConfig, transformers.DetrForObjectDetection),
        {**PADDED, "image_processor_type": "DetrImageProcessor"},
        inputs=MASKED,
        static_px=(128, 128),
        files_as_optimum=False,
    ),
    "detr_yolos": Example(yolos, {**EDGES, "image_processor_type": "YolosImageProcessor"}),
    "detr_conditional": Example(
        detr(transformers.ConditionalDetrConfig, transformers.ConditionalDetrForObjectDetection),
        {**EDGES, "image_processor_type": "ConditionalDetrImageProcessor"},
        inputs=MASKED,
        files_as_optimum=False,
    ),
    "detr_deformable": Example(
        detr(transformers.DeformableDetrConfig, transformers.DeformableDetrForObjectDetection, 3, num_feature_levels=4),
        {**EDGES, "image_processor_type": "DeformableDetrImageProcessor", "size": {"height": 96, "width": 128}},
        static_px=(128, 96),  # the levels' sizes become constants of the graph
        dynamo=True,  # the older exporter makes doubles of its sampling points, which onnxruntime does not take
        files_as_optimum=False,
    ),
    "detr_rtdetr": Example(
        rtdetr(transformers.RTDetrConfig, transformers.RTDetrForObjectDetection, rt_resnet),
        {**SQUARE, "image_processor_type": "RTDetrImageProcessor"},
        optimum_px={"height": 128, "width": 128},
    ),
    "detr_dfine": Example(
        rtdetr(transformers.DFineConfig, transformers.DFineForObjectDetection, hgnet, lqe_hidden_dim=8, max_num_bins=8),
        {**SQUARE, "image_processor_type": "RTDetrImageProcessor"},
        optimum_px={"height": 128, "width": 128},
    ),
}

if __name__ == "__main__":
    main(sys.argv[1:])
