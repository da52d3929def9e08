#include "messaging/sources.h"

#include <fmt/format.h>

#include "base/log.h"
#include "base/nearest.h"

namespace thaw::messaging {

namespace {
constexpr int kConsumerLength = 8;
}

Sources::Sources(StreamSource::Parts parts, SourceCatalog& catalog, io::Entropy& entropy)
    : parts_(std::move(parts)), catalog_(catalog), entropy_(entropy) {}

Sources::~Sources() = default;

Status Sources::load() {
  std::vector<std::string> unreadable;
  ASSIGN_OR_RETURN(const std::vector<SourceRecord> records, catalog_.load(unreadable));
  for (const std::string& text : unreadable) log_error(text);
  for (const SourceRecord& record : records) run(record);
  return {};
}

void Sources::run(const SourceRecord& record) {
  running_[record.config.name] =
      std::make_unique<StreamSource>(parts_, record.config, record.consumer);
}

Status Sources::create(const SourceConfig& config) {
  if (running_.contains(config.name)) {
    return Error(Code::kAlreadyExists,
                 fmt::format("source '{}' exists already; delete it first", config.name));
  }
  if (running_.size() >= kMost) {
    return Error(Code::kResourceExhausted,
                 fmt::format("there are {} sources, which is the most; delete one first", kMost));
  }
  const SourceRecord record{config, "thaw-" + entropy_.name(kConsumerLength),
                            format_rfc3339(parts_.loop.wall_now())};
  RETURN_IF_ERROR(catalog_.put(record));
  run(record);
  return {};
}

Result<const StreamSource*> Sources::get(const std::string& name) const {
  const auto found = running_.find(name);
  if (found != running_.end()) return found->second.get();
  std::vector<std::string_view> names;
  for (const auto& [each, source] : running_) names.push_back(each);
  const auto near = nearest(name, names);
  return Error(Code::kNotFound,
               fmt::format("there is no source '{}'{}", name,
                           near ? fmt::format(" (did you mean '{}'?)", *near) : std::string()));
}

Status Sources::remove(const std::string& name) {
  RETURN_IF_ERROR(get(name));
  RETURN_IF_ERROR(catalog_.remove(name));
  running_.erase(name);
  return {};
}

std::vector<const StreamSource*> Sources::list() const {
  std::vector<const StreamSource*> all;
  for (const auto& [name, source] : running_) all.push_back(source.get());
  return all;
}

}  // namespace thaw::messaging
