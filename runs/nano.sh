#!/usr/bin/env bash
# From nothing to a (poor) video and its scores, to see every stage work: under 10 minutes on two CPU cores, most of it in
# the autoencoder and the clips. Needs npm once, for the artwork. Stopped at any point, the same command goes on.
set -euo pipefail
cd "$(dirname "$0")/.."
OUT=${1:-runs-out/nano}

./run train autoencoder --size nano --steps 400 --clips 120 --out "$OUT/autoencoder"                      # 1 minute
./run data --autoencoder "$OUT/autoencoder" --images 512 --clips 384 --long 0 --plans 1024 --validation 128 \
    --out "$OUT/data"                                                                                     # 1 minute
./run train transformer --size nano --steps 500 --data "$OUT/data" --out "$OUT/transformer"               # 1 minute
./run train transformer --size "nano planner" --steps 300 --data "$OUT/data" --out "$OUT/planner"         # 1 minute
./run train upsampler --size nano --steps 200 --autoencoder "$OUT/autoencoder" --out "$OUT/decoders"         # 1 minute
./run train stylist --size nano --steps 100 --autoencoder "$OUT/decoders/autoencoder" --upsampler "$OUT/decoders/upsampler" \
    --out "$OUT/stylist"                                                                                  # 1 minute
./run export --autoencoder "$OUT/decoders/autoencoder" --transformer "$OUT/transformer" --planner "$OUT/planner" \
    --upsampler "$OUT/decoders/upsampler" --stylist "$OUT/stylist" --name vitascope-nano --out "$OUT/model"
./run generate "a red car drives to the right in the city" --model "$OUT/model" --seed 0 --out "$OUT/car.mp4"
./run evaluate --model "$OUT/model" --prompts 8 --steps 8 --out "$OUT/scores"                             # at the level of chance
