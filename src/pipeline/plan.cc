#include "pipeline/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>

namespace thaw::pipeline {
namespace {

/// "2.5s" as a number; nothing for other texts.
std::optional<double> duration_of(const std::string& text) {
  double value = 0;
  const char* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, value);
  if (read.ec != std::errc() || read.ptr + 1 != end || *read.ptr != 's') return std::nullopt;
  return value;
}

bool same_scalar(const Json& a, const Json& b) {
  if (a == b) return true;
  if (a.is_int() && b.is_string()) return std::to_string(a.as_int()) == b.as_string();
  if (a.is_string() && b.is_int()) return same_scalar(b, a);
  if (a.is_string() && b.is_string()) {
    const auto first = duration_of(a.as_string());
    return first && first == duration_of(b.as_string());
  }
  // What is not set and what is off, empty or none are one.
  const auto is_none = [](const Json& json) {
    return json.is_null() || (json.is_bool() && !json.as_bool()) ||
           (json.is_string() && json.as_string().empty()) ||
           (json.is_object() && json.as_object().empty()) ||
           (json.is_array() && json.as_array().empty());
  };
  return is_none(a) && is_none(b);
}

void compare(const Json& wanted, const Json& actual, const std::string& path,
             std::vector<Change>& changes) {
  if (wanted.is_object() && (actual.is_object() || actual.is_null())) {
    if (wanted.as_object().empty() && actual.is_object() && !actual.as_object().empty()) {
      changes.push_back({path, actual, wanted});
    }
    for (const auto& [key, value] : wanted.as_object()) {
      compare(value, actual[key], path.empty() ? key : path + "." + key, changes);
    }
    return;
  }
  if (wanted.is_array() && actual.is_array()) {
    const auto& left = wanted.as_array();
    const auto& right = actual.as_array();
    if (left.size() == right.size()) {
      for (size_t i = 0; i < left.size(); ++i) {
        compare(left[i], right[i], fmt::format("{}[{}]", path, i), changes);
      }
      return;
    }
  }
  if (!same_scalar(wanted, actual)) changes.push_back({path, actual, wanted});
}

/// Of services everything in `spec` counts, also what the file does not say.
void compare_exactly(const Json& wanted, const Json& actual, const std::string& path,
                     std::vector<Change>& changes) {
  if (wanted.is_array() && actual.is_array() &&
      wanted.as_array().size() == actual.as_array().size()) {
    for (size_t i = 0; i < wanted.as_array().size(); ++i) {
      compare_exactly(wanted.as_array()[i], actual.as_array()[i], fmt::format("{}[{}]", path, i),
                      changes);
    }
    return;
  }
  if (!wanted.is_object() || !actual.is_object()) return compare(wanted, actual, path, changes);
  for (const auto& [key, value] : wanted.as_object()) {
    compare_exactly(value, actual[key], path + "." + key, changes);
  }
  for (const auto& [key, value] : actual.as_object()) {
    if (wanted.find(key) == nullptr && !same_scalar(value, Json())) {
      changes.push_back({path + "." + key, value, Json()});
    }
  }
}

bool is_service(Kind kind) { return kind == Kind::kService || kind == Kind::kWorkerPool; }

/// Fields whose change means another resource.
bool is_fixed(Kind kind, const std::string& path) {
  const std::string field = path.substr(0, path.find_first_of(".["));
  if (kind == Kind::kNotification) return true;
  if (kind != Kind::kSubscription) return false;
  return field == "topic" || field == "filter" || field == "enableMessageOrdering";
}

/// What the file said last time and says no more.
void dropped(const Json& before, const Json& wanted, const Json& actual, const std::string& path,
             std::vector<Change>& changes) {
  if (!before.is_object()) return;
  for (const auto& [key, value] : before.as_object()) {
    const std::string inner = path.empty() ? key : path + "." + key;
    const Json* now = wanted.find(key);
    if (now == nullptr) {
      if (!same_scalar(actual[key], Json())) changes.push_back({inner, actual[key], Json()});
    } else {
      dropped(value, *now, actual[key], inner, changes);
    }
  }
}

/// `actual` with what is wanted over it and what was dropped as null: Cloud Storage takes a map's
/// key away by a null, Pub/Sub replaces the whole field.
Json merged(const Json& wanted, const Json& actual, const Json& before, Kind kind) {
  if (!wanted.is_object() || !actual.is_object()) return wanted;
  Json whole = Json::object();
  for (const auto& [key, value] : actual.as_object()) {
    const bool is_dropped = wanted.find(key) == nullptr && before.find(key) != nullptr;
    if (!is_dropped) {
      whole.set(key, value);
    } else if (kind == Kind::kBucket) {
      whole.set(key, Json());
    }
  }
  for (const auto& [key, value] : wanted.as_object()) {
    whole.set(key, merged(value, actual[key], before[key], kind));
  }
  return whole;
}

/// One of a kind: pushConfig and retention settings are replaced as the file says them.
bool is_map(const std::string& field) { return field == "labels"; }

Json fields_to_send(const Step& step, const Json& actual, const Json& before) {
  std::set<std::string> names;
  for (const Change& change : step.changes) {
    names.insert(change.path.substr(0, change.path.find_first_of(".[")));
  }
  Json send = Json::object();
  for (const std::string& name : names) {
    const Json* wanted = step.body.find(name);
    if (wanted == nullptr) {
      send.set(name, Json());
    } else {
      send.set(name,
               is_map(name) ? merged(*wanted, actual[name], before[name], step.key.kind) : *wanted);
    }
  }
  return send;
}

class Planner {
 public:
  Planner(const Facts& facts, Adopt adopt) : facts_(facts), adopt_(adopt) {}

