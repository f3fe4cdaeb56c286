#!/bin/sh
# Builds src/cisgram/report/page.js from frontend/src; with --check compares instead of writing.
set -eu
cd "$(dirname "$0")"
target=../src/cisgram/report/page.js
built=$(mktemp)
trap 'rm -f "$built"' EXIT

npm ci --ignore-scripts --no-audit --no-fund --silent
npx --no-install tsc --noEmit
npx --no-install esbuild src/main.ts --bundle --minify --format=iife --target=es2022 \
  --charset=ascii --legal-comments=none --log-level=warning --outfile="$built" --allow-overwrite

size=$(wc -c <"$built")
if [ "$size" -ge 153600 ]; then
  echo "page.js has $size bytes; the page allows 150 kB. Leave something out." >&2
  exit 1
fi
if [ "${1:-}" = "--check" ]; then
  cmp "$built" "$target" || {
    echo "page.js is not what frontend/src builds. Run frontend/build.sh and commit page.js." >&2
    exit 1
  }
else
  cat "$built" >"$target"
  echo "page.js: $size bytes"
fi
