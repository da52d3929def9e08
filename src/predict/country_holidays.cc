#include "predict/country_holidays.h"

#include <fmt/format.h>

#include <algorithm>

#include "predict/term_options.h"
#include "predict/text.h"

namespace thaw::predict {
namespace {

bool is_name(std::string_view country) {
  constexpr size_t kLongest = 64;
  constexpr std::string_view kLetters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";
  return !country.empty() && country.size() <= kLongest &&
         country.find_first_not_of(kLetters) == std::string_view::npos;
}

}  // namespace

Status add_country_holidays(ForecastOptions& options, const CountryTable& table) {
  if (!table) return {};
  for (const std::string& country : options.country_holidays) {
    const bool is_there =
        std::any_of(options.holidays.begin(), options.holidays.end(),
                    [&](const HolidayOption& it) { return it.country == country; });
    if (is_there) continue;
    if (!is_name(country)) {
      return Error(Code::kInvalidArgument,
                   fmt::format("country_holidays: {} is no country's name", quoted_value(country)));
    }
    const auto text = table(country);
    if (!text) {
      return Error(Code::kInvalidArgument,
                   fmt::format("country_holidays: {}", text.error().message()));
    }
    auto days = parse_holidays(*text);
    if (!days) return std::move(days).error().with_context("country_holidays: " + country);
    for (HolidayOption& day : *days) {
      day.country = country;
      options.holidays.push_back(std::move(day));
    }
  }
  return {};
}

}  // namespace thaw::predict
