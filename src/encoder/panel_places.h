// Where a model's packed panels are kept as files. Thread: any. Owner: values.
// Limits: kMostKept files in a folder of many models; the oldest give way.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace thaw::encoder {

inline constexpr size_t kMostKept = 64;

/// One path a folder: "thaw.LAYOUT.panels" in the model's own, "NAME-HASH.LAYOUT.panels" in others,
/// where the hash is of the model's absolute path. Nothing is made.
std::vector<std::string> panel_paths(std::span<const std::string> folders,
                                     const std::string& model_folder, std::string_view layout);

/// The folder of this path, where it is missing, for the user alone; who cannot make it learns so
/// from making a file in it.
void make_folder_of(const std::string& path);

/// Removes the oldest panels beyond kMostKept from the folder of this path, and what writers that
/// were killed a day ago have left there.
void trim_panels(const std::string& path);

}  // namespace thaw::encoder
