#include "base/json.h"

#include "base/json_bounds.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

namespace thaw {
namespace {

constexpr size_t kDeepestNesting = 128;
const Json kNull;

/// Builds a Json from the library's parse events, so that the library's own tree is never made.
class Builder : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit Builder(size_t most_values) : most_values_(most_values), left_(most_values) {}

  bool null() override { return put(Json()); }
  bool boolean(bool value) override { return put(Json(value)); }
  bool number_integer(number_integer_t value) override { return put(Json(value)); }
  bool number_unsigned(number_unsigned_t value) override {
    if (value > static_cast<uint64_t>(INT64_MAX)) return put(Json(static_cast<double>(value)));
    return put(Json(value));
  }
  bool number_float(number_float_t value, const string_t&) override { return put(Json(value)); }
  bool string(string_t& value) override { return put(Json(std::move(value))); }
  bool binary(binary_t&) override { return false; }
  bool start_object(size_t) override { return open(Json::object()); }
  bool end_object() override { return close(); }
  bool start_array(size_t) override { return open(Json::array()); }
  bool end_array() override { return close(); }
  bool key(string_t& name) override {
    Frame& top = stack_.back();
    if (!top.keys.insert(name).second) return fail("duplicate key \"" + name + "\"");
    top.next_key = std::move(name);
    return true;
  }
  bool parse_error(size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    if (message.empty()) message = "not valid JSON";
    fault_at = position;
    return false;
  }

  Json root;
  std::string message;
  size_t fault_at = 0;

 private:
  struct Frame {
    Json value;
    std::string next_key;
    std::set<std::string, std::less<>> keys;
  };

  bool fail(std::string why) {
    message = std::move(why);
    return false;
  }

  bool put(Json value) {
    if (left_ == 0) return fail("more than " + std::to_string(most_values_) + " values");
    --left_;
    if (stack_.empty()) {
      root = std::move(value);
      return true;
    }
    Frame& top = stack_.back();
    if (top.value.is_array()) {
      top.value.push_back(std::move(value));
    } else {
      top.value.as_object().emplace_back(std::move(top.next_key), std::move(value));
    }
    return true;
  }

  bool open(Json container) {
    if (stack_.size() >= kDeepestNesting) return fail("nested deeper than 128 levels");
    stack_.push_back({std::move(container), {}, {}});
    return true;
  }

  bool close() {
    Json done = std::move(stack_.back().value);
    stack_.pop_back();
    return put(std::move(done));
  }

  const size_t most_values_;
  size_t left_;
  std::vector<Frame> stack_;
};

nlohmann::ordered_json to_library(const Json& value) {
  using Out = nlohmann::ordered_json;
  if (value.is_null()) return nullptr;
  if (value.is_bool()) return value.as_bool();
  if (value.is_int()) return value.as_int();
  if (value.is_number()) return std::isfinite(value.as_double()) ? Out(value.as_double()) : Out();
  if (value.is_string()) return value.as_string();
  if (value.is_array()) {
    Out out = Out::array();
    for (const Json& item : value.as_array()) out.push_back(to_library(item));
    return out;
  }
  Out out = Out::object();
  for (const auto& [key, item] : value.as_object()) out.push_back({key, to_library(item)});
  return out;
}

std::string position(std::string_view text, size_t at) {
  at = std::min(at, text.size());
  const auto line = std::count(text.begin(), text.begin() + static_cast<ptrdiff_t>(at), '\n') + 1;
  const size_t line_start = text.substr(0, at).rfind('\n');
  const size_t column = line_start == std::string_view::npos ? at : at - line_start - 1;
  return "line " + std::to_string(line) + ", column " + std::to_string(std::max<size_t>(column, 1));
}

}  // namespace

double Json::as_double() const {
  return is_int() ? static_cast<double>(as_int()) : std::get<double>(value_);
}

const Json* Json::find(std::string_view key) const {
  if (!is_object()) return nullptr;
  for (const auto& [name, value] : as_object()) {
    if (name == key) return &value;
  }
  return nullptr;
}

const Json& Json::operator[](std::string_view key) const {
  const Json* found = find(key);
  return found ? *found : kNull;
}

std::string Json::string_or(std::string_view key, std::string_view otherwise) const {
  const Json* found = find(key);
  return found && found->is_string() ? found->as_string() : std::string(otherwise);
}

int64_t Json::int_or(std::string_view key, int64_t otherwise) const {
  const Json* found = find(key);
  return found && found->is_int() ? found->as_int() : otherwise;
}

double Json::double_or(std::string_view key, double otherwise) const {
  const Json* found = find(key);
  return found && found->is_number() ? found->as_double() : otherwise;
}

bool Json::bool_or(std::string_view key, bool otherwise) const {
  const Json* found = find(key);
  return found && found->is_bool() ? found->as_bool() : otherwise;
}

Json& Json::set(std::string_view key, Json value) {
  if (is_null()) value_ = Object{};
  for (auto& [name, old] : as_object()) {
    if (name == key) return old = std::move(value);
  }
  return as_object().emplace_back(std::string(key), std::move(value)).second;
}

void Json::push_back(Json value) {
  if (is_null()) value_ = Array{};
  as_array().push_back(std::move(value));
}

Result<Json> Json::parse(std::string_view text) { return parse_json(text, SIZE_MAX); }

Result<Json> parse_json(std::string_view text, size_t most_values) {
  // The library takes a NUL for the end of the text and would ignore what is behind it.
  if (const size_t nul = text.find('\0'); nul != std::string_view::npos) {
    return Error(Code::kInvalidArgument, "a NUL character at " + position(text, nul + 1));
  }
  Builder builder(most_values);
  if (!nlohmann::json::sax_parse(text.begin(), text.end(), &builder)) {
    if (builder.message.empty()) builder.message = "not valid JSON";
    const std::string where =
        builder.fault_at ? " at " + position(text, builder.fault_at) : std::string();
    return Error(Code::kInvalidArgument, builder.message + where);
  }
  return std::move(builder.root);
}

std::string Json::dump(Style style) const {
  return to_library(*this).dump(style == Style::kIndented ? 2 : -1, ' ', false,
                                nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace thaw
