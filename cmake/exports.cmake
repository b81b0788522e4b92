# SPDX-License-Identifier: MIT
# Writes a header that marks what must stay visible when the core is optimised as a whole: the functions of the public headers, and what
# the rooms above the core and the benchmark use of `base`, `mem` and `wire`. A name that is missing is one that the linker does not find.
function(lastack_exports out)
  set(names la__copy_sum la__ip4_build la__ip4_parse la__ip6_parse la__ip_pseudo_sum la__ip_version la__prng_below la__prng_next
    la__prng_seed la__siphash13 la__sum la__table_add la__table_find la__table_init la__tcp_build la__tcp_parse)
  set(text "/* SPDX-License-Identifier: MIT */\n")
  file(GLOB headers ${PROJECT_SOURCE_DIR}/include/lastack/*.h)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${headers})
  foreach(header IN LISTS headers)
    get_filename_component(name ${header} NAME)
    string(APPEND text "#include <lastack/${name}>\n")
    file(READ ${header} all)
    string(REGEX REPLACE "[][;]" " " all "${all}")
    string(REGEX REPLACE "/\\*([^*]|\\*+[^*/])*\\*+/" " " all "${all}") # comments
    string(REGEX REPLACE "static inline[^{]*{" " " all "${all}")
    string(REGEX MATCHALL "[ *]la_[a-z0-9_]+\\([a-z]" found "${all}")
    string(REGEX REPLACE "[ *](la_[a-z0-9_]+)\\([a-z]" "\\1" found "${found}")
    list(APPEND names ${found})
  endforeach()
  foreach(header base/prng.h base/siphash.h base/sum.h mem/table.h wire/ip.h wire/tcp_wire.h)
    string(APPEND text "#include \"${header}\"\n")
  endforeach()
  list(REMOVE_DUPLICATES names)
  foreach(name IN LISTS names)
    string(APPEND text "extern __typeof__(${name}) ${name} __attribute__((externally_visible));\n")
  endforeach()
  file(CONFIGURE OUTPUT ${out} CONTENT "${text}" @ONLY)
endfunction()
