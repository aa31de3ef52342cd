#!/bin/sh
# The daily tasks. All of them run, also if one fails; the exit code is then 1. Run it in the folder of app.py.
failed=0
for task in housekeeping "audit verify" doctor; do
  # shellcheck disable=SC2086
  if ! "${PYTHON:-.venv/bin/python}" -m flask --app app $task; then
    echo "maintenance: flask $task failed" >&2
    failed=1
  fi
done
exit $failed
