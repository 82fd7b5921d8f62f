"""Options of a network that costs next to nothing and tells colours apart."""

TINY_EMBEDDER = [
    *("--weights", "random"),
    *("--input-size", "32"),
    *("--layer", "conv2_block1_out"),
]
TINY = [
    *TINY_EMBEDDER,
    *("--hidden-layers", "32,16"),
    *("--learning-rate", "0.05"),
    *("--epochs", "4"),
    "--scale",
]
