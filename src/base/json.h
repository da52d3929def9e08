// Json: a JSON value, its parser and its printer, with the library behind one file.
//
// Objects keep the order in which keys were set or read. Not for megabyte-sized numeric data on a
// hot path. Thread: any. Owner: values. Limits: parse() refuses nesting deeper than 128, invalid
// UTF-8 and duplicate keys.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"

namespace thaw {

class Json {
 public:
  using Array = std::vector<Json>;
  using Member = std::pair<std::string, Json>;
  using Object = std::vector<Member>;

  Json() = default;  // null
  Json(std::nullptr_t) {}
  Json(bool value) : value_(value) {}
  Json(int value) : value_(static_cast<int64_t>(value)) {}
  Json(int64_t value) : value_(value) {}
  Json(uint64_t value) : value_(static_cast<int64_t>(value)) {}
  Json(double value) : value_(value) {}
  Json(const char* value) : value_(std::string(value)) {}
  Json(std::string_view value) : value_(std::string(value)) {}
  Json(std::string value) : value_(std::move(value)) {}
  Json(Array value) : value_(std::move(value)) {}
  Json(Object value) : value_(std::move(value)) {}

  static Json array() { return Json(Array{}); }
  static Json object(std::initializer_list<Member> members = {}) { return Json(Object(members)); }

  bool is_null() const { return std::holds_alternative<std::monostate>(value_); }
  bool is_bool() const { return std::holds_alternative<bool>(value_); }
  bool is_int() const { return std::holds_alternative<int64_t>(value_); }
  bool is_number() const { return is_int() || std::holds_alternative<double>(value_); }
  bool is_string() const { return std::holds_alternative<std::string>(value_); }
  bool is_array() const { return std::holds_alternative<Array>(value_); }
  bool is_object() const { return std::holds_alternative<Object>(value_); }

  /// Precondition: the matching is_...(); as_double also takes an integer.
  bool as_bool() const { return std::get<bool>(value_); }
  int64_t as_int() const { return std::get<int64_t>(value_); }
  double as_double() const;
  const std::string& as_string() const { return std::get<std::string>(value_); }
  const Array& as_array() const { return std::get<Array>(value_); }
  Array& as_array() { return std::get<Array>(value_); }
  const Object& as_object() const { return std::get<Object>(value_); }
  Object& as_object() { return std::get<Object>(value_); }

  /// The member's value, or null when this is no object or has no such key.
  const Json& operator[](std::string_view key) const;
  const Json* find(std::string_view key) const;
  /// The string at `key`, or `otherwise` when it is absent or no string.
  std::string string_or(std::string_view key, std::string_view otherwise = "") const;
  int64_t int_or(std::string_view key, int64_t otherwise) const;
  double double_or(std::string_view key, double otherwise) const;
  bool bool_or(std::string_view key, bool otherwise) const;

  /// Adds or replaces; makes a null value an object first.
  Json& set(std::string_view key, Json value);
  void push_back(Json value);

  /// kInvalidArgument with line and column of the first fault.
  static Result<Json> parse(std::string_view text);
  enum class Style { kCompact, kIndented };
  /// Never fails: bytes that are no UTF-8 come out as U+FFFD, NaN and infinities as null.
  std::string dump(Style style = Style::kCompact) const;

  bool operator==(const Json&) const = default;

 private:
  std::variant<std::monostate, bool, int64_t, double, std::string, Array, Object> value_;
};

}  // namespace thaw
