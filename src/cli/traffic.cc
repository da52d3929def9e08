#include "cli/traffic.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/flag_values.h"

namespace thaw::cli {
namespace {

spec::TrafficTarget target_for(const std::string& revision) {
  if (revision == kLatest) return {.latest_revision = true};
  return {.revision_name = revision};
}

/// What was assigned before, scaled to `rest`, whole numbers that sum to it.
std::map<std::string, int> divided(const std::map<std::string, int>& before, int rest) {
  int total = 0;
  for (const auto& [revision, percent] : before) total += percent;
  std::map<std::string, int> shares;
  std::vector<std::pair<int, std::string>> remainders;  // what rounding down took, times total
  int given = 0;
  for (const auto& [revision, percent] : before) {
    shares[revision] = percent * rest / total;
    given += shares[revision];
    remainders.emplace_back(-(percent * rest % total), revision);
  }
  std::sort(remainders.begin(), remainders.end());
  for (int i = 0; given < rest; ++i, ++given) ++shares[remainders[static_cast<size_t>(i)].second];
  return shares;
}

Outcome<std::map<std::string, int>> shares_of(const Words& words, std::string_view flag) {
  ASSIGN_OR_RETURN(const KeyValues pairs, parse_key_values(flag, words.value(flag).value_or("")));
  std::map<std::string, int> shares;
  for (const auto& [name, text] : pairs) {
    const auto percent = parse_integer(text);
    if (!percent || *percent < 0 || *percent > 100) {
      return usage_failure(
          fmt::format("--{}: {}: '{}' is no whole number from 0 to 100", flag, name, text));
    }
    shares[name] = static_cast<int>(*percent);
  }
  return shares;
}

Outcome<Traffic> change_tags(const Words& words, Traffic traffic) {
  if (words.given("set-tags") || words.is_on("clear-tags")) traffic.tags.clear();
  for (const std::string_view flag : {"set-tags", "update-tags"}) {
    ASSIGN_OR_RETURN(const KeyValues pairs, parse_key_values(flag, words.value(flag).value_or("")));
    for (const auto& [tag, revision] : pairs) traffic.tags[tag] = revision;
  }
  ASSIGN_OR_RETURN(const auto removed,
                   parse_list("remove-tags", words.value("remove-tags").value_or("")));
  for (const std::string& tag : removed) traffic.tags.erase(tag);
  return traffic;
}

}  // namespace

Traffic Traffic::of(const std::vector<spec::TrafficTarget>& targets) {
  Traffic traffic;
  for (const spec::TrafficTarget& target : targets) {
    const std::string revision =
        target.latest_revision ? std::string(kLatest) : target.revision_name;
    if (const int percent = target.percent.value_or(0); percent > 0) {
      traffic.percents[revision] += percent;
    }
    if (!target.tag.empty()) traffic.tags[target.tag] = revision;
  }
  return traffic;
}

std::vector<spec::TrafficTarget> Traffic::targets() const {
  std::vector<spec::TrafficTarget> targets;
  for (const auto& [revision, percent] : percents) {
    if (percent == 0) continue;
    targets.push_back(target_for(revision));
    targets.back().percent = percent;
  }
  for (const auto& [tag, revision] : tags) {
    targets.push_back(target_for(revision));
    targets.back().tag = tag;
  }
  return targets;
}

Outcome<Traffic> assign(Traffic traffic, const std::map<std::string, int>& wanted) {
  int sum = 0;
  for (const auto& [revision, percent] : wanted) {
    sum += percent;
    traffic.percents.erase(revision);
  }
  if (sum > 100) {
    return usage_failure(fmt::format("the shares sum to {} percent, more than 100", sum));
  }
  if (sum < 100 && traffic.percents.empty()) {
    return usage_failure(fmt::format(
        "the shares sum to {} percent, and no other revision has traffic to take the rest", sum));
  }
  if (!traffic.percents.empty()) traffic.percents = divided(traffic.percents, 100 - sum);
  for (const auto& [revision, percent] : wanted) traffic.percents[revision] = percent;
  return traffic;
}

Outcome<Traffic> update_traffic(const Words& words, Traffic traffic) {
  const bool to_latest = words.is_on("to-latest");
  const int shares = (to_latest ? 1 : 0) + (words.given("to-revisions") ? 1 : 0) +
                     (words.given("to-tags") ? 1 : 0);
  if (shares > 1) {
    return usage_failure("of --to-latest, --to-revisions and --to-tags only one can be given");
  }
  ASSIGN_OR_RETURN(traffic, change_tags(words, std::move(traffic)));
  if (to_latest) return assign(std::move(traffic), {{std::string(kLatest), 100}});
  if (words.given("to-revisions")) {
    ASSIGN_OR_RETURN(const auto wanted, shares_of(words, "to-revisions"));
    return assign(std::move(traffic), wanted);
  }
  if (!words.given("to-tags")) return traffic;
  ASSIGN_OR_RETURN(const auto wanted, shares_of(words, "to-tags"));
  std::map<std::string, int> by_revision;
  for (const auto& [tag, percent] : wanted) {
    const auto known = traffic.tags.find(tag);
    if (known == traffic.tags.end()) {
      return usage_failure(fmt::format("--to-tags: there is no tag '{}'", tag));
    }
    by_revision[known->second] += percent;
  }
  return assign(std::move(traffic), by_revision);
}

}  // namespace thaw::cli
