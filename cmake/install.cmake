# SPDX-License-Identifier: MIT
# cmake --install: the library both ways, headers, the program, and what pkg-config and find_package(lastack) read. The prefix may be
# chosen at installation, so nothing installed names it.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

install(TARGETS lastack_static lastack_shared EXPORT lastack INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/lastack DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN *.h)
install(TARGETS lastack_packetdrill LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
if(TARGET lastack)
  install(TARGETS lastack)
endif()

file(GLOB pages CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/docs/man/*.1)
install(FILES ${pages} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${PROJECT_SOURCE_DIR}/docs/man/liblastack.3 DESTINATION ${CMAKE_INSTALL_MANDIR}/man3)
foreach(name top metrics) # they share a page with ss
  file(WRITE ${PROJECT_BINARY_DIR}/lastack-${name}.1 ".so man1/lastack-ss.1\n")
  install(FILES ${PROJECT_BINARY_DIR}/lastack-${name}.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
endforeach()

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/lastack)
install(EXPORT lastack NAMESPACE lastack:: FILE lastack-config.cmake DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/lastack-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/lastack-config-version.cmake DESTINATION ${package_dir})

if(IS_ABSOLUTE ${CMAKE_INSTALL_LIBDIR})
  set(pc_prefix ${CMAKE_INSTALL_PREFIX})
else()
  file(RELATIVE_PATH pc_prefix /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
  string(REGEX REPLACE "/$" "" pc_prefix "\${pcfiledir}/${pc_prefix}")
endif()
cmake_path(ABSOLUTE_PATH CMAKE_INSTALL_LIBDIR BASE_DIRECTORY "\${prefix}" OUTPUT_VARIABLE pc_libdir)
cmake_path(ABSOLUTE_PATH CMAKE_INSTALL_INCLUDEDIR BASE_DIRECTORY "\${prefix}" OUTPUT_VARIABLE pc_includedir)
configure_file(${PROJECT_SOURCE_DIR}/cmake/lastack.pc.in ${PROJECT_BINARY_DIR}/lastack.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/lastack.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
