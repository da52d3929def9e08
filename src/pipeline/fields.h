// The table of every field of a Pipeline document: names, types, ranges, and what they are.
//
// The names are those of Cloud Storage's JSON API and Pub/Sub's REST API, so what is known of them
// there holds here; `service` and `path` of a push are ours. The check reads this table.
// Thread: any. Owner: constants. Limits: none.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "spec/node.h"
#include "spec/report.h"

namespace thaw::pipeline {

enum class Type {
  kString,
  kInt,
  kBool,
  kDuration,   // "600s"
  kStrings,    // a list of strings
  kStringMap,  // strings to strings
  kObject,     // a mapping of the row's `of`
  kObjects,    // a list of them
};
enum class Presence { kOptional, kRequired };

struct Field {
  std::string_view object;
  std::string_view name;
  Type type;
  std::string_view of = "";  // kObject, kObjects: the object; kString, kStrings: "A|B", the choices
  Presence presence = Presence::kOptional;
  int64_t low = 0;  // kInt
  int64_t high = 0;
};

std::span<const Field> fields();

/// Holds a document of kind Pipeline to the table. Every fault names its place and, for an unknown
/// name, the nearest right one.
void check_document(const spec::Node& document, spec::Report& report);

}  // namespace thaw::pipeline
