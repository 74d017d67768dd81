#!/usr/bin/env bash
# Compiles app.py to build/quotes.wasm, in a virtual environment with requirements.txt.
set -euo pipefail
cd "$(dirname "$0")"
wit=../../wit/cache-async
mkdir -p build
componentize-py -d $wit -w edge-cache:cache-async/consumer -w spin:up/http-trigger@4.1.0 \
  componentize -p . -p $wit/python app -o build/quotes.wasm
