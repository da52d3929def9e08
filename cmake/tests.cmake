# thaw_test() and thaw_script_test(): how tests become known to ctest. Labels: unit, corpus, tree,
# e2e; `ctest --preset dev -L unit` runs one kind.
option(BUILD_TESTING "build the tests" ON)
enable_testing()
if(BUILD_TESTING)
  find_package(GTest REQUIRED)
  include(GoogleTest)
  find_program(PYTHON3 python3 REQUIRED)
endif()

# Adds the test program NAME from SOURCES; each case of it is one test, NAME/Suite.Case.
function(thaw_test name)
  if(NOT BUILD_TESTING)
    return()
  endif()
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_LIBS} thaw_options GTest::gtest GTest::gmock
                                        GTest::gtest_main)
  target_compile_definitions(${name} PRIVATE THAW_SOURCE_DIR="${CMAKE_SOURCE_DIR}")
  string(REGEX REPLACE "_test$" "" prefix ${name})
  gtest_discover_tests(${name} DISCOVERY_TIMEOUT 120 TEST_PREFIX ${prefix}/
                       PROPERTIES LABELS unit TIMEOUT 120)
endfunction()

# Adds a test that is a command: thaw_script_test(NAME COMMAND ... [LABEL e2e] [TIMEOUT s] [ALONE]).
# It finds the program in $THAW and the tree in $THAW_SOURCE_DIR, says "skipped" by exit code 77,
# and with ALONE no other test runs beside it.
function(thaw_script_test name)
  if(NOT BUILD_TESTING)
    return()
  endif()
  cmake_parse_arguments(ARG "ALONE" "LABEL;TIMEOUT" "COMMAND" ${ARGN})
  if(NOT ARG_LABEL)
    set(ARG_LABEL e2e)
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  add_test(NAME ${name} COMMAND ${ARG_COMMAND})
  set(environment "THAW_SOURCE_DIR=${CMAKE_SOURCE_DIR}" "PYTHONDONTWRITEBYTECODE=1")
  if(ARG_LABEL STREQUAL "e2e")
    list(APPEND environment "THAW=$<TARGET_FILE:thaw>")
  endif()
  set_tests_properties(${name} PROPERTIES LABELS ${ARG_LABEL} TIMEOUT ${ARG_TIMEOUT}
    SKIP_RETURN_CODE 77 ENVIRONMENT "${environment}" RUN_SERIAL ${ARG_ALONE})
endfunction()
