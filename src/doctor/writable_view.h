// WritableView: a folder as the instance sees it, writable, while the folder itself stays as it is.
//
// An overlay in this process's own mount namespace (sandbox/private_mounts.h): what the program
// writes goes to a folder in memory, which is looked through afterwards. On Cloud Run files can be
// written everywhere, too, and take memory.
// Thread: the main one. Owner: the mounts go with the process, or with it.
// Limits: 20 000 entries are looked at, 64 files are named.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "doctor/facts.h"
#include "sandbox/sandbox.h"

namespace thaw::doctor {

class WritableView {
 public:
  /// `scratch`: a folder of ours, absolute. `bytes`: how much may be written.
  static Result<WritableView> open(const std::string& folder, const std::string& scratch,
                                   ByteCount bytes);
  WritableView(WritableView&& other) noexcept;
  WritableView& operator=(WritableView&&) = delete;
  ~WritableView();

  /// To be mounted in the instance.
  sandbox::Bind bind() const { return {.source = scratch_ + "/view", .target = folder_}; }
  bool shows(std::string_view path) const { return path.starts_with(folder_ + "/"); }
  /// What was written, named as the instance names it; byte code of Python aside.
  std::vector<WrittenFile> written() const;

 private:
  WritableView(std::string folder, std::string scratch)
      : folder_(std::move(folder)), scratch_(std::move(scratch)) {}
  std::string folder_;
  std::string scratch_;
};

/// Databases among the files of a folder, named with `shown_as` before their path in it.
std::vector<WrittenFile> files_below(const std::string& folder, const std::string& shown_as);

/// Files below `folder` that are younger than `since`, for where there is no view.
std::vector<WrittenFile> younger_files(const std::string& folder, WallTime since);

/// Sizes of a folder's entries, what it does not need named apart. Reads names and sizes only.
WeightFacts weigh(const std::string& folder);

}  // namespace thaw::doctor
