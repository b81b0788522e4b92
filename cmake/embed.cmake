# SPDX-License-Identifier: MIT
# cmake -DIN=FILE;… -DOUT=FILE.c -P embed.cmake: each file becomes a constant, `la__` and its name with _ for all but letters and digits.
set(text "/* SPDX-License-Identifier: MIT */\n#include \"draw/page.h\"\n")
foreach(file IN LISTS IN)
  get_filename_component(name ${file} NAME)
  string(REGEX REPLACE "[^A-Za-z0-9]" "_" name ${name})
  file(READ ${file} bytes HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
  string(APPEND text "const char la__${name}[] = {${bytes}0};\n")
endforeach()
file(WRITE ${OUT} "${text}")
