"""AlexNet as it won ImageNet 2012, in two towers; torchvision's ``alexnet`` is its one-tower successor of 2014.

Krizhevsky et al., "ImageNet Classification with Deep Convolutional Neural Networks", NIPS 2012, section 3. Each tower
was on a GPU of its own, and only the third convolution reads both: the others are grouped convolutions. The paper's
images of 224 pixels give the 55 cells of its first layer only with borders; as usual, images of 227 are read instead.
"""

from __future__ import annotations

from torch import nn

from seetell.nn.backbones.encoder import PublishedHead
from seetell.nn.backbones.staged import Stage, StagedEncoder
from seetell.nn.initialisation import initialise
from seetell.nn.local_response_norm import LocalResponseNorm

TOWERS = 2
DROPOUT = 0.5


class AlexNet2012(StagedEncoder):
    """The five convolutions and the three overlapping poolings.

    Args:
        name: the name it is created by.
        pretrained: refused; there are no published weights.
        image_size: side of the square input in pixels; 227 when absent.
    """

    def __init__(self, name: str, *, pretrained: bool, image_size: int | None = None) -> None:
        stages = (
            Stage(4, nn.Sequential(nn.Conv2d(3, 96, 11, stride=4), nn.ReLU(), LocalResponseNorm()), first_centre=5),
            Stage(
                8,
                nn.Sequential(
                    nn.MaxPool2d(3, 2),
                    nn.Conv2d(96, 256, 5, padding=2, groups=TOWERS),
                    nn.ReLU(),
                    LocalResponseNorm(),
                ),
                first_centre=9,
            ),
            Stage(
                16,
                nn.Sequential(
                    nn.MaxPool2d(3, 2),
                    nn.Conv2d(256, 384, 3, padding=1),
                    nn.ReLU(),
                    nn.Conv2d(384, 384, 3, padding=1, groups=TOWERS),
                    nn.ReLU(),
                    nn.Conv2d(384, 256, 3, padding=1, groups=TOWERS),
                    nn.ReLU(),
                ),
                first_centre=17,
            ),
            Stage(32, nn.MaxPool2d(3, 2), first_centre=33),
        )
        super().__init__(name, stages, pretrained=pretrained, image_size=image_size or 227)
        initialise(self, "gaussian")
        convolutions = [layer for layer in self.modules() if isinstance(layer, nn.Conv2d)]
        for number in (1, 3, 4):  # section 5: so that their ReLUs begin with positive inputs
            nn.init.ones_(convolutions[number].bias)  # type: ignore[arg-type]

    def published_head(self, classes: int) -> PublishedHead:
        """Return two layers of 4,096 units with dropout, and the outputs."""
        return fully_connected_head(self, classes, bias=1.0)


def fully_connected_head(encoder: StagedEncoder, classes: int, *, bias: float = 0.0) -> PublishedHead:
    """Return two layers of 4,096 units with dropout, and the outputs, of AlexNet, ZFNet and VGG.

    Args:
        encoder: whose last map they read; they are made for its image size.
        classes: number of outputs.
        bias: that the units begin with.
    """
    rows, columns = encoder.grid_size
    units = (nn.Linear(encoder.channels * rows * columns, 4096), nn.Linear(4096, 4096))
    layers: list[nn.Module] = [nn.Flatten()]
    for unit in units:
        layers += [nn.Dropout(DROPOUT), unit, nn.ReLU()]
    head = PublishedHead(nn.Sequential(*layers), nn.Linear(4096, classes))
    initialise(head, "gaussian")
    for unit in units:
        nn.init.constant_(unit.bias, bias)
    return head
