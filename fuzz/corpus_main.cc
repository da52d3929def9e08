// Runs a fuzzer's target over the files of a folder, as a plain test: corpus_NAME FOLDER.
#include <fmt/core.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// An exact copy on the heap, so that a sanitizer sees a read one byte past the end.
void run(const std::string& input) {
  const std::vector<uint8_t> bytes(input.begin(), input.end());
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2 || !std::filesystem::is_directory(argv[1])) {
    fmt::print(stderr, "usage: {} FOLDER, a folder of input files\n", argv[0]);
    return 2;
  }
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(argv[1])) {
    if (entry.is_regular_file()) paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  run("");
  for (const auto& path : paths) {
    fmt::print("{}\n", path.filename().string());
    std::fflush(stdout);  // the last name printed is the input that failed
    run(read_file(path));
  }
  fmt::print("{} inputs\n", paths.size());
  return paths.empty() ? 1 : 0;
}
