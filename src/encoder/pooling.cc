#include "encoder/pooling.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/json.h"
#include "encoder/read_json.h"

namespace thaw::encoder {
namespace {

using tensor::Activation;
using Stage = Pooling::Stage;

constexpr int64_t kMostColumns = 65'536;

Error wrong(std::string_view key, std::string_view what) {
  return Error(Code::kInvalidArgument, fmt::format("{}: {}", key, what));
}

struct ModeRow {
  const char* key;
  const char* name;  // in files that have one key for all, "pooling_mode"
  bool usual;
};
/// In the order of Pooling::Mode.
constexpr std::array<ModeRow, 6> kModes = {{
    {"pooling_mode_cls_token", "cls", false},
    {"pooling_mode_max_tokens", "max", false},
    {"pooling_mode_mean_tokens", "mean", true},
    {"pooling_mode_mean_sqrt_len_tokens", "mean_sqrt_len_tokens", false},
    {"pooling_mode_weightedmean_tokens", "weightedmean", false},
    {"pooling_mode_lasttoken", "lasttoken", false},
}};

Result<std::vector<Pooling::Mode>> read_modes(const Json& json) {
  std::array<bool, kModes.size()> chosen = {};
  const Json& named = json["pooling_mode"];
  const Json::Array names = named.is_array()    ? named.as_array()
                            : named.is_string() ? Json::Array{named}
                                                : Json::Array{};
  for (const Json& name : names) {
    const auto* row =
        std::ranges::find_if(kModes, [&](const ModeRow& each) { return name == Json(each.name); });
    if (row == kModes.end()) {
      return Error(Code::kUnimplemented,
                   fmt::format("pooling_mode: {:.40} is not served; cls, max, mean, "
                               "mean_sqrt_len_tokens, weightedmean and lasttoken are",
                               name.dump()));
    }
    chosen[static_cast<size_t>(row - kModes.begin())] = true;
  }
  std::vector<Pooling::Mode> modes;
  for (size_t i = 0; i < kModes.size(); ++i) {
    if (names.empty()) chosen[i] = json.bool_or(kModes[i].key, kModes[i].usual);
    if (chosen[i]) modes.push_back(static_cast<Pooling::Mode>(i));
  }
  if (modes.empty()) return wrong("pooling_mode_...", "none is chosen");
  return modes;
}

Status read_pooling_config(const Json& json, int hidden, Pooling& pooling) {
  ASSIGN_OR_RETURN(pooling.modes, read_modes(json));
  for (const char* key : {"word_embedding_dimension", "embedding_dimension"}) {
    if (json.int_or(key, hidden) != hidden) {
      return wrong(key, fmt::format("must be the hidden size {}", hidden));
    }
  }
  return {};
}

Result<Activation> read_activation(const std::string& name) {
  if (name.ends_with(".Tanh")) return Activation::kTanh;
  if (name.ends_with(".Identity")) return Activation::kNone;
  if (name.ends_with(".ReLU")) return Activation::kRelu;
  if (name.ends_with(".GELU")) return Activation::kGelu;
  if (name.ends_with(".SiLU")) return Activation::kSilu;
  if (name.ends_with(".Sigmoid")) return Activation::kSigmoid;
  return Error(Code::kUnimplemented,
               fmt::format("activation_function: '{}' is not served; Tanh, Identity, ReLU, GELU, "
                           "SiLU and Sigmoid of torch.nn are",
                           name.substr(0, 80)));
}

Status read_dense_config(const Json& json, Stage& stage) {
  const int64_t columns = json.int_or("out_features", 0);
  if (json.int_or("in_features", stage.columns_in) != stage.columns_in) {
    return wrong("in_features",
                 fmt::format("must be {}, which the stage before it gives", stage.columns_in));
  }
  if (columns < 1 || columns > kMostColumns) {
    return wrong("out_features", fmt::format("must be a whole number from 1 to {}", kMostColumns));
  }
  stage.columns = static_cast<int>(columns);
  stage.has_bias = json.bool_or("bias", true);
  ASSIGN_OR_RETURN(stage.activation,
                   read_activation(json.string_or("activation_function", ".Tanh")));
  return {};
}

/// A module's folder beside modules.json: one name, so that it stays inside the model's folder.
Result<std::string> module_folder(const std::string& folder, const Json& module) {
  const std::string name = module.string_or("path");
  if (name.empty() || name == ".." || name.find('/') != std::string::npos) {
    return wrong("path", "must name a folder beside modules.json");
  }
  return folder + "/" + name;
}

/// What says how long texts may be; the file is called after the model's family.
Status read_transformer(const std::string& folder, Pooling& pooling) {
  for (const char* family : {"bert", "roberta", "distilbert", "camembert", "albert", "xlnet"}) {
    const std::string path = fmt::format("{}/sentence_{}_config.json", folder, family);
    const auto json = read_json(path);
    if (!json && json.error().code() == Code::kNotFound) continue;
    if (!json) return json.error();
    pooling.lower_case = json->bool_or("do_lower_case", false);
    const Json& longest = (*json)["max_seq_length"];
    if (longest.is_null()) return {};
    if (!longest.is_int() || longest.as_int() < 3) {
      return wrong(path, "max_seq_length: must be a whole number of at least 3");
    }
    pooling.longest = static_cast<int>(std::min<int64_t>(longest.as_int(), 1'000'000'000));
    return {};
  }
  return {};
}

bool ends_with_any(std::string_view text, std::initializer_list<std::string_view> ends) {
  return std::ranges::any_of(ends, [&](std::string_view end) { return text.ends_with(end); });
}

/// `columns`: how many numbers a vector has there.
Status read_module(const std::string& folder, const Json& module, Pooling& pooling, int& columns) {
  const std::string type = module.string_or("type");
  if (type.ends_with(".Transformer")) return read_transformer(folder, pooling);
  if (type.ends_with(".Dropout")) return {};  // of training
  Stage stage = {.columns_in = columns, .columns = columns};
  if (!type.ends_with(".Normalize")) {
    if (!ends_with_any(type, {".Pooling", ".Dense", ".LayerNorm"})) {
      return Error(Code::kUnimplemented,
                   fmt::format("type '{}' is not served here; Transformer, Pooling, Dense, "
                               "LayerNorm, Normalize and Dropout are",
                               type.substr(0, 80)));
    }
    ASSIGN_OR_RETURN(stage.folder, module_folder(folder, module));
    const std::string path = stage.folder + "/config.json";
    ASSIGN_OR_RETURN(const Json json, read_json(path));
    if (type.ends_with(".Pooling")) {
      if (!pooling.modes.empty() || !pooling.stages.empty()) {
        return wrong("type", "a Pooling must stand once, before Dense, LayerNorm and Normalize");
      }
      if (auto read = read_pooling_config(json, columns, pooling); !read) {
        return std::move(read).error().with_context(path);
      }
      columns *= static_cast<int>(pooling.modes.size());
      if (columns > kMostColumns) {
        return wrong(path, fmt::format("vectors of {} numbers are too long; {} at most", columns,
                                       kMostColumns));
      }
      return {};
    }
    stage.kind = type.ends_with(".Dense") ? Stage::Kind::kDense : Stage::Kind::kLayerNorm;
    if (stage.kind == Stage::Kind::kDense) {
      if (auto read = read_dense_config(json, stage); !read) {
        return std::move(read).error().with_context(path);
      }
    }
  }
  columns = stage.columns;
  if (pooling.stages.size() >= kMostStages) return wrong("modules", "are too many");
  pooling.stages.push_back(std::move(stage));
  return {};
}

}  // namespace

Result<std::optional<Pooling>> read_pooling(const std::string& folder, int hidden) {
  const std::string path = folder + "/modules.json";
  auto modules = read_json(path);
  if (!modules) {
    if (modules.error().code() == Code::kNotFound) return std::optional<Pooling>();
    return std::move(modules).error();
  }
  if (!modules->is_array()) return Error(Code::kInvalidArgument, path + ": must be a list");
  Pooling pooling = {.modes = {}};
  int columns = hidden;
  for (const Json& module : modules->as_array()) {
    auto read = read_module(folder, module, pooling, columns);
    if (!read) return std::move(read).error().with_context(path);
  }
  if (pooling.modes.empty()) pooling.modes = {Pooling::Mode::kMean};
  return std::optional(std::move(pooling));
}

}  // namespace thaw::encoder
