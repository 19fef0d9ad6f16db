#!/bin/sh
# Asks an agent and follows its answer with curl alone. A stream that breaks off is resumed after the last event seen.
#   sh ask.sh http://127.0.0.1:3000/api/agents assistant 'Hello'
set -eu
url=$1 agent=$2 text=$3

run=$(curl -sSf "$url/runs/" -H 'content-type: application/json' \
  -d "{\"agent_key\": \"$agent\", \"messages\": [{\"role\": \"user\", \"content\": \"$text\"}]}")
id=$(printf '%s' "$run" | sed 's/^{"id": *"\([^"]*\)".*/\1/')

seen=$(mktemp)
trap 'rm -f "$seen"' EXIT
last=0
until grep -qE '^event: run\.(succeeded|failed|cancelled|timed_out)$' "$seen"; do
  curl -sSN "$url/runs/$id/events/" -H 'accept: text/event-stream' -H "last-event-id: $last" | tee -a "$seen"
  last=$(sed -n 's/^id: //p' "$seen" | tail -n 1)
  last=${last:-0}
done
