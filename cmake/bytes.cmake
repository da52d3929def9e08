# cmake -DIN=FILE -DOUT=FILE.cc -DFUNCTION=NAME -DNAMESPACE=a::b -P bytes.cmake: a file as an array.
file(READ ${IN} hex HEX)
string(LENGTH "${hex}" size)
math(EXPR size "${size} / 2")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
file(WRITE ${OUT} "#include <string_view>

namespace ${NAMESPACE} {
namespace {
constexpr unsigned char kBytes[] = {${bytes}0};
}
std::string_view ${FUNCTION}() { return {reinterpret_cast<const char*>(kBytes), ${size}}; }
}  // namespace ${NAMESPACE}
")
