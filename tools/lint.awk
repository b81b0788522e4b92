# SPDX-License-Identifier: MIT
# The rules that read text, for tools/lint.sh: awk -f lint.awk FILE... with paths relative to the root.
# For mawk and gawk alike, under LC_ALL=C: no intervals in patterns, no gensub, no word boundaries.

BEGIN {
  core = "base mem wire tcp udp core sock posix"
  # room -> what it may include besides itself and <lastack/...>
  may["base"] = ""
  may["mem"] = may["wire"] = "base"
  may["tcp"] = may["udp"] = "base mem wire"
  may["core"] = may["tcp"] " tcp udp"
  may["sock"] = may["core"] " core"
  may["posix"] = may["sock"] " sock"
  may["link"] = core
  may["host"] = core " link"
  may["capture"] = core
  may["draw"] = core " capture"
  may["sim"] = core " link host capture draw"
  may["drill"] = may["sim"] " sim"
  may["packetdrill"] = core
  may["cli"] = may["drill"] " drill"
  freestanding = "stddef stdint stdbool limits stdarg stdalign"
  bad = 0
}

function say(line, text) {
  print FILENAME ":" line ": " text
  bad = 1
}
function in_list(word, words) { return index(" " words " ", " " word " ") > 0 }

# The line without comments and with empty string literals; `in_comment` goes on from line to line.
function strip(s, out, c, two, quote, i, n) {
  out = ""
  quote = ""
  n = length(s)
  for (i = 1; i <= n; i++) {
    c = substr(s, i, 1)
    two = substr(s, i, 2)
    if (in_comment) {
      if (two == "*/") {
        in_comment = 0
        i++
      }
    } else if (quote != "") {
      if (c == "\\")
        i++
      else if (c == quote) {
        quote = ""
        out = out c
      }
    } else if (two == "/*") {
      in_comment = 1
      i++
    } else if (two == "//") {
      say(FNR, "comments are written /* */")
      break
    } else {
      if (c == "\"" || c == "'")
        quote = c
      out = out c
    }
  }
  return out
}

function start_file(n, part) {
  finish_file()
  name = FILENAME
  sub(/^\.\//, "", name)
  is_c = name ~ /\.[ch]$/
  is_script = name ~ /\.(sh|awk|cmake)$/ || name ~ /(^|\/)(CMakeLists\.txt|dev|\.clang-format)$/ || name ~ /^\.ci\//
  n = split(name, part, "/")
  room = part[1] == "src" ? part[2] : part[1]
  if (part[1] == "include")
    room = "public"
  in_core = room == "public" || in_list(room, core)
  checked = is_c && (room == "public" || (room in may))
  if (is_c && part[1] == "src" && n > 2 && !(room in may))
    say(1, "src/" room " is not a room: say in tools/lint.awk what it may include")
  in_comment = depth = in_function = table = 0
  spdx_line = 1
}
function finish_file() {
  if (name != "" && (is_c || is_script) && lines > 600) {
    print name ":" lines ": file has " lines " lines, at most 600"
    bad = 1
  }
  lines = 0
}

FNR == 1 {
  start_file()
  if ($0 ~ /^#!/) {
    is_script = 1
    spdx_line = 2
  }
}
{
  lines = FNR
  if (FNR == spdx_line && (is_c && $0 != "/* SPDX-License-Identifier: MIT */" || is_script && $0 != "# SPDX-License-Identifier: MIT"))
    say(FNR, "the first line names the licence: SPDX-License-Identifier: MIT")
  if (index($0, "\t") && name !~ /\.go$/) # gofmt's
    say(FNR, "tab")
  if ($0 ~ /[ \t\r]$/)
    say(FNR, "space at the end of the line")
  if ($0 ~ /(^|[^A-Za-z0-9_.}-])[\/]work[\/]/)
    say(FNR, "a path of one machine")
}
is_c {
  width = $0
  if (length($0) - gsub(/[\200-\277]/, "", width) > 140)
    say(FNR, "line has more than 140 columns")
  if ($0 ~ /\/\* lint: table \*\//)
    table = 1
  code = strip($0)
  count_function(code)
}
checked && code ~ /^[ ]*#[ ]*include/ { check_include($0) }
checked && in_core && code ~ /(^|[^A-Za-z0-9_])(float|double)([^A-Za-z0-9_]|$)/ { say(FNR, "floating point in the core") }

# A function starts where `) {` stands outside all braces and ends at the next `}` in the first column.
function count_function(code, opens, closes, copy) {
  if (code ~ /^[ ]*#/ || code ~ /^extern "" \{/)
    return
  if (depth == 0 && code ~ /\)[ ]*\{/) {
    in_function = 1
    first = FNR
  }
  copy = code
  opens = gsub(/\{/, "", copy)
  closes = gsub(/\}/, "", copy)
  depth += opens - closes
  if (code ~ /^\}/ || depth < 0)
    depth = 0
  if (depth == 0) {
    if (in_function && !table && FNR - first + 1 > 70)
      say(first, "function has " (FNR - first + 1) " lines, at most 70")
    if (in_function || opens + closes)
      table = 0
    in_function = 0
  }
}

function check_include(line, target, dir, angled) {
  angled = line ~ /</
  target = line
  sub(/^[^<"]*[<"]/, "", target)
  sub(/[>"].*$/, "", target)
  if (angled) {
    if (target ~ /^lastack\//)
      return
    dir = target
    sub(/\.h$/, "", dir)
    if (in_core && !in_list(dir, freestanding))
      say(FNR, "system header <" target "> below src/link")
    return
  }
  if (target !~ /^[a-z]+\/[^\/]+$/) {
    say(FNR, "include \"" target "\" is not of the form \"room/file.h\"")
    return
  }
  dir = target
  sub(/\/.*$/, "", dir)
  if (room == "public")
    say(FNR, "a public header includes a private one, \"" target "\"")
  else if (dir != room && !in_list(dir, may[room]))
    say(FNR, "room " room " may not include room " dir)
}

END {
  finish_file()
  exit bad
}
