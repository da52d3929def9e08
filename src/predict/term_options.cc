#include "predict/term_options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>

#include "base/json_bounds.h"
#include "base/nearest.h"
#include "base/utf8.h"
#include "predict/csv.h"
#include "predict/text.h"

namespace thaw::predict {
namespace {

Error fault(std::string_view what) { return Error(Code::kInvalidArgument, std::string(what)); }

/// One item: values by key, as text; "" for null.
class Item {
 public:
  Item(std::string where, std::map<std::string, std::string, std::less<>> values)
      : where_(std::move(where)), values_(std::move(values)) {}

  /// Refuses keys that are not in the list, naming the nearest.
  Status allow(std::initializer_list<std::string_view> keys) const {
    for (const auto& [key, value] : values_) {
      if (std::find(keys.begin(), keys.end(), key) != keys.end()) continue;
      const std::vector<std::string_view> known(keys);
      const auto near = nearest(key, known);
      return fault(fmt::format("{}: no key {}: {}", where_, quoted_value(key),
                               near ? fmt::format("did you mean '{}'?", *near)
                                    : fmt::format("there are {}", fmt::join(known, ", "))));
    }
    return {};
  }
  std::string_view text(std::string_view key) const {
    const auto found = values_.find(key);
    return found == values_.end() ? std::string_view() : trim(found->second);
  }
  Result<std::string> required(std::string_view key) const {
    if (text(key).empty()) return fault(fmt::format("{}: {} is missing", where_, key));
    return std::string(text(key));
  }
  template <class Number>
  Result<std::optional<Number>> number(std::string_view key) const {
    const std::string_view shown = text(key);
    const std::string low = lower_case(shown);
    if (shown.empty() || low == "nan" || low == "na") return std::optional<Number>();
    double value = 0;
    const auto [end, bad] = std::from_chars(shown.data(), shown.data() + shown.size(), value);
    const bool whole =
        !std::is_integral_v<Number> || (value == std::floor(value) && std::abs(value) < 1e9);
    if (bad != std::errc() || end != shown.data() + shown.size() || !std::isfinite(value) ||
        !whole) {
      return fault(fmt::format("{}: {}: {} is no {}number", where_, key, quoted_value(shown),
                               std::is_integral_v<Number> ? "whole " : ""));
    }
    return std::optional<Number>(static_cast<Number>(value));
  }
  Result<std::optional<TermMode>> mode() const {
    if (text("mode").empty()) return std::optional<TermMode>();
    auto parsed = parse_mode(text("mode"));
    if (!parsed) return std::move(parsed).error().with_context(where_ + ": mode");
    return std::optional<TermMode>(*parsed);
  }
  const std::string& where() const { return where_; }

 private:
  std::string where_;
  std::map<std::string, std::string, std::less<>> values_;
};

std::string plain_text(const Json& value) {
  if (value.is_null()) return "";
  return value.is_string() ? value.as_string() : value.dump();
}

Error too_many(std::string_view what, size_t most) {
  return fault(fmt::format("{}: more than {}", what, most));
}

Result<std::vector<Item>> items_of_json(std::string_view text, std::string_view what, size_t most) {
  constexpr size_t kValuesOfItem = 16;  // and more than any has
  ASSIGN_OR_RETURN(const Json root, parse_json(text, (most + 1) * kValuesOfItem));
  if (!root.is_array()) return fault("is no list");
  if (root.as_array().size() > most) return too_many(what, most);
  std::vector<Item> items;
  for (const Json& entry : root.as_array()) {
    const std::string where = fmt::format("{}[{}]", what, items.size());
    std::map<std::string, std::string, std::less<>> values;
    if (entry.is_string()) {
      values["name"] = entry.as_string();
    } else if (entry.is_object()) {
      for (const auto& [key, value] : entry.as_object()) values[key] = plain_text(value);
    } else {
      return fault(fmt::format("{} is no object", where));
    }
    items.emplace_back(where, std::move(values));
  }
  return items;
}

/// Cuts off and returns what is before the first `mark`.
std::string_view take_until(std::string_view& text, char mark) {
  const size_t end = std::min(text.find(mark), text.size());
  const std::string_view part = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return trim(part);
}

Result<std::vector<Item>> items_of(std::string_view text, std::string_view what) {
  text = trim(text);
  if (text.starts_with('[')) return items_of_json(text, what, kMaxTerms);
  std::vector<Item> items;
  while (!text.empty()) {
    std::string_view item = take_until(text, ';');
    if (item.empty()) continue;
    if (items.size() == kMaxTerms) return too_many(what, kMaxTerms);
    const std::string where = fmt::format("{}[{}]", what, items.size());
    std::map<std::string, std::string, std::less<>> values;
    while (!item.empty()) {
      std::string_view member = take_until(item, ',');
      std::string_view key = "name";
      if (member.find('=') != std::string_view::npos) key = take_until(member, '=');
      if (!values.emplace(key, member).second) {
        return fault(fmt::format("{}: {} is given twice", where, quoted_value(key)));
      }
    }
    items.emplace_back(where, std::move(values));
  }
  return items;
}

Result<std::vector<Item>> items_of_csv(std::string_view text) {
  CsvReader reader(text);
  ASSIGN_OR_RETURN(const bool any, reader.next());
  std::vector<Item> items;
  if (!any) return items;
  std::vector<std::string> names;
  for (std::string_view field : reader.fields()) names.push_back(lower_case(trim(field)));
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, reader.next());
    if (!more) return items;
    if (reader.fields().size() != names.size()) {
      return fault(fmt::format("line {}: {} values where the header has {} columns", reader.line(),
                               reader.fields().size(), names.size()));
    }
    if (items.size() == kMaxHolidayRows) {
      return fault(fmt::format("line {}: more than {} rows", reader.line(), kMaxHolidayRows));
    }
    std::map<std::string, std::string, std::less<>> values;
    for (size_t i = 0; i < names.size(); ++i) {
      if (!is_utf8(reader.fields()[i])) {
        return fault(fmt::format("line {}: {} is no UTF-8: save the table as UTF-8", reader.line(),
                                 quoted_value(reader.fields()[i])));
      }
      values[names[i]] = reader.fields()[i];
    }
    items.emplace_back(fmt::format("line {}", reader.line()), std::move(values));
  }
}

