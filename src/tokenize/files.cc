#include "tokenize/files.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <memory>

namespace thaw::tokenize {
namespace {
constexpr size_t kLargest = size_t{64} << 20;
constexpr size_t kPiece = size_t{1} << 16;
}  // namespace

Result<std::string> read_text_file(const std::string& path) {
  // A pipe would be waited for without O_NONBLOCK.
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return errno_error("open " + path, errno);
  const std::unique_ptr<FILE, int (*)(FILE*)> file(::fdopen(fd, "rb"), std::fclose);
  struct stat info = {};
  if (::fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    return Error(Code::kInvalidArgument, path + ": not a regular file");
  }
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
