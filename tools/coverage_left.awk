# SPDX-License-Identifier: MIT
# Which lines with branches that no test took have no reason in docs/coverage.md, and which reasons have no such line.
#   awk -f coverage_left.awk docs/coverage.md branches.txt      (gcovr's text report of branches; sources are read from here)
# A reason is a row "| `file` | `text` | why |": the text stands in the line, the file is one, a folder, or * for any; \| is |.
function unquote(s) {
  gsub(/^ *`|` *$/, "", s)
  gsub(/\001/, "|", s)
  return s
}
FNR == NR {
  if ($0 !~ /^\| *`/)
    next
  gsub(/\\\|/, "\001")
  split($0, cell, "|")
  rows++
  file[rows] = unquote(cell[2])
  text[rows] = unquote(cell[3])
  next
}
function about(row, name, line) {
  return (file[row] == "*" || index(name, file[row]) == 1) && index(line, text[row])
}
$1 ~ /^src\// && NF == 5 {
  n = split($5, missing, ",")
  want = 1
  at = 0
  while (want <= n && (getline line < $1) > 0) {
    if (++at != missing[want])
      continue
    want++
    reason = 0
    for (i = 1; i <= rows; i++)
      if (about(i, $1, line))
        reason = used[i] = i
    lines++
    sub(/^ +/, "", line)
    if (!reason) {
      without++
      print $1 ":" at ": " line
    }
  }
  close($1)
}
END {
  for (i = 1; i <= rows; i++)
    if (!used[i])
      print "docs/coverage.md: every branch of this was taken, or it is gone: " file[i] ": " text[i]
  printf "%d lines with a branch that no test took, %d of them without a reason in docs/coverage.md\n", lines, without
}
