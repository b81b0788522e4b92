# SPDX-License-Identifier: MIT
# For tools/conformance.sh and tools/mutants.sh: awk -F '\t' -f conformance_ran.awk SAID WANTED
# SAID: what the programs printed, each after a line "== LOG". WANTED: where, ID, test. Prints a finding for each test that is not
# there or did not pass; with -v failed=1 for each that did not fail.

function log_name(test) {
  sub(/:.*/, "", test)
  gsub(/[\/ ]/, "_", test)
  return test ".log"
}
function short(s) {
  sub(/^[^:]*:/, "", s)
  return s
}

FNR == 1 { file++ }
file == 1 && /^== / {
  log_now = substr($0, 4)
  next
}
# cmocka's lines
file == 1 && /^\[ RUN      \] / {
  running = substr($0, 14)
  if (!((log_now, running) in result))
    result[log_now, running] = "begun"
  next
}
file == 1 && /^\[       OK \] / {
  result[log_now, substr($0, 14)] = "ok"
  next
}
file == 1 && /^\[  FAILED  \] / {
  result[log_now, substr($0, 14)] = "failed"
  next
}
# a scenario's claims
file == 1 && /^  (✓|✗|–) / {
  claims[log_now] = claims[log_now] "\n" substr($0, 3)
  next
}
file == 1 && /^status / {
  status[log_now] = substr($0, 8)
  next
}
file == 1 { next }

{
  name = $3
  log_now = log_name(name)
  how = "ok"
  if (!(log_now in status))
    how = "did not run"
  else if (name ~ /^sim\// && name ~ /:/) {
    how = "no such claim"
    n = split(claims[log_now], claim, "\n")
    for (i = 1; i <= n; i++)
      if (index(claim[i], short(name)) && how != "failed")
        how = index(claim[i], "✗") == 1 ? "failed" : index(claim[i], "✓") == 1 ? "ok" : how
    if (how == "no such claim" && status[log_now] > 1)
      how = "failed" # it ended before it could say so
  } else if (name ~ /^(sim|drill)\//)
    how = status[log_now] == 0 ? "ok" : "failed"
  else if (!((log_now, short(name)) in result))
    how = status[log_now] == 127 || status[log_now] == 126 ? "its program did not run" : "no such case"
  else
    how = result[log_now, short(name)] == "ok" ? "ok" : "failed"
  if (failed && how != "failed")
    print $1 ": " name ": " (how == "ok" ? "passes" : how)
  if (!failed && how != "ok")
    print $1 ": " name ": " how
}
