# SPDX-License-Identifier: MIT
# Toolchain of ./dev cross: Debian's cross compiler for CROSS_ARCH, and the libraries of that machine that were unpacked in CROSS_ROOT.
# The programs name their loader and libraries themselves, so that they run without a setting, natively or under qemu-user.
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES CROSS_ARCH CROSS_ROOT)
if(CROSS_ARCH STREQUAL "s390x") # big-endian, 64 bits
  set(triple s390x-linux-gnu)
  set(loader ld64.so.1)
  set(CMAKE_LIBRARY_ARCHITECTURE s390x-linux-gnu)
elseif(CROSS_ARCH STREQUAL "i386") # little-endian, 32 bits, 64-bit integers aligned to 4
  set(triple i686-linux-gnu)
  set(loader ld-linux.so.2)
  set(CMAKE_LIBRARY_ARCHITECTURE i386-linux-gnu)
else()
  message(FATAL_ERROR "CROSS_ARCH is '${CROSS_ARCH}': s390x or i386")
endif()
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR ${CROSS_ARCH})
set(CMAKE_C_COMPILER ${triple}-gcc)
# libpcap wants libraries of its own (D-Bus and what that wants): a path that holds for them too is the older kind, RPATH.
set(libraries ${CROSS_ROOT}/usr/lib/${CMAKE_LIBRARY_ARCHITECTURE}:${CROSS_ROOT}/lib/${CMAKE_LIBRARY_ARCHITECTURE})
string(CONCAT CMAKE_EXE_LINKER_FLAGS_INIT "-L${CROSS_ROOT}/lib/${CMAKE_LIBRARY_ARCHITECTURE} "
  "-Wl,--dynamic-linker=/usr/${triple}/lib/${loader} -Wl,-rpath,/usr/${triple}/lib "
  "-Wl,--disable-new-dtags -Wl,-rpath,${libraries} -Wl,-rpath-link,${libraries}")

set(CMAKE_FIND_ROOT_PATH ${CROSS_ROOT})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
