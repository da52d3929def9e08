# Every library Thaw uses, from Debian's packages, behind one name each.
# Why each was chosen: docs/decisions/0002-dependencies.md.
find_package(Threads REQUIRED)
find_package(fmt 9 REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(tl-expected REQUIRED)
find_package(yaml-cpp 0.7 REQUIRED)
find_package(Eigen3 3.4 REQUIRED NO_MODULE)
find_package(SQLite3 3.40 REQUIRED)
find_library(UTF8PROC NAMES libutf8proc.a utf8proc REQUIRED)

# llhttp is packaged as C sources (node-llhttp), so it is compiled here.
add_library(llhttp STATIC /usr/share/llhttp/api.c /usr/share/llhttp/http.c
                          /usr/share/llhttp/llhttp.c)
target_include_directories(llhttp SYSTEM PUBLIC /usr/share/include/llhttp)
target_compile_options(llhttp PRIVATE -O2 -w)

add_library(deps::base INTERFACE IMPORTED)
target_link_libraries(deps::base INTERFACE fmt::fmt nlohmann_json::nlohmann_json tl::expected)
add_library(deps::http INTERFACE IMPORTED)
target_link_libraries(deps::http INTERFACE llhttp)
add_library(deps::spec INTERFACE IMPORTED)
target_link_libraries(deps::spec INTERFACE yaml-cpp)
add_library(deps::predict INTERFACE IMPORTED)
target_link_libraries(deps::predict INTERFACE Eigen3::Eigen)
add_library(deps::tensor INTERFACE IMPORTED)
target_link_libraries(deps::tensor INTERFACE Threads::Threads)
add_library(deps::tokenize INTERFACE IMPORTED)
target_link_libraries(deps::tokenize INTERFACE ${UTF8PROC})
add_library(deps::store INTERFACE IMPORTED)
target_link_libraries(deps::store INTERFACE SQLite::SQLite3)
add_library(deps::io_linux INTERFACE IMPORTED)
target_link_libraries(deps::io_linux INTERFACE Threads::Threads)
