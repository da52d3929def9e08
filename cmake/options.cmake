# How everything is compiled. CMakePresets.json sets these options; nobody needs to by hand.
set(THAW_SANITIZE "" CACHE STRING "sanitizers, e.g. address,undefined or thread")
option(THAW_FUZZ "build the fuzzers (clang only)" OFF)
option(THAW_COVERAGE "count executed lines" OFF)
option(THAW_LTO "optimize across files when linking" OFF)
option(THAW_WERROR "a warning is an error" OFF)

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo)
endif()
# CHECK stays on in release; assert() of libraries follows the build type.
foreach(language C CXX)
  set(CMAKE_${language}_FLAGS_RELWITHDEBINFO "-O2 -g1 -DNDEBUG")
  set(CMAKE_${language}_FLAGS_RELEASE "-O2 -DNDEBUG")
endforeach()
# A standard container used out of its range stops at once, except in release.
add_compile_definitions($<$<NOT:$<CONFIG:Release>>:_GLIBCXX_ASSERTIONS>)

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

# Warnings are for our own code: each of our targets links thaw_options. GCC 12 sees overlapping
# copies in `"a" + std::string` that are not there (-Wrestrict).
add_library(thaw_options INTERFACE)
target_compile_options(thaw_options INTERFACE
  -Wall -Wextra -Wpedantic -Wno-missing-field-initializers
  $<$<CXX_COMPILER_ID:GNU>:-Wshadow=local -Wno-restrict>
  $<$<COMPILE_LANGUAGE:CXX>:-Woverloaded-virtual -Wnon-virtual-dtor>
  $<$<BOOL:${THAW_WERROR}>:-Werror>)

if(THAW_FUZZ AND NOT CMAKE_CXX_COMPILER_ID MATCHES Clang)
  message(FATAL_ERROR "THAW_FUZZ needs clang: use `cmake --preset fuzz`")
endif()
if(THAW_SANITIZE)
  add_compile_options(-fsanitize=${THAW_SANITIZE} -fno-omit-frame-pointer
                      -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${THAW_SANITIZE})
endif()
if(THAW_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(THAW_COVERAGE)
  add_compile_options(--coverage -O0)
  add_link_options(--coverage)
endif()
if(THAW_LTO)
  set(CMAKE_INTERPROCEDURAL_OPTIMIZATION ON)
endif()
