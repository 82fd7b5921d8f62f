"""Make pretrained ResNet50 weights by distillation on freely licensed pictures."""
