#include "cli/completion.h"

#include <gtest/gtest.h>

#include "cli/api_testing.h"

namespace thaw::cli {
namespace {

std::vector<std::string> candidates(const std::vector<std::string_view>& words) {
  const NameSources sources{.services =
                                [] {
                                  return std::vector<std::string>{"forecaster", "hello"};
                                },
                            .revisions = [] { return std::vector<std::string>{"hello-00001-abc"}; },
                            .up_flags =
                                [] {
                                  return std::vector<std::string>{"--data-dir", "--log-format"};
                                }};
  const Completion completion = complete(words, sources);
  std::vector<std::string> texts;
  for (const Candidate& each : completion.candidates) texts.push_back(each.text);
  if (completion.files == Completion::Files::kYes) texts.push_back(":files");
  return texts;
}

using List = std::vector<std::string>;

TEST(Completion, OffersCommandsAndTheirSecondWords) {
  EXPECT_EQ(candidates({"de"}), (List{"deploy", "destroy"}));
  EXPECT_EQ(candidates({"se"}), (List{"services", "service-accounts", "serve"}));
  EXPECT_EQ(candidates({"services", ""}),
            (List{"list", "describe", "usage", "update-traffic", "delete"}));
  EXPECT_EQ(candidates({"services", "de"}), (List{"describe", "delete"}));
  EXPECT_EQ(candidates({"--json", "revisions", "l"}), List{"list"});
  EXPECT_EQ(candidates({"__"}), List{});
}

TEST(Completion, OffersServicesWhereOneIsNamed) {
  EXPECT_EQ(candidates({"services", "describe", ""}), (List{"forecaster", "hello"}));
  EXPECT_EQ(candidates({"logs", "f"}), List{"forecaster"});
  EXPECT_EQ(candidates({"logs", "-f", "--tail", "5", "h"}), List{"hello"});
  EXPECT_EQ(candidates({"logs", "hello", ""}), List{});
  EXPECT_EQ(candidates({"services", "delete", "hello", ""}), (List{"forecaster", "hello"}));
  EXPECT_EQ(candidates({"revisions", "delete", ""}), List{"hello-00001-abc"});
  EXPECT_EQ(candidates({"revisions", "list", "--service", "h"}), List{"hello"});
  EXPECT_EQ(candidates({"deploy", "h"}), (List{"hello", ":files"}));
}

TEST(Completion, OffersFlagsAndTheirChoices) {
  EXPECT_EQ(candidates({"logs", "--se"}), List{"--severity"});
  EXPECT_EQ(candidates({"logs", "x", "--severity", ""}),
            (List{"DEBUG", "INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL"}));
  EXPECT_EQ(candidates({"forecast", "--no-"}), List{"--no-draw"});
  EXPECT_EQ(candidates({"deploy", "x", "--no-tr"}), List{"--no-traffic"});
  EXPECT_EQ(candidates({"deploy", "x", "--gp"}), List{});  // what is refused is not offered
  EXPECT_EQ(candidates({"--js"}), List{"--json"});
  EXPECT_EQ(candidates({"up", "--da"}), List{"--data-dir"});
}

TEST(Completion, AnEqualsSignIsTakenAsOneWordOrAsBashSplitsIt) {
  EXPECT_EQ(candidates({"forecast", "--output=j"}), List{"--output=json"});
  EXPECT_EQ(candidates({"forecast", "--output", "=", "j"}), List{"json"});
  EXPECT_EQ(candidates({"forecast", "--output", "="}), (List{"csv", "json", "table"}));
}

TEST(Completion, OffersFilesWhereOneIsRead) {
  EXPECT_EQ(candidates({"forecast", ""}), List{":files"});
  EXPECT_EQ(candidates({"invoke", "hello", "--data", "@hy"}), List{":files"});
}

TEST(Completion, HelpKnowsCommandsAndTopics) {
  EXPECT_EQ(candidates({"help", "ex"}), List{"exit-codes"});
  EXPECT_EQ(candidates({"help", "services", "us"}), List{"usage"});
}

TEST(Completion, EveryShellHasAScript) {
  for (const char* shell : {"bash", "zsh", "fish"}) {
    EXPECT_NE(completion_script(shell).find("__complete"), std::string::npos) << shell;
  }
  EXPECT_EQ(completion_script("tcsh"), "");
}

class CompletionTest : public ApiTest {};

TEST_F(CompletionTest, NamesComeFromThePlatform) {
  api.on_json(std::string("GET ") + kServices,
              parsed(R"({"items": [{"metadata": {"name": "hello"}}, {"metadata": {}}]})"));
  EXPECT_EQ(thaw({"__complete", "logs", "h"}), 0);
  EXPECT_EQ(terminal.out, "hello\tservice\n");
}

TEST_F(CompletionTest, WithoutAPlatformItIsSilent) {
  terminal.variables["THAW_API_ADDRESS"] = "127.0.0.1:1";
  EXPECT_EQ(thaw({"__complete", "logs", ""}), 0);
  EXPECT_EQ(terminal.out + terminal.err, "");
}

}  // namespace
}  // namespace thaw::cli
