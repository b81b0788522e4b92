# SPDX-License-Identifier: MIT
# For tools/mutants.sh: awk -v source=NEW -f mutate.awk MUTANT FILE writes FILE with the mutant's change to NEW.
# A mutant's change is a hunk of a unified diff without line numbers, after a line "@@": lines to be found (space or minus first) and
# lines to stand there (space or plus). They must be found exactly once, whatever their indentation; else the exit status is 1 and
# the first line printed says why.

function bare(s) {
  gsub(/^[ ]+|[ ]+$/, "", s)
  return s
}

FNR == 1 { file++ }
file == 1 && /^@@/ {
  hunks++
  next
}
file == 1 && hunks {
  first = substr($0, 1, 1)
  if (first != "+")
    old[hunks, ++olds[hunks]] = bare(substr($0, 2))
  if (first != "-")
    new[hunks, ++news[hunks]] = substr($0, 2)
  next
}
file == 2 { line[++lines] = $0 }

END {
  if (!hunks) {
    print "has no hunk"
    exit 1
  }
  for (h = 1; h <= hunks; h++) {
    found = 0
    for (i = 1; i <= lines - olds[h] + 1; i++) {
      for (k = 1; k <= olds[h] && bare(line[i + k - 1]) == old[h, k]; k++)
        ;
      if (k > olds[h]) {
        found++
        at[h] = i
      }
    }
    if (found != 1) {
      print "hunk " h ": its old lines stand " (found + 0) " times in " FILENAME ", not once"
      exit 1
    }
    hunk_at[at[h]] = h
  }
  for (i = 1; i <= lines; i++) {
    if (!(i in hunk_at)) {
      print line[i] > source
      continue
    }
    h = hunk_at[i]
    for (k = 1; k <= news[h]; k++)
      print new[h, k] > source
    i += olds[h] - 1
  }
}
