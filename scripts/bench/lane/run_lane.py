"""Run the packed lane: python3 run_lane.py --out DIR. Needs torch, transformers, and nothing from the net."""

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(Path(__file__).resolve().parent / "scripts"))
    from bench.lane.gpu_lane import main

    sys.exit(main())
