# SPDX-License-Identifier: MIT
# One program for each tests/DIR/test_X.c, in the build folder's tests/: test_X for DIR unit, DIR_X for others.
find_path(CMOCKA_INCLUDE cmocka.h)
find_library(CMOCKA_LIBRARY cmocka)
if(NOT CMOCKA_INCLUDE OR NOT CMOCKA_LIBRARY)
  message(STATUS "no cmocka (Debian: libcmocka-dev): tests are left out")
  return()
endif()

enable_testing()
set(LASTACK_TEST_SECONDS 300 CACHE STRING "Seconds that a test program may take")
# What several tests share: the other sources of tests/unit.
file(GLOB test_helpers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/unit/*.c)
list(FILTER test_helpers EXCLUDE REGEX "/test_[^/]*$")
add_library(lastack_test_helpers STATIC ${test_helpers})
lastack_tool_room(lastack_test_helpers)
target_include_directories(lastack_test_helpers SYSTEM PRIVATE ${CMOCKA_INCLUDE})
target_link_libraries(lastack_test_helpers PUBLIC ${tool_libraries})
file(GLOB test_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/*/test_*.c)
foreach(source IN LISTS test_sources)
  get_filename_component(test ${source} NAME_WE)
  get_filename_component(dir ${source} DIRECTORY)
  get_filename_component(dir ${dir} NAME)
  if(NOT dir STREQUAL "unit")
    string(REGEX REPLACE "^test" ${dir} test ${test})
  endif()
  add_executable(${test} ${source})
  lastack_tool_room(${test})
  target_include_directories(${test} SYSTEM PRIVATE ${CMOCKA_INCLUDE})
  target_link_libraries(${test} PRIVATE lastack_test_helpers ${tool_libraries} ${CMOCKA_LIBRARY})
  set_target_properties(${test} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
  add_test(NAME ${test} COMMAND ${test} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  set_tests_properties(${test} PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT ${LASTACK_TEST_SECONDS})
endforeach()

# tests/attacks/test_work.c and test_rows_*.c count the basic blocks that the core passes: a core of its own, instrumented. As objects, so
# that the archive's are not asked for.
lastack_room_sources(counted_sources ${core_rooms})
add_library(lastack_counted OBJECT ${counted_sources})
lastack_common(lastack_counted)
target_compile_options(lastack_counted PRIVATE -ffreestanding -fsanitize-coverage=trace-pc)
target_include_directories(lastack_counted PRIVATE ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src)
foreach(counting attacks_work attacks_rows_a attacks_rows_b attacks_rows_c attacks_rows_d)
  target_sources(${counting} PRIVATE $<TARGET_OBJECTS:lastack_counted>)
endforeach()

# Its malloc and its clock are the test's own. The last two: what 32-bit machines call where time has 64 bits.
foreach(symbol malloc calloc realloc free epoll_wait epoll_pwait2 clock_gettime __epoll_pwait2_time64 __clock_gettime64)
  target_link_options(test_host_memory PRIVATE -Wl,--wrap=${symbol})
endforeach()

# The interface for packetdrill is tested as packetdrill finds it: loaded at run time.
add_dependencies(packetdrill_interface lastack_packetdrill)
target_compile_definitions(packetdrill_interface PRIVATE LASTACK_PACKETDRILL="$<TARGET_FILE:lastack_packetdrill>")
target_link_libraries(packetdrill_interface PRIVATE Threads::Threads ${CMAKE_DL_LIBS})

# What the scripts in tests/kernel call: the kernel's end of a connection, and a crowd of ours.
add_executable(kernel_peer ${PROJECT_SOURCE_DIR}/tests/kernel/peer.c)
lastack_tool_room(kernel_peer)
add_executable(kernel_swarm ${PROJECT_SOURCE_DIR}/tests/kernel/swarm.c)
lastack_tool_room(kernel_swarm)
target_link_libraries(kernel_swarm PRIVATE lastack_parts)
add_executable(kernel_inject ${PROJECT_SOURCE_DIR}/tests/kernel/inject.c)
lastack_tool_room(kernel_inject)
target_link_libraries(kernel_inject PRIVATE lastack_parts)
# Captures from scripts, for tests/capture.
add_executable(capture_tape ${PROJECT_SOURCE_DIR}/tests/capture/tape.c)
lastack_tool_room(capture_tape)
target_link_libraries(capture_tape PRIVATE lastack_test_helpers ${tool_libraries})
set_target_properties(capture_tape kernel_peer kernel_swarm kernel_inject PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)

# The fuzzers, without libFuzzer (`./dev fuzz` builds them with it).
set(fuzz_stack_sources config lend watch seeds)
set(fuzz_link_sources watch)
foreach(what stack link drill capture parse struct)
  set(sources main fuzz_${what} ${fuzz_${what}_sources})
  list(TRANSFORM sources PREPEND ${PROJECT_SOURCE_DIR}/fuzz/)
  list(TRANSFORM sources APPEND .c)
  add_executable(fuzz_${what} ${sources})
  lastack_tool_room(fuzz_${what})
  target_link_libraries(fuzz_${what} PRIVATE lastack_test_helpers ${tool_libraries})
  set_target_properties(fuzz_${what} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
endforeach()

# The exhaustive table (tests/model): the stack against a model of RFC 9293.
file(GLOB model_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/model/*.c)
list(FILTER model_sources EXCLUDE REGEX "/(test_[^/]*|table|diff|kernel|classes)[.]c$")
add_library(lastack_model STATIC ${model_sources})
lastack_tool_room(lastack_model)
target_link_libraries(lastack_model PUBLIC lastack_parts)
target_link_libraries(model_grid PRIVATE lastack_model)
add_executable(model_table ${PROJECT_SOURCE_DIR}/tests/model/table.c)
lastack_tool_room(model_table)
target_link_libraries(model_table PRIVATE lastack_model)
# And against the Linux kernel.
add_executable(model_diff ${PROJECT_SOURCE_DIR}/tests/model/diff.c ${PROJECT_SOURCE_DIR}/tests/model/kernel.c
                          ${PROJECT_SOURCE_DIR}/tests/model/classes.c)
lastack_tool_room(model_diff)
target_link_libraries(model_diff PRIVATE lastack_model)
set_target_properties(model_table model_diff PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
