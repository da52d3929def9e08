// Weights: the tensors of a model folder by name, mapped from model.safetensors or its shards.
//
// Old names (LayerNorm.gamma, LayerNorm.beta) are found under the new ones (.weight, .bias).
// Thread: any, once open. Owner: the views refer into it. Limits: 1000 shards, index of 64 MiB.
#pragma once

#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "tensor/mapped_file.h"
#include "tensor/safetensors.h"

namespace thaw::tensor {

class Weights {
 public:
  /// kNotFound: no weights in the folder (which says what is looked for); kInvalidArgument: a fault
  /// in a file, named with its tensor.
  static Result<Weights> open(const std::string& folder);
  /// One file, e.g. the dense layer's of a sentence model.
  static Result<Weights> open_file(const std::string& path);

  const TensorView* find(std::string_view name) const;
  /// The tensor of floats with exactly this shape; else an error that names it, what it is and what
  /// was wanted.
  Result<const TensorView*> get(std::string_view name, std::initializer_list<int64_t> shape) const;
  size_t size() const { return tensors_.size(); }
  /// What tells these weights from others without reading all of them: the files' lengths, times of
  /// change and headers, and the first bytes of every tensor.
  uint64_t fingerprint() const;
  /// Whose they are, and who may read them (of several files those of the first).
  const FileFacts& facts() const { return files_.front().facts(); }
  std::vector<std::string_view> names() const;

 private:
  Status add_file(const std::string& path);
  void add_new_names();

  std::vector<MappedFile> files_;
  std::map<std::string, TensorView, std::less<>> tensors_;
  std::string where_;  // for errors
};

}  // namespace thaw::tensor
