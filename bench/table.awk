# SPDX-License-Identifier: MIT
# Samples (row|who|value) and rows (bench/rows.txt) to the table on the standard output and to the file named by `json`.
BEGIN { FS = "|" }

function sorted(key, i, j, n, t) {
  n = split(values[key], v, " ")
  for (i = 2; i <= n; i++)
    for (j = i; j > 1 && v[j] + 0 < v[j - 1] + 0; j--) {
      t = v[j]
      v[j] = v[j - 1]
      v[j - 1] = t
    }
  least = v[1]
  most = v[n]
  median = n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
  return n
}
function text(x) { return x >= 1000 ? sprintf("%.0f", x) : sprintf("%.4g", x) }
function range(n) { return n > 1 ? text(median) " (" text(least) " to " text(most) ")" : text(median) }

FNR == NR {
  values[$1 "|" $2] = values[$1 "|" $2] " " $3
  next
}
FNR == 1 {
  printf "%-16s %-8s %-32s %-10s %-32s %s\n", "row", "unit", "lastack", "peer", "its", "lastack/its"
  printf "[" > json
}
{
  n = sorted($1 "|lastack")
  if (n == 0)
    next
  mine = range(n)
  value = median
  if ($6 != "-" && (n = sorted($1 "|" $6)) > 0) {
    printf "%-16s %-8s %-32s %-10s %-32s %.2f%s\n", $1, $2, mine, $6, range(n), value / median, $8 == "-" ? "" : "  (" $8 ")"
    record = sprintf("\"peer\": \"%s\", \"peer_value\": %.9g, \"ratio\": %.4g", $6, median, value / median)
  } else {
    printf "%-16s %-8s %s%s\n", $1, $2, mine, $6 == "-" ? "" : "  (" $6 ": no result)"
    record = "\"peer\": null, \"peer_value\": null, \"ratio\": null"
  }
  printf "%s\n  {\"name\": \"%s\", \"value\": %.9g, \"unit\": \"%s\", %s, \"better\": \"%s\"}", count++ ? "," : "", $1, value, $2, record, $3 > json
}
END { printf "\n]\n" > json }
