"""EfficientNet-Lite0, the smallest of the Lite variants of EfficientNet.

Google published them in 2020 for phones: EfficientNet (Tan and Le, 2019) without
squeeze and excitation, and with relu6 instead of swish. Layers have the names that
``keras.applications.EfficientNetB0`` gives to those it has in common.
"""

from skresnet.networks.layers import Layer, Network, Preprocessing

# blocks, size and first stride of the depthwise convolution, expansion, output channels
_STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)


def _block(
    name: str, source: Layer, size: int, stride: int, expansion: int, last: int
) -> list[Layer]:
    """Return the layers of one inverted residual block, in Keras' order."""
    inner = expansion * source.channels
    layers = []
    before = source.name
    if expansion > 1:
        layers += [
            Layer(f"{name}_expand_conv", "conv", (before,), inner),
            Layer(f"{name}_expand_bn", "norm", (f"{name}_expand_conv",), inner),
            Layer(f"{name}_expand_activation", "relu6", (f"{name}_expand_bn",), inner),
        ]
        before = f"{name}_expand_activation"
    layers += [
        Layer(f"{name}_dwconv", "depthwise", (before,), inner, size, stride, "same"),
        Layer(f"{name}_bn", "norm", (f"{name}_dwconv",), inner),
        Layer(f"{name}_activation", "relu6", (f"{name}_bn",), inner),
        Layer(f"{name}_project_conv", "conv", (f"{name}_activation",), last),
        Layer(f"{name}_project_bn", "norm", (f"{name}_project_conv",), last),
    ]
    if stride == 1 and source.channels == last:
        summands = (f"{name}_project_bn", source.name)
        layers.append(Layer(f"{name}_add", "add", summands, last))
    return layers


def _layers() -> tuple[Layer, ...]:
    table = [
        Layer("stem_conv", "conv", ("input",), 32, 3, 2, "same"),
        Layer("stem_bn", "norm", ("stem_conv",), 32),
        Layer("stem_activation", "relu6", ("stem_bn",), 32),
    ]
    for stage, (blocks, size, stride, expansion, last) in enumerate(_STAGES, 1):
        for i, letter in enumerate("abcd"[:blocks]):
            name = f"block{stage}{letter}"
            strides = 1 if i else stride
            table += _block(name, table[-1], size, strides, expansion, last)
    return (
        *table,
        Layer("top_conv", "conv", (table[-1].name,), 1280),
        Layer("top_bn", "norm", ("top_conv",), 1280),
        Layer("top_activation", "relu6", ("top_bn",), 1280),
        Layer("avg_pool", "avg_pool", ("top_activation",), 1280),
    )


EFFICIENTNET_LITE0 = Network(
    name="efficientnet_lite0",
    title="EfficientNet-Lite0",
    layers=_layers(),
    preprocessing=Preprocessing("lite", means=(127.0, 127.0, 127.0), scale=128.0),
    epsilon=1e-3,
    has_biases=False,
)
