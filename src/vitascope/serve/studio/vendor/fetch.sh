#!/bin/sh
# Fetches what lies in this folder again: four packages at fixed versions, as their authors built them, each with its licence.
# The only change: imports name files beside them, since a page with a strict content security policy has no import map.
set -eu
cd "$(dirname "$0")"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

fetch() { # package, name here, file in the package
    archive=$(cd "$scratch" && npm pack --silent "$1")
    tar -xzf "$scratch/$archive" -C "$scratch"
    cp "$scratch/package/LICENSE" "$2.LICENSE"
    shift
    while [ $# -gt 1 ]; do
        sed -e '/^\/\/# sourceMappingURL/d' \
            -e 's#\(from\|import\) *"preact"#\1"./preact.js"#g' \
            -e 's#from *"preact/hooks"#from"./hooks.js"#g' \
            -e 's#from *"@preact/signals-core"#from"./signals-core.js"#g' "$scratch/package/$2" >"$1.js"
        shift 2
    done
    rm -r "$scratch/package"
}

fetch preact@11.2.0 preact dist/preact.mjs hooks hooks/dist/hooks.mjs
fetch @preact/signals-core@1.14.5 signals-core dist/signals-core.module.js
fetch @preact/signals@2.11.4 signals dist/signals.module.js
fetch htm@3.1.1 htm dist/htm.module.js
