#include "cli/words.h"

#include <gtest/gtest.h>

namespace thaw::cli {
namespace {

constexpr Flag kFlags[] = {
    {.name = "output", .letter = 'o', .value = "FORMAT", .choices = "csv|json|table"},
    {.name = "periods", .letter = 'p', .value = "N"},
    {.name = "header", .value = "H"},
    {.name = "plot", .negation = Flag::Negation::kAllowed},
    {.name = "follow", .letter = 'f'},
    {.name = "gpu", .value = "N", .help = "there are none", .support = Flag::Support::kRefused},
};
constexpr Command kCommand{.name = "try",
                           .arguments = "NAME [PATH]",
                           .flags = kFlags,
                           .min_arguments = 1,
                           .max_arguments = 2};

Outcome<Words> parse(const std::vector<std::string_view>& words) {
  return Words::parse(kCommand, words);
}

std::string fault(const std::vector<std::string_view>& words) {
  const auto parsed = parse(words);
  if (parsed) return "";
  EXPECT_EQ(parsed.error().exit, ExitCode::kUsage);
  return parsed.error().error.message();
}

TEST(Words, ValuesComeAfterABlankOrAnEqualsSign) {
  for (const auto& words : std::vector<std::vector<std::string_view>>{
           {"x", "--periods", "3"}, {"--periods=3", "x"}, {"x", "-p", "3"}, {"-p3", "x"}}) {
    const auto parsed = parse(words);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->value("periods"), "3");
    EXPECT_EQ(parsed->arguments(), (std::vector<std::string_view>{"x"}));
  }
}

TEST(Words, SwitchesAreOnOffOrNotGiven) {
  EXPECT_EQ(parse({"x", "--plot"})->setting("plot"), true);
  EXPECT_EQ(parse({"x", "--no-plot"})->setting("plot"), false);
  EXPECT_EQ(parse({"x"})->setting("plot"), std::nullopt);
  EXPECT_TRUE(parse({"x", "-fq"})->is_on("quiet"));
}

TEST(Words, OfAFlagGivenTwiceTheLastCountsAndAllCanBeRead) {
  const auto parsed = parse({"x", "--header", "a", "--header=b"});
  EXPECT_EQ(parsed->value("header"), "b");
  EXPECT_EQ(parsed->values("header"), (std::vector<std::string_view>{"a", "b"}));
}

TEST(Words, TwoDashesEndTheFlagsAndOneIsAnArgument) {
  EXPECT_EQ(parse({"--", "--plot"})->arguments(), (std::vector<std::string_view>{"--plot"}));
  EXPECT_EQ(parse({"-"})->arguments(), (std::vector<std::string_view>{"-"}));
}

TEST(Words, NegativeNumbersAreValues) {
  EXPECT_EQ(parse({"x", "-p", "-3"})->value("periods"), "-3");
}

TEST(Words, AnEmptyValueIsAValue) { EXPECT_EQ(parse({"x", "--header="})->value("header"), ""); }

TEST(Words, UnknownFlagsNameTheNearest) {
  EXPECT_EQ(fault({"x", "--perods", "3"}), "unknown flag --perods; did you mean --periods?");
  EXPECT_EQ(fault({"x", "--no-plit"}), "unknown flag --no-plit; did you mean --no-plot?");
  EXPECT_EQ(fault({"x", "--jsno"}), "unknown flag --jsno; did you mean --json?");
  EXPECT_EQ(fault({"x", "--zzzzzzzz=1"}), "unknown flag --zzzzzzzz; see 'thaw try --help'");
  EXPECT_EQ(fault({"x", "-z"}), "unknown flag -z; see 'thaw try --help'");
  EXPECT_EQ(fault({"x", "--no-follow"}), "unknown flag --no-follow; did you mean --follow?");
}

TEST(Words, RefusedFlagsSayWhy) {
  EXPECT_EQ(fault({"x", "--gpu", "1"}), "--gpu is not supported: there are none");
  EXPECT_EQ(fault({"x", "--gpu"}), "--gpu is not supported: there are none");
}

TEST(Words, ChoicesAreChecked) {
  EXPECT_EQ(fault({"x", "-o", "jsn"}),
            "--output: 'jsn' is none of csv, json, table; did you mean json?");
  EXPECT_EQ(fault({"x", "-o", ""}), "--output: '' is none of csv, json, table");
}

TEST(Words, MissingAndUnwantedValuesAreToldApart) {
  EXPECT_EQ(fault({"x", "--periods"}), "--periods needs a value: --periods N");
  EXPECT_EQ(fault({"x", "--header", "--plot"}),
            "--header needs a value, but --plot follows; a value that begins with a dash is "
            "written --header=--plot");
  EXPECT_EQ(fault({"x", "--plot=yes"}), "--plot is a switch: it takes no value");
}

TEST(Words, TooFewAndTooManyArgumentsAreNamed) {
  EXPECT_EQ(fault({}), "NAME is missing: thaw try NAME [PATH]");
  EXPECT_EQ(fault({"a", "b", "c"}), "'c' is one argument too many: thaw try NAME [PATH]");
  EXPECT_TRUE(parse({"--help"}));  // help is never refused
}

TEST(Words, NumbersAreCheckedWhole) {
  const auto number = [](std::string_view text) {
    const std::vector<std::string_view> words = {"x", "--periods", text};
    return Words::parse(kCommand, words)->integer("periods", {1, 100});
  };
  EXPECT_EQ(**number("7"), 7);
  for (const char* bad : {"0", "101", "7x", "", " 7", "7.0", "99999999999999999999"}) {
    ASSERT_FALSE(number(bad)) << bad;
    EXPECT_EQ(number(bad).error().error.message(),
              "--periods: '" + std::string(bad) + "' is no whole number from 1 to 100");
  }
  EXPECT_EQ(*parse({"x"})->integer("periods", {1, 100}), std::nullopt);
}

TEST(Words, GlobalFlagsMayComeBeforeTheCommand) {
  const std::vector<std::string_view> words = {"--json", "--api-address", "a:1", "-q", "x"};
  EXPECT_EQ(*skip_global_flags(words), 4u);
  const std::vector<std::string_view> cut = {"--api-address"};
  EXPECT_EQ(skip_global_flags(cut).error().error.message(), "--api-address needs a value");
  const std::vector<std::string_view> unknown = {"--jsom", "services"};
  EXPECT_EQ(skip_global_flags(unknown).error().error.message(),
            "unknown flag --jsom; did you mean --json?");
}

}  // namespace
}  // namespace thaw::cli
