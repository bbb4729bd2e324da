#!/usr/bin/env bash
# What made the bundled weights, as commands, with the time that each took on cores of a 2-core machine with bfloat16 that was
# never idle; docs/LOG.md has the curves. Needs npm once, for the artwork. Stopped at any point, the same command goes on.
set -euo pipefail
cd "$(dirname "$0")/.."
OUT=${1:-runs-out/bundled}

# 18 minutes of two cores: 29.6 dB at 128x128 on held-out clips, 27.7 dB at 64x64
./run train autoencoder --clips 1600 --steps 3000 --out "$OUT/autoencoder"
# 30 minutes of a core
./run data --autoencoder "$OUT/autoencoder" --images 16000 --clips 9088 --long 6400 --plans 16000 --out "$OUT/data"
# The transformer, in stages, each from the weights of the one before. Before layouts: about 80 minutes of a core
# (1,800 steps of AdamW, 1,400 of Muon at 3e-3); 1,100 more at 3e-3, 50 minutes, brought nothing: the rate was too high.
./run train transformer --steps 3200 --rate 3e-3 --data "$OUT/data" --out "$OUT/transformer-1"
# With layouts, 80 minutes of a core, the rate falling to zero
./run train transformer --steps 2250 --rate 2e-3 --cooldown 1.0 --start "$OUT/transformer-1" --data "$OUT/data" --out "$OUT/transformer"
# 25 minutes of a core
./run train transformer --size planner --steps 1600 --rate 3e-3 --cooldown 0.6 --data "$OUT/data" --out "$OUT/planner"
# 25 minutes of two cores
./run train upsampler --clips 1600 --steps 500 --autoencoder "$OUT/autoencoder" --out "$OUT/decoders"
./run export --autoencoder "$OUT/decoders/autoencoder" --upsampler "$OUT/decoders/upsampler" --transformer "$OUT/transformer" \
    --planner "$OUT/planner" --name vitascope-bundled --version 0.2 --out "$OUT/model"
./run evaluate --model "$OUT/model" --prompts 200 --out "$OUT/scores"
