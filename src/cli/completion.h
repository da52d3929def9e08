// Completion: the scripts for three shells, and what `thaw __complete` answers to them.
//
// The scripts know nothing of the commands: they hand the words to `thaw __complete WORD...
// CURRENT` and offer the lines it prints, so they need no change when a command does. Thread: any.
// Owner: values. Limits: the platform is asked for at most a second.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/command.h"

namespace thaw::cli {

/// Empty for another shell than bash, zsh, fish.
std::string_view completion_script(std::string_view shell);

struct Candidate {
  std::string text;
  std::string description;
};

struct Completion {
  std::vector<Candidate> candidates;
  enum class Files { kNo, kYes };
  Files files = Files::kNo;  // the shell is to offer file names too
};

/// Where names come from that only the platform or the caller knows.
struct NameSources {
  std::function<std::vector<std::string>()> services;
  std::function<std::vector<std::string>()> revisions;
  std::function<std::vector<std::string>()> up_flags;
};

/// `words` are those after `thaw`; the last one, possibly empty, is being typed.
Completion complete(std::span<const std::string_view> words, const NameSources& sources);

}  // namespace thaw::cli
