// `thaw cp`, `ls`, `cat`, `rm` and `buckets create`: buckets without Google's tools.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "cli/buckets.h"
#include "cli/handlers.h"
#include "cli/transfers.h"

namespace thaw::cli {
namespace {

namespace fs = std::filesystem;

std::string last_part(std::string_view path) {
  while (path.ends_with('/')) path.remove_suffix(1);
  return std::string(path.substr(path.rfind('/') + 1));
}

int64_t size_of(const Json& object) {
  const std::string text = object.string_or("size");
  int64_t size = -1;
  std::from_chars(text.data(), text.data() + text.size(), size);
  return size;
}

/// Below a folder, each file or object with its place below the target.
Outcome<std::vector<Transfer>> expand_local(const std::string& from, const std::string& to) {
  std::vector<Transfer> all;
  std::error_code fault;
  const std::string base = to + (to.ends_with('/') ? "" : "/") + last_part(from) + "/";
  for (const auto& entry : fs::recursive_directory_iterator(from, fault)) {
    if (!entry.is_regular_file()) continue;
    all.push_back({entry.path().string(), base + fs::relative(entry.path(), from).string(),
                   static_cast<int64_t>(entry.file_size())});
  }
  if (fault) return Failure(Error(Code::kNotFound, from + ": " + fault.message()));
  std::sort(all.begin(), all.end(),
            [](const Transfer& a, const Transfer& b) { return a.from < b.from; });
  return all;
}

/// A name from a bucket must not lead out of the folder that was named.
Outcome<std::string> place_below(const std::string& folder, std::string_view name) {
  const fs::path place = fs::path(name).lexically_normal();
  if (place.is_absolute() || place.empty() || *place.begin() == "..") {
    return Failure(Error(Code::kInvalidArgument,
                         fmt::format("'{}' would be written outside of {}; copy it by itself, to a "
                                     "file's name",
                                     name, folder)));
  }
  return (fs::path(folder) / place).string();
}

Outcome<std::vector<Transfer>> expand_remote(Buckets& buckets, const GsUrl& from,
                                             const std::string& to) {
  std::vector<Transfer> all;
  ASSIGN_OR_RETURN(const auto listed, buckets.list(from, Buckets::Depth::kAll));
  const size_t skip =
      from.name.empty() ? 0 : from.name.substr(0, from.name.size() - 1).rfind('/') + 1;
  for (const Json& object : listed.objects) {
    const std::string name = object.string_or("name");
    if (name.ends_with('/')) continue;
    const std::string rest = name.substr(skip);
    std::string place = to + (to.ends_with('/') ? "" : "/") + rest;
    if (!GsUrl::is_one(to)) {
      ASSIGN_OR_RETURN(place, place_below(to, rest));
    }
    all.push_back({GsUrl{from.bucket, name}.str(), place, size_of(object)});
  }
  return all;
}

Outcome<std::vector<Transfer>> plan(Buckets& buckets, const Words& words) {
  std::vector<Transfer> all;
  const std::string to(words.arguments().back());
  const bool is_folder = to.ends_with('/') || words.arguments().size() > 2 ||
                         (!GsUrl::is_one(to) && fs::is_directory(to)) ||
                         (GsUrl::is_one(to) && to.find('/', 5) == to.npos);
  for (size_t i = 0; i + 1 < words.arguments().size(); ++i) {
    const std::string from(words.arguments()[i]);
    if (!GsUrl::is_one(from) && !GsUrl::is_one(to)) {
      return usage_failure(
          fmt::format("'{}' and '{}': one of them must begin with gs://", from, to));
    }
    if (words.is_on("recursive")) {
      std::vector<Transfer> below;
      if (GsUrl::is_one(from)) {
        ASSIGN_OR_RETURN(const GsUrl url, GsUrl::parse(from));
        ASSIGN_OR_RETURN(below, expand_remote(buckets, url, to));
      } else {
        ASSIGN_OR_RETURN(below, expand_local(from, to));
      }
      all.insert(all.end(), below.begin(), below.end());
      continue;
    }
    const std::string folder = to + (to.ends_with('/') ? "" : "/");
    std::error_code unknown;
    const auto size = GsUrl::is_one(from) ? -1 : static_cast<int64_t>(fs::file_size(from, unknown));
    all.push_back({from, is_folder ? folder + last_part(from) : to, unknown ? -1 : size});
  }
  return all;
}

}  // namespace

Outcome<ExitCode> cp_command(Context& context, const Words& words) {
  ASSIGN_OR_RETURN(Buckets buckets, Buckets::open(context));
  ASSIGN_OR_RETURN(const std::vector<Transfer> all, plan(buckets, words));
  return transfer_all(context, buckets, all);
}

Outcome<ExitCode> ls_command(Context& context, const Words& words) {
  ASSIGN_OR_RETURN(Buckets buckets, Buckets::open(context));
  if (words.arguments().empty()) {
    ASSIGN_OR_RETURN(const Json all, buckets.buckets());
    const Json items = all["items"].is_array() ? all["items"] : Json::array();
    if (context.json()) return context.print_json(items);
    std::string text;
    for (const Json& bucket : items.as_array()) text += "gs://" + bucket.string_or("name") + "/\n";
    return context.print(text);
  }
  if (!GsUrl::is_one(words.arguments()[0])) return usage_failure("gs://BUCKET/NAME is wanted");
  ASSIGN_OR_RETURN(const GsUrl url, GsUrl::parse(words.arguments()[0]));
  const auto depth = words.is_on("recursive") ? Buckets::Depth::kAll : Buckets::Depth::kFolder;
  ASSIGN_OR_RETURN(const auto listed, buckets.list(url, depth));
  if (listed.objects.empty() && listed.prefixes.empty() && !url.name.empty()) {
    return Failure(Error(Code::kNotFound, url.str() + ": nothing begins with this name"));
  }
  if (context.json()) return context.print_json(Json(Json::Array(listed.objects)));
  std::string text;
  for (const std::string& prefix : listed.prefixes) {
    text += escape_controls(GsUrl{url.bucket, prefix}.str(), Keep::kNothing) + "\n";
  }
  for (const Json& object : listed.objects) {
    const std::string name =
        escape_controls(GsUrl{url.bucket, object.string_or("name")}.str(), Keep::kNothing);
    text += words.is_on("long") ? fmt::format("{:>12}  {}  {}\n", object.string_or("size"),
                                              object.string_or("updated"), name)
                                : name + "\n";
  }
  return context.print(text);
}

Outcome<ExitCode> cat_command(Context& context, const Words& words) {
  ASSIGN_OR_RETURN(Buckets buckets, Buckets::open(context));
  for (const std::string_view word : words.arguments()) {
    if (!GsUrl::is_one(word)) return usage_failure(fmt::format("'{}': gs://BUCKET/NAME", word));
    ASSIGN_OR_RETURN(const GsUrl url, GsUrl::parse(word));
    Outcome<ExitCode> written = ExitCode::kOk;
    RETURN_IF_ERROR(buckets.read(url, 0, [&](std::string_view piece) {
      written = context.print(piece);
      return written.has_value();
    }));
    RETURN_IF_ERROR(written);
  }
  return ExitCode::kOk;
}

Outcome<ExitCode> rm_command(Context& context, const Words& words) {
  ASSIGN_OR_RETURN(Buckets buckets, Buckets::open(context));
  for (const std::string_view word : words.arguments()) {
    if (!GsUrl::is_one(word)) return usage_failure(fmt::format("'{}': gs://BUCKET/NAME", word));
    ASSIGN_OR_RETURN(const GsUrl url, GsUrl::parse(word));
    if (!words.is_on("recursive")) {
      if (url.name.empty()) {
        return usage_failure(url.str() + " is a bucket: -r removes it with all that is in it");
      }
      RETURN_IF_ERROR(buckets.remove(url));
      continue;
    }
    ASSIGN_OR_RETURN(const auto listed, buckets.list(url, Buckets::Depth::kAll));
    for (const Json& object : listed.objects) {
      RETURN_IF_ERROR(buckets.remove({url.bucket, object.string_or("name")}));
    }
    if (url.name.empty()) RETURN_IF_ERROR(buckets.remove_bucket(url.bucket));
    context.note(fmt::format("removed {} objects of {}", listed.objects.size(), url.str()));
  }
  return ExitCode::kOk;
}

Outcome<ExitCode> buckets_create_command(Context& context, const Words& words) {
  ASSIGN_OR_RETURN(Buckets buckets, Buckets::open(context));
  for (std::string_view name : words.arguments()) {
    if (GsUrl::is_one(name)) name.remove_prefix(5);
    while (name.ends_with('/')) name.remove_suffix(1);
    ASSIGN_OR_RETURN(const Json made, buckets.create(name));
    if (context.json()) RETURN_IF_ERROR(context.print_json(made));
    context.note(fmt::format("made gs://{}/", name));
  }
  return ExitCode::kOk;
}

}  // namespace thaw::cli
