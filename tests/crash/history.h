// History: what a scripted workload asked of Thaw and what was acknowledged, each at its place
// among the disk's events; and whether a store that came back after a crash agrees with it.
//
// Thread: one. Owner: values. Limits: operations on one name follow one another.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace thaw::crash {

/// When something was asked and when it was acknowledged; SIZE_MAX: not yet.
struct Span {
  size_t asked = SIZE_MAX;
  size_t done = SIZE_MAX;

  bool is_asked(size_t now) const { return asked < now; }
  bool is_done(size_t now) const { return done < now; }
};

struct Batch {
  std::vector<std::string> texts;
  Span published;
};

/// A change of an object: its new content, or nullopt where it is deleted.
struct Version {
  std::optional<std::string> content;
  Span made;
};

/// Bytes of an unfinished upload that were said to be kept.
struct Kept {
  std::string content;  // the blob's id
  std::string bytes;
  Span kept;
};

struct History {
  std::vector<Batch> batches;
  std::map<std::string, Span> acknowledged;             // by text, at the subscription "reader"
  std::map<std::string, std::vector<Version>> objects;  // by name, in order
  std::vector<Kept> uploads;
  std::map<std::string, Span> buried;  // by text: given up by "fragile"
};

/// What a store tells after it came back.
struct Found {
  std::map<std::string, std::multiset<std::string>> messages;  // by subscription: texts
  std::map<std::string, std::string> objects;                  // by name: contents
  std::map<std::string, int> announced;                        // by name: its finalize messages
  std::map<std::string, std::string> uploads;                  // by blob: its bytes
};

/// Every disagreement in words; empty: none. `now`: how many of the disk's events had happened.
std::vector<std::string> disagreements(const History& history, const Found& found, size_t now);

}  // namespace thaw::crash
