"""Run the command as ``python -m skresnet``."""

from skresnet.cli import main

main(prog_name="skresnet")
