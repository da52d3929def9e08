#include "tokenize/files.h"

#include <cerrno>
#include <cstdio>
#include <memory>

namespace thaw::tokenize {
namespace {
constexpr size_t kLargest = size_t{64} << 20;
constexpr size_t kPiece = size_t{1} << 16;
}  // namespace

Result<std::string> read_text_file(const std::string& path) {
  const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen(path.c_str(), "rbe"), std::fclose);
  if (!file) return errno_error("open " + path, errno);
  std::string text;
  for (size_t got = 1; got > 0;) {
    const size_t before = text.size();
    text.resize(before + kPiece);
    got = std::fread(text.data() + before, 1, kPiece, file.get());
    text.resize(before + got);
    if (text.size() > kLargest) {
      return Error(Code::kInvalidArgument, path + ": larger than 64 MiB");
    }
  }
  if (std::ferror(file.get())) return errno_error("read " + path, errno);
  return text;
}

}  // namespace thaw::tokenize
