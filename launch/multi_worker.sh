#!/usr/bin/env bash
# Trains with N worker processes on this machine that share each batch (--strategy=multi_worker).
#   bash launch/multi_worker.sh N [--FLAG=VALUE ...]     flags of ieg_fsr.main, e.g. --dataset=digits --noise=0.4
# The first worker writes the run and says how it goes. If one ends badly all are ended, and the exit code is its own.
workers=${1:-}
if [[ ! $workers =~ ^[1-9][0-9]*$ ]]; then
  echo "launch/multi_worker.sh: the first argument must be the number of workers, from 1 up. Received: $workers" >&2
  exit 2
fi
shift
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"
prepare_environment requirements.txt

# Free ports of the loopback interface.
addresses=$(.venv/bin/python - "$workers" <<'PYTHON'
import json, socket, sys
sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(int(sys.argv[1]))]
print(json.dumps([f"127.0.0.1:{s.getsockname()[1]}" for s in sockets]))
PYTHON
)

processes=()
# Ends those that still run: they get time to notice it themselves and say so, then to finish what they write.
end() {
  local signal process seconds
  for signal in "$@"; do
    seconds=10
    if [ "$signal" = 0 ]; then seconds=60; fi
    # With a code: in a trap, return alone would give that of what the signal interrupted.
    if ((!${#processes[@]})); then return 0; fi
    for process in "${processes[@]}"; do kill -"$signal" "$process" 2>/dev/null || true; done
    for ((tenth = 0; tenth < 10 * seconds; tenth++)); do
      if ! kill -0 "${processes[@]}" 2>/dev/null; then return 0; fi
      sleep 0.1
    done
  done
}
# Ctrl-C reaches the workers through here, once: a second signal would not let them save.
trap 'end TERM 0 KILL; exit 3' INT TERM
set -m # a process group for each worker

exec 3>&1
for ((worker = 0; worker < workers; worker++)); do
  if ((worker > 0)); then exec 3>/dev/null; fi
  TF_CONFIG="{\"cluster\": {\"worker\": $addresses}, \"task\": {\"type\": \"worker\", \"index\": $worker}}" \
    .venv/bin/python -m ieg_fsr.main --strategy=multi_worker "$@" >&3 &
  processes+=($!)
done

while ((${#processes[@]})); do
  code=0
  wait -n -p process "${processes[@]}" || code=$?
  for worker in "${!processes[@]}"; do
    if [ "${processes[worker]}" = "$process" ]; then break; fi
  done
  unset "processes[worker]"
  if ((code != 0)); then
    echo "launch/multi_worker.sh: worker $worker ended with exit code $code; the others end" >&2
    end 0 TERM KILL
    exit "$code"
  fi
done
