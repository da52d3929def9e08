// A copy of a model's folder of tests/data/encoders, to be damaged; removed in the end.
// **Thread**: any. **Owner**: values. **Limits**: none.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/json.h"
#include "encoder/model.h"
#include "tensor/safetensors_testing.h"
#include "tokenize/files.h"

namespace thaw::encoder {

inline const std::string kData = THAW_SOURCE_DIR "/tests/data/encoders/";
inline const std::string kWeights = "model.safetensors";
inline const std::string kWords = "distilbert.embeddings.word_embeddings.weight";

/// A copy of a model's folder to be damaged.
class DamagedFolder {
 public:
  explicit DamagedFolder(const std::string& of) {
    std::string path = testing::TempDir() + "model-XXXXXX";
    path_ = mkdtemp(path.data());
    std::filesystem::copy(kData + of, path_, std::filesystem::copy_options::recursive);
    // The tree may be read-only.
    for (const auto& each : std::filesystem::recursive_directory_iterator(path_)) {
      std::filesystem::permissions(each.path(), std::filesystem::perms::owner_all,
                                   std::filesystem::perm_options::add);
    }
  }
  ~DamagedFolder() { std::filesystem::remove_all(path_); }
  DamagedFolder(const DamagedFolder&) = delete;
  DamagedFolder& operator=(const DamagedFolder&) = delete;

  const std::string& path() const { return path_; }
  std::string at(const std::string& name) const { return path_ + "/" + name; }
  std::string get(const std::string& name) const {
    return tokenize::read_text_file(at(name)).value();
  }
  void put(const std::string& name, const std::string& content) const {
    std::ofstream(at(name), std::ios::binary) << content;
  }
  void remove(const std::string& name) const { std::filesystem::remove(at(name)); }
  void cut(const std::string& name, size_t bytes) const {
    std::filesystem::resize_file(at(name), bytes);
  }
  void edit(const std::string& name, const std::function<void(Json&)>& change) const {
    Json json = Json::parse(get(name)).value();
    change(json);
    put(name, json.dump());
  }
  void set(const std::string& name, const std::string& key, const Json& value) const {
    edit(name, [&](Json& json) { json.set(key, value); });
  }
  void header(const std::function<void(Json&)>& change) const {
    const std::string file = get(kWeights);
    const size_t length = static_cast<uint8_t>(file[0]) | static_cast<uint8_t>(file[1]) << 8U;
    Json json = Json::parse(file.substr(8, length)).value();
    change(json);
    put(kWeights, tensor::safetensors_file(json.dump(), file.substr(8 + length)));
  }
  /// A key of one tensor's entry.
  void tensor(const std::string& key, const Json& value, const std::string& name = kWords) const {
    header([&](Json& json) {
      Json entry = json[name];
      entry.set(key, value);
      json.set(name, entry);
    });
  }
  /// Another tensor of float32 in a file of weights, which is made if there is none.
  void add_tensor(const std::string& weights, const std::string& name,
                  std::initializer_list<int64_t> shape, const std::vector<float>& numbers) const {
    std::string header = "{}", data;
    if (std::filesystem::exists(at(weights))) {
      const std::string file = get(weights);
      const size_t length = static_cast<uint8_t>(file[0]) | static_cast<uint8_t>(file[1]) << 8U;
      header = file.substr(8, length);
      data = file.substr(8 + length);
    }
    Json json = Json::parse(header).value();
    const auto begin = static_cast<int64_t>(data.size());
    data.append(reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(float));
    const auto end = static_cast<int64_t>(data.size());
    json.set(name, Json::object({{"dtype", "F32"},
                                 {"shape", Json(Json::Array(shape.begin(), shape.end()))},
                                 {"data_offsets", Json(Json::Array{begin, end})}}));
    put(weights, tensor::safetensors_file(json.dump(), data));
  }
  Result<std::unique_ptr<Model>> open() const { return Model::open(path_, {.threads = 1}); }

 private:
  std::string path_;
};

}  // namespace thaw::encoder
