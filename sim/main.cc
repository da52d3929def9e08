// sim: runs simulated worlds, one a seed, and says which promise was broken, when.
//
//   sim --seed 7            one line: ok or the first violation
//   sim --seeds 1..200      one line each
//   sim --seeds-file FILE   the seeds of a file, one a line, # begins a comment
//   sim --seed 7 --trace    everything that happens, with its time
// Exit code: 0 all is well, 1 a violation, 2 wrong arguments.
#include <fmt/format.h>

#include <charconv>
#include <cstdio>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/log.h"
#include "world.h"

namespace thaw::sim {
namespace {

struct Arguments {
  std::vector<uint64_t> seeds;
  Journal::Print print = Journal::Print::kNo;
};

std::optional<uint64_t> number(std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool add_range(std::string_view text, std::vector<uint64_t>& seeds) {
  const size_t dots = text.find("..");
  if (dots == std::string_view::npos) return false;
  const auto first = number(text.substr(0, dots));
  const auto last = number(text.substr(dots + 2));
  if (!first || !last || *last < *first || *last - *first > 10'000'000) return false;
  for (uint64_t seed = *first; seed <= *last; ++seed) seeds.push_back(seed);
  return true;
}

bool add_file(const std::string& path, std::vector<uint64_t>& seeds) {
  std::ifstream file(path);
  if (!file) return false;
  for (std::string line; std::getline(file, line);) {
    line.erase(std::min(line.find('#'), line.size()));
    line.erase(line.find_last_not_of(" \t\r") + 1);
    if (line.empty()) continue;
    const auto seed = number(line);
    if (!seed) return false;
    seeds.push_back(*seed);
  }
  return true;
}

std::optional<Arguments> parse(const std::vector<std::string_view>& words) {
  Arguments arguments;
  for (size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "--trace") {
      arguments.print = Journal::Print::kYes;
      continue;
    }
    if (i + 1 == words.size()) return std::nullopt;
    const std::string_view value = words[++i];
    if (words[i - 1] == "--seed") {
      const auto seed = number(value);
      if (!seed) return std::nullopt;
      arguments.seeds.push_back(*seed);
    } else if (words[i - 1] == "--seeds") {
      if (!add_range(value, arguments.seeds)) return std::nullopt;
    } else if (words[i - 1] == "--seeds-file") {
      if (!add_file(std::string(value), arguments.seeds)) return std::nullopt;
    } else {
      return std::nullopt;
    }
  }
  return arguments;
}

std::string answers_text(const Outcome& outcome) {
  std::string text;
  for (const auto& [status, count] : outcome.answers) {
    text += fmt::format(" {}x{}", count, status == 0 ? "left" : std::to_string(status));
  }
  return text;
}

int run(const Arguments& arguments) {
  int broken = 0;
  for (const uint64_t seed : arguments.seeds) {
    const Outcome outcome = World({.seed = seed, .print = arguments.print}).run();
    if (outcome.violations.empty()) {
      fmt::print("seed {} ok: trace {:016x}, {} steps, {} instances, answers{}\n", seed,
                 outcome.hash, outcome.steps, outcome.instances, answers_text(outcome));
      continue;
    }
    ++broken;
    fmt::print("seed {} VIOLATION {}\n", seed, outcome.violations.front());
    for (size_t i = 1; i < outcome.violations.size(); ++i) {
      fmt::print("  then {}\n", outcome.violations[i]);
    }
    fmt::print("  to see it: sim --seed {} --trace\n", seed);
  }
  return broken > 0 ? 1 : 0;
}

}  // namespace
}  // namespace thaw::sim

int main(int count, char** words) {
  thaw::set_bug_is_fatal(true);
  thaw::set_log_format(thaw::LogFormat::kText, thaw::Severity::kError);
  const auto arguments = thaw::sim::parse(std::vector<std::string_view>(words + 1, words + count));
  if (!arguments || arguments->seeds.empty()) {
    fmt::print(stderr, "usage: sim --seed N | --seeds FROM..TO | --seeds-file FILE [--trace]\n");
    return 2;
  }
  return thaw::sim::run(*arguments);
}
