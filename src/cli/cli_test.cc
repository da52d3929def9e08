#include "cli/cli.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "cli/cli_testing.h"
#include "cli/exit_code.h"

namespace thaw::cli {
namespace {

using testing::HasSubstr;

class Cli : public ::testing::Test {
 protected:
  int thaw(const std::vector<std::string>& words) {
    return run_words(words, fakes.programs(), terminal, ports);
  }

  FakePrograms fakes;
  FakeTerminal terminal;
  NoPorts ports;
};

TEST_F(Cli, WithoutWordsItExplainsItself) {
  EXPECT_EQ(thaw({}), 0);
  EXPECT_NE(terminal.out.find("  services list                 List the services"),
            std::string::npos)
      << terminal.out;
  EXPECT_EQ(terminal.out.find("__complete"), std::string::npos);
}

TEST_F(Cli, VersionHasTwoSpellingsAndTwoForms) {
  EXPECT_EQ(thaw({"version"}), 0);
  EXPECT_EQ(thaw({"--version"}), 0);
  EXPECT_EQ(terminal.out, "thaw 1.2.3\nthaw 1.2.3\n");
  terminal.out.clear();
  EXPECT_EQ(thaw({"--json", "version"}), 0);
  EXPECT_EQ(terminal.out, "{\n  \"version\": \"1.2.3\"\n}\n");
}

TEST_F(Cli, UnknownCommandsNameTheNearestAndEndWithUsage) {
  EXPECT_EQ(thaw({"deplyo", "x"}), 2);
  EXPECT_EQ(terminal.err, "thaw: unknown command 'thaw deplyo'; did you mean 'thaw deploy'?\n");
  terminal.err.clear();
  EXPECT_EQ(thaw({"services", "lsit"}), 2);
  EXPECT_EQ(terminal.err,
            "thaw: unknown command 'thaw services lsit'; did you mean 'thaw services list'?\n");
  terminal.err.clear();
  EXPECT_EQ(thaw({"services"}), 2);
  EXPECT_EQ(terminal.err,
            "thaw: thaw services needs one of: list, describe, usage, update-traffic, "
            "delete\n");
  EXPECT_EQ(terminal.out, "");
}

TEST_F(Cli, WithJsonErrorsAreJsonToo) {
  EXPECT_EQ(thaw({"--json", "nonsense"}), 2);
  EXPECT_EQ(terminal.err,
            "{\n  \"error\": {\n    \"code\": 400,\n    \"status\": \"INVALID_ARGUMENT\",\n"
            "    \"message\": \"unknown command 'thaw nonsense'; see 'thaw help'\",\n"
            "    \"exitCode\": 2\n  }\n}\n");
}

TEST_F(Cli, HelpIsThereInEveryWayItIsAskedFor) {
  for (const auto& words : std::vector<std::vector<std::string>>{
           {"deploy", "--help"}, {"help", "deploy"}, {"deploy", "-h"}, {"--help", "deploy"}}) {
    terminal.out.clear();
    EXPECT_EQ(thaw(words), 0);
    EXPECT_NE(terminal.out.find("--max-instances N"), std::string::npos) << terminal.out;
  }
  EXPECT_EQ(thaw({"services", "--help"}), 0);
  EXPECT_EQ(thaw({"--help"}), 0);
  EXPECT_EQ(thaw({"help", "exit-codes"}), 0);
  EXPECT_EQ(thaw({"help", "exit-cods"}), 2);
  EXPECT_NE(terminal.err.find("did you mean 'thaw help exit-codes'?"), std::string::npos);
}

TEST_F(Cli, UpGetsItsWordsAsTheyWereTyped) {
  fakes.exit_code = 5;
  EXPECT_EQ(thaw({"up", "--data-dir", "x", "--help", "--", "-y"}), 5);
  EXPECT_EQ(fakes.up_words, (std::vector<std::string>{"--data-dir", "x", "--help", "--", "-y"}));
  EXPECT_EQ(thaw({"help", "up"}), 5);
  EXPECT_EQ(fakes.up_words, (std::vector<std::string>{"--help"}));
}

TEST_F(Cli, ServeTakesItsPortFromFlagThenEnvironmentThenDefault) {
  EXPECT_EQ(thaw({"serve", "--task", "forecast"}), 0);
  EXPECT_EQ(fakes.serve->port, 8080);
  EXPECT_EQ(fakes.serve->host, "0.0.0.0");
  EXPECT_EQ(fakes.serve->task, "forecast");
  terminal.variables["PORT"] = "9000";
  EXPECT_EQ(thaw({"serve", "--task=forecast", "--host", "127.0.0.1"}), 0);
  EXPECT_EQ(fakes.serve->port, 9000);
  EXPECT_EQ(fakes.serve->host, "127.0.0.1");
  EXPECT_EQ(thaw({"serve", "--task", "forecast", "--port", "1"}), 0);
  EXPECT_EQ(fakes.serve->port, 1);
}

TEST_F(Cli, SimulateTakesATraceOrAPattern) {
  EXPECT_EQ(thaw({"simulate"}), 0);
  EXPECT_EQ(fakes.simulate->pattern, "steady");
  EXPECT_EQ(fakes.simulate->services, 100);
  EXPECT_EQ(thaw({"simulate", "s.yaml", "--trace", "a.log", "--policy", "thaw", "--json"}), 0);
  EXPECT_EQ(fakes.simulate->service_file, "s.yaml");
  EXPECT_EQ(fakes.simulate->policies, (std::vector<std::string>{"thaw"}));
  EXPECT_TRUE(fakes.simulate->json);
  EXPECT_EQ(thaw({"simulate", "--shortest-gap", "4h"}), 0);
  EXPECT_EQ(fakes.simulate->longest_gap, std::chrono::hours(4));
  EXPECT_EQ(thaw({"simulate", "--trace", "a.log", "--services", "2"}), 2);
  EXPECT_EQ(thaw({"simulate", "--pattern", "stedy"}), 2);
  EXPECT_EQ(thaw({"simulate", "--span", "10s"}), 2);
  EXPECT_EQ(thaw({"simulate", "--shortest-gap", "1ms"}), 2);
  EXPECT_EQ(thaw({"simulate", "--services", "0"}), 2);
}

TEST_F(Cli, ServeRefusesWhatItCannotUse) {
  EXPECT_EQ(thaw({"serve"}), 2);
  EXPECT_EQ(thaw({"serve", "--task", "forcast"}), 2);
  EXPECT_EQ(thaw({"serve", "--task", "forecast", "--port", "65536"}), 2);
  terminal.variables["PORT"] = "80a";
  EXPECT_EQ(thaw({"serve", "--task", "forecast"}), 2);
  EXPECT_EQ(thaw({"serve", "--task", "fill-mask"}), 2);
  EXPECT_EQ(thaw({"serve", "--model", "/m", "--model", "n", "--task", "forecast"}), 2);
  EXPECT_EQ(thaw({"serve", "--model", "a/m", "--model", "b/m"}), 2);
  EXPECT_EQ(thaw({"serve", "--model", "x/y=m"}), 2);
  EXPECT_EQ(terminal.err,
            "thaw: --model is missing: thaw serve --model DIR, or --task forecast\n"
            "thaw: --task: 'forcast' is none of forecast, question-answering, text-classification, "
            "token-classification, feature-extraction, fill-mask; did you mean forecast?\n"
            "thaw: --port: '65536' is no whole number from 0 to 65535\n"
            "thaw: environment variable PORT: '80a' is no whole number from 0 to 65535\n"
            "thaw: --model is missing: thaw serve --model DIR, or --task forecast\n"
            "thaw: --task forecast takes one --model FILE.json\n"
            "thaw: --model b/m: there is a model 'm' already: name it, --model NAME=a/m\n"
            "thaw: --model: 'x/y=m' must be DIR or NAME=DIR, the name without /, ?, #, % and "
            "blanks\n");
  EXPECT_FALSE(fakes.serve);
}

TEST_F(Cli, ServeNamesModelsByTheirFolderOrAsAsked) {
  EXPECT_EQ(thaw({"serve", "--model", "/m/minilm/", "--model", "qa=b", "--threads", "2"}), 0);
  using Model = std::pair<std::string, std::string>;
  EXPECT_EQ(fakes.serve->models, (std::vector<Model>{{"minilm", "/m/minilm"}, {"qa", "b"}}));
  EXPECT_EQ(fakes.serve->threads, 2);
}

TEST_F(Cli, ServeComputesInWhatItIsTold) {
  EXPECT_EQ(thaw({"serve", "--model", "m", "--dtype", "int8"}), 0);
  EXPECT_EQ(fakes.serve->dtype, "int8");
  EXPECT_EQ(thaw({"serve", "--model", "m", "--dtype", "int4"}), 2);
}

TEST_F(Cli, ServeKeepsPanelsBesideTheModelOrInTheUsersCacheUnlessToldWhere) {
  using Folders = std::vector<std::string>;
  terminal.variables["HOME"] = "/home/ada";
  EXPECT_EQ(thaw({"serve", "--model", "m"}), 0);
  EXPECT_TRUE(fakes.serve->keeps_panels_beside);
  EXPECT_EQ(fakes.serve->panel_folders, Folders{"/home/ada/.cache/thaw"});
  terminal.variables["XDG_CACHE_HOME"] = "/cache";
  EXPECT_EQ(thaw({"serve", "--model", "m"}), 0);
  EXPECT_EQ(fakes.serve->panel_folders, Folders{"/cache/thaw"});
  EXPECT_EQ(thaw({"serve", "--model", "m", "--cache-dir", "/panels"}), 0);
  EXPECT_FALSE(fakes.serve->keeps_panels_beside);
  EXPECT_EQ(fakes.serve->panel_folders, Folders{"/panels"});
  EXPECT_EQ(thaw({"serve", "--model", "m", "--cache-dir", "none"}), 0);
  EXPECT_FALSE(fakes.serve->keeps_panels_beside);
  EXPECT_EQ(fakes.serve->panel_folders, Folders{});
}

TEST_F(Cli, ForecastLeavesWhatWasNotGivenToTheForecaster) {
  EXPECT_EQ(thaw({"forecast", "x.csv"}), 0);
  const ForecastOptions& options = *fakes.forecast;
  EXPECT_EQ(options.file, "x.csv");
  EXPECT_EQ(options.output, ForecastOptions::Output::kCsv);  // no terminal
  EXPECT_FALSE(options.draw);
  EXPECT_FALSE(options.periods || options.interval_width || options.seed || options.yearly);
  EXPECT_EQ(options.growth + options.scaling + options.freq, "");
}

TEST_F(Cli, ForecastReadsEveryFlag) {
  EXPECT_EQ(thaw({"forecast",
                  "-",
                  "--periods",
                  "28",
                  "--freq",
                  "MS",
                  "--output",
                  "table",
                  "--draw",
                  "--interval-width",
                  "0.9",
                  "--seed",
                  "7",
                  "--growth",
                  "flat",
                  "--changepoints",
                  "2020-01-01,2020-02-01",
                  "--changepoint-range",
                  "1",
                  "--changepoint-prior-scale",
                  "0.5",
                  "--seasonality-prior-scale",
                  "2",
                  "--yearly-seasonality",
                  "auto",
                  "--weekly-seasonality",
                  "false",
                  "--daily-seasonality",
                  "5",
                  "--scaling",
                  "minmax"}),
            0)
      << terminal.err;
  const ForecastOptions& options = *fakes.forecast;
  EXPECT_EQ(options.file, "-");
  EXPECT_EQ(options.periods, 28);
  EXPECT_EQ(options.freq, "MS");
  EXPECT_EQ(options.output, ForecastOptions::Output::kTable);
  EXPECT_TRUE(options.draw);
  EXPECT_EQ(options.interval_width, 0.9);
  EXPECT_EQ(options.seed, 7u);
  EXPECT_EQ(options.growth, "flat");
  EXPECT_EQ(options.changepoints, (std::vector<std::string>{"2020-01-01", "2020-02-01"}));
  EXPECT_EQ(options.changepoint_range, 1.0);
  EXPECT_EQ(options.changepoint_prior_scale, 0.5);
  EXPECT_EQ(options.seasonality_prior_scale, 2.0);
  EXPECT_EQ(options.yearly->kind, SeasonalityOption::Kind::kAuto);
  EXPECT_EQ(options.weekly->kind, SeasonalityOption::Kind::kOff);
  EXPECT_EQ(options.daily->kind, SeasonalityOption::Kind::kOrder);
  EXPECT_EQ(options.daily->order, 5);
  EXPECT_EQ(options.scaling, "minmax");
}

TEST_F(Cli, ForecastPassesTermsOnUnderTheForecastersNames) {
  EXPECT_EQ(thaw({"forecast", "x.csv", "--growth=logistic", "--cap=8.5", "--add-regressor=promo",
                  "--add-regressor=heat,prior_scale=2",
                  "--add-seasonality=monthly,period=30.5,fourier_order=5",
                  "--seasonality-mode=multiplicative", "--holidays=h.csv",
                  "--country-holidays=US,DE", "--include-history", "--future=f.csv"}),
            0)
      << terminal.err;
  const ForecastOptions& options = *fakes.forecast;
  EXPECT_EQ(options.growth, "logistic");
  EXPECT_EQ(options.holidays_file, "h.csv");
  EXPECT_EQ(options.future_file, "f.csv");
  const std::vector<std::pair<std::string, std::string>> others = {
      {"cap", "8.5"},
      {"seasonality_mode", "multiplicative"},
      {"country_holidays", "US,DE"},
      {"seasonalities", "monthly,period=30.5,fourier_order=5"},
      {"regressors", "promo;heat,prior_scale=2"},
      {"include_history", "true"}};
  EXPECT_EQ(options.others, others);
}

TEST_F(Cli, ForecastRefusesValuesOutOfRange) {
  for (const auto& words :
       std::vector<std::vector<std::string>>{{"--periods", "0"},
                                             {"--periods", "abc"},
                                             {"--interval-width", "1"},
                                             {"--interval-width", "0"},
                                             {"--interval-width", "nan"},
                                             {"--seed", "-1"},
                                             {"--growth", "cubic"},
                                             {"--seasonality-mode", "both"},
                                             {"--changepoint-range", "1.1"},
                                             {"--changepoint-range", "-0.1"},
                                             {"--changepoint-prior-scale", "0"},
                                             {"--n-changepoints", "-1"},
                                             {"--daily-seasonality", "maybe"},
                                             {"--scaling", "max"},
                                             {"--output", "xml"},
                                             {"--draw", "--output=csv"},
                                             {"--plot-changepoints", "--plot-components=c.png"},
                                             {"--n-changepoints=3", "--changepoints=2020-01-01"}}) {
    std::vector<std::string> all = {"forecast", "x.csv"};
    all.insert(all.end(), words.begin(), words.end());
    EXPECT_EQ(thaw(all), 2) << words[0] << " " << words[1];
  }
  EXPECT_FALSE(fakes.forecast);
}

TEST_F(Cli, ACrossValidationRefusesWhatItWouldNotMake) {
  const std::vector<std::string> validate = {"forecast", "x.csv", "--cross-validate",
                                             "--horizon=30d"};
  for (const char* flag : {"--plot=x.png", "--plot-components=x.png", "--save-model=m.json",
                           "--future=f.csv", "--draw"}) {
    std::vector<std::string> words = validate;
    words.emplace_back(flag);
    EXPECT_EQ(thaw(words), 2) << flag;
  }
  EXPECT_FALSE(fakes.forecast);
  EXPECT_THAT(terminal.err, HasSubstr("--save-model goes with a forecast only"));
  EXPECT_EQ(thaw(validate), 0);
}

TEST_F(Cli, AServerOfForecastsRefusesWhatIsOfModels) {
  for (const char* flag : {"--threads=2", "--dtype=int8", "--cache-dir=none"}) {
    EXPECT_EQ(thaw({"serve", "--task", "forecast", flag}), 2) << flag;
  }
  EXPECT_FALSE(fakes.serve);
  EXPECT_THAT(terminal.err, HasSubstr("--dtype goes with --model DIR, not with forecasts"));
}

TEST_F(Cli, AForecastsTrendMayBeKeptFromChanging) {
  EXPECT_EQ(thaw({"forecast", "x.csv", "--changepoint-range", "0"}), 0);
  EXPECT_EQ(fakes.forecast->changepoint_range, 0);
}

TEST_F(Cli, OnATerminalAForecastIsATableWithAPlot) {
  terminal.tty = true;
  terminal.columns = 120;
  EXPECT_EQ(thaw({"forecast", "x.csv"}), 0);
  EXPECT_EQ(fakes.forecast->output, ForecastOptions::Output::kTable);
  EXPECT_TRUE(fakes.forecast->draw);
  EXPECT_EQ(fakes.forecast->width, 120);
  EXPECT_TRUE(fakes.forecast->colour);
  EXPECT_EQ(thaw({"forecast", "x.csv", "--json"}), 0);
  EXPECT_EQ(fakes.forecast->output, ForecastOptions::Output::kJson);
  EXPECT_FALSE(fakes.forecast->draw);
}

TEST_F(Cli, ColourFollowsTheFlagThenNoColorThenTheTerminal) {
  const auto is_coloured = [&](std::vector<std::string> words) {
    terminal.err.clear();
    words.insert(words.begin(), "forecast");
    EXPECT_EQ(thaw(words), 0);
    return fakes.forecast->colour;
  };
  EXPECT_FALSE(is_coloured({"x"}));
  EXPECT_TRUE(is_coloured({"x", "--color", "always"}));
  terminal.tty = true;
  EXPECT_TRUE(is_coloured({"x"}));
  EXPECT_FALSE(is_coloured({"x", "--color", "never"}));
  terminal.variables["NO_COLOR"] = "";
  EXPECT_TRUE(is_coloured({"x"}));
  terminal.variables["NO_COLOR"] = "0";
  EXPECT_FALSE(is_coloured({"x"}));
  EXPECT_TRUE(is_coloured({"x", "--color=always"}));
}

TEST_F(Cli, AReaderThatWentAwayIsNoFailureButAFullDiskIs) {
  terminal.out_fault = Error(Code::kCancelled, "nobody reads");
  EXPECT_EQ(thaw({"version"}), 0);
  EXPECT_EQ(terminal.err, "");
  terminal.out_fault = errno_error("write to standard output", ENOSPC);
  EXPECT_NE(thaw({"version"}), 0);
  EXPECT_EQ(terminal.err, "thaw: write to standard output: No space left on device\n");
}

TEST_F(Cli, ExitCodesAreOneListInOrder) {
  int last = -1;
  for (const ExitCodeMeaning& each : exit_code_meanings()) {
    EXPECT_GT(number(each.code), last);
    EXPECT_FALSE(each.meaning.empty());
    last = number(each.code);
  }
  EXPECT_EQ(last, 130);
  EXPECT_EQ(exit_code_of(Code::kNotFound), ExitCode::kNotFound);
  EXPECT_EQ(exit_code_of(Code::kUnavailable), ExitCode::kUnreachable);
  EXPECT_EQ(exit_code_of(Code::kInvalidArgument), ExitCode::kRefused);
}

}  // namespace
}  // namespace thaw::cli
