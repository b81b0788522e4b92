# SPDX-License-Identifier: MIT
# For tools/conformance.sh: awk -f conformance.awk IDS PAGE...
# Reads the tables of the pages. Prints findings to standard output, and into the folder OUT (-v out=OUT): `wanted`, lines of
# file:line, tab, ID, tab, test; and `counts`, lines of page, tab, prefix, tab, status. For mawk and gawk alike.

function say(line, text) { print FILENAME ":" line ": " text }
function trimmed(s) {
  gsub(/^[ ]+|[ ]+$/, "", s)
  return s
}

FNR == 1 {
  file++
  if (file > 1)
    seen_page[FILENAME] = 1
  test_at = status_at = level_at = 0
}

# The list of IDs.
file == 1 {
  if ($0 ~ /^#/ || NF == 0)
    next
  for (i = 1; i <= $3; i++) {
    id = $2 i
    page_of[id] = $1
    prefix_of[id] = $2
    order[++n] = id
  }
  next
}

!/^\|/ { test_at = status_at = level_at = 0 }
!/^\|/ { next }

{ cells = split($0, cell, "|") - 1 }

# A heading row says which column is which.
trimmed(cell[2]) == "ID" {
  for (i = 2; i <= cells; i++) {
    if (trimmed(cell[i]) == "Test")
      test_at = i
    if (trimmed(cell[i]) == "Status")
      status_at = i
    if (trimmed(cell[i]) == "Level")
      level_at = i
  }
  next
}
!test_at || !status_at || /^\|[ -]*-/ { next }

{
  id = trimmed(cell[2])
  if (!(id in page_of)) {
    say(FNR, "no such requirement: " id)
    next
  }
  if (page_of[id] != FILENAME)
    say(FNR, id " belongs to " page_of[id])
  if (id in row)
    say(FNR, id " stands on line " row[id] " already")
  row[id] = FNR
  status = trimmed(cell[status_at])
  reason = status
  sub(/^[^:]*:?[ ]*/, "", reason)
  sub(/:.*/, "", status)
  tests = 0
  text = cell[test_at]
  while (match(text, /`[^`]+`/)) {
    name = substr(text, RSTART + 1, RLENGTH - 2)
    text = substr(text, RSTART + RLENGTH)
    print FILENAME ":" FNR "\t" id "\t" name > (out "/wanted")
    tests++
  }
  if (status != "met" && status != "waived" && status != "not met")
    say(FNR, id ": status is met, waived or not met, not `" status "'")
  else
    print FILENAME "\t" prefix_of[id] "\t" status > (out "/counts")
  if (status == "met" && !tests)
    say(FNR, id ": met, but no test is named")
  if (status ~ /^(waived|not met)$/ && reason == "")
    say(FNR, id ": " status ", but without a reason")
  level = level_at ? trimmed(cell[level_at]) : id
  if (status == "not met" && level !~ /^(SHLD|SHOULD|MAY|REC)/)
    say(FNR, id ": only a SHOULD or a MAY may stay unmet")
}

END {
  for (i = 1; i <= n; i++)
    if (!(order[i] in row))
      print page_of[order[i]] ":1: " order[i] " is missing"
  close(out "/wanted")
  close(out "/counts")
}
