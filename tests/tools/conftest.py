import sys
from pathlib import Path

# tools/ is no part of the installed package; last, so that the package is tested as
# it is installed.
sys.path.append(str(Path(__file__).resolve().parents[2]))
