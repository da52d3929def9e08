#include "doctor/writable_view.h"

#include <fmt/format.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>

namespace thaw::doctor {
namespace {

namespace fs = std::filesystem;

constexpr int kMostLooked = 20'000;
constexpr size_t kMostNamed = 64;
constexpr int64_t kMostWeighed = 500'000;
constexpr size_t kBiggest = 5;

/// What a container image does not need to run.
constexpr std::string_view kNeedlessNames[] = {
    ".git", ".venv",         "venv",   ".mypy_cache",
    ".tox", ".pytest_cache", ".cache", ".ipynb_checkpoints"};

bool is_byte_code(const fs::path& path) {
  return path.extension() == ".pyc" || path.string().find("/__pycache__") != std::string::npos;
}

bool is_database(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  char head[16] = {};
  file.read(head, sizeof head);
  if (std::string_view(head, static_cast<size_t>(file.gcount())) ==
      std::string_view("SQLite format 3\0", 16)) {
    return true;
  }
  const std::string name = path.filename();
  return file.gcount() == 0 &&
         (name.ends_with(".sqlite") || name.ends_with(".sqlite3") || name.ends_with(".db"));
}

bool is_journal(const std::string& name) {
  return name.ends_with("-journal") || name.ends_with("-wal") || name.ends_with("-shm");
}

using Visit = std::function<void(const fs::directory_entry&)>;
void walk(const std::string& folder, const Visit& visit) {
  std::error_code error;
  fs::recursive_directory_iterator at(folder, fs::directory_options::skip_permission_denied, error);
  int looked = 0;
  while (!error && at != fs::recursive_directory_iterator() && ++looked < kMostLooked) {
    if (at->is_regular_file(error) && !at->is_symlink(error)) visit(*at);
    at.increment(error);
  }
}

Status mounted(int result, const std::string& what) {
  return result == 0 ? Status() : Status(errno_error("mount " + what, errno));
}

}  // namespace

Result<WritableView> WritableView::open(const std::string& folder, const std::string& scratch,
                                        ByteCount bytes) {
  std::error_code error;
  fs::create_directories(scratch, error);
  if (error) return errno_error("mkdir " + scratch, error.value());
  const std::string size = fmt::format("size={},mode=755", bytes.value);
  constexpr unsigned long kFlags = MS_NOSUID | MS_NODEV;
  RETURN_IF_ERROR(
      mounted(::mount("doctor", scratch.c_str(), "tmpfs", kFlags, size.c_str()), scratch));
  WritableView view(folder, scratch);
  for (const char* leaf : {"/upper", "/work", "/view"})
    fs::create_directories(scratch + leaf, error);
  struct stat facts {};
  if (::stat(folder.c_str(), &facts) != 0) return errno_error("stat " + folder, errno);
  // Whoever owns the folder: the program is root in its image, with all rights.
  (void)::chmod((scratch + "/upper").c_str(), 0777);
  std::string lower;
  for (const char c : folder) {
    if (c == ':' || c == '\\' || c == ',') lower += '\\';
    lower += c;
  }
  const std::string options =
      fmt::format("lowerdir={0},upperdir={1}/upper,workdir={1}/work", lower, scratch);
  RETURN_IF_ERROR(mounted(
      ::mount("overlay", (scratch + "/view").c_str(), "overlay", kFlags, options.c_str()), folder));
  return view;
}

WritableView::WritableView(WritableView&& other) noexcept
    : folder_(std::move(other.folder_)), scratch_(std::exchange(other.scratch_, "")) {}

WritableView::~WritableView() {
  if (scratch_.empty()) return;
  (void)::umount2((scratch_ + "/view").c_str(), MNT_DETACH);
  (void)::umount2(scratch_.c_str(), MNT_DETACH);
}

std::vector<WrittenFile> WritableView::written() const {
  return files_below(scratch_ + "/upper", folder_);
}

std::vector<WrittenFile> files_below(const std::string& folder, const std::string& shown_as) {
  std::vector<WrittenFile> files;
  walk(folder, [&](const fs::directory_entry& entry) {
    if (files.size() >= kMostNamed || is_byte_code(entry.path())) return;
    if (is_journal(entry.path().filename())) return;
    std::error_code error;
    WrittenFile file{.path = shown_as + entry.path().string().substr(folder.size()),
                     .size = {static_cast<int64_t>(entry.file_size(error))}};
    if (is_database(entry.path())) file.kind = WrittenFile::Kind::kDatabase;
    files.push_back(std::move(file));
  });
  std::sort(files.begin(), files.end(),
            [](const WrittenFile& a, const WrittenFile& b) { return a.path < b.path; });
  return files;
}

std::vector<WrittenFile> younger_files(const std::string& folder, WallTime since) {
  std::vector<WrittenFile> files;
  walk(folder, [&](const fs::directory_entry& entry) {
    struct stat facts {};
    if (::stat(entry.path().c_str(), &facts) != 0 || files.size() >= kMostNamed) return;
    const WallTime changed{std::chrono::seconds(facts.st_mtim.tv_sec) +
                           Duration(facts.st_mtim.tv_nsec)};
    if (changed <= since || is_byte_code(entry.path()) || is_journal(entry.path().filename())) {
      return;
    }
    WrittenFile file{.path = entry.path(), .size = {facts.st_size}};
    if (is_database(entry.path())) file.kind = WrittenFile::Kind::kDatabase;
    files.push_back(std::move(file));
  });
  return files;
}

WeightFacts weigh(const std::string& folder) {
  WeightFacts weight{.measured = true};
  std::map<std::string, int64_t> entries;
  std::error_code error;
  fs::recursive_directory_iterator at(folder, fs::directory_options::skip_permission_denied, error);
  while (!error && at != fs::recursive_directory_iterator()) {
    if (at->is_regular_file(error) && !at->is_symlink(error)) {
      if (++weight.files >= kMostWeighed) {
        weight.cut = true;
        break;
      }
      const fs::path relative = at->path().lexically_relative(folder);
      const auto size = static_cast<int64_t>(at->file_size(error));
      weight.total.value += size;
      entries[relative.begin()->string()] += size;
    }
    at.increment(error);
  }
  for (const auto& [name, size] : entries) {
    const bool needless = std::find(std::begin(kNeedlessNames), std::end(kNeedlessNames), name) !=
                          std::end(kNeedlessNames);
    if (needless) {
      weight.needless.value += size;
      weight.needless_names.push_back(name);
    }
    weight.biggest.emplace_back(name, ByteCount{size});
  }
  std::stable_sort(weight.biggest.begin(), weight.biggest.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  if (weight.biggest.size() > kBiggest) weight.biggest.resize(kBiggest);
  return weight;
}

}  // namespace thaw::doctor
