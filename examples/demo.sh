#!/usr/bin/env bash
# The main job, as a person would type it: an AWS on this machine, a target on it, three faults at once, one heal.
set -euo pipefail

target=${1:-examples/optimo}
PATH="$(cd "${BIN:-.venv/bin}" && pwd):$PATH"

recloser sandbox up
trap 'recloser sandbox down' EXIT

(
  eval "$(recloser sandbox env --as admin)"
  recloser policy "$target" > .recloser/operator-policy.json
  python "$target/infra/provision.py" --operator-policy .recloser/operator-policy.json --operator-user recloser
)
for tag in 1.4.1 1.4.2; do
  recloser sandbox build "$target" --repository optimo --tag "$tag"
done
recloser faults inject missing-environment s3-read-denied small-memory --target "$target"

eval "$(recloser sandbox env)"
recloser heal "$target"
