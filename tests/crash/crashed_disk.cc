#include "crashed_disk.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace thaw::crash {
namespace {

using Kind = DiskEvent::Kind;
constexpr size_t kSector = 512;

/// As much of the event as `keeps` says of each sector, or of the whole where it has none.
template <class Keeps>
void apply(const DiskEvent& event, std::string& content, Keeps keeps) {
  if (event.kind == Kind::kTruncate) {
    if (keeps()) content.resize(static_cast<size_t>(event.offset));
    return;
  }
  const auto begin = static_cast<size_t>(event.offset);
  const size_t end = begin + event.bytes.size();
  for (size_t from = begin; from < end;) {
    const size_t to = std::min(end, (from / kSector + 1) * kSector);
    if (keeps()) {
      if (content.size() < to) content.resize(to);
      content.replace(from, to - from, event.bytes, from - begin, to - from);
    }
    from = to;
  }
}

std::string folder_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : path.substr(0, slash);
}

bool changes(const DiskEvent& event, const std::string& folder) {
  return folder_of(event.path) == folder || (!event.to.empty() && folder_of(event.to) == folder);
}

}  // namespace

void CrashedDisk::Names::apply(const DiskEvent& event) {
  switch (event.kind) {
    case Kind::kMakeFolder:
      folders.insert(event.path);
      return;
    case Kind::kCreate:
      files[event.path] = event.file;
      return;
    case Kind::kUnlink:
      files.erase(event.path);
      return;
    case Kind::kRename:
      files[event.to] = files.at(event.path);
      files.erase(event.path);
      return;
    default:
      return;
  }
}

bool CrashedDisk::advance() {
  if (at_ == events_.size()) return false;
  const DiskEvent& event = events_[at_++];
  const auto is_older = [&](const DiskEvent* other) {
    return static_cast<size_t>(other - events_.data()) < event.since;
  };
  if (event.kind == Kind::kWrite || event.kind == Kind::kTruncate) {
    files_[event.file].unsafe.push_back(&event);
  } else if (event.kind == Kind::kSync) {
    File& file = files_[event.file];
    const auto end = std::find_if_not(file.unsafe.begin(), file.unsafe.end(), is_older);
    for (auto each = file.unsafe.begin(); each != end; ++each) {
      apply(**each, file.safe, [] { return true; });
    }
    file.unsafe.erase(file.unsafe.begin(), end);
  } else if (event.kind == Kind::kSyncFolder) {
    // All up to the last change of this folder: they reach the disk in order.
    auto end = unsafe_names_.begin();
    for (auto each = end; each != unsafe_names_.end() && is_older(*each); ++each) {
      if (changes(**each, event.path)) end = each + 1;
    }
    for (auto each = unsafe_names_.begin(); each != end; ++each) safe_names_.apply(**each);
    unsafe_names_.erase(unsafe_names_.begin(), end);
  } else {
    unsafe_names_.push_back(&event);
  }
  return true;
}

std::string CrashedDisk::content(const File& file, Loss loss, std::mt19937_64& chance) {
  std::string text = file.safe;
  if (loss == Loss::kAllUnsynced) return text;
  for (const DiskEvent* event : file.unsafe) {
    apply(*event, text, [&] { return loss == Loss::kNothing || (chance() & 1) != 0; });
  }
  return text;
}

void CrashedDisk::lay_down(const std::string& folder, Loss loss, uint64_t seed) const {
  std::mt19937_64 chance(seed);
  size_t kept_names = loss == Loss::kNothing ? unsafe_names_.size() : 0;
  if (loss == Loss::kTorn) kept_names = chance() % (unsafe_names_.size() + 1);
  Names names = safe_names_;
  for (size_t i = 0; i < kept_names; ++i) names.apply(*unsafe_names_[i]);
  for (const std::string& each : names.folders) {
    std::filesystem::create_directories(folder + "/" + each);
  }
  for (const auto& [path, number] : names.files) {
    const auto file = files_.find(number);
    const std::string text = file == files_.end() ? "" : content(file->second, loss, chance);
    std::ofstream(folder + "/" + path, std::ios::binary) << text;
  }
}

}  // namespace thaw::crash
