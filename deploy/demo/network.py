# mypy: disable-error-code="misc,no-any-return,no-untyped-call"
"""A small anchor-free detector: separable convolutions, three scales, boxes decoded inside the graph.

Output [batch, 4 + classes, cells]: centre x, centre y, width, height in input pixels, then a score per class (0..1).
Needs torch, as `train.py` does; nothing else imports it.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

STRIDES = (8, 16, 32)
CLASSES = ("package", "person")


def conv(inputs: int, outputs: int, size: int = 3, stride: int = 1, groups: int = 1) -> nn.Sequential:
    layer = nn.Conv2d(inputs, outputs, size, stride, size // 2, groups=groups, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


def separable(inputs: int, outputs: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(conv(inputs, inputs, 3, stride, groups=inputs), conv(inputs, outputs, 1))


class Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.body = nn.Sequential(separable(channels, channels), separable(channels, channels))

    def forward(self, planes: Tensor) -> Tensor:
        return planes + self.body(planes)


class PackageNet(nn.Module):
    def __init__(self, side_px: int = 320, neck: int = 64) -> None:
        super().__init__()
        self.stem = nn.Sequential(conv(3, 16, 3, 2), separable(16, 32, 2), Residual(32))
        self.stages = nn.ModuleList(
            nn.Sequential(separable(inputs, outputs, 2), Residual(outputs), Residual(outputs))
            for inputs, outputs in ((32, 64), (64, 112), (112, 160))
        )
        self.lateral = nn.ModuleList(conv(channels, neck, 1) for channels in (64, 112, 160))
        self.smooth = nn.ModuleList(separable(neck, neck) for _ in STRIDES)
        self.class_branch, self.box_branch = (
            nn.Sequential(separable(neck, neck), separable(neck, neck), nn.Conv2d(neck, outputs, 1))
            for outputs in (len(CLASSES), 4)
        )
        nn.init.constant_(self.class_branch[-1].bias, -4.0)
        centers, strides = cells(side_px)
        self.register_buffer("centers", centers, persistent=False)
        self.register_buffer("strides", strides, persistent=False)

    def features(self, planes: Tensor) -> list[Tensor]:
        planes, levels = self.stem(planes), []
        for stage, lateral in zip(self.stages, self.lateral, strict=True):
            planes = stage(planes)
            levels.append(lateral(planes))
        for fine in (1, 0):
            levels[fine] = levels[fine] + functional.interpolate(levels[fine + 1], scale_factor=2.0, mode="nearest")
        return [smooth(level) for smooth, level in zip(self.smooth, levels, strict=True)]

    def raw(self, planes: Tensor) -> tuple[Tensor, Tensor]:
        """Class logits [batch, classes, cells] and distances to left, top, right, bottom [batch, 4, cells], pixels."""
        levels = self.features(planes)
        logits = torch.cat([self.class_branch(level).flatten(2) for level in levels], dim=2)
        sides = torch.cat([self.box_branch(level).flatten(2) for level in levels], dim=2)
        return logits.float(), functional.softplus(sides.float()) * self.strides * 2

    def forward(self, planes: Tensor) -> Tensor:
        logits, sides = self.raw(planes)
        low, high = self.centers - sides[:, :2], self.centers + sides[:, 2:]
        return torch.cat([(low + high) / 2, high - low, logits.sigmoid()], dim=1)


def cells(side_px: int) -> tuple[Tensor, Tensor]:
    """Centres [2, cells] (x, y) and strides [cells] of every cell of every scale, in pixels."""
    centers, strides = [], []
    for stride in STRIDES:
        steps = (torch.arange(side_px // stride) + 0.5) * stride
        rows, columns = torch.meshgrid(steps, steps, indexing="ij")
        centers.append(torch.stack([columns.flatten(), rows.flatten()]))
        strides.append(torch.full((rows.numel(),), float(stride)))
    return torch.cat(centers, dim=1), torch.cat(strides)
