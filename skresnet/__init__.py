"""Image classification with a pretrained ResNet50, as a scikit-learn Pipeline."""
