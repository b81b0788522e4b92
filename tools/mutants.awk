# SPDX-License-Identifier: MIT
# For tools/mutants.sh: awk -f mutants.awk IDS PAGE... MUTANT... prints a finding for each mutant that lacks a header line, or names a
# requirement that there is not, or one whose row names none of the mutant's tests. -v pages=N: how many of the files are pages.

function finish(n, id, i, k, any) {
  if (!mutant)
    return
  for (k in need)
    if (!(k in field))
      print "ROTTEN    " mutant ":1: no line " k ":"
  n = split(field["id"], id, " ")
  for (i = 1; i <= n; i++) {
    if (!(id[i] in page_of)) {
      print "ROTTEN    " mutant ":1: no such requirement: " id[i]
      continue
    }
    any = 0
    for (k = 1; k <= tests; k++)
      if (index(row[id[i]], "`" test[k] "`"))
        any = 1
    if (!any && tests)
      print "ROTTEN    " mutant ":1: " page_of[id[i]] " names none of its tests at " id[i]
  }
}

BEGIN { need["id"] = need["breaks"] = need["test"] = need["file"] = 1 }
FNR == 1 {
  finish()
  mutant = ++file > 1 + pages ? FILENAME : ""
  split("", field)
  tests = in_hunk = 0
}
file == 1 && /^[^#]/ {
  for (i = 1; i <= $3; i++)
    page_of[$2 i] = $1
  next
}
!mutant && /^\| / {
  row[$2] = $0
  next
}
/^@@/ { in_hunk = 1 }
mutant && !in_hunk && match($0, /^[a-z]+: */) {
  key = $1
  sub(/:.*/, "", key)
  field[key] = substr($0, RLENGTH + 1)
  if (key == "test")
    test[++tests] = field[key]
}
END { finish() }
