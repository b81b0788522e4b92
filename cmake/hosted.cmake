# SPDX-License-Identifier: MIT
# What needs an operating system: drivers, the loop, the tools, the program and the tests.

# Files past 2 GB and dates past 2038 on 32-bit machines too.
set(system_definitions _GNU_SOURCE _FILE_OFFSET_BITS=64 _TIME_BITS=64)

# The core once more, as one object, optimised across its files: a tenth to a fifth faster, and who links it needs no such option. The
# tools and tests have it file by file, so that a change means little work, and so that a mutant can take the place of one file.
set(core_objects $<TARGET_OBJECTS:lastack_core>)
set(core_whole ${core_objects})
if(CMAKE_C_COMPILER_ID STREQUAL "GNU" AND CMAKE_BUILD_TYPE STREQUAL "Release")
  include(${PROJECT_SOURCE_DIR}/cmake/exports.cmake)
  set(exports_header ${PROJECT_BINARY_DIR}/core_exports.h)
  lastack_exports(${exports_header})
  set(whole_options -O3 -fPIC -flto -fno-fat-lto-objects -fno-semantic-interposition -fno-tree-slp-vectorize)
  add_library(lastack_core_parts OBJECT ${core_sources})
  lastack_common(lastack_core_parts)
  target_compile_options(lastack_core_parts PRIVATE -ffreestanding ${whole_options} -include ${exports_header})
  target_include_directories(lastack_core_parts PRIVATE ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src)
  set(core_whole ${PROJECT_BINARY_DIR}/core_whole.o)
  # What is not marked is the object's own (-fwhole-program): inlined where it is called once. The compiler takes that option only for a
  # finished file, hence flinker-output=dyn, though all that is made is an object.
  add_custom_command(
    OUTPUT ${core_whole}
    COMMAND ${CMAKE_C_COMPILER} -r -g -ffreestanding ${whole_options} -flto=2 -flto-partition=one -flinker-output=dyn -fwhole-program
      $<TARGET_OBJECTS:lastack_core_parts> -o ${core_whole}
    COMMAND ${CMAKE_OBJCOPY} --wildcard --keep-global-symbol=la_* --localize-symbol=*.* ${core_whole}
    DEPENDS lastack_core_parts $<TARGET_OBJECTS:lastack_core_parts>
    COMMENT "Optimising the core as a whole" COMMAND_EXPAND_LISTS VERBATIM)
  add_custom_target(lastack_core_whole DEPENDS ${core_whole}) # made once, though two libraries want it at the same time
endif()

# The library: core, drivers and loop. As it is installed, static and shared; and `parts`, for the tools and tests.
lastack_room_sources(host_sources src/link src/host)
foreach(kind static shared parts)
  set(objects ${core_whole})
  set(library_type STATIC)
  if(kind STREQUAL "shared")
    set(library_type SHARED)
  elseif(kind STREQUAL "parts")
    set(objects ${core_objects})
  endif()
  add_library(lastack_${kind} ${library_type} ${objects} ${host_sources})
  lastack_common(lastack_${kind})
  target_compile_definitions(lastack_${kind} PRIVATE ${system_definitions})
  target_compile_options(lastack_${kind} PRIVATE -fno-semantic-interposition)
  target_include_directories(lastack_${kind} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> PRIVATE ${PROJECT_SOURCE_DIR}/src)
  set_target_properties(lastack_${kind} PROPERTIES OUTPUT_NAME lastack LINKER_LANGUAGE C)
  if(TARGET lastack_core_whole AND NOT kind STREQUAL "parts")
    add_dependencies(lastack_${kind} lastack_core_whole)
  endif()
endforeach()
set_target_properties(lastack_parts PROPERTIES OUTPUT_NAME lastack_parts)
# The names under which an installed copy is found, too.
set_target_properties(lastack_shared PROPERTIES EXPORT_NAME lastack)
set_target_properties(lastack_static PROPERTIES EXPORT_NAME static)
add_library(lastack::lastack ALIAS lastack_shared)
add_library(lastack::static ALIAS lastack_static)
set(exports ${PROJECT_SOURCE_DIR}/cmake/lastack.map)
set_target_properties(lastack_shared PROPERTIES SOVERSION 0 VERSION ${PROJECT_VERSION} LINK_DEPENDS ${exports})
target_link_options(lastack_shared PRIVATE -Wl,--version-script=${exports} $<$<CONFIG:Release>:-Wl,--no-undefined>)

