#include "objects/lifecycle.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace thaw::objects {
namespace {

constexpr size_t kMostRules = 100;

Error bad(std::string_view field, std::string_view why) {
  return {Code::kInvalidArgument, fmt::format("Invalid value for field '{}': {}", field, why)};
}

/// Numbers come as numbers or as strings.
Result<int64_t> read_number(std::string_view field, const Json& value) {
  int64_t number = value.is_int() ? value.as_int() : -1;
  if (value.is_string()) {
    const std::string& text = value.as_string();
    const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (fault != std::errc() || end != text.data() + text.size()) number = -1;
  }
  constexpr int64_t kMost = 1'000'000;
  if (number < 0 || number > kMost) return bad(field, "a number from 0 to 1000000 is wanted");
  return number;
}

/// "2026-11-24": the beginning of that day, UTC.
Result<WallTime> read_day(std::string_view field, const Json& value) {
  const auto time =
      value.is_string() ? parse_rfc3339(value.as_string() + "T00:00:00Z") : std::nullopt;
  if (!time) return bad(field, "a date YYYY-MM-DD is wanted");
  return *time;
}

Result<std::vector<std::string>> read_strings(std::string_view field, const Json& value) {
  std::vector<std::string> all;
  if (!value.is_array()) return bad(field, "an array of strings is wanted");
  for (const Json& each : value.as_array()) {
    if (!each.is_string()) return bad(field, "an array of strings is wanted");
    all.push_back(each.as_string());
  }
  return all;
}

/// How cold a storage class is, and so how cheap to keep; the old names of STANDARD are as warm as
/// it. nullopt: no such class.
std::optional<int> coldness(std::string_view storage_class) {
  constexpr std::pair<std::string_view, int> kClasses[] = {{"DURABLE_REDUCED_AVAILABILITY", 0},
                                                           {"MULTI_REGIONAL", 0},
                                                           {"REGIONAL", 0},
                                                           {"STANDARD", 0},
                                                           {"NEARLINE", 1},
                                                           {"COLDLINE", 2},
                                                           {"ARCHIVE", 3}};
  for (const auto& [name, cold] : kClasses) {
    if (name == storage_class) return cold;
  }
  return std::nullopt;
}

Duration days(int64_t n) { return std::chrono::hours(24 * n); }

bool any_begins(const std::vector<std::string>& all, std::string_view name) {
  return all.empty() || std::any_of(all.begin(), all.end(), [&](const std::string& prefix) {
           return name.starts_with(prefix);
         });
}
bool any_ends(const std::vector<std::string>& all, std::string_view name) {
  return all.empty() || std::any_of(all.begin(), all.end(), [&](const std::string& suffix) {
           return name.ends_with(suffix);
         });
}

}  // namespace

Result<Lifecycle::Rule> Lifecycle::read_rule(const Json& json) {
  Rule rule;
  const std::string type = json["action"].string_or("type");
  if (type == "Delete") {
    rule.action.kind = Action::kDelete;
  } else if (type == "SetStorageClass") {
    rule.action = {Action::kSetClass, json["action"].string_or("storageClass")};
    if (!coldness(rule.action.storage_class)) {
      return bad("action.storageClass",
                 fmt::format("STANDARD, NEARLINE, COLDLINE or ARCHIVE is wanted, not '{}'",
                             rule.action.storage_class.substr(0, 80)));
    }
  } else {
    return bad("action.type", "Delete or SetStorageClass is wanted, not '" + type + "'");
  }
  const Json& condition = json["condition"];
  if (!condition.is_object() || condition.as_object().empty()) {
    return bad("condition", "at least one condition is wanted");
  }
  for (const auto& [key, value] : condition.as_object()) {
    if (key == "age") {
      ASSIGN_OR_RETURN(rule.age_days, read_number(key, value));
    } else if (key == "numNewerVersions") {
      ASSIGN_OR_RETURN(rule.newer_versions, read_number(key, value));
    } else if (key == "daysSinceNoncurrentTime") {
      ASSIGN_OR_RETURN(rule.days_noncurrent, read_number(key, value));
    } else if (key == "daysSinceCustomTime") {
      ASSIGN_OR_RETURN(rule.days_since_custom, read_number(key, value));
    } else if (key == "isLive") {
      if (!value.is_bool()) return bad(key, "true or false is wanted");
      rule.is_live = value.as_bool();
    } else if (key == "createdBefore") {
      ASSIGN_OR_RETURN(rule.created_before, read_day(key, value));
    } else if (key == "noncurrentTimeBefore") {
      ASSIGN_OR_RETURN(rule.noncurrent_before, read_day(key, value));
    } else if (key == "customTimeBefore") {
      ASSIGN_OR_RETURN(rule.custom_before, read_day(key, value));
    } else if (key == "matchesStorageClass") {
      ASSIGN_OR_RETURN(rule.storage_classes, read_strings(key, value));
    } else if (key == "matchesPrefix") {
      ASSIGN_OR_RETURN(rule.prefixes, read_strings(key, value));
    } else if (key == "matchesSuffix") {
      ASSIGN_OR_RETURN(rule.suffixes, read_strings(key, value));
    } else {
      return bad("condition." + key, "this condition is not known");
    }
  }
  return rule;
}

