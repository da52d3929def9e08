// Settings of Thaw's own, from the annotations thaw.local/...: what says how many instances run
// (a Redis stream's backlog, a subscription's, the CPU time that is used), and folders of the host
// that an instance may write to.
//
// Names and types stand in the table of annotations; the rules between them are here.
// Thread: any. Owner: values. Limits: kMostFolders.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "spec/service.h"

namespace thaw::spec {

inline constexpr size_t kMostFolders = 10;

/// How many entries of a stream wait decides how many instances run, between minScale and maxScale.
struct StreamTrigger {
  std::string address;  // IP:PORT of Redis
  std::string stream;
  std::string group;
  int32_t entries_per_instance = 100;
  Duration window = seconds(30);  // fewer instances only after so long
  std::string password_file;
  std::string password_env;

  bool operator==(const StreamTrigger&) const = default;
};

/// How many messages of a Pub/Sub subscription are not acknowledged decides it, likewise.
struct SubscriptionTrigger {
  std::string subscription;  // "projects/P/subscriptions/S"
  int32_t messages_per_instance = 10;
  Duration window = seconds(30);

  bool operator==(const SubscriptionTrigger&) const = default;
};

/// So many instances that each uses this share of its CPU limit.
struct CpuTrigger {
  int32_t percent = 60;
  Duration window = seconds(30);

  bool operator==(const CpuTrigger&) const = default;
};

/// nullopt: the revision has none. Precondition: house_fault() found nothing.
std::optional<StreamTrigger> stream_trigger_of(const RevisionTemplate& revision);
std::optional<SubscriptionTrigger> subscription_trigger_of(const RevisionTemplate& revision);
std::optional<CpuTrigger> cpu_trigger_of(const RevisionTemplate& revision);
/// Whether any of the three is there.
bool has_trigger(const RevisionTemplate& revision);
/// Absolute paths; the instance sees each at the same place, writable.
std::vector<std::string> folders_of(const RevisionTemplate& revision);

/// The first annotation that breaks a rule, and why; nullopt when all is well.
struct HouseFault {
  std::string annotation;
  std::string description;
};
std::optional<HouseFault> house_fault(const RevisionTemplate& revision);

}  // namespace thaw::spec
