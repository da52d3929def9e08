#include <gtest/gtest.h>

#include "cli/cli_testing.h"
#include "cli/doctor_page.h"

namespace thaw::cli {
namespace {

/// A doctor that sees what it is told to.
struct FakeDoctor {
  doctor::Facts facts;
  std::optional<Error> error;
  std::optional<DoctorOptions> asked;

  Programs programs() {
    Programs all;
    all.doctor = [this](const DoctorOptions& options) -> Result<doctor::Facts> {
      asked = options;
      if (error) return *error;
      return facts;
    };
    return all;
  }
};

int run_doctor(FakeDoctor& doctor, FakeTerminal& terminal, std::vector<std::string> words) {
  words.insert(words.begin(), "doctor");
  NoPorts ports;
  return run_words(words, doctor.programs(), terminal, ports);
}

doctor::Facts facts_with_a_warning() {
  doctor::Facts facts;
  facts.target.name = "app";
  facts.start.port = 28080;
  facts.start.listening = {{"0.0.0.0", 28080, doctor::Listening::Reach::kAnywhere}};
  facts.network = {{"example.com", 443, 1}};
  return facts;
}

TEST(Doctor, TheExitCodeSaysWhetherAFindingIsAsSevereAsAsked) {
  FakeDoctor doctor{.facts = facts_with_a_warning()};
  const std::pair<const char*, int> cases[] = {
      {"info", 7}, {"warning", 7}, {"error", 0}, {"never", 0}};
  for (const auto& [severity, code] : cases) {
    FakeTerminal terminal;
    EXPECT_EQ(run_doctor(doctor, terminal, {"--fail-on", severity, "--", "app"}), code) << severity;
    EXPECT_NE(terminal.out.find("network-at-start"), std::string::npos)
        << "it is told all the same";
  }
  FakeTerminal terminal;
  EXPECT_EQ(run_doctor(doctor, terminal, {"--", "app"}), 7) << "a warning, if nothing is said";
}

TEST(Doctor, WordsAfterTwoDashesAreACommandWithItsOwnFlags) {
  FakeDoctor doctor{.facts = facts_with_a_warning()};
  FakeTerminal terminal;
  EXPECT_EQ(run_doctor(doctor, terminal,
                       {"--timeout", "5s", "--memory", "256Mi", "--", "./app", "--json", "-q"}),
            7);
  ASSERT_TRUE(doctor.asked);
  EXPECT_EQ(doctor.asked->request.command, (std::vector<std::string>{"./app", "--json", "-q"}));
  EXPECT_EQ(doctor.asked->max_wait, seconds(5));
  EXPECT_EQ(doctor.asked->request.memory, mib(256));
}

TEST(Doctor, WrongWordsAreToldBeforeAnythingIsStarted) {
  for (const std::vector<std::string>& words : {std::vector<std::string>{},
                                                {"--memory", "much", "--", "x"},
                                                {"--path", "x", "--", "x"},
                                                {"--concurrency", "0", "--", "x"},
                                                {"--fail-on", "all", "--", "x"}}) {
    FakeDoctor doctor;
    FakeTerminal terminal;
    EXPECT_EQ(run_doctor(doctor, terminal, words), 2);
    EXPECT_FALSE(doctor.asked);
  }
  FakeDoctor doctor;
  FakeTerminal terminal;
  EXPECT_EQ(run_doctor(doctor, terminal, {"./not-there"}), 4);
  EXPECT_NE(terminal.err.find("thaw doctor -- ./not-there"), std::string::npos);
}

TEST(Doctor, CtrlCHasACodeOfItsOwn) {
  FakeDoctor doctor{.error = Error(Code::kCancelled, "interrupted")};
  FakeTerminal terminal;
  EXPECT_EQ(run_doctor(doctor, terminal, {"--", "app"}), 130);
}

TEST(Doctor, JsonIsOneObjectAndNothingElse) {
  FakeDoctor doctor{.facts = facts_with_a_warning()};
  FakeTerminal terminal;
  EXPECT_EQ(run_doctor(doctor, terminal, {"--json", "--", "app"}), 7);
  const auto json = Json::parse(terminal.out);
  ASSERT_TRUE(json);
  EXPECT_EQ((*json)["findings"].as_array()[0]["id"].as_string(), "network-at-start");
  EXPECT_EQ(terminal.err, "");
}

TEST(DoctorPage, KeepsToItsWidthAndMakesForeignTextHarmless) {
  doctor::Facts facts = facts_with_a_warning();
  facts.target.name = "a\x1b[31mb";
  facts.last_lines = {"\x1b]0;title\x07"};
  facts.start.listening.clear();
  const auto findings = doctor::find(facts);
  const std::string page = doctor_page(facts, findings, {.width = 60});
  EXPECT_EQ(page.find('\x1b'), std::string::npos);
  size_t begin = 0;
  while (begin < page.size()) {
    const size_t end = page.find('\n', begin);
    const std::string line = page.substr(begin, end - begin);
    const bool is_command = line.starts_with("    ") && !line.starts_with("     ");
    EXPECT_TRUE(is_command || columns_of(line) <= 60U) << line;
    begin = end + 1;
  }
}

}  // namespace
}  // namespace thaw::cli