  Result<Plan> plan(const File& file) {
    std::set<Key> wanted;
    for (const Resource& resource : file.resources) wanted.insert(resource.key);
    destroy_others(wanted);
    for (const Resource& resource : file.resources) RETURN_IF_ERROR(take(resource));
    if (!faults_.empty()) {
      return Error(Code::kFailedPrecondition, fmt::format("{}", fmt::join(faults_, "\n")));
    }
    return std::move(plan_);
  }

  Plan destroy() {
    destroy_others({});
    return std::move(plan_);
  }

 private:
  const Json* actual(const Key& key) const {
    const auto it = facts_.actual.find(key);
    return it == facts_.actual.end() ? nullptr : &it->second;
  }

  void destroy_others(const std::set<Key>& wanted) {
    for (auto it = facts_.applied.rbegin(); it != facts_.applied.rend(); ++it) {
      const Json* there = actual(it->first);
      if (wanted.contains(it->first) || there == nullptr) continue;
      plan_.steps.push_back({.action = Action::kDestroy, .key = it->first, .body = *there});
    }
  }

  Status take(const Resource& resource) {
    Step step{.key = resource.key, .body = resource.body};
    const Json* there = actual(resource.key);
    const auto own = facts_.applied.find(resource.key);
    const bool is_own = own != facts_.applied.end();
    const Json before = is_own ? own->second : Json();
    if (there == nullptr) {
      step.action = Action::kAdd;
      plan_.steps.push_back(std::move(step));
      return {};
    }
    ASSIGN_OR_RETURN(step.changes, changes_of(resource, *there, before));
    decide(step, *there, before, is_own);
    plan_.steps.push_back(std::move(step));
    return {};
  }

  static Result<std::vector<Change>> changes_of(const Resource& resource, const Json& there,
                                                const Json& before) {
    std::vector<Change> changes;
    if (is_service(resource.key.kind)) {
      ASSIGN_OR_RETURN(const Json wanted, normal_service(resource.body));
      compare(wanted["metadata"], there["metadata"], "metadata", changes);
      compare_exactly(wanted["spec"], there["spec"], "spec", changes);
      if (!before.is_null()) {
        ASSIGN_OR_RETURN(const Json last, normal_service(before));
        std::vector<Change> by_file;
        compare(wanted["metadata"], last["metadata"], "metadata", by_file);
        compare_exactly(wanted["spec"], last["spec"], "spec", by_file);
        mark_drift(changes, by_file);
      }
      return changes;
    }
    changes = differences(resource.body, there);
    dropped(before, resource.body, there, "", changes);
    if (!before.is_null()) {
      std::vector<Change> by_file = differences(resource.body, before);
      dropped(before, resource.body, there, "", by_file);
      mark_drift(changes, by_file);
    }
    return changes;
  }

  /// A difference where the file says what it said last time is none of the file's doing.
  static void mark_drift(std::vector<Change>& changes, const std::vector<Change>& by_file) {
    for (Change& change : changes) {
      const bool is_files = std::ranges::any_of(
          by_file, [&](const Change& each) { return each.path == change.path; });
      if (!is_files) change.cause = Change::Cause::kDrift;
    }
  }

  void decide(Step& step, const Json& there, const Json& before, bool is_own) {
    const bool may = is_own || adopt_ == Adopt::kYes;
    if (step.changes.empty()) {
      step.action = is_own ? Action::kKeep : may ? Action::kAdopt : Action::kLeave;
      return;
    }
    if (!may) {
      faults_.push_back(fmt::format(
          "{} is there already, is not this pipeline's and differs in {}; change the file, or let "
          "--adopt make it this pipeline's",
          step.key.str(), step.changes[0].path));
      return;
    }
    const auto fixed = std::ranges::find_if(
        step.changes, [&](const Change& change) { return is_fixed(step.key.kind, change.path); });
    if (step.key.kind == Kind::kBucket && step.changes[0].path == "location") {
      faults_.push_back(
          fmt::format("{}: its location cannot be changed; name another bucket", step.key.str()));
    }
    step.action = fixed == step.changes.end() ? Action::kChange : Action::kReplace;
    step.send = fields_to_send(step, there, before);
  }

  const Facts& facts_;
  Adopt adopt_;
  Plan plan_;
  std::vector<std::string> faults_;
};

}  // namespace

std::vector<Change> differences(const Json& wanted, const Json& actual) {
  std::vector<Change> changes;
  compare(wanted, actual, "", changes);
  return changes;
}

Plan::Counts Plan::counts() const {
  Counts counts;
  for (const Step& step : steps) {
    const bool both = step.action == Action::kReplace;
    if (step.action == Action::kAdd || both) ++counts.add;
    if (step.action == Action::kChange) ++counts.change;
    if (step.action == Action::kDestroy || both) ++counts.destroy;
  }
  return counts;
}

bool Plan::empty() const {
  return std::ranges::all_of(steps, [](const Step& step) {
    return step.action == Action::kKeep || step.action == Action::kLeave;
  });
}

Result<Plan> make_plan(const File& file, const Facts& facts, Adopt adopt) {
  return Planner(facts, adopt).plan(file);
}

Plan make_destroy_plan(const Facts& facts) { return Planner(facts, Adopt::kNo).destroy(); }

}  // namespace thaw::pipeline
