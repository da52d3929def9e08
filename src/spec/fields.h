// The table of every field and annotation of a service file: its type, its range, and whether Thaw
// acts on it, keeps it or refuses it. The checks and docs/reference/service-file.md read this
// table.
//
// Rules between fields (CPU against memory, traffic's sum, ...) are in rules.cc.
// Thread: any. Owner: constants. Limits: none.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace thaw::spec {

enum class FieldType {
  kString,
  kInt,
  kBool,
  kCpu,  // a quantity, as a string or a number
  kMemory,
  kTime,       // RFC 3339
  kStrings,    // a list of strings
  kStringMap,  // strings to strings
  kObject,     // a mapping whose fields are those of the row's `of`
  kObjects,    // a list of them
  kAny,        // taken as it is
};

/// How the choice is made: a field that changes what a service does is used or refused, never
/// dropped in silence; a field that only describes (labels, a client's marks, what the
/// platform writes) is kept.
enum class Support {
  kUsed,
  kKept,     // harmless: stored and printed again
  kRefused,  // an error, unless it is empty (null, "", false, [] or {})
};

struct FieldRow {
  std::string_view object;
  std::string_view name;  // "*": any other name, ignored
  FieldType type;
  std::string_view of;  // kObject, kObjects: the object's name
  Support support;
  int64_t low = 0;  // kInt
  int64_t high = 0;
  std::string_view fallback;  // what apply_defaults fills in, for readers
  std::string_view words;     // what it is; kRefused: why, and what to do instead
};

struct ObjectRow {
  std::string_view name;
  std::string_view place;  // spec.template.spec.containers[]
};

enum class Level { kService, kRevision };
enum class TextType { kText, kInt, kBool, kWord };

struct AnnotationRow {
  Level level;
  std::string_view name;
  TextType type;
  std::string_view values;  // kWord: "gen1, gen2"; kRefused: the one value that is harmless
  Support support;
  int64_t low = 0;  // kInt
  int64_t high = 0;
  std::string_view fallback;
  std::string_view words;
};

std::span<const FieldRow> field_rows();
std::span<const ObjectRow> object_rows();
std::span<const AnnotationRow> annotation_rows();

/// nullptr when the object has no such field.
const FieldRow* find_field(std::string_view object, std::string_view name);
const AnnotationRow* find_annotation(Level level, std::string_view name);
std::vector<std::string_view> field_names(std::string_view object);
std::vector<std::string_view> annotation_names(Level level);
/// The first object that has such a field, for "it belongs in ..."; nullptr when none has.
const ObjectRow* home_of(std::string_view field);

/// True for annotations of thaw.local, run.googleapis.com, autoscaling.knative.dev,
/// serving.knative.dev and client.knative.dev: their names are a closed list, all others are free.
bool is_platform_annotation(std::string_view name);

}  // namespace thaw::spec