Result<HolidayOption> holiday_of(const Item& item) {
  HolidayOption holiday;
  ASSIGN_OR_RETURN(holiday.name, item.required("holiday"));
  ASSIGN_OR_RETURN(const std::string date, item.required("ds"));
  auto at = parse_timestamp(date);
  if (!at) return std::move(at).error().with_context(item.where() + ": ds");
  holiday.day = std::chrono::floor<std::chrono::days>(*at);
  holiday.country = item.text("country");
  ASSIGN_OR_RETURN(const std::optional<int> lower, item.number<int>("lower_window"));
  ASSIGN_OR_RETURN(const std::optional<int> upper, item.number<int>("upper_window"));
  if (lower.has_value() != upper.has_value()) {
    return fault(
        fmt::format("{}: lower_window and upper_window belong together: give both", item.where()));
  }
  holiday.lower_window = lower.value_or(0);
  holiday.upper_window = upper.value_or(0);
  ASSIGN_OR_RETURN(holiday.prior_scale, item.number<double>("prior_scale"));
  return holiday;
}

}  // namespace

Result<TermMode> parse_mode(std::string_view text) {
  const std::string word = lower_case(text);
  if (word == "additive") return TermMode::kAdditive;
  if (word == "multiplicative") return TermMode::kMultiplicative;
  return fault(fmt::format("{} is not additive or multiplicative", quoted_value(text)));
}

Result<std::vector<SeasonalityOption>> parse_seasonalities(std::string_view text) {
  ASSIGN_OR_RETURN(const std::vector<Item> items, items_of(text, "seasonalities"));
  std::vector<SeasonalityOption> parsed;
  for (const Item& item : items) {
    RETURN_IF_ERROR(
        item.allow({"name", "period", "fourier_order", "prior_scale", "mode", "condition_name"}));
    SeasonalityOption it;
    ASSIGN_OR_RETURN(it.name, item.required("name"));
    RETURN_IF_ERROR(item.required("period"));
    RETURN_IF_ERROR(item.required("fourier_order"));
    ASSIGN_OR_RETURN(const std::optional<double> period, item.number<double>("period"));
    ASSIGN_OR_RETURN(const std::optional<int> order, item.number<int>("fourier_order"));
    it.period_days = period.value_or(0);
    it.order = order.value_or(0);
    ASSIGN_OR_RETURN(it.prior_scale, item.number<double>("prior_scale"));
    ASSIGN_OR_RETURN(it.mode, item.mode());
    it.condition = item.text("condition_name");
    parsed.push_back(std::move(it));
  }
  return parsed;
}

Result<std::vector<RegressorOption>> parse_regressors(std::string_view text) {
  using Standardize = RegressorOption::Standardize;
  ASSIGN_OR_RETURN(const std::vector<Item> items, items_of(text, "regressors"));
  std::vector<RegressorOption> parsed;
  for (const Item& item : items) {
    RETURN_IF_ERROR(item.allow({"name", "prior_scale", "mode", "standardize"}));
    RegressorOption it;
    ASSIGN_OR_RETURN(it.name, item.required("name"));
    ASSIGN_OR_RETURN(it.prior_scale, item.number<double>("prior_scale"));
    ASSIGN_OR_RETURN(it.mode, item.mode());
    const std::string word = lower_case(item.text("standardize"));
    if (word != "" && word != "auto" && word != "true" && word != "false") {
      return fault(fmt::format("{}: standardize: {} is not auto, true or false", item.where(),
                               quoted_value(word)));
    }
    it.standardize = word == "true"    ? Standardize::kYes
                     : word == "false" ? Standardize::kNo
                                       : Standardize::kAuto;
    parsed.push_back(std::move(it));
  }
  return parsed;
}

Result<std::vector<HolidayOption>> parse_holidays(std::string_view text) {
  const bool json = trim(text).starts_with('[');
  ASSIGN_OR_RETURN(const std::vector<Item> items,
                   json ? items_of_json(text, "holidays", kMaxHolidayRows) : items_of_csv(text));
  std::vector<HolidayOption> parsed;
  for (const Item& item : items) {
    if (json) {
      RETURN_IF_ERROR(
          item.allow({"holiday", "ds", "lower_window", "upper_window", "prior_scale", "country"}));
    }
    ASSIGN_OR_RETURN(HolidayOption holiday, holiday_of(item));
    parsed.push_back(std::move(holiday));
  }
  return parsed;
}

}  // namespace thaw::predict
