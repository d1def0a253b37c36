#!/usr/bin/env bash
# Ranks all customers every night; a line of crontab:
#   15 2 * * *  ORDERS=/data/orders.csv MODEL=/data/model OUT=/data/scores.parquet /opt/duramen/score_nightly.sh
# The scores are replaced whole or not at all. Exit status 2 is input to fix, in one sentence on the error stream.
set -euo pipefail
: "${ORDERS:?names the orders}" "${MODEL:?names the model}" "${OUT:?names the scores to write}"

# Only customers whose orders changed since the run before are scored, as long as the cutoff is the same.
exec duramen score "$ORDERS" --model "$MODEL" --cutoff "${CUTOFF:-$(date +%F)}" --out "$OUT" \
  --reasons core --incremental "${OUT%.*}.kept.parquet" --memory-limit 2GB
