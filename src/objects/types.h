// What the object store keeps: buckets, objects, uploads, and the conditions that calls set.
//
// **Thread**: any. **Owner**: values. **Limits**: names.h, settings.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "base/time.h"
#include "objects/checksums.h"

namespace thaw::objects {

/// Of a JSON number or of a string with one, as Google's APIs write 64 bits. nullopt: neither.
std::optional<int64_t> whole_number(const Json& value);
/// A retention period in seconds; what cannot be one is cut to what can.
Duration retention_of(int64_t seconds);

struct Bucket {
  std::string name;
  std::string project;
  WallTime created{};
  WallTime updated{};
  int64_t metageneration = 1;
  int64_t next_notification = 1;
  Json settings = Json::object();  // what callers set (settings.h), in the API's shape

  bool keeps_versions() const { return settings["versioning"].bool_or("enabled", false); }
  /// How long deleted objects can be restored; zero: not at all.
  Duration soft_delete() const;
  /// How long objects must stay after they were made; zero: not at all.
  Duration retention() const;
};

struct Object {
  std::string bucket;
  std::string name;
  int64_t generation = 0;  // microseconds since 1970, never given twice
  int64_t metageneration = 1;
  enum class State { kLive, kNoncurrent, kSoftDeleted } state = State::kLive;
  std::string content;  // the blob's id; several objects may share one
  int64_t size = 0;
  Checksums checksums;
  int64_t components = 0;  // of a composed object
  WallTime created{};
  WallTime updated{};
  std::optional<WallTime> deleted;      // when it ceased to be live
  std::optional<WallTime> hard_delete;  // when a soft-deleted one goes for good
  Json settings = Json::object();
  std::optional<WallTime> hold_released;  // when its event-based hold was, if it had one
  Duration retention{};                   // its bucket's period, as the catalog answers it

  /// The retention period's end. nullopt: none, or an event-based hold, whose release begins it.
  std::optional<WallTime> retained_until() const;
};

/// Where an upload's bytes go, and what will be done with them.
struct Upload {
  std::string id;
  std::string bucket;
  std::string name;
  std::string content;  // the blob's id
  Json request;         // settings, conditions and promised checksums, as the caller began it
  WallTime created{};
  int64_t generation = 0;  // of the object it became; 0: not finished
};

/// The conditions of a call. Source: Cloud Storage's "request preconditions".
struct Preconditions {
  std::optional<int64_t> generation;
  std::optional<int64_t> not_generation;
  std::optional<int64_t> metageneration;
  std::optional<int64_t> not_metageneration;

  bool empty() const {
    return !generation && !not_generation && !metageneration && !not_metageneration;
  }
};
enum class Verdict {
  kHolds,
  kFails,        // 412
  kNotModified,  // a condition that something changed: 304 for reads, 412 for changes
};
/// `generation` 0: there is no live object.
Verdict judge(const Preconditions& conditions, int64_t generation, int64_t metageneration);
/// OK or kFailedPrecondition, in Google's words.
Status check(const Preconditions& conditions, int64_t generation, int64_t metageneration);

}  // namespace thaw::objects
