#!/bin/sh
# Ask a question, and print each passage with its source and permalink. Needs curl alone.
#
#     sh examples/ask.sh "How large was the trade turnover in 2018?" [ADDRESS]
#
# Exits with 1 if the documents don't seem to answer the question.
# Put a key into the variable API_KEY if the service wants one.
set -eu

question=${1:?usage: ask.sh QUESTION [ADDRESS]}
address=${2:-http://127.0.0.1:8000}

get() {
    curl --silent --show-error --fail --get "$@" ${key:+--header "Authorization: Bearer $key"}
}

result=$(get --data-urlencode "q=$question" --data k=3 "$address/api/v1/search")

# Each result begins with its rank and its id, DOCUMENT:START-END.
printf '%s' "$result" | tr -d '\n' |
    grep -oE '"rank": ?[0-9]+, *"id": ?"[0-9a-f]{16}:[0-9]+-[0-9]+"' |
    sed -E 's/.*"([0-9a-f]{16}):([0-9]+-[0-9]+)"/\1 \2/' |
    while read -r document range; do
        get "$address/documents/$document/quotations/$range.txt"
        printf '\n\n'
    done

case $result in
*'"answerable":false'* | *'"answerable": false'*)
    echo "These documents don't seem to answer that." >&2
    exit 1
    ;;
esac
