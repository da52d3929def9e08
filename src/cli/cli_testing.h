// For tests of this room only: a terminal that remembers, programs that remember, and ports that
// must not be touched. With the API: api_testing.h.
// Thread: one. Owner: the test. Limits: none.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/check.h"
#include "cli/cli.h"

namespace thaw::cli {

class FakeTerminal final : public Terminal {
 public:
  Status write_out(std::string_view text) override {
    if (out_fault) return *out_fault;
    out += text;
    if (on_out) on_out();
    return {};
  }
  void write_err(std::string_view text) override { err += text; }
  Result<std::string> read_input(ByteCount limit) override {
    if (static_cast<int64_t>(input.size()) > limit.value) {
      return Error(Code::kInvalidArgument, "standard input is too large");
    }
    return input;
  }
  bool out_is_tty() const override { return tty; }
  bool err_is_tty() const override { return tty; }
  int width() const override { return columns; }
  std::optional<std::string> env(const char* name) const override {
    const auto it = variables.find(name);
    if (it == variables.end()) return std::nullopt;
    return it->second;
  }

  std::string out;
  std::string err;
  std::string input;
  bool tty = false;
  int columns = 80;
  std::map<std::string, std::string> variables;
  std::optional<Error> out_fault;
  std::function<void()> on_out;  // after each write to standard output
};

/// Ports for commands that need none: touching one is a mistake.
class NoPorts final : public Ports {
 public:
  io::Loop& loop() override { check_failed(__FILE__, __LINE__, "loop", "no port is needed"); }
  io::Net& net() override { check_failed(__FILE__, __LINE__, "net", "no port is needed"); }
  io::Disk& disk() override { check_failed(__FILE__, __LINE__, "disk", "no port is needed"); }
};

/// Programs that keep what they were given.
struct FakePrograms {
  std::vector<std::string> up_words;
  std::optional<ServeOptions> serve;
  std::optional<ForecastOptions> forecast;
  std::optional<SimulateOptions> simulate;
  int exit_code = 0;

  Programs programs() {
    return {.up =
                [this](std::span<const std::string_view> words) {
                  up_words.assign(words.begin(), words.end());
                  return exit_code;
                },
            .up_flags =
                [] {
                  return std::vector<std::string>{"--data-dir", "--log-format"};
                },
            .serve =
                [this](const ServeOptions& options) {
                  serve = options;
                  return exit_code;
                },
            .forecast = [this](const ForecastOptions& options) -> Outcome<ExitCode> {
              forecast = options;
              return static_cast<ExitCode>(exit_code);
            },
            .simulate =
                [this](const SimulateOptions& options) {
                  simulate = options;
                  return exit_code;
                },
            .version = "1.2.3"};
  }
};

/// Runs `thaw WORDS...`.
inline int run_words(const std::vector<std::string>& words, const Programs& programs,
                     Terminal& terminal, Ports& ports) {
  std::vector<const char*> argv = {"thaw"};
  for (const std::string& word : words) argv.push_back(word.c_str());
  return run(static_cast<int>(argv.size()), argv.data(), programs, terminal, ports);
}

}  // namespace thaw::cli
