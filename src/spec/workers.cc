#include "spec/workers.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

#include "spec/knative_scaling.h"

namespace thaw::spec {
namespace {

constexpr std::string_view kAddress = "thaw.local/stream-address";
constexpr std::string_view kStream = "thaw.local/stream";
constexpr std::string_view kGroup = "thaw.local/stream-group";
constexpr std::string_view kEntries = "thaw.local/stream-entries-per-instance";
constexpr std::string_view kWindow = "thaw.local/stream-window-seconds";
constexpr std::string_view kPasswordFile = "thaw.local/stream-password-file";
constexpr std::string_view kPasswordEnv = "thaw.local/stream-password-env";
constexpr std::string_view kSubscription = "thaw.local/subscription";
constexpr std::string_view kMessages = "thaw.local/subscription-messages-per-instance";
constexpr std::string_view kCpuPercent = "thaw.local/cpu-percent";
constexpr std::string_view kScaleWindow = "thaw.local/scale-window-seconds";
constexpr std::string_view kFolders = "thaw.local/folders";

// What an instance must not write to, nor anything below.
constexpr std::array<std::string_view, 12> kSystem = {"/bin", "/boot", "/dev",   "/etc",
                                                      "/lib", "/proc", "/run",   "/sbin",
                                                      "/sys", "/usr",  "/lib64", "/root"};

std::string_view note(const RevisionTemplate& revision, std::string_view name) {
  const auto found = revision.metadata.annotations.find(name);
  return found == revision.metadata.annotations.end() ? std::string_view() : found->second;
}

int32_t number(std::string_view text, int32_t otherwise) {
  int32_t value = otherwise;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

bool is_below(std::string_view path, std::string_view folder) {
  return path == folder || (path.starts_with(folder) && path[folder.size()] == '/');
}

std::optional<std::string> folder_fault(std::string_view path) {
  if (path.empty() || path[0] != '/' || path == "/") return "is no absolute path of a folder";
  if (path.find("/../") != std::string_view::npos || path.ends_with("/..")) return "has a '..'";
  for (const std::string_view system : kSystem) {
    if (is_below(path, system)) return fmt::format("is part of {}, the system's own", system);
  }
  return std::nullopt;
}

std::optional<HouseFault> stream_fault(const RevisionTemplate& revision) {
  bool any = false;
  for (const std::string_view name :
       {kAddress, kStream, kGroup, kEntries, kWindow, kPasswordFile, kPasswordEnv}) {
    any = any || !note(revision, name).empty();
  }
  if (!any) return std::nullopt;
  for (const std::string_view name : {kAddress, kStream, kGroup}) {
    if (note(revision, name).empty()) {
      return HouseFault{std::string(name),
                        "is missing: scaling by a stream needs stream-address, stream and "
                        "stream-group"};
    }
  }
  const std::string_view address = note(revision, kAddress);
  if (address.find(':') == std::string_view::npos || address.find('@') != std::string_view::npos ||
      address.find('/') != std::string_view::npos) {
    return HouseFault{std::string(kAddress),
                      "must be IP:PORT, such as '127.0.0.1:6379'; a password goes into "
                      "stream-password-file or stream-password-env"};
  }
  if (!note(revision, kPasswordFile).empty() && !note(revision, kPasswordEnv).empty()) {
    return HouseFault{std::string(kPasswordEnv),
                      "stands beside stream-password-file; give one of them"};
  }
  return std::nullopt;
}

/// "projects/P/subscriptions/S", as Pub/Sub writes it.
bool is_subscription_name(std::string_view name) {
  constexpr std::string_view kStart = "projects/";
  constexpr std::string_view kMiddle = "/subscriptions/";
  if (!name.starts_with(kStart)) return false;
  name.remove_prefix(kStart.size());
  const size_t at = name.find(kMiddle);
  if (at == name.npos || at == 0 || name.substr(0, at).find('/') != name.npos) return false;
  name.remove_prefix(at + kMiddle.size());
  return !name.empty() && name.find('/') == name.npos;
}

std::optional<HouseFault> scaling_fault(const RevisionTemplate& revision) {
  const std::string_view subscription = note(revision, kSubscription);
  if (!subscription.empty() && !is_subscription_name(subscription)) {
    return HouseFault{std::string(kSubscription),
                      fmt::format("'{}' is no subscription; write its full name, such as "
                                  "projects/local/subscriptions/jobs",
                                  subscription)};
  }
  if (subscription.empty() && !note(revision, kMessages).empty()) {
    return HouseFault{std::string(kSubscription),
                      "is missing: subscription-messages-per-instance needs it"};
  }
  if (!note(revision, kScaleWindow).empty() && subscription.empty() &&
      note(revision, kCpuPercent).empty()) {
    return HouseFault{std::string(kScaleWindow),
                      "has nothing to scale by: add thaw.local/subscription or "
                      "thaw.local/cpu-percent (a stream has stream-window-seconds)"};
  }
  return std::nullopt;
}

}  // namespace

std::optional<SubscriptionTrigger> subscription_trigger_of(const RevisionTemplate& revision) {
  if (note(revision, kSubscription).empty()) return std::nullopt;
  SubscriptionTrigger trigger;
  trigger.subscription = note(revision, kSubscription);
  trigger.messages_per_instance = number(note(revision, kMessages), trigger.messages_per_instance);
  trigger.window = std::chrono::seconds(number(note(revision, kScaleWindow), 30));
  return trigger;
}

std::optional<CpuTrigger> cpu_trigger_of(const RevisionTemplate& revision) {
  if (note(revision, kCpuPercent).empty()) return std::nullopt;
  CpuTrigger trigger;
  trigger.percent = number(note(revision, kCpuPercent), trigger.percent);
  trigger.window = std::chrono::seconds(number(note(revision, kScaleWindow), 30));
  return trigger;
}

bool has_trigger(const RevisionTemplate& revision) {
  return stream_trigger_of(revision) || subscription_trigger_of(revision) ||
         cpu_trigger_of(revision);
}

std::optional<StreamTrigger> stream_trigger_of(const RevisionTemplate& revision) {
  if (note(revision, kStream).empty()) return std::nullopt;
  StreamTrigger trigger;
  trigger.address = note(revision, kAddress);
  trigger.stream = note(revision, kStream);
  trigger.group = note(revision, kGroup);
  trigger.entries_per_instance = number(note(revision, kEntries), trigger.entries_per_instance);
  trigger.window = std::chrono::seconds(number(note(revision, kWindow), 30));
  trigger.password_file = note(revision, kPasswordFile);
  trigger.password_env = note(revision, kPasswordEnv);
  return trigger;
}

std::vector<std::string> folders_of(const RevisionTemplate& revision) {
  std::vector<std::string> folders;
  std::string_view rest = note(revision, kFolders);
  while (!rest.empty()) {
    const size_t comma = std::min(rest.find(','), rest.size());
    folders.emplace_back(rest.substr(0, comma));
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  return folders;
}

std::optional<HouseFault> house_fault(const RevisionTemplate& revision) {
  const std::vector<std::string> folders = folders_of(revision);
  if (folders.size() > kMostFolders) {
    return HouseFault{std::string(kFolders),
                      fmt::format("names {} folders; at most {}", folders.size(), kMostFolders)};
  }
  for (const std::string& folder : folders) {
    if (const auto why = folder_fault(folder)) {
      return HouseFault{std::string(kFolders), fmt::format("'{}' {}", folder, *why)};
    }
  }
  if (auto fault = stream_fault(revision)) return fault;
  if (auto fault = scaling_fault(revision)) return fault;
  return knative_fault(revision);
}

}  // namespace thaw::spec
