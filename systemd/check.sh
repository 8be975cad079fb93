#!/bin/sh
# Are the units of a folder (this one) well-formed, and do they expose no more than 1.5?
# `make install-check`. It needs systemd-analyze of systemd 252 or newer, no root, and no daemon.
set -eu
from=$(cd "${1:-$(dirname "$0")}" && pwd)
most_exposed=15 # tenths
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cp "$from"/budgetd.service "$from"/budgetd@.service "$work"
if ! [ -x /opt/budgetd/bin/budgetd ]; then
    # Verified before it is installed: something that can be executed stands in.
    sed -i 's#=/opt/budgetd/bin/budgetd#=/bin/true#' "$work"/*.service
fi

# It warns of unknown keys and still ends with 0; of other units it may say what it likes.
said=$(systemd-analyze verify --man=no --recursive-errors=no "$work"/*.service 2>&1) || failed=1
if [ -n "${failed:-}" ] || printf '%s\n' "$said" | grep -q budgetd; then
    printf '%s\n' "$said" >&2
    exit 1
fi
users=$(systemd-sysusers --dry-run "$from/budgetd.sysusers" 2>&1) ||
    { printf '%s\n' "$users" >&2; exit 1; }

for unit in "$work"/*.service; do
    judged=$(systemd-analyze security --offline=true --threshold="$most_exposed" --no-pager "$unit") ||
        { printf '%s\n' "$judged" | grep -v '^✓' >&2; exit 1; }
    printf '%s\n' "$judged" | tail -n 1
done
