"""The image encoders that this field was made of, in the order they came, with the numbers of parameters in print.

The numbers are of the whole network, with the head that its paper put behind it. Most are printed rounded; where ours
is another, the entry says why.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    """One encoder.

    Attributes:
        name: that :func:`~seetell.nn.backbones.create_encoder` takes.
        paper: authors and year.
        published: millions of parameters, as printed; empty where nothing is.
        difference: why ours has another number, or where the number is from.
        classes: of the published head.
    """

    name: str
    paper: str
    published: str
    difference: str = ""
    classes: int = 1000


GOOGLENET = "table 1 counts 5×5 filters; torchvision's are 3×3, normalised; with both auxiliary heads 13.0"

CATALOGUE = (
    Entry("lenet5", "LeCun et al. 1998", "0.060", "maps read all maps before them, and outputs are a linear layer", 10),
    Entry("alexnet2012", "Krizhevsky et al. 2012", "60", "as 60 million; its layers have 61.0"),
    Entry("zfnet", "Zeiler & Fergus 2013", "", "none in print; 62.4 by its figure 3"),
    Entry("nin", "Lin et al. 2013", "0.97", "of the authors' CIFAR-10 network", classes=10),
    Entry("alexnet", "Krizhevsky 2014", "61.1", "torchvision's form"),
    Entry("torchvision/vgg11", "Simonyan & Zisserman 2014, A", "133"),
    Entry("vgg_a_lrn", "Simonyan & Zisserman 2014, A-LRN", "133"),
    Entry("torchvision/vgg13", "Simonyan & Zisserman 2014, B", "133"),
    Entry("vgg_c", "Simonyan & Zisserman 2014, C", "134"),
    Entry("torchvision/vgg16", "Simonyan & Zisserman 2014, D", "138"),
    Entry("torchvision/vgg19", "Simonyan & Zisserman 2014, E", "144"),
    Entry("googlenet", "Szegedy et al. 2014", "6.8", GOOGLENET),
    Entry("inception_bn", "Ioffe & Szegedy 2015", "13.6", "not said what 13.6 counts; figure 5 and a head are 11.2"),
    Entry("torchvision/inception_v3", "Szegedy et al. 2015", "23.8", "without the auxiliary head, 27.2 with it"),
    Entry("inception_v4", "Szegedy et al. 2016", "42.7", "timm's form"),
    Entry("cifar_highway11", "Srivastava et al. 2015", "0.236", "widths are not in print", 10),
    Entry("cifar_highway19", "Srivastava et al. 2015", "2.3", classes=10),
    Entry("torchvision/resnet18", "He et al. 2015", "11.7"),
    Entry("torchvision/resnet34", "He et al. 2015", "21.8"),
    Entry("torchvision/resnet50", "He et al. 2015", "25.6"),
    Entry("torchvision/resnet101", "He et al. 2015", "44.5"),
    Entry("torchvision/resnet152", "He et al. 2015", "60.2"),
    Entry("cifar_resnet20", "He et al. 2015", "0.27", classes=10),
    Entry("cifar_resnet32", "He et al. 2015", "0.46", classes=10),
    Entry("cifar_resnet44", "He et al. 2015", "0.66", classes=10),
    Entry("cifar_resnet56", "He et al. 2015", "0.85", classes=10),
    Entry("cifar_resnet110", "He et al. 2015", "1.7", classes=10),
    Entry("cifar_plain20", "He et al. 2015", "0.27", classes=10),
    Entry("cifar_plain56", "He et al. 2015", "0.85", classes=10),
    Entry("cifar_preact_resnet110", "He et al. 2016", "1.7", classes=10),
    Entry("cifar_preact_resnet164", "He et al. 2016", "1.7", classes=10),
    Entry("cifar_stochastic_depth110", "Huang et al. 2016", "1.7", classes=10),
    Entry("cifar_wide_resnet16_4", "Zagoruyko & Komodakis 2016", "2.7", classes=10),
    Entry("cifar_wide_resnet28_10", "Zagoruyko & Komodakis 2016", "36.5", classes=10),
    Entry("torchvision/wide_resnet50_2", "Zagoruyko & Komodakis 2016", "68.9"),
    Entry("torchvision/resnext50_32x4d", "Xie et al. 2016", "25.0"),
    Entry("cifar_fractalnet20", "Larsson et al. 2016", "2.1", classes=10),
    Entry("cifar_fractalnet40", "Larsson et al. 2016", "4.8", classes=10),
    Entry("cifar_densenet40_12", "Huang et al. 2016", "1.0", classes=10),
    Entry("cifar_densenet_bc100_12", "Huang et al. 2016", "0.8", classes=10),
    Entry("torchvision/densenet121", "Huang et al. 2016", "8.0"),
    Entry("squeezenet1_0", "Iandola et al. 2016", "1.25"),
    Entry("squeezenet1_1", "Iandola et al. 2016", "1.24"),
    Entry("mobilenet_v1", "Howard et al. 2017", "4.2"),
    Entry("mobilenet_v2", "Sandler et al. 2018", "3.4", "its layers have 3.5"),
    Entry("fishnet99", "Sun et al. 2018", "16.6"),
    Entry("fishnet150", "Sun et al. 2018", "25.0"),
    Entry("efficientnet_lite0", "Tan & Le 2019", "4.7"),
    Entry("efficientnet_lite1", "Tan & Le 2019", "5.4"),
    Entry("efficientnet_lite2", "Tan & Le 2019", "6.1"),
)
"""In the order of their years."""
