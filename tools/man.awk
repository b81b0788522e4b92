# SPDX-License-Identifier: MIT
# From `lastack COMMAND --help` with a wide margin to mdoc: the list of options. For mawk and gawk alike.
function escape(s) {
  gsub(/\\/, "\\e", s)
  if (s ~ /^[.']/)
    s = "\\&" s
  return s
}
# "-j, --jobs=N" as arguments of .It
function item(s, n, part, i, out, eq) {
  n = split(s, part, /, /)
  out = ""
  for (i = 1; i <= n; i++) {
    eq = index(part[i], "=")
    name = eq ? substr(part[i], 2, eq - 2) : substr(part[i], 2)
    out = out (i > 1 ? " , " : "") "Fl " name (eq ? " Ns = Ns Ar " substr(part[i], eq + 1) : "")
  }
  return out
}
function close_list() {
  if (listed)
    print ".El"
  listed = 0
}
/^Usage:/ { next }
/^ [A-Z].*:$/ {
  close_list()
  print ".Pp"
  print escape(substr($0, 2))
  next
}
/^ +-/ {
  line = $0
  sub(/^ +/, "", line)
  at = match(line, /  +/)
  option = at ? substr(line, 1, at - 1) : line
  text = at ? substr(line, at + RLENGTH) : ""
  if (option ~ /--(help|usage|version)$/)
    next
  if (!listed)
    print ".Bl -tag -width Ds"
  listed = 1
  print ".It " item(option)
  if (text != "")
    print escape(text)
  next
}
listed && /^            / {
  sub(/^ +/, "")
  print escape($0)
}
END { close_list() }
