"""Small networks that hold one block of each family of classifiers, for the exporters to write down."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Callable

CLASSES: Final = 5
SIZE: Final = 32
WIDTH: Final = 16


def drawn(make: Callable[[], nn.Module]) -> nn.Module:
    """Make a network, draw its weights and stored statistics from a seed, and freeze it; global state stays."""
    with torch.random.fork_rng(devices=[]):
        net = make().eval().requires_grad_(False)
    generator = torch.Generator().manual_seed(7)
    for name, values in (*net.named_parameters(), *net.named_buffers()):
        if not values.is_floating_point():
            continue
        noise = torch.randn(values.shape, generator=generator)
        if name.endswith("running_var"):
            values.copy_(0.5 + noise.abs())
        elif values.ndim < 2:
            values.copy_(0.1 * noise + float(name.endswith("weight")))
        else:
            values.copy_(noise / prod(values.shape[1:]) ** 0.5)
    return net


class Attend(nn.Module):
    """Self-attention by torch's own function, heads from one projection."""

    def __init__(self, heads: int = 2) -> None:
        super().__init__()
        self.heads, self.norm = heads, nn.LayerNorm(WIDTH)
        self.project, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)

    def forward(self, tokens: Tensor) -> Any:
        count, length, width = tokens.shape
        parts = self.project(self.norm(tokens)).reshape(count, length, 3, self.heads, width // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4).unbind(0)
        found = functional.scaled_dot_product_attention(query, key, value)
        return tokens + self.out(found.transpose(1, 2).reshape(count, length, width))


class Vit(nn.Module):
    """Patches, a class token, positions, attention, GELU; arXiv:2010.11929."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = nn.Conv2d(3, WIDTH, 8, 8)
        self.token, self.place = nn.Parameter(torch.zeros(1, 1, WIDTH)), nn.Parameter(torch.zeros(1, 17, WIDTH))
        self.blocks = nn.Sequential(Attend(), Attend())
        self.mix = nn.Sequential(nn.LayerNorm(WIDTH), nn.Linear(WIDTH, 32), nn.GELU(), nn.Linear(32, WIDTH))
        self.head = nn.Linear(WIDTH, CLASSES)

    def forward(self, images: Tensor) -> Any:
        patches = self.patch(images).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.token.expand(len(images), -1, -1), patches], dim=1) + self.place
        tokens = self.blocks(tokens)
        return self.head((tokens + self.mix(tokens))[:, 0])


class Convnext(nn.Module):
    """Wide depthwise kernels, LayerNorm over channels, layer scale, GRN; arXiv:2201.03545 and 2301.00808."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.deep = nn.Conv2d(3, WIDTH, 4, 4), nn.Conv2d(WIDTH, WIDTH, 7, padding=3, groups=WIDTH)
        self.norm, self.wide, self.thin = nn.LayerNorm(WIDTH), nn.Linear(WIDTH, 32), nn.Linear(32, WIDTH)
        self.gain, self.scale = nn.Parameter(torch.zeros(32)), nn.Parameter(torch.zeros(WIDTH, 1, 1))
        self.head = nn.Linear(WIDTH, CLASSES)

    def forward(self, images: Tensor) -> Any:
        features = self.stem(images)
        inner = functional.gelu(self.wide(self.norm(self.deep(features).permute(0, 2, 3, 1))), approximate="tanh")
        norm = torch.linalg.vector_norm(inner, dim=(1, 2), keepdim=True)
        inner = inner + self.gain * inner * (norm / (norm.mean(dim=-1, keepdim=True) + 1e-6))
        features = features + self.scale * self.thin(inner).permute(0, 3, 1, 2)
        return self.head(features.mean(dim=(2, 3)))


class Efficient(nn.Module):
    """Inverted bottleneck, squeeze and excitation, SiLU; and the hard forms of these; arXiv:1905.11946, 1905.02244."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, WIDTH, 3, 2, 1, bias=False), nn.BatchNorm2d(WIDTH), nn.SiLU())
        self.deep = nn.Sequential(
            nn.Conv2d(WIDTH, WIDTH, 5, 2, 2, groups=WIDTH, bias=False), nn.BatchNorm2d(WIDTH), nn.Hardswish()
        )
        self.squeeze = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Conv2d(WIDTH, 4, 1), nn.ReLU6(), nn.Conv2d(4, WIDTH, 1), nn.Hardsigmoid()
        )
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(WIDTH, CLASSES))

    def forward(self, images: Tensor) -> Any:
        features = self.deep(self.stem(images))
        return self.head(features * self.squeeze(features))


class Swin(nn.Module):
    """Shifted windows with a bias by relative position and a mask; arXiv:2103.14030."""

    index: Tensor
    apart: Tensor

    def __init__(self, window: int = 4) -> None:
        super().__init__()
        self.window, self.shift = window, window // 2
        self.patch, self.attend = nn.Conv2d(3, WIDTH, 4, 4), nn.Linear(WIDTH, 3 * WIDTH)
        self.table = nn.Parameter(torch.zeros((2 * window - 1) ** 2, 2))
        at = torch.stack(torch.meshgrid(torch.arange(window), torch.arange(window), indexing="ij")).flatten(1)
        apart = at[:, :, None] - at[:, None, :] + window - 1
        self.register_buffer("index", apart[0] * (2 * window - 1) + apart[1])
        regions = torch.zeros(8, 8)
        regions[-self.shift :] += 1
        regions[:, -self.shift :] += 2
        parts = regions.reshape(2, window, 2, window).transpose(1, 2).reshape(4, 1, window**2)
        self.register_buffer("apart", (parts != parts.transpose(1, 2)).unsqueeze(1))
        self.head = nn.Linear(WIDTH, CLASSES)

    def forward(self, images: Tensor) -> Any:
        grid = self.patch(images).permute(0, 2, 3, 1)
        count, high, wide, width = grid.shape
        window = self.window
        rolled = torch.roll(grid, (-self.shift, -self.shift), (1, 2))
        parts = rolled.reshape(count, high // window, window, wide // window, window, width).transpose(2, 3)
        tokens = self.attend(parts.reshape(-1, window**2, width)).reshape(-1, window**2, 3, 2, width // 2)
        query, key, value = tokens.permute(2, 0, 3, 1, 4)
        bias = self.table[self.index.flatten()].reshape(window**2, window**2, 2).permute(2, 0, 1)
        scores = (query / 4) @ key.transpose(2, 3) + bias
        scores = scores.reshape(count, 4, 2, window**2, window**2).masked_fill(self.apart, -100.0)
        found = scores.softmax(dim=-1) @ value.reshape(count, 4, 2, window**2, -1)
        found = found.transpose(2, 3).reshape(count, 2, 2, window, window, width).transpose(2, 3)
        back = torch.roll(found.reshape(count, high, wide, width), (self.shift, self.shift), (1, 2))
        return self.head((grid + back).mean(dim=(1, 2)))


class Branches(nn.Module):
    """What stands side by side: Inception's pools and long kernels, DenseNet's joins, ShuffleNet's exchange, LRN."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, WIDTH, 3, 2), nn.ReLU(), nn.LocalResponseNorm(5, alpha=0.1))
        self.most = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.mean = nn.Sequential(nn.AvgPool2d(3, 1, 1, count_include_pad=False), nn.Conv2d(WIDTH, 8, 1))
        self.long = nn.Sequential(nn.Conv2d(WIDTH, 8, (1, 5), padding=(0, 2)), nn.Conv2d(8, 8, (5, 1), padding=(2, 0)))
        self.join = nn.Sequential(nn.BatchNorm2d(32), nn.PReLU(32), nn.Conv2d(32, 32, 3, dilation=2, groups=2))
        self.head = nn.Linear(32, CLASSES)

    def forward(self, images: Tensor) -> Any:
        features = self.most(self.stem(images))
        joined = torch.cat([features, self.mean(features), self.long(features)], dim=1)
        count, channels, high, wide = joined.shape
        mixed = joined.reshape(count, 2, channels // 2, high, wide).transpose(1, 2).reshape(joined.shape)
        left, right = self.join(mixed).chunk(2, dim=1)
        pooled = functional.adaptive_max_pool2d(torch.cat([left.tanh(), right.sigmoid()], dim=1), 1)
        return self.head(pooled.flatten(1))


class Pyramid(nn.Module):
    """Features resized and added up, GroupNorm and InstanceNorm, shuffled pixels, reflected borders."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.ReflectionPad2d(1), nn.Conv2d(3, WIDTH, 3, 2), nn.GroupNorm(4, WIDTH), nn.Mish())
        self.down = nn.Sequential(nn.Conv2d(WIDTH, 32, 3, 2, 1), nn.InstanceNorm2d(32, affine=True), nn.ELU())
        self.up = nn.ConvTranspose2d(32, WIDTH, 3, 2, 1, output_padding=1)
        self.head = nn.Linear(WIDTH + 8, CLASSES)

    def forward(self, images: Tensor) -> Any:
        fine = self.stem(images)
        coarse = self.down(fine)
        summed = fine + self.up(coarse)
        summed = summed + functional.interpolate(coarse[:, :WIDTH], scale_factor=2.0, mode="nearest")
        summed = summed + functional.interpolate(coarse[:, WIDTH:], size=(16, 16), mode="bilinear", align_corners=False)
        spread = functional.interpolate(functional.pixel_shuffle(coarse, 2), size=(9, 9), mode="bilinear")
        return self.head(torch.cat([summed.mean(dim=(2, 3)), spread.amax(dim=(2, 3))], dim=1))


class Einsum(nn.Module):
    """Attention written as sums over indices, a cosine head with logits scaled, features picked by index."""

    def __init__(self) -> None:
        super().__init__()
        self.patch, self.norm = nn.Conv2d(3, WIDTH, 8, 8), nn.BatchNorm1d(WIDTH)
        self.query, self.key, self.value = (nn.Linear(WIDTH, WIDTH, bias=False) for _ in range(3))
        self.head = nn.Parameter(torch.zeros(CLASSES, WIDTH))

    def forward(self, images: Tensor) -> Any:
        tokens = self.norm(self.patch(images).flatten(2)).transpose(1, 2)
        shape = (len(images), -1, 2, WIDTH // 2)
        query, key, value = (layer(tokens).reshape(shape) for layer in (self.query, self.key, self.value))
        weights = torch.einsum("bqhd,bkhd->bhqk", query, key).mul(WIDTH**-0.5).softmax(dim=-1)
        found = torch.einsum("bhqk,bkhd->bqhd", weights, value).flatten(2)
        pooled = functional.normalize(found[:, ::2].mean(dim=1) + found[:, [1, -1]].sum(dim=1), dim=-1)
        return 8 * functional.linear(pooled, functional.normalize(self.head, dim=-1)).clamp(min=-0.9).log_softmax(-1)


class Upsampled(nn.Module):
    """What files had before Resize."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.head = nn.Conv2d(3, WIDTH, 3, 4, 1), nn.Linear(WIDTH, CLASSES)

    def forward(self, images: Tensor) -> Any:
        features = functional.leaky_relu(self.stem(images), 0.1)
        wide = functional.interpolate(features, scale_factor=3, mode="nearest").sigmoid()
        odd = functional.interpolate(features.abs(), scale_factor=1.5, mode="nearest").softmax(dim=1)
        return self.head(wide.amax(dim=(2, 3)) + odd.pow(2).sum(dim=(2, 3)))


class Together(nn.Module):
    """All of them side by side, so that one run of a slow exporter writes them all down; (n, nets * classes)."""

    def __init__(self) -> None:
        super().__init__()
        self.nets = nn.ModuleList([make() for make in NETS])

    def forward(self, images: Tensor) -> Any:
        return torch.cat([net(images) for net in self.nets], dim=1)


NETS: Final[tuple[type[nn.Module], ...]] = (Vit, Convnext, Efficient, Swin, Branches, Pyramid, Einsum, Upsampled)
