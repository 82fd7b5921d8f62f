"""ResNet50, as ``keras.applications.ResNet50(include_top=False, pooling="avg")``.

Names, order of layers and sizes are those of Keras (He et al., "Deep Residual Learning
for Image Recognition", 2015, with the stride in the first convolution of a block).
"""

from skresnet.networks.layers import Layer, Network, Preprocessing

# stage: filters of the two inner convolutions, blocks, stride of the first block
STAGES = {
    "conv2": (64, 3, 1),
    "conv3": (128, 4, 2),
    "conv4": (256, 6, 2),
    "conv5": (512, 3, 2),
}


def _block(name: str, source: Layer, filters: int, stride: int) -> list[Layer]:
    """Return the layers of one residual block, in Keras' order."""
    last = 4 * filters
    first = [
        Layer(f"{name}_1_conv", "conv", (source.name,), filters, 1, stride),
        Layer(f"{name}_1_bn", "norm", (f"{name}_1_conv",), filters),
        Layer(f"{name}_1_relu", "relu", (f"{name}_1_bn",), filters),
        Layer(f"{name}_2_conv", "conv", (f"{name}_1_relu",), filters, 3, 1, "same"),
        Layer(f"{name}_2_bn", "norm", (f"{name}_2_conv",), filters),
        Layer(f"{name}_2_relu", "relu", (f"{name}_2_bn",), filters),
    ]
    third = [
        Layer(f"{name}_3_conv", "conv", (f"{name}_2_relu",), last),
        Layer(f"{name}_3_bn", "norm", (f"{name}_3_conv",), last),
    ]
    shortcut = source.name
    if source.channels != last:  # the first block of a stage
        zeroth = [
            Layer(f"{name}_0_conv", "conv", (source.name,), last, 1, stride),
            Layer(f"{name}_0_bn", "norm", (f"{name}_0_conv",), last),
        ]
        third = [zeroth[0], third[0], zeroth[1], third[1]]
        shortcut = f"{name}_0_bn"
    return [
        *first,
        *third,
        Layer(f"{name}_add", "add", (shortcut, f"{name}_3_bn"), last),
        Layer(f"{name}_out", "relu", (f"{name}_add",), last),
    ]


def _layers() -> tuple[Layer, ...]:
    table = [
        Layer("conv1_pad", "pad", ("input",), 3, padding=3),
        Layer("conv1_conv", "conv", ("conv1_pad",), 64, 7, 2),
        Layer("conv1_bn", "norm", ("conv1_conv",), 64),
        Layer("conv1_relu", "relu", ("conv1_bn",), 64),
        Layer("pool1_pad", "pad", ("conv1_relu",), 64, padding=1),
        Layer("pool1_pool", "max_pool", ("pool1_pad",), 64, 3, 2),
    ]
    for stage, (filters, blocks, stride) in STAGES.items():
        for i in range(1, blocks + 1):
            name = f"{stage}_block{i}"
            table += _block(name, table[-1], filters, stride if i == 1 else 1)
    return (*table, Layer("avg_pool", "avg_pool", (table[-1].name,), 2048))


RESNET50 = Network(
    name="resnet50",
    title="ResNet50",
    layers=_layers(),
    # keras.applications.resnet.preprocess_input; the means are in BGR.
    preprocessing=Preprocessing(
        "caffe", reverses_channels=True, means=(103.939, 116.779, 123.68)
    ),
    epsilon=1.001e-5,
    has_biases=True,
)