Status Lifecycle::check(const Json& lifecycle) {
  if (lifecycle.is_null()) return {};
  const Json& rules = lifecycle["rule"];
  if (rules.is_null()) return {};
  if (!rules.is_array()) return bad("lifecycle.rule", "an array is wanted");
  if (rules.as_array().size() > kMostRules) return bad("lifecycle.rule", "over 100 rules");
  for (size_t i = 0; i < rules.as_array().size(); ++i) {
    auto rule = read_rule(rules.as_array()[i]);
    if (!rule) return std::move(rule).error().with_context(fmt::format("lifecycle.rule[{}]", i));
  }
  return {};
}

Lifecycle Lifecycle::read(const Json& lifecycle) {
  Lifecycle result;
  const Json& rules = lifecycle["rule"];
  if (!rules.is_array()) return result;
  for (const Json& json : rules.as_array()) {
    if (auto rule = read_rule(json)) result.rules_.push_back(*std::move(rule));
  }
  return result;
}

bool Lifecycle::fits(const Rule& rule, const Object& object, int64_t newer, WallTime now) {
  const bool is_live = object.state == Object::State::kLive;
  const auto custom = parse_rfc3339(object.settings.string_or("customTime"));
  if (rule.age_days && now - object.created < days(*rule.age_days)) return false;
  if (rule.newer_versions && newer < *rule.newer_versions) return false;
  if (rule.is_live && *rule.is_live != is_live) return false;
  if (rule.created_before && object.created >= *rule.created_before) return false;
  if (rule.days_noncurrent &&
      (is_live || !object.deleted || now - *object.deleted < days(*rule.days_noncurrent))) {
    return false;
  }
  if (rule.noncurrent_before &&
      (is_live || !object.deleted || *object.deleted >= *rule.noncurrent_before)) {
    return false;
  }
  if (rule.days_since_custom && (!custom || now - *custom < days(*rule.days_since_custom))) {
    return false;
  }
  if (rule.custom_before && (!custom || *custom >= *rule.custom_before)) return false;
  const std::string storage_class = object.settings.string_or("storageClass", "STANDARD");
  const auto& classes = rule.storage_classes;
  if (!classes.empty() &&
      std::find(classes.begin(), classes.end(), storage_class) == classes.end()) {
    return false;
  }
  return any_begins(rule.prefixes, object.name) && any_ends(rule.suffixes, object.name);
}

Lifecycle::Action Lifecycle::judge(const Object& object, int64_t newer, WallTime now) const {
  Action best;
  int coldest = coldness(object.settings.string_or("storageClass", "STANDARD")).value_or(0);
  for (const Rule& rule : rules_) {
    if (!fits(rule, object, newer, now)) continue;
    if (rule.action.kind == Action::kDelete) return rule.action;
    const int cold = coldness(rule.action.storage_class).value_or(0);
    if (cold <= coldest) continue;
    coldest = cold;
    best = rule.action;
  }
  return best;
}

}  // namespace thaw::objects
