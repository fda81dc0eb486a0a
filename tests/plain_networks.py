"""Networks of plain torch.nn, as people write them, for tests: nothing of ours in them.

`PLAIN` lists them with the shape of their input; whoever adds one gets it tested on the whole road.
"""

import torch
import torch.nn.functional as F
from torch import nn


def conv_block(n_in, n_out, kernel_size=3):
    return nn.Sequential(
        nn.Conv2d(n_in, n_out, kernel_size, padding=kernel_size // 2, bias=False),
        nn.BatchNorm2d(n_out),
        nn.ReLU(inplace=True),
    )


class DigitClassifier(nn.Module):
    """The tutorial's network: pooling in front of ReLU, dropout, softmax at the end."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 3, padding=1)
        self.conv2 = nn.Conv2d(8, 16, 3)
        self.drop = nn.Dropout(0.5)
        self.fc1 = nn.Linear(16 * 3 * 3, 24)
        self.fc2 = nn.Linear(24, 10)

    def forward(self, x):
        x = F.relu(F.max_pool2d(self.conv1(x), 2))
        x = F.relu(F.max_pool2d(self.conv2(x), 2))
        x = x.view(x.size(0), -1)
        return F.log_softmax(self.fc2(self.drop(F.relu(self.fc1(x)))), dim=1)


class ResidualBlock(nn.Module):
    def __init__(self, n_in, n_out, stride=1):
        super().__init__()
        self.pool = nn.MaxPool2d(stride) if stride > 1 else nn.Identity()
        self.conv1 = conv_block(n_in, n_out)
        self.conv2 = nn.Conv2d(n_out, n_out, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(n_out)
        self.short = nn.Conv2d(n_in, n_out, 1, stride=stride) if n_in != n_out else nn.Identity()

    def forward(self, x):
        y = self.norm(self.conv2(self.conv1(self.pool(x))))
        return y + self.short(x)


class ResidualClassifier(nn.Module):
    """Additions alone and in front of a convolution; stride 2 with a kernel of one pixel."""

    def __init__(self):
        super().__init__()
        self.stem = conv_block(3, 8)
        self.blocks = nn.Sequential(ResidualBlock(8, 8), ResidualBlock(8, 16, stride=2))
        self.mix = conv_block(16, 16, kernel_size=1)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.classify = nn.Linear(16, 5)

    def forward(self, x):
        x = self.pool(self.mix(self.blocks(self.stem(x))))
        return self.classify(torch.flatten(x, 1))


class PlainUNet(nn.Module):
    """A folded first layer, upsampling, skips, two answers."""

    def __init__(self):
        super().__init__()
        self.enter = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.down1 = conv_block(8, 12)
        self.pool = nn.MaxPool2d(2)
        self.down2 = conv_block(12, 16)
        self.up = nn.ConvTranspose2d(16, 12, 3, stride=2, padding=1, output_padding=1)
        self.join = conv_block(24, 12)
        self.edges = nn.Conv2d(12, 1, 1)
        self.label = nn.Conv2d(12, 3, 1)

    def forward(self, x):
        fine = self.down1(F.relu(self.enter(x)))
        up = F.relu(self.up(self.down2(self.pool(fine))))
        x = self.join(torch.cat([up, fine], dim=1))
        return torch.sigmoid(self.edges(x)), self.label(x)


class Fire(nn.Module):
    def __init__(self, n_in, n_squeeze, n_expand):
        super().__init__()
        self.squeeze = nn.Conv2d(n_in, n_squeeze, 1)
        self.expand1 = nn.Conv2d(n_squeeze, n_expand, 1)
        self.expand3 = nn.Conv2d(n_squeeze, n_expand, 3, padding=1)

    def forward(self, x):
        x = torch.relu(self.squeeze(x))
        return torch.cat([self.expand1(x).relu(), self.expand3(x).relu()], 1)


class SqueezeClassifier(nn.Module):
    """Fire modules; pooling behind a concatenation; classes by global average."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1)
        self.fire1 = Fire(8, 4, 8)
        self.fire2 = Fire(16, 8, 12)
        self.classify = nn.Conv2d(24, 4, 1)

    def forward(self, x):
        x = F.max_pool2d(self.stem(x).relu(), 2)
        x = self.fire2(F.max_pool2d(self.fire1(x), 2))
        return self.classify(x.mean((2, 3), keepdim=True)).flatten(1)


class TemporalNet(nn.Module):
    """Dilated convolutions over time, average pooling, absolute values, two features joined."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv1d(4, 12, 3, padding=1)
        self.norm1 = nn.BatchNorm1d(12)
        self.conv2 = nn.Conv1d(12, 12, 3, dilation=2, padding=2)
        self.conv3 = nn.Conv1d(12, 12, 3, dilation=4, padding=2)
        self.pool = nn.AvgPool1d(2)
        self.conv4 = nn.Conv1d(12, 16, 5, padding="same")
        self.norm4 = nn.BatchNorm1d(16)
        self.fast = nn.Linear(16 * 7, 6)
        self.slow = nn.Linear(16 * 7, 6)
        self.norm = nn.BatchNorm1d(12)
        self.classify = nn.Linear(12, 3)

    def forward(self, x):
        x = self.norm1(self.conv1(x)).relu()
        x = self.conv3(self.conv2(x).relu()).abs()
        x = F.max_pool1d(self.norm4(self.conv4(self.pool(x))), 2).relu().flatten(1)
        return self.classify(torch.cat([self.fast(x).relu(), self.slow(x).relu()], 1))


class SharedWeights(nn.Module):
    """One convolution used three times, and a subtraction."""

    def __init__(self):
        super().__init__()
        self.enter = nn.Conv2d(2, 8, 3, padding=1)
        self.again = nn.Conv2d(8, 8, 3, padding=1)
        self.leave = nn.Conv2d(8, 2, 1)

    def forward(self, x):
        x = self.enter(x).relu()
        for _ in range(3):
            before, x = x, self.again(x).relu()
        return self.leave(before - x)


class Rewritten(nn.Module):
    """Nothing but what the accelerator lacks: strides, groups, upsampling, ReLU behind a sum."""

    def __init__(self):
        super().__init__()
        self.enter = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.depth = nn.Conv2d(8, 8, 3, padding=1, groups=8)
        self.norm = nn.BatchNorm2d(8)
        self.down = nn.Conv2d(8, 12, 3, stride=2, padding=1)
        self.flat = nn.Conv2d(12, 8, (1, 3), padding=(0, 1))
        self.up = nn.Upsample(scale_factor=2)
        self.leave = nn.Conv2d(8, 3, 1)

    def forward(self, x):
        fine = F.relu(self.norm(self.depth(F.relu6(self.enter(x)))))
        coarse = F.relu(self.flat(F.relu(self.down(fine))))
        return self.leave(F.relu(self.up(coarse) - fine))


PLAIN = (
    (DigitClassifier, (1, 16, 16)),
    (ResidualClassifier, (3, 16, 16)),
    (PlainUNet, (3, 16, 16)),
    (SqueezeClassifier, (3, 16, 16)),
    (TemporalNet, (4, 32)),
    (SharedWeights, (2, 8, 8)),
    (Rewritten, (3, 16, 16)),
)


def make_plain(kind, seed=1):
    """A network with batch norms that have seen something."""
    torch.manual_seed(seed)
    model = kind()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -0.2, 0.2)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.3, 0.3)
    return model.eval()
