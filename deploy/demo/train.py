# mypy: disable-error-code="misc,no-any-return,no-untyped-call,untyped-decorator"
"""Train the demo's detector on drawn doorsteps and write it as ONNX; seeded.

Run: python -m deploy.demo.train --out packages.onnx. Needs torch and onnx beside the project's own packages, and
nothing else here does. A GPU takes minutes; its sums differ in the last bits from run to run.
"""

import argparse
import copy
import math
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from deploy.demo.detector import SIDE_PX, PackageDetector, letterbox
from deploy.demo.doorstep import Truth, jpeg
from deploy.demo.evaluate import HELD_OUT_MIX, HELD_OUT_SEED, measure, report
from deploy.demo.network import CLASSES, STRIDES, PackageNet
from deploy.demo.peaks import keep_peaks
from deploy.demo.scenes import Mix, doorsteps

BORDER_PX = 70  # a 640x360 picture fills rows 70..250 of the 320x320 input
MOST_OBJECTS = 8
KNOWN = {"brown": 0, "person": 1}
IGNORED = 9.0  # class of a known object too hidden to count either way
CHUNK = 120
SIZES_PX = ((0, 44), (30, 100), (76, 1000))  # longest side of the objects each scale learns

Rows = NDArray[np.float32]


def render_chunk(task: tuple[int, float]) -> tuple[NDArray[np.uint8], Rows]:
    """Pictures [n, 180, 320, 3] RGB and objects [n, 8, 5]: class (-1: none), xyxy in input pixels."""
    seed, unlabelled = task
    cv2.setNumThreads(1)
    pictures, objects = [], []
    for picture, truths in doorsteps(CHUNK, seed, Mix(yellow=(1 - unlabelled, unlabelled))):
        seen = cv2.imdecode(np.frombuffer(jpeg(picture), np.uint8), cv2.IMREAD_COLOR)
        planes, gain, (left, top) = letterbox(np.asarray(seen, np.uint8))
        inner = planes[0, :, BORDER_PX : SIDE_PX - BORDER_PX].transpose(1, 2, 0)
        pictures.append(np.round(inner * 255).astype(np.uint8))
        objects.append(object_rows(truths, gain, (left, top)))
    return np.stack(pictures), np.stack(objects)


def object_rows(truths: list[Truth], gain: float, border: tuple[int, int]) -> Rows:
    rows = np.full((MOST_OBJECTS, 5), -1, np.float32)
    known = [truth for truth in truths if truth.kind in KNOWN][:MOST_OBJECTS]
    for row, truth in zip(rows, known, strict=False):
        row[0] = KNOWN[truth.kind] if truth.visible >= 0.25 else IGNORED
        row[1:] = np.array(truth.xyxy) * gain + np.array([*border, *border])
    return rows


