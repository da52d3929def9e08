// `thaw rsync`: makes one side hold what the other holds.
#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <filesystem>
#include <map>

#include "base/time.h"
#include "cli/messaging_handlers.h"
#include "cli/transfers.h"

namespace thaw::cli {
namespace {

namespace fs = std::filesystem;

struct Entry {
  int64_t size = 0;
  double changed = 0;  // seconds since 1970
};
/// By the name below the folder or prefix.
using Entries = std::map<std::string, Entry>;

double seconds_of(fs::file_time_type time) {
  return std::chrono::duration<double>(std::chrono::file_clock::to_sys(time).time_since_epoch())
      .count();
}

/// Ends in '/', or is empty.
std::string as_prefix(std::string name) {
  if (!name.empty() && !name.ends_with('/')) name += '/';
  return name;
}

Outcome<Entries> local_entries(const std::string& folder) {
  Entries entries;
  std::error_code fault;
  if (!fs::exists(folder)) return entries;
  for (const auto& each : fs::recursive_directory_iterator(folder, fault)) {
    if (!each.is_regular_file() || each.path().extension() == ".part") continue;
    entries[fs::relative(each.path(), folder).string()] = {static_cast<int64_t>(each.file_size()),
                                                           seconds_of(each.last_write_time())};
  }
  if (fault) return Failure(Error(Code::kNotFound, folder + ": " + fault.message()));
  return entries;
}

Outcome<Entries> bucket_entries(Buckets& buckets, const GsUrl& place) {
  Entries entries;
  const GsUrl prefix{place.bucket, as_prefix(place.name)};
  ASSIGN_OR_RETURN(const auto listed, buckets.list(prefix, Buckets::Depth::kAll));
  for (const Json& object : listed.objects) {
    const std::string name = object.string_or("name").substr(prefix.name.size());
    const fs::path path = fs::path(name).lexically_normal();
    const bool leads_out = path.empty() || path.is_absolute() || *path.begin() == "..";
    if (name.ends_with('/') || leads_out) continue;  // no file of that name can be made
    Entry entry;
    const std::string size = object.string_or("size");
    std::from_chars(size.data(), size.data() + size.size(), entry.size);
    if (const auto updated = parse_rfc3339(object.string_or("updated"))) {
      entry.changed = static_cast<double>(std::chrono::duration_cast<std::chrono::microseconds>(
                                              updated->time_since_epoch())
                                              .count()) /
                      1e6;
    }
    entries[name] = entry;
  }
  return entries;
}

Outcome<Entries> entries_of(Buckets& buckets, const std::string& place) {
  if (!GsUrl::is_one(place)) return local_entries(place);
  ASSIGN_OR_RETURN(const GsUrl url, GsUrl::parse(place));
  return bucket_entries(buckets, url);
}

std::string below(const std::string& place, const std::string& name) {
  return place + (place.ends_with('/') ? "" : "/") + name;
}

Outcome<ExitCode> remove(Buckets& buckets, const std::string& what) {
  if (GsUrl::is_one(what)) {
    ASSIGN_OR_RETURN(const GsUrl url, GsUrl::parse(what));
    return buckets.remove(url);
  }
  std::error_code fault;
  fs::remove(what, fault);
  if (!fault) return ExitCode::kOk;
  return Failure(ExitCode::kFailed, Error(Code::kPermissionDenied, what + ": " + fault.message()));
}

}  // namespace

Outcome<ExitCode> rsync_command(Context& context, const Words& words) {
  const std::string from(words.arguments()[0]);
  const std::string to(words.arguments()[1]);
  if (!GsUrl::is_one(from) && !GsUrl::is_one(to)) {
    return usage_failure(fmt::format("'{}' and '{}': one of them must begin with gs://", from, to));
  }
  if (!GsUrl::is_one(from) && !fs::is_directory(from)) {
    return Failure(Error(Code::kNotFound, fmt::format("'{}' is no folder", from)));
  }
  ASSIGN_OR_RETURN(Buckets buckets, Buckets::open(context));
  ASSIGN_OR_RETURN(const Entries wanted, entries_of(buckets, from));
  ASSIGN_OR_RETURN(const Entries there, entries_of(buckets, to));
  std::vector<Transfer> transfers;
  for (const auto& [name, entry] : wanted) {
    const auto known = there.find(name);
    // A copy is younger than what it was made of.
    const bool is_same = known != there.end() && known->second.size == entry.size &&
                         known->second.changed >= entry.changed;
    if (!is_same) transfers.push_back({below(from, name), below(to, name), entry.size});
  }
  std::vector<std::string> surplus;
  for (const auto& [name, entry] : there) {
    if (words.is_on("delete") && !wanted.contains(name)) surplus.push_back(below(to, name));
  }
  const std::string counts =
      fmt::format("{} to copy, {} to remove, {} as they are", transfers.size(), surplus.size(),
                  wanted.size() - transfers.size());
  if (words.is_on("dry-run")) {
    std::string text;
    for (const Transfer& each : transfers) text += fmt::format("copy {}\n", each.from);
    for (const std::string& each : surplus) text += fmt::format("remove {}\n", each);
    return context.print(escape_controls(text, Keep::kLinesAndTabs) + counts + "\n");
  }
  RETURN_IF_ERROR(transfer_all(context, buckets, transfers));
  for (const std::string& each : surplus) RETURN_IF_ERROR(remove(buckets, each));
  context.note(counts);
  return ExitCode::kOk;
}

}  // namespace thaw::cli
