#!/usr/bin/env bash
# What made the bundled weights, as commands, with the time that each took on cores of a 2-core machine with bfloat16 that was
# never idle; docs/LOG.md has the curves. Needs npm once, for the artwork. Stopped at any point, the same command goes on.
# Up to the third stage of the transformer the world was smaller: 16 subjects, 11 actions, clear weather, one style, cameras
# that stand still or pan, and up to the fourth it had six layers; two that did nothing yet were then put between them. Up to
# the fifth the captions had fewer words, and up to the sixth there were 18 subjects, 8 places and 3 times of day. Here every
# stage sees all of today's world and has all layers.
set -euo pipefail
cd "$(dirname "$0")/.."
OUT=${1:-runs-out/bundled}

# 18 minutes of two cores: 29.6 dB at 128x128 on held-out clips, 27.7 dB at 64x64, both of the smaller world
./run train autoencoder --clips 1600 --steps 3000 --out "$OUT/autoencoder"
# 10 minutes of a core; before that, an hour for 30,720 images, 27,008 clips and 10,240 long ones, of smaller worlds or with rain
# and snow that were painted with the rest
./run data --autoencoder "$OUT/autoencoder" --images 10240 --clips 14080 --long 2560 --plans 230000 --validation 512 --out "$OUT/data"
# The transformer, in stages, each from the weights of the one before. Before layouts: about 80 minutes of a core
# (1,800 steps of AdamW, 1,400 of Muon at 3e-3); 1,100 more at 3e-3, 50 minutes, brought nothing: the rate was too high.
./run train transformer --steps 3200 --rate 3e-3 --data "$OUT/data" --out "$OUT/transformer-1"
# With layouts, 80 minutes of a core, the rate falling to zero
./run train transformer --steps 2250 --rate 2e-3 --cooldown 1.0 --start "$OUT/transformer-1" --data "$OUT/data" --out "$OUT/transformer-2"
# 25 minutes more, and 75 minutes with today's world
./run train transformer --steps 2600 --rate 1.5e-3 --cooldown 1.0 --start "$OUT/transformer-2" --data "$OUT/data" --out "$OUT/transformer-3"
# 110 minutes with eight layers, told weather and time, styles left to the stylist
./run train transformer --steps 2200 --rate 1.5e-3 --cooldown 1.0 --start "$OUT/transformer-3" --data "$OUT/data" --out "$OUT/transformer-4"
# 25 minutes with more captions
./run train transformer --steps 600 --rate 1e-3 --cooldown 1.0 --start "$OUT/transformer-4" --data "$OUT/data" --out "$OUT/transformer-5"
# 80 minutes with all subjects, places and times of day, and clips that are foreseen
./run train transformer --steps 3000 --rate 1.5e-3 --cooldown 1.0 --start "$OUT/transformer-5" --data "$OUT/data" --out "$OUT/transformer-6"
# 97 minutes with places told, the first 1,000 steps with rain and snow, the others without
./run train transformer --steps 3800 --rate 1.5e-3 --cooldown 1.0 --start "$OUT/transformer-6" --data "$OUT/data" --out "$OUT/transformer-7"
# 72 minutes with zooms that are followed exactly and what a first frame does not tell hidden
./run train transformer --steps 2800 --rate 1e-3 --cooldown 1.0 --start "$OUT/transformer-7" --data "$OUT/data" --out "$OUT/transformer-8"
# 75 minutes of a shared core with images of which a part is known
./run train transformer --steps 2400 --rate 1e-3 --cooldown 1.0 --start "$OUT/transformer-8" --data "$OUT/data" --out "$OUT/transformer"
# 25 minutes of a core with the smaller world, 25 with a wider one, 30 with looks, 34 with more captions, 45 with all subjects,
# 35 of half a core with places, 40 with long plans, 46 of a core with steps of their own, 20 with cameras that track, 60 with
# single frames and more of these
./run train transformer --size planner --steps 18800 --rate 2e-3 --cooldown 0.7 --data "$OUT/data" --out "$OUT/planner"
# 60 minutes of a core without paintings or portraits, which did little; with them 20 minutes for 2,432 paintings of the smaller
# world and 75 more; 12 minutes for the paintings of today's and 31 with exact portraits; 12 for new paintings and 37 with cameras that are followed exactly,
# 50 of a shared core with what is behind things, and their outlines
./run train upsampler --steps 19600 --autoencoder "$OUT/autoencoder" --painter "$OUT/transformer" --paintings 1024 --out "$OUT/decoders"
# 15 minutes of a core
./run train stylist --steps 1400 --autoencoder "$OUT/decoders/autoencoder" --upsampler "$OUT/decoders/upsampler" --out "$OUT/stylist"
./run export --autoencoder "$OUT/decoders/autoencoder" --upsampler "$OUT/decoders/upsampler" --transformer "$OUT/transformer" \
    --planner "$OUT/planner" --stylist "$OUT/stylist" --name vitascope-bundled --version 0.9 --out "$OUT/model"
./run evaluate --model "$OUT/model" --prompts 200 --out "$OUT/scores"