def render_all(scenes: int, seed: int, unlabelled: float, workers: int) -> tuple[Tensor, Tensor]:
    tasks = [(seed * 100_003 + chunk, unlabelled) for chunk in range(scenes // CHUNK)]
    with ProcessPoolExecutor(workers) as pool:
        chunks = list(pool.map(render_chunk, tasks))
    return tuple(torch.from_numpy(np.concatenate(part)) for part in zip(*chunks, strict=True))


def assign(net: PackageNet, objects: Tensor) -> tuple[Tensor, Tensor]:
    """For each cell the object it learns [batch, cells] (-1: none), and whether it lies on an ignored one."""
    low, high = objects[..., 1:3], objects[..., 3:5]
    centers, strides = net.centers.T[None, None], net.strides[None, None]
    inside = ((centers > low[:, :, None]) & (centers < high[:, :, None])).all(-1)
    near = ((centers - (low + high)[:, :, None] / 2).abs().amax(-1)) < 1.5 * strides
    longest = (high - low).amax(-1)[..., None]
    scale = (net.strides / STRIDES[0]).log2().long()
    least, most = torch.tensor(SIZES_PX, device=objects.device)[scale].T
    candidate = inside & near & (longest >= least) & (longest < most) & (objects[..., :1] >= 0)
    area = ((high - low).prod(-1))[..., None].expand_as(candidate).masked_fill(~candidate, math.inf)
    smallest, which = area.min(dim=1)
    hidden = (inside & (objects[..., :1] == IGNORED)).any(dim=1)
    return torch.where(smallest.isfinite(), which, -1), hidden


def loss(net: PackageNet, planes: Tensor, objects: Tensor) -> Tensor:
    logits, sides = net.raw(planes)
    owner, hidden = assign(net, objects)
    rows = torch.gather(objects, 1, owner.clamp(min=0)[..., None].expand(-1, -1, 5))
    learns = (owner >= 0) & (rows[..., 0] < len(CLASSES))
    kinds = functional.one_hot(rows[..., 0].clamp(0, len(CLASSES) - 1).long(), len(CLASSES))
    wanted = (kinds * learns[..., None]).permute(0, 2, 1).float()
    hardness = (wanted - logits.sigmoid()).abs() ** 1.5  # focal loss, Lin et al. 2017, without its class weight
    entropy = functional.binary_cross_entropy_with_logits(logits, wanted, reduction="none")
    counts = (learns | ~hidden)[:, None]
    total = learns.sum().clamp(min=1)
    fit = generalized_iou(net, sides.permute(0, 2, 1), rows[..., 1:])
    return (hardness * entropy * counts).sum() / total + 2 * ((1 - fit) * learns).sum() / total


def generalized_iou(net: PackageNet, sides: Tensor, wanted: Tensor) -> Tensor:
    """GIoU [batch, cells] of decoded and wanted boxes; Rezatofighi et al. 2019."""
    centers = net.centers.T[None]
    low, high = centers - sides[..., :2], centers + sides[..., 2:]
    shared = (torch.minimum(high, wanted[..., 2:]) - torch.maximum(low, wanted[..., :2])).clamp(min=0).prod(-1)
    around = (torch.maximum(high, wanted[..., 2:]) - torch.minimum(low, wanted[..., :2])).prod(-1).clamp(min=1e-6)
    union = ((high - low).prod(-1) + (wanted[..., 2:] - wanted[..., :2]).prod(-1) - shared).clamp(min=1e-6)
    return shared / union - (around - union) / around


def batch(pictures: Tensor, objects: Tensor, chosen: Tensor, device: torch.device) -> tuple[Tensor, Tensor]:
    """Letterboxed planes and objects; half of them mirrored, their brightness and colour shifted."""
    rows = objects[chosen].clone()
    planes = pictures[chosen].permute(0, 3, 1, 2).float() / 255
    gains = torch.empty(len(chosen), 3, 1, 1, device=device).uniform_(0.95, 1.05)
    planes = (planes * gains * torch.empty(len(chosen), 1, 1, 1, device=device).uniform_(0.8, 1.2)).clamp(0, 1)
    mirrored = torch.rand(len(chosen), device=device) < 0.5
    planes = torch.where(mirrored[:, None, None, None], planes.flip(-1), planes)
    kind, left, top, right, bottom = rows.unbind(-1)
    flipped = torch.stack([kind, SIDE_PX - right, top, SIDE_PX - left, bottom], -1)
    rows = torch.where(mirrored[:, None, None], flipped, rows)
    return functional.pad(planes, (0, 0, BORDER_PX, BORDER_PX), value=114 / 255), rows


def train(pictures: Tensor, objects: Tensor, epochs: int, device: torch.device) -> PackageNet:
    net = PackageNet(SIDE_PX).to(device)
    averaged = copy.deepcopy(net).eval()
    size = 64
    steps = epochs * (len(pictures) // size)
    optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=2e-3, total_steps=steps, pct_start=0.1)
    for step in range(steps):
        planes, rows = batch(pictures, objects, torch.randint(len(pictures), (size,), device=device), device)
        with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
            value = loss(net, planes, rows)
        optimizer.zero_grad(set_to_none=True)
        value.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimizer.step()
        schedule.step()
        follow(averaged, net, min(0.998, (1 + step) / (20 + step)))
        if step % 500 == 0:
            print(f"step {step} of {steps}: loss {value.item():.3f}", flush=True)
    return averaged.cpu()


@torch.no_grad()
def follow(averaged: PackageNet, net: PackageNet, keep: float) -> None:
    """Move the running average of the weights a little towards the net; batch statistics are copied along."""
    for mean, value in zip(averaged.state_dict().values(), net.state_dict().values(), strict=True):
        mean.copy_(mean * keep + value * (1 - keep) if mean.is_floating_point() else value)


def export(net: PackageNet, path: Path) -> None:
    """The layout of Ultralytics detect models: `images` in, `output0` out, names and stride as metadata."""
    axes = {"images": {0: "batch"}, "output0": {0: "batch"}}
    torch.onnx.export(
        net.eval(), (torch.zeros(1, 3, SIDE_PX, SIDE_PX),), str(path), input_names=["images"], output_names=["output0"],
        dynamic_axes=axes, opset_version=17, dynamo=False,
    )  # fmt: skip
    model = onnx.load(path)
    keep_peaks(model, SIDE_PX, STRIDES)
    about = {
        "description": "Finds brown cardboard boxes and people on drawn doorsteps; knows no yellow packs, on purpose",
        "author": "Gleaner contributors",
        "license": "Apache-2.0",
        "version": "1",
        "task": "detect",
        "stride": "32",
        "batch": "1",
        "imgsz": str([SIDE_PX, SIDE_PX]),
        "names": str(dict(enumerate(CLASSES))),
    }
    onnx.helper.set_model_props(model, about)
    onnx.checker.check_model(model)
    onnx.save(model, path)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--out", type=Path, required=True)
    options.add_argument("--scenes", type=int, default=12_000)
    options.add_argument("--epochs", type=int, default=20)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--workers", type=int, default=2)
    options.add_argument(
        "--unlabelled-yellow", type=float, default=0.02, help="share of scenes with one, as background"
    )
    chosen = options.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(chosen.seed)
    begun = time.perf_counter()
    pictures, objects = render_all(chosen.scenes, chosen.seed, chosen.unlabelled_yellow, chosen.workers)
    print(f"rendered {len(pictures)} scenes in {time.perf_counter() - begun:.0f} s", flush=True)
    net = train(pictures.to(device), objects.to(device), chosen.epochs, device)
    export(net, chosen.out)
    print(f"trained in {time.perf_counter() - begun:.0f} s; {sum(p.numel() for p in net.parameters())} parameters")
    print(report(measure(PackageDetector(chosen.out), doorsteps(360, HELD_OUT_SEED, HELD_OUT_MIX))))


if __name__ == "__main__":
    main()
