"""Run the command as ``python -m skresnet``."""

from skresnet.cli import main

if __name__ == "__main__":  # not where a process that it starts imports it
    main(prog_name="skresnet")