# What packetdrill loads (--so_filename): the core in virtual time behind packetdrill's own interface.
lastack_room_sources(packetdrill_sources packetdrill)
find_package(Threads REQUIRED)
add_library(lastack_packetdrill MODULE $<TARGET_OBJECTS:lastack_core> ${packetdrill_sources})
lastack_common(lastack_packetdrill)
target_compile_definitions(lastack_packetdrill PRIVATE ${system_definitions})
target_include_directories(lastack_packetdrill PRIVATE ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/include)
target_link_libraries(lastack_packetdrill PRIVATE Threads::Threads)
set(packetdrill_exports ${PROJECT_SOURCE_DIR}/cmake/packetdrill.map)
set_target_properties(lastack_packetdrill PROPERTIES OUTPUT_NAME lastack-packetdrill LINKER_LANGUAGE C LINK_DEPENDS ${packetdrill_exports})
target_link_options(lastack_packetdrill PRIVATE -Wl,--version-script=${packetdrill_exports})

# A room of the tools: may use the library's internal headers.
function(lastack_tool_room target)
  lastack_common(${target})
  target_compile_definitions(${target} PRIVATE ${system_definitions})
  target_include_directories(${target} PUBLIC ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/src)
endfunction()

# Libraries of Debian's that the tools and the program use.
foreach(library jansson http_parser pcap)
  find_path(${library}_INCLUDE ${library}.h)
  find_library(${library}_LIBRARY ${library})
  if(NOT ${library}_INCLUDE OR NOT ${library}_LIBRARY)
    string(REPLACE _ - package lib${library}-dev)
    message(FATAL_ERROR "the program needs ${library} (Debian: ${package})")
  endif()
  include_directories(SYSTEM ${${library}_INCLUDE})
endforeach()

find_path(ncurses_INCLUDE curses.h)
find_library(ncurses_LIBRARY ncursesw)
if(NOT ncurses_INCLUDE OR NOT ncurses_LIBRARY)
  message(FATAL_ERROR "the program needs ncurses (Debian: libncurses-dev)")
endif()
include_directories(SYSTEM ${ncurses_INCLUDE})

set(tool_libraries lastack_parts)
lastack_room_sources(tool_sources capture draw sim drill)
# The page of --html is written as a page, and becomes part of the program.
set(page_parts ${PROJECT_SOURCE_DIR}/draw/page.css ${PROJECT_SOURCE_DIR}/draw/page.js)
set(page_source ${PROJECT_BINARY_DIR}/page.c)
add_custom_command(OUTPUT ${page_source}
  COMMAND ${CMAKE_COMMAND} "-DIN=${page_parts}" -DOUT=${page_source} -P ${PROJECT_SOURCE_DIR}/cmake/embed.cmake
  DEPENDS ${page_parts} ${PROJECT_SOURCE_DIR}/cmake/embed.cmake VERBATIM)
list(APPEND tool_sources ${page_source})
if(tool_sources)
  add_library(lastack_tools STATIC ${tool_sources})
  lastack_tool_room(lastack_tools)
  target_link_libraries(lastack_tools PUBLIC lastack_parts ${pcap_LIBRARY} m Threads::Threads)
  list(PREPEND tool_libraries lastack_tools)
endif()

# The program. Its subcommands are a library, so that tests can reach them.
if(EXISTS ${PROJECT_SOURCE_DIR}/cli/main.c)
  lastack_room_sources(cli_sources cli)
  list(REMOVE_ITEM cli_sources ${PROJECT_SOURCE_DIR}/cli/main.c)
  if(cli_sources)
    add_library(lastack_cli STATIC ${cli_sources})
    lastack_tool_room(lastack_cli)
    target_link_libraries(lastack_cli PUBLIC ${tool_libraries} ${jansson_LIBRARY} ${http_parser_LIBRARY} ${ncurses_LIBRARY})
    list(PREPEND tool_libraries lastack_cli)
  endif()
  add_executable(lastack cli/main.c)
  lastack_tool_room(lastack)
  target_link_libraries(lastack PRIVATE ${tool_libraries})
endif()

if(LASTACK_EXAMPLES)
  include(cmake/examples.cmake)
endif()
if(LASTACK_INSTALL)
  include(cmake/install.cmake)
endif()
if(LASTACK_TESTS AND PROJECT_IS_TOP_LEVEL)
  include(cmake/tests.cmake)
endif()
if(PROJECT_IS_TOP_LEVEL)
  include(cmake/bench.cmake)
endif()
