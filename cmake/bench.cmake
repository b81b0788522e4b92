# SPDX-License-Identifier: MIT
# Our side of the benchmark, in the build folder's bench/. The peers are built by tools/bench.sh.
file(GLOB bench_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/bench/*.c)
list(REMOVE_ITEM bench_sources ${PROJECT_SOURCE_DIR}/bench/floor.c ${PROJECT_SOURCE_DIR}/bench/kernel.c)
add_executable(bench_lastack ${bench_sources})
target_link_libraries(bench_lastack PRIVATE lastack_static)
target_compile_options(bench_lastack PRIVATE $<$<CONFIG:Release>:-O3>) # as lwIP's harness is
add_executable(bench_floor ${PROJECT_SOURCE_DIR}/bench/floor.c)
target_link_libraries(bench_floor PRIVATE lastack_static)
add_executable(bench_kernel ${PROJECT_SOURCE_DIR}/bench/kernel.c)
set(bench_programs bench_lastack bench_floor bench_kernel)
foreach(program IN LISTS bench_programs)
  lastack_tool_room(${program})
  set_target_properties(${program} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bench)
endforeach()
