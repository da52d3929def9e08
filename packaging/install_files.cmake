# Makes and installs the files that name the prefix or come from the program: unit, user, data
# directory, shell completion. Runs inside `cmake --install`, which sets CMAKE_INSTALL_PREFIX.
set(PREFIX ${CMAKE_INSTALL_PREFIX})
file(MAKE_DIRECTORY ${GENERATED})
configure_file(${PACKAGING}/thaw.service.in ${GENERATED}/thaw.service @ONLY)
file(INSTALL ${GENERATED}/thaw.service DESTINATION ${PREFIX}/lib/systemd/system)
file(INSTALL ${PACKAGING}/sysusers.conf DESTINATION ${PREFIX}/lib/sysusers.d RENAME thaw.conf)
file(INSTALL ${PACKAGING}/tmpfiles.conf DESTINATION ${PREFIX}/lib/tmpfiles.d RENAME thaw.conf)

# No function: file(INSTALL) notes what it installed in the scope that it is called from.
foreach(completion "bash;bash-completion/completions;thaw" "zsh;zsh/site-functions;_thaw"
                   "fish;fish/vendor_completions.d;thaw.fish")
  list(GET completion 0 shell)
  list(GET completion 1 folder)
  list(GET completion 2 name)
  execute_process(COMMAND ${THAW_PROGRAM} completion ${shell}
                  OUTPUT_FILE ${GENERATED}/${name} RESULT_VARIABLE result)
  file(SIZE ${GENERATED}/${name} size)
  if(NOT result EQUAL 0 OR size EQUAL 0)
    message(FATAL_ERROR "`thaw completion ${shell}` failed (${result}, ${size} bytes)")
  endif()
  file(INSTALL ${GENERATED}/${name} DESTINATION ${PREFIX}/share/${folder})
endforeach()
