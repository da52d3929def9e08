# The two programs of runtimes/snapshot, made without what the rest is made with: they run inside
# instances, without a C library or within one that is not ours. Empty files where they cannot be.
set(THAW_RESTORE ${CMAKE_BINARY_DIR}/runtimes/thaw-restore)
set(THAW_POINT ${CMAKE_BINARY_DIR}/runtimes/thaw-point.so)
set(source ${CMAKE_SOURCE_DIR}/runtimes/snapshot)
set(headers ${source}/image.h ${source}/calls.h ${source}/restore.h)
set(restore ${source}/restore.cc ${source}/checks.cc ${source}/cold.cc)
set(flags -std=c++20 -O2 -Wall -Wextra -fno-stack-protector -fcf-protection=none -fno-exceptions
          -fno-rtti -fno-asynchronous-unwind-tables -fno-threadsafe-statics)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  list(APPEND flags -fno-tree-loop-distribute-patterns)  # memset() is not to call itself
else()
  list(APPEND flags -Wl,--no-relax)  # at kHome ld cannot do without the table that Clang reads
endif()
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/runtimes)
if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
  # The address is kHome of restore.cc.
  add_custom_command(OUTPUT ${THAW_RESTORE} DEPENDS ${restore} ${headers} VERBATIM
    COMMAND ${CMAKE_CXX_COMPILER} ${flags} -fPIE -ffreestanding -fno-builtin -nostdlib -static
            -no-pie -Wl,-Ttext-segment=0x600000000000 -Wl,-z,noexecstack -Wl,--build-id=none -s
            -o ${THAW_RESTORE} ${restore})
  add_custom_command(OUTPUT ${THAW_POINT} DEPENDS ${source}/point.cc ${headers} VERBATIM
    COMMAND ${CMAKE_CXX_COMPILER} ${flags} -fPIC -fvisibility=hidden -nostdlib -shared
            -Wl,-z,noexecstack -Wl,--build-id=none -s -o ${THAW_POINT} ${source}/point.cc)
else()
  file(WRITE ${THAW_RESTORE} "")
  file(WRITE ${THAW_POINT} "")
endif()
add_custom_target(thaw_snapshot_programs ALL DEPENDS ${THAW_RESTORE} ${THAW_POINT})
