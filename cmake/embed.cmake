# thaw_embed(TARGET NAMESPACE FUNCTION FILE ...): for each pair a function that returns the file's
# text, compiled into the target. Files may not contain the word )thaw".
function(thaw_embed target namespace)
  set(code "#include <string_view>\n\nnamespace ${namespace} {\n")
  set(rest ${ARGN})
  while(rest)
    list(POP_FRONT rest name file)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${file})
    file(READ ${file} text)
    string(APPEND code "std::string_view ${name}() { return R\"thaw(${text})thaw\"; }\n")
  endwhile()
  string(APPEND code "}  // namespace ${namespace}\n")
  set(generated ${CMAKE_CURRENT_BINARY_DIR}/${target}_embedded.cc)
  file(CONFIGURE OUTPUT ${generated} CONTENT "${code}" @ONLY)
  target_sources(${target} PRIVATE ${generated})
endfunction()

# thaw_embed_built(TARGET NAMESPACE NAME FILE...): the same for files that the build makes.
function(thaw_embed_built target namespace)
  set(rest ${ARGN})
  while(rest)
    list(POP_FRONT rest name file)
    set(generated ${CMAKE_CURRENT_BINARY_DIR}/${target}_${name}.cc)
    add_custom_command(
      OUTPUT ${generated} DEPENDS thaw_snapshot_programs ${file}
              ${CMAKE_SOURCE_DIR}/cmake/bytes.cmake VERBATIM
      COMMAND ${CMAKE_COMMAND} -DIN=${file} -DOUT=${generated} -DFUNCTION=${name}
              -DNAMESPACE=${namespace} -P ${CMAKE_SOURCE_DIR}/cmake/bytes.cmake)
    target_sources(${target} PRIVATE ${generated})
  endwhile()
endfunction()
