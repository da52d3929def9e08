#include "predict/manifest.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "base/json.h"
#include "base/nearest.h"

namespace thaw::predict {
namespace {

constexpr size_t kLongestId = 128;
constexpr size_t kLongestName = 1024;

Error bad(const std::string& where, std::string_view what) {
  return {Code::kInvalidArgument, fmt::format("{}: {}", where, what)};
}

Status check_members(const Json& json, std::span<const std::string_view> known,
                     const std::string& where) {
  for (const auto& [name, value] : json.as_object()) {
    if (std::ranges::find(known, name) != known.end()) continue;
    const auto near = nearest(name, known);
    return bad(where, fmt::format("unknown field '{}'{}", name,
                                  near ? fmt::format("; did you mean '{}'?", *near) : ""));
  }
  return {};
}

/// An id names the job's status object, so it may not lead anywhere else.
bool is_id(std::string_view id) {
  constexpr std::string_view kLetters =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  return !id.empty() && id.size() <= kLongestId && id[0] != '.' &&
         id.find_first_not_of(kLetters) == std::string_view::npos;
}

Result<OutputObject> read_place(const Json& json, const std::string& where) {
  const std::string text = json.is_string() ? json.as_string() : "";
  const size_t slash = text.find('/', std::min<size_t>(text.size(), 5));
  const bool fits = text.starts_with("gs://") && slash != std::string::npos && slash > 5 &&
                    slash + 1 < text.size() && text.size() - slash <= kLongestName;
  if (!fits) return bad(where, "'gs://BUCKET/NAME' is wanted");
  return OutputObject{text.substr(5, slash - 5), text.substr(slash + 1)};
}

Result<http::Query> read_parameters(const Json& json, const std::string& where) {
  http::Query parameters;
  if (json.is_null()) return parameters;
  if (!json.is_object()) return bad(where, "an object of names and values is wanted");
  for (const auto& [name, value] : json.as_object()) {
    if (value.is_object() || value.is_array() || value.is_null()) {
      return bad(where + "." + name, "a string, a number, true or false is wanted");
    }
    parameters.emplace_back(name, value.is_string() ? value.as_string() : value.dump());
  }
  return parameters;
}

Result<ManifestEntry> read_entry(const Json& json, const std::string& where,
                                 const std::string& output_bucket) {
  constexpr std::array<std::string_view, 4> kFields = {"id", "input", "output", "parameters"};
  if (!json.is_object()) return bad(where, "an object is wanted");
  RETURN_IF_ERROR(check_members(json, kFields, where));
  ManifestEntry entry{.id = json.string_or("id"), .input = {}, .output = {}, .parameters = {}};
  if (!is_id(entry.id)) {
    return bad(where + ".id", "1 to 128 letters, digits, '.', '_' and '-' are wanted");
  }
  ASSIGN_OR_RETURN(const OutputObject input, read_place(json["input"], where + ".input"));
  entry.input = {input.bucket, input.name, ""};
  entry.output = {output_bucket, input.name};
  if (!json["output"].is_null()) {
    ASSIGN_OR_RETURN(entry.output, read_place(json["output"], where + ".output"));
  }
  if (entry.output.bucket == input.bucket && entry.output.name == input.name) {
    return bad(where + ".output", "is the input itself");
  }
  ASSIGN_OR_RETURN(entry.parameters, read_parameters(json["parameters"], where + ".parameters"));
  return entry;
}

/// What is written where, by whom: each object once.
class Writings {
 public:
  explicit Writings(const OutputObject& manifest) : bucket_(manifest.bucket) {
    const OutputObject own{bucket_, progress_name(manifest.name)};
    for (const OutputObject& each : {own, OutputObject{bucket_, error_name(manifest)}}) {
      writers_.emplace(url_of(each), "the manifest");
    }
  }

  Status add(const ManifestEntry& entry, const std::string& where) {
    const std::string writer = fmt::format("'{}'", entry.id);
    const OutputObject told{bucket_, status_name({bucket_, entry.id})};
    RETURN_IF_ERROR(take(told, writer, where + ".id"));
    const OutputObject& output = entry.output;
    RETURN_IF_ERROR(take(output, writer, where + ".output"));
    RETURN_IF_ERROR(take({output.bucket, error_name(output)}, writer, where + ".output"));
    const OutputObject pieces{output.bucket, status_name(output)};
    // An id that is its output's name has one status, which ends as the job's.
    return url_of(pieces) == url_of(told) ? Status() : take(pieces, writer, where + ".output");
  }

 private:
  Status take(const OutputObject& object, const std::string& writer, const std::string& where) {
    const auto [place, is_new] = writers_.emplace(url_of(object), writer);
    if (is_new) return {};
    return bad(where, fmt::format("{} is written for {} too", place->first, place->second));
  }

  const std::string bucket_;
  std::map<std::string, std::string> writers_;  // by url
};

}  // namespace

std::string progress_name(std::string_view manifest_name) {
  return status_name({"", std::string(manifest_name.substr(0, manifest_name.rfind(".json")))});
}

bool is_manifest(std::string_view name) {
  if (!name.ends_with("manifest.json")) return false;
  name.remove_suffix(std::string_view("manifest.json").size());
  return name.empty() || name.ends_with('.') || name.ends_with('/');
}

Result<std::vector<ManifestEntry>> read_manifest(std::string_view text, const OutputObject& place) {
  const auto json = Json::parse(text);
  if (!json) return bad("the manifest", json.error().message());
  Json::Array entries;
  if (json->is_array()) {
    entries = json->as_array();
  } else if (json->is_object() && json->find("jobs") != nullptr) {
    constexpr std::array<std::string_view, 1> kFields = {"jobs"};
    RETURN_IF_ERROR(check_members(*json, kFields, "the manifest"));
    if (!(*json)["jobs"].is_array()) return bad("jobs", "a list is wanted");
    entries = (*json)["jobs"].as_array();
  } else {
    entries.push_back(*json);
  }
  if (entries.empty()) return bad("jobs", "there is none");
  if (entries.size() > kMostJobs) {
    return bad("jobs", fmt::format("{}, and {} is the most", entries.size(), kMostJobs));
  }
  std::vector<ManifestEntry> jobs;
  std::set<std::string> ids;
  Writings writings(place);
  for (size_t i = 0; i < entries.size(); ++i) {
    const std::string where = fmt::format("jobs[{}]", i);
    ASSIGN_OR_RETURN(ManifestEntry entry, read_entry(entries[i], where, place.bucket));
    if (!ids.insert(entry.id).second) {
      return bad(where + ".id", fmt::format("'{}' is given twice", entry.id));
    }
    RETURN_IF_ERROR(writings.add(entry, where));
    jobs.push_back(std::move(entry));
  }
  return jobs;
}

}  // namespace thaw::predict
