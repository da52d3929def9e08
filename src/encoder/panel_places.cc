#include "encoder/panel_places.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "tensor/panel_file.h"

namespace thaw::encoder {
namespace fs = std::filesystem;
namespace {

constexpr std::string_view kEnding = ".panels";

fs::path absolute(const fs::path& path) {
  std::error_code fault;
  const fs::path real = fs::weakly_canonical(path, fault);
  return fault ? path : real;
}

/// As `mkdir -p -m 700`.
void make_folder(const fs::path& folder) {
  std::error_code fault;
  if (folder.empty() || fs::exists(folder, fault)) return;
  make_folder(folder.parent_path());
  ::mkdir(folder.c_str(), 0700);
}

}  // namespace

std::vector<std::string> panel_paths(std::span<const std::string> folders,
                                     const std::string& model_folder, std::string_view layout) {
  const fs::path own = absolute(model_folder);
  std::vector<std::string> paths;
  for (const std::string& folder : folders) {
    if (absolute(folder) == own) {
      paths.push_back(fmt::format("{}/thaw.{}{}", folder, layout, kEnding));
      continue;
    }
    const uint64_t hash = tensor::panel_checksum(std::as_bytes(std::span(own.native())));
    paths.push_back(
        fmt::format("{}/{}-{:016x}.{}{}", folder, own.filename().native(), hash, layout, kEnding));
  }
  return paths;
}

void make_folder_of(const std::string& path) {
  make_folder(fs::path(path).parent_path().lexically_normal());
}

void trim_panels(const std::string& path) {
  std::vector<std::pair<fs::file_time_type, fs::path>> kept;
  std::error_code fault;
  const auto long_ago = fs::file_time_type::clock::now() - std::chrono::hours(24);
  for (const auto& entry : fs::directory_iterator(fs::path(path).parent_path(), fault)) {
    const std::string name = entry.path().filename();
    const size_t at = name.rfind(kEnding);
    if (at == std::string::npos || !entry.is_regular_file(fault)) continue;
    const auto time = entry.last_write_time(fault);
    if (at + kEnding.size() == name.size()) {
      kept.emplace_back(time, entry.path());
    } else if (name.size() == at + kEnding.size() + 7 && time < long_ago) {  // ".panels.XXXXXX"
      fs::remove(entry.path(), fault);
    }
  }
  if (kept.size() <= kMostKept) return;
  std::ranges::sort(kept);
  for (const auto& [time, file] : std::span(kept).first(kept.size() - kMostKept)) {
    fs::remove(file, fault);
  }
}

}  // namespace thaw::encoder
