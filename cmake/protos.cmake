# thaw_google_protos(TARGET NAMESPACE FUNCTION PROTO...): the definitions of Google's APIs, which no
# Debian package has: taken from their makers' npm packages once, checked, and put into the target
# as a FileDescriptorSet that FUNCTION returns. No code is generated from them: see
# docs/decisions/0088-pubsub-over-grpc.md.
find_program(PROTOC protoc)
set(THAW_NPM_PROTOS ${CMAKE_SOURCE_DIR}/build/protos CACHE PATH "where those npm packages are kept")
mark_as_advanced(PROTOC THAW_NPM_PROTOS)

# Fetches NAME@VERSION unless it is there; FOLDER receives where its files are.
function(thaw_npm_package name version sha256 folder)
  string(REGEX REPLACE "[@/]+" "-" file "${name}-${version}")
  string(REGEX REPLACE "^-" "" file "${file}")
  set(there ${THAW_NPM_PROTOS}/${file})
  set(${folder} ${there}/package PARENT_SCOPE)
  if(EXISTS ${there}/package/package.json)
    return()
  endif()
  set(archive ${THAW_NPM_PROTOS}/${file}.tgz)
  file(MAKE_DIRECTORY ${THAW_NPM_PROTOS})
  if(NOT EXISTS ${archive})
    message(STATUS "fetching the npm package ${name} ${version} (definitions of Google's APIs)")
    execute_process(COMMAND npm pack --silent ${name}@${version}
                    WORKING_DIRECTORY ${THAW_NPM_PROTOS} RESULT_VARIABLE status
                    OUTPUT_QUIET ERROR_VARIABLE words)
    if(NOT status EQUAL 0 OR NOT EXISTS ${archive})
      message(FATAL_ERROR "The build needs the npm package ${name} ${version} once, for the "
        "protobuf definitions of Google's APIs, and `npm pack ${name}@${version}` failed: "
        "${status} ${words}\nInstall npm (tools/setup build), or let npm reach its registry, or "
        "put that package's archive at ${archive} yourself; then configure again.")
    endif()
  endif()
  file(SHA256 ${archive} found)
  if(NOT found STREQUAL sha256)
    message(FATAL_ERROR "${archive} is not the package ${name} ${version} that Thaw knows: its "
      "SHA-256 is ${found}, not ${sha256}. Remove it and configure again.")
  endif()
  string(RANDOM unpacking)
  file(ARCHIVE_EXTRACT INPUT ${archive} DESTINATION ${there}.${unpacking})
  file(RENAME ${there}.${unpacking} ${there} RESULT ignored)  # or another configuration was faster
endfunction()

function(thaw_google_protos target namespace function)
  if(NOT PROTOC)
    message(FATAL_ERROR "protoc is missing: run `tools/setup build` (package protobuf-compiler)")
  endif()
  thaw_npm_package(@google-cloud/pubsub 5.3.1
    dc4cb7ac824e3e3311070921d1b14df4f29c7d129143bc561238a2d1e30a9706 pubsub)
  thaw_npm_package(google-gax 5.0.8
    e5953c96ba2c50e9ec22bf89c41246f0c45d8f61a5814ddc9fb1f78ebd131afc gax)
  set(set ${CMAKE_CURRENT_BINARY_DIR}/${function}.pb)
  # Debian's own google/protobuf/*.proto come first: they fit its library.
  execute_process(COMMAND ${PROTOC} -I /usr/include -I ${pubsub}/build/protos
                          -I ${gax}/build/protos --include_imports --descriptor_set_out=${set}
                          ${ARGN}
                  RESULT_VARIABLE status ERROR_VARIABLE words)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "protoc could not read ${ARGN}: ${words}")
  endif()
  file(READ ${set} hex HEX)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
  set(generated ${CMAKE_CURRENT_BINARY_DIR}/${function}.cc)
  file(CONFIGURE OUTPUT ${generated} @ONLY CONTENT "#include <string_view>
namespace ${namespace} {
std::string_view ${function}() {
  static constexpr unsigned char kBytes[] = {${bytes}};
  return {reinterpret_cast<const char*>(kBytes), sizeof kBytes};
}
}  // namespace ${namespace}
")
  target_sources(${target} PRIVATE ${generated})
endfunction()
