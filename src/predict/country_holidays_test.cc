#include "predict/country_holidays.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace thaw::predict {
namespace {

using testing::HasSubstr;

Result<std::string> table_of(std::string_view country) {
  if (country == "XA") return std::string("holiday,ds\n\"King, Jr. Day\",2024-01-15\n");
  if (country == "XB") return std::string("holiday,day\nA,2024-01-15\n");
  return Error(Code::kNotFound, "no table of " + std::string(country));
}

ForecastOptions options_of(std::vector<std::string> countries) {
  ForecastOptions options;
  options.country_holidays = std::move(countries);
  return options;
}

TEST(CountryHolidays, AreTakenFromTheTableOfTheCountry) {
  ForecastOptions options = options_of({"XA"});
  ASSERT_TRUE(add_country_holidays(options, table_of));
  ASSERT_EQ(options.holidays.size(), 1u);
  EXPECT_EQ(options.holidays[0].name, "King, Jr. Day");
  EXPECT_EQ(options.holidays[0].country, "XA");
  ASSERT_TRUE(add_country_holidays(options, table_of));
  EXPECT_EQ(options.holidays.size(), 1u) << "those that are there are not added again";
  EXPECT_TRUE(keep_countries(options));
}

TEST(CountryHolidays, WhatIsWrongIsTold) {
  const auto fault = [](std::vector<std::string> countries) {
    ForecastOptions options = options_of(std::move(countries));
    const Status status = add_country_holidays(options, table_of);
    return status ? "" : status.error().message();
  };
  EXPECT_EQ(fault({"XA", "XC"}), "country_holidays: no table of XC");
  EXPECT_THAT(fault({"XB"}), HasSubstr("XB"));
  EXPECT_THAT(fault({"../XA"}), HasSubstr("'../XA' is no country's name"));
  EXPECT_THAT(fault({std::string(65, 'a')}), HasSubstr("is no country's name"));
  ForecastOptions options = options_of({"XC"});
  EXPECT_TRUE(add_country_holidays(options, nullptr));
}

}  // namespace
}  // namespace thaw::predict
