"""The pose networks: a 128x128 RGB picture in, 19 heatmaps and 38 part-affinity maps out.

Student teaches Tiny and Native; these fit the accelerator, Student (655,776 weights) does not at 8
bits. Student and Tiny share one plan: a stride-2 stem, 3x3 layers with two poolings, a small
context stack, two heads of 1x1 layers. Native is planned for this chip: its 64 processors have a
channel each from the first layer to the last. Layers are named, and created, in the order in which
the accelerator runs them, which is also the order of checkpoints and network descriptions.
"""

from torch import Tensor, nn

from ai8x_models.layers.layers import Conv2d, FoldedConv2d

N_HEATMAPS = 19  # 18 keypoints and background
N_PAF = 38  # part affinities: x and y of 19 limbs


def _hidden(
    in_channels: int, out_channels: int, kernel_size: int = 3, pool: bool = False
) -> Conv2d:
    """Convolution, batch norm, ReLU; after 2x2 max pooling if asked."""
    return Conv2d(
        in_channels,
        out_channels,
        kernel_size,
        pool="max" if pool else None,
        batchnorm="Affine",
        activation="ReLU",
    )


def _output(in_channels: int, out_channels: int) -> Conv2d:
    """1x1 convolution with 32-bit output; 1.0 is 2^14 on the chip, and stays so through QAT."""
    return Conv2d(in_channels, out_channels, 1, wide=True, fixed_scale=True)


class TinyStudentModel(nn.Module):
    """Second level: 112,257 parameters, 88 M multiply-accumulates."""

    def __init__(
        self, n_heatmaps: int = N_HEATMAPS, n_paf: int = N_PAF, free_stem: bool = False
    ) -> None:
        """With `free_stem` the folded first kernel is trained freely, with 1,296 more weights."""
        super().__init__()  # output shape
        self.conv1 = FoldedConv2d(
            3, 16, batchnorm="Affine", activation="ReLU", free=free_stem
        )  # 64x64
        self.conv2 = _hidden(16, 24)  # 64x64
        self.conv3 = _hidden(24, 32)  # 64x64
        self.conv4 = _hidden(32, 32, pool=True)  # 32x32
        self.conv5 = _hidden(32, 48)  # 32x32
        self.conv6 = _hidden(48, 48, pool=True)  # 16x16
        self.conv7 = _hidden(48, 64)  # 16x16
        self.cpm1 = _hidden(64, 48, kernel_size=1)  # 16x16
        self.cpm2 = _hidden(48, 48)  # 16x16
        self.heat_hidden = _hidden(48, 32, kernel_size=1)  # 16x16
        self.heat = _output(32, n_heatmaps)  # 16x16
        self.paf_hidden = _hidden(48, 32, kernel_size=1)  # 16x16
        self.paf = _output(32, n_paf)  # 16x16

    def features(self, image: Tensor) -> Tensor:
        """Context features (N, 48, 16, 16) that both heads read."""
        x = self.conv3(self.conv2(self.conv1(image)))
        x = self.conv7(self.conv6(self.conv5(self.conv4(x))))
        features: Tensor = self.cpm2(self.cpm1(x))
        return features

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Pictures (N, 3, 128, 128) in -1..127/128 -> heat (N, 19, 16, 16), paf (N, 38, 16, 16)."""
        x = self.features(image)
        return self.heat(self.heat_hidden(x)), self.paf(self.paf_hidden(x))


class StudentModel(nn.Module):
    """First level, the teacher: 659,001 parameters, 348 M multiply-accumulates."""

    def __init__(
        self, n_heatmaps: int = N_HEATMAPS, n_paf: int = N_PAF, free_stem: bool = False
    ) -> None:
        """With `free_stem` the folded first kernel is trained freely, with 2,592 more weights."""
        super().__init__()  # output shape
        self.conv1 = FoldedConv2d(
            3, 32, batchnorm="Affine", activation="ReLU", free=free_stem
        )  # 64x64
        self.conv2 = _hidden(32, 32)  # 64x64
        self.conv3 = _hidden(32, 64)  # 64x64
        self.conv4 = _hidden(64, 64, pool=True)  # 32x32
        self.conv5 = _hidden(64, 96)  # 32x32
        self.conv6 = _hidden(96, 96, pool=True)  # 16x16
        self.conv7 = _hidden(96, 128)  # 16x16
        self.conv8 = _hidden(128, 128)  # 16x16
        self.cpm1 = _hidden(128, 96, kernel_size=1)  # 16x16
        self.cpm2 = _hidden(96, 96)  # 16x16
        self.cpm3 = _hidden(96, 96)  # 16x16
        self.heat_hidden = _hidden(96, 64, kernel_size=1)  # 16x16
        self.heat = _output(64, n_heatmaps)  # 16x16
        self.paf_hidden = _hidden(96, 64, kernel_size=1)  # 16x16
        self.paf = _output(64, n_paf)  # 16x16

    def features(self, image: Tensor) -> Tensor:
        """Context features (N, 96, 16, 16) that both heads read."""
        x = self.conv3(self.conv2(self.conv1(image)))
        x = self.conv8(self.conv7(self.conv6(self.conv5(self.conv4(x)))))
        features: Tensor = self.cpm3(self.cpm2(self.cpm1(x)))
        return features

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Pictures (N, 3, 128, 128) in -1..127/128 -> heat (N, 19, 16, 16), paf (N, 38, 16, 16)."""
        x = self.features(image)
        return self.heat(self.heat_hidden(x)), self.paf(self.paf_hidden(x))


class NativePoseModel(nn.Module):
    """Made for 64 processors: 295,225 parameters, 96 M multiply-accumulates.

    A layer takes as long for one input channel as for 64, so the picture is folded by four, into
    48 channels of 32x32, and every further layer has 64. Most weights are where the maps are small.
    Both heads read the context directly.
    """

    def __init__(self, n_heatmaps: int = N_HEATMAPS, n_paf: int = N_PAF) -> None:
        super().__init__()  # output shape
        self.conv1 = FoldedConv2d(3, 64, ratio=4, batchnorm="Affine", activation="ReLU")  # 32x32
        self.conv2 = _hidden(64, 64, pool=True)  # 16x16
        self.conv3 = _hidden(64, 64)  # 16x16
        self.conv4 = _hidden(64, 64)  # 16x16
        self.conv5 = _hidden(64, 64)  # 16x16
        self.conv6 = _hidden(64, 64)  # 16x16
        self.cpm1 = _hidden(64, 64)  # 16x16
        self.cpm2 = _hidden(64, 64)  # 16x16
        self.cpm3 = _hidden(64, 64, kernel_size=1)  # 16x16
        self.heat = _output(64, n_heatmaps)  # 16x16
        self.paf = _output(64, n_paf)  # 16x16

    def features(self, image: Tensor) -> Tensor:
        """Context features (N, 64, 16, 16) that both heads read."""
        x = self.conv3(self.conv2(self.conv1(image)))
        x = self.conv6(self.conv5(self.conv4(x)))
        features: Tensor = self.cpm3(self.cpm2(self.cpm1(x)))
        return features

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Pictures (N, 3, 128, 128) in -1..127/128 -> heat (N, 19, 16, 16), paf (N, 38, 16, 16)."""
        x = self.features(image)
        return self.heat(x), self.paf(x)
