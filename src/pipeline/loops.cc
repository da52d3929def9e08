#include "pipeline/loops.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

namespace thaw::pipeline {
namespace {

std::string last_part(const std::string& name) { return name.substr(name.rfind('/') + 1); }

/// Where a service writes: a bucket and, when it is known, what names begin with.
struct Output {
  std::string bucket;
  std::string prefix;
};

class Map {
 public:
  explicit Map(const File& file) {
    for (const Resource& each : file.resources) {
      if (each.key.kind == Kind::kBucket) buckets_.insert(each.key.name);
      if (each.key.kind == Kind::kTopic) topics_.insert(each.key.name);
    }
    for (const Resource& each : file.resources) {
      if (each.key.kind == Kind::kService || each.key.kind == Kind::kWorkerPool) service(each);
    }
    for (const Resource& each : file.resources) {
      if (each.key.kind == Kind::kSubscription) subscription(each.body);
      if (each.key.kind == Kind::kNotification) notification(each.body);
    }
  }

  std::vector<std::string> loop() {
    for (const auto& [station, next] : ways_) {
      if (walk(station)) return path_;
    }
    return {};
  }

 private:
  void way(const std::string& from, const std::string& to) { ways_[from].insert(to); }

  void subscription(const Json& body) {
    const std::string topic = "topic " + last_part(body.string_or("topic"));
    const std::string service = pushed_service(body);
    if (!service.empty()) way(topic, "service " + service);
    const std::string dead = body["deadLetterPolicy"].string_or("deadLetterTopic");
    if (!dead.empty()) way(topic, "topic " + last_part(dead));
  }

  /// From each service that writes what the notification tells of.
  void notification(const Json& body) {
    const std::string bucket = body.string_or("bucket");
    const std::string prefix = body.string_or("object_name_prefix");
    const std::string topic = "topic " + last_part(body.string_or("topic"));
    const std::string station =
        prefix.empty() ? "bucket " + bucket : fmt::format("bucket {}/{}*", bucket, prefix);
    way(station, topic);
    for (const auto& [service, output] : outputs_) {
      const bool meets =
          output.prefix.starts_with(prefix) || std::string_view(prefix).starts_with(output.prefix);
      if (output.bucket == bucket && meets) way(service, station);
    }
  }

  void service(const Resource& resource) {
    const std::string station = "service " + resource.key.name;
    const Json& containers = resource.body["spec"]["template"]["spec"]["containers"];
    if (!containers.is_array()) return;
    for (const Json& container : containers.as_array()) {
      if (container["args"].is_array()) arguments(station, container["args"].as_array());
      if (!container["env"].is_array()) continue;
      for (const Json& variable : container["env"].as_array()) {
        if (variable.string_or("name").find("OUTPUT") == std::string::npos) continue;
        told(station, variable.string_or("value"));
      }
    }
  }

  void arguments(const std::string& station, const Json::Array& args) {
    constexpr std::string_view kFlag = "--output-bucket";
    for (size_t i = 0; i < args.size(); ++i) {
      const std::string word = args[i].is_string() ? args[i].as_string() : "";
      if (word.starts_with(std::string(kFlag) + "=")) {
        outputs_.emplace_back(station, Output{word.substr(kFlag.size() + 1), ""});
      } else if (word == kFlag && i + 1 < args.size() && args[i + 1].is_string()) {
        outputs_.emplace_back(station, Output{args[i + 1].as_string(), ""});
      }
    }
  }

  void told(const std::string& station, std::string value) {
    if (value.starts_with("gs://")) {
      value.erase(0, 5);
      const size_t slash = std::min(value.find('/'), value.size());
      outputs_.emplace_back(station,
                            Output{value.substr(0, slash),
                                   slash < value.size() ? value.substr(slash + 1) : std::string()});
    } else if (buckets_.contains(value)) {
      outputs_.emplace_back(station, Output{value, ""});
    } else if (topics_.contains(last_part(value))) {
      way(station, "topic " + last_part(value));
    }
  }

  /// Depth first; a station met again on the way is a loop.
  bool walk(const std::string& station) {
    const auto before = std::ranges::find(path_, station);
    if (before != path_.end()) {
      path_.erase(path_.begin(), before);
      path_.push_back(station);
      return true;
    }
    if (!seen_.insert(station).second) return false;
    path_.push_back(station);
    if (const auto next = ways_.find(station); next != ways_.end()) {
      for (const std::string& each : next->second) {
        if (walk(each)) return true;
      }
    }
    path_.pop_back();
    return false;
  }

  std::set<std::string> buckets_;
  std::set<std::string> topics_;
  std::vector<std::pair<std::string, Output>> outputs_;  // by service
  std::map<std::string, std::set<std::string>> ways_;
  std::vector<std::string> path_;
  std::set<std::string> seen_;
};

}  // namespace

std::vector<std::string> find_loop(const File& file) { return Map(file).loop(); }

Status check_loops(const File& file) {
  const std::vector<std::string> loop = find_loop(file);
  if (loop.empty()) return {};
  return Error(Code::kFailedPrecondition,
               fmt::format("this would feed itself for ever: {}; let the service write into a "
                           "bucket that it is not told of, or give the notification an "
                           "object_name_prefix that the output has not",
                           fmt::join(loop, " -> ")));
}

}  // namespace thaw::pipeline
