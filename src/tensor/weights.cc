#include "tensor/weights.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/json.h"
#include "tensor/panel_file.h"

namespace thaw::tensor {
namespace {

constexpr const char* kFile = "model.safetensors";
constexpr const char* kIndex = "model.safetensors.index.json";
constexpr size_t kMostShards = 1000;
constexpr size_t kLongestIndex = size_t{64} << 20;

struct Renaming {
  std::string_view old_ending;
  std::string_view new_ending;
};
constexpr std::array<Renaming, 2> kRenamings = {{{".gamma", ".weight"}, {".beta", ".bias"}}};

/// What the index says: tensor -> file. Only names of files beside the index are followed.
Result<std::map<std::string, std::string>> read_index(const std::string& path) {
  ASSIGN_OR_RETURN(const MappedFile file, MappedFile::open(path));
  if (file.bytes().size() > kLongestIndex) {
    return Error(Code::kInvalidArgument, path + ": larger than 64 MiB");
  }
  auto index =
      Json::parse({reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()});
  if (!index) return std::move(index).error().with_context(path);
  const Json& map = (*index)["weight_map"];
  if (!map.is_object()) {
    return Error(Code::kInvalidArgument,
                 path + ": weight_map: must be an object of tensor names and their files");
  }
  std::map<std::string, std::string> shards;
  for (const auto& [tensor, shard] : map.as_object()) {
    const bool is_name = shard.is_string() && !shard.as_string().empty() &&
                         shard.as_string().find('/') == std::string::npos;
    if (!is_name) {
      return Error(
          Code::kInvalidArgument,
          fmt::format("{}: weight_map: '{}' must name a file in the same folder", path, tensor));
    }
    shards.emplace(tensor, shard.as_string());
  }
  return shards;
}

}  // namespace

Result<Weights> Weights::open_file(const std::string& path) {
  Weights weights;
  weights.where_ = path;
  RETURN_IF_ERROR(weights.add_file(path));
  weights.add_new_names();
  return weights;
}

Result<Weights> Weights::open(const std::string& folder) {
  const std::string file = folder + "/" + kFile, index = folder + "/" + kIndex;
  auto whole = open_file(file);
  if (whole || whole.error().code() != Code::kNotFound) return whole;
  auto shards = read_index(index);
  if (!shards && shards.error().code() == Code::kNotFound) {
    return Error(Code::kNotFound, fmt::format("{}: has neither {} nor {}: weights in another form, "
                                              "such as pytorch_model.bin, are to be saved as "
                                              "safetensors first",
                                              folder, kFile, kIndex));
  }
  if (!shards) return std::move(shards).error();
  std::set<std::string> files;
  for (const auto& [tensor, shard] : *shards) files.insert(shard);
  if (files.size() > kMostShards) {
    return Error(Code::kInvalidArgument,
                 fmt::format("{}: {} files, more than {}", index, files.size(), kMostShards));
  }
  Weights weights;
  weights.where_ = folder;
  for (const std::string& each : files) RETURN_IF_ERROR(weights.add_file(folder + "/" + each));
  for (const auto& [tensor, shard] : *shards) {
    if (weights.find(tensor)) continue;
    return Error(Code::kInvalidArgument,
                 fmt::format("{}: tensor '{}' is not in {}", index, tensor, shard));
  }
  weights.add_new_names();
  return weights;
}

Status Weights::add_file(const std::string& path) {
  ASSIGN_OR_RETURN(MappedFile file, MappedFile::open(path));
  auto tensors = parse_safetensors(file.bytes());
  if (!tensors) return std::move(tensors).error().with_context(path);
  for (TensorView& tensor : *tensors) {
    const std::string name = tensor.name;
    if (!tensors_.emplace(name, std::move(tensor)).second) {
      return Error(Code::kInvalidArgument,
                   fmt::format("{}: tensor '{}' is in another file of the model too", path, name));
    }
  }
  files_.push_back(std::move(file));
  return {};
}

void Weights::add_new_names() {
  std::vector<TensorView> renamed;
  for (const auto& [name, tensor] : tensors_) {
    for (const Renaming& renaming : kRenamings) {
      if (!name.ends_with(renaming.old_ending)) continue;
      renamed.push_back(tensor);
      renamed.back().name = name.substr(0, name.size() - renaming.old_ending.size()) +
                            std::string(renaming.new_ending);
    }
  }
  for (TensorView& tensor : renamed) {
    const std::string name = tensor.name;
    tensors_.emplace(name, std::move(tensor));
  }
}

uint64_t Weights::fingerprint() const {
  constexpr size_t kSample = 64;
  constexpr uint64_t kOdd = 0x9E3779B97F4A7C15;
  uint64_t sum = tensors_.size();
  const auto add = [&sum](uint64_t value) { sum = (sum ^ value ^ sum >> 31U) * kOdd; };
  for (const MappedFile& file : files_) {
    add(file.bytes().size());
    add(static_cast<uint64_t>(file.facts().modified_s));
  }
  for (const auto& [name, tensor] : tensors_) {
    add(panel_checksum(std::as_bytes(std::span(name))));
    add(static_cast<uint64_t>(tensor.dtype));
    add(panel_checksum(std::as_bytes(std::span(tensor.shape))));
    add(panel_checksum(tensor.data.first(std::min(kSample, tensor.data.size()))));
  }
  // The samples brought in pages of the whole file, of which none may be needed again.
  for (const MappedFile& file : files_) forget_pages(file.bytes());
  return sum;
}

const TensorView* Weights::find(std::string_view name) const {
  const auto found = tensors_.find(name);
  return found == tensors_.end() ? nullptr : &found->second;
}

Result<const TensorView*> Weights::get(std::string_view name,
                                       std::initializer_list<int64_t> shape) const {
  const TensorView* tensor = find(name);
  if (!tensor) {
    return Error(Code::kInvalidArgument, fmt::format("{}: tensor '{}' is missing", where_, name));
  }
  const std::span<const int64_t> wanted(shape.begin(), shape.size());
  if (!std::ranges::equal(tensor->shape, wanted)) {
    return Error(Code::kInvalidArgument,
                 fmt::format("{}: tensor '{}' has the shape {}, but config.json means {}", where_,
                             name, shape_text(tensor->shape), shape_text(wanted)));
  }
  if (!is_float(tensor->dtype)) {
    return Error(Code::kInvalidArgument,
                 fmt::format("{}: tensor '{}' is {}: weights must be F32, F16 or BF16", where_,
                             name, dtype_name(tensor->dtype)));
  }
  return tensor;
}

std::vector<std::string_view> Weights::names() const {
  std::vector<std::string_view> names;
  for (const auto& [name, tensor] : tensors_) names.push_back(name);
  return names;
}

}  // namespace thaw::tensor
