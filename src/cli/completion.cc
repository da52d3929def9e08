#include "cli/completion.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/help.h"
#include "cli/words.h"

namespace thaw::cli {
namespace {

const Flag* find_flag(const Command* command, std::string_view word) {
  const auto in = [&](std::span<const Flag> flags) -> const Flag* {
    for (const Flag& flag : flags) {
      const bool letter = word.size() == 2 && word[1] == flag.letter;
      if (letter || (word.starts_with("--") && word.substr(2) == flag.name)) return &flag;
    }
    return nullptr;
  };
  if (command != nullptr) {
    if (const Flag* own = in(command->flags)) return own;
  }
  return in(global_flags());
}

class Completer {
 public:
  Completer(std::span<const std::string_view> words, const NameSources& sources)
      : before_(words.first(words.size() - 1)), current_(words.back()), sources_(sources) {}

  Completion run() {
    const size_t at = find_command_word();
    const Found found = find_command(before_.subspan(at));
    command_ = found.command;
    if (command_ == nullptr && current_.starts_with("-")) {
      offer_flags();
    } else if (command_ == nullptr) {
      offer_command_words(at);
    } else if (command_->parsing == Command::Parsing::kRaw) {
      for (const std::string& flag : sources_.up_flags()) offer(flag, "");
    } else {
      complete_for_command(at + found.words);
    }
    return std::move(completion_);
  }

 private:
  /// Passes over the global flags before the command.
  size_t find_command_word() const {
    size_t at = 0;
    while (at < before_.size() && before_[at].starts_with("-")) {
      const Flag* flag = find_flag(nullptr, before_[at]);
      const bool takes_next = flag != nullptr && !flag->is_switch();
      at += takes_next && at + 1 < before_.size() ? 2 : 1;
    }
    return at;
  }

  void offer(std::string_view text, std::string_view description) {
    if (text.starts_with(current_)) {
      completion_.candidates.push_back({std::string(text), std::string(description)});
    }
  }

  /// The next word of every command's name that begins as the words before do.
  void offer_command_words(size_t at) {
    std::string prefix;
    for (const std::string_view word : before_.subspan(at)) prefix += std::string(word) + " ";
    std::string_view last;
    for (const Command& command : commands()) {
      if (command.shown == Command::Shown::kHidden || !command.name.starts_with(prefix)) continue;
      const std::string_view rest = command.name.substr(prefix.size());
      const std::string_view word = rest.substr(0, rest.find(' '));
      if (word == last) continue;
      last = word;
      offer(word, word == rest ? command.summary : "");
    }
  }

  void offer_flags() {
    const auto from = [&](std::span<const Flag> flags) {
      for (const Flag& flag : flags) {
        if (flag.support != Flag::Support::kFull) continue;
        const std::string_view help = flag.help.substr(0, flag.help.find(". "));
        if (flag.name != "traffic") offer(fmt::format("--{}", flag.name), help);
        if (flag.negation == Flag::Negation::kAllowed) {
          offer(fmt::format("--no-{}", flag.name), help);
        }
      }
    };
    if (command_ != nullptr) from(command_->flags);
    from(global_flags());
  }

  void offer_values(Completes what) {
    switch (what) {
      case Completes::kNothing:
        return;
      case Completes::kFile:
        completion_.files = Completion::Files::kYes;
        return;
      case Completes::kServiceOrFile:
        completion_.files = Completion::Files::kYes;
        [[fallthrough]];
      case Completes::kService:
        for (const std::string& name : sources_.services()) offer(name, "service");
        return;
      case Completes::kRevision:
        for (const std::string& name : sources_.revisions()) offer(name, "revision");
        return;
      case Completes::kCommand:
        offer_command_words(before_.size());
        for (const Topic& topic : help_topics()) offer(topic.name, topic.title);
        return;
    }
  }

  void offer_value_of(const Flag& flag) {
    for (const std::string_view choice : split(flag.choices, '|')) offer(choice, "");
    if (flag.value.find("@FILE") != std::string_view::npos && current_.starts_with("@")) {
      completion_.files = Completion::Files::kYes;
    }
    offer_values(flag.completes);
  }

  void complete_for_command(size_t first_word) {
    // "--flag=VALUE" as one word: the candidates are whole words too.
    if (const size_t equals = current_.find('=');
        current_.starts_with("--") && equals != std::string_view::npos) {
      const Flag* flag = find_flag(command_, current_.substr(0, equals));
      if (flag == nullptr || flag->is_switch()) return;
      const std::string_view head = current_.substr(0, equals + 1);
      current_.remove_prefix(equals + 1);
      offer_value_of(*flag);
      for (Candidate& each : completion_.candidates) each.text.insert(0, head);
      return;
    }
    const auto words = before_.subspan(first_word);
    if (!words.empty() && words.back().starts_with("-")) {
      const Flag* flag = find_flag(command_, words.back());
      if (flag != nullptr && !flag->is_switch()) return offer_value_of(*flag);
    }
    if (current_.starts_with("-")) return offer_flags();
    const size_t position = arguments_in(words);
    if (position < std::max<size_t>(command_->max_arguments, 1) &&
        (position == 0 || command_->max_arguments > 2)) {
      if (command_->name == "completion") {
        for (const std::string_view shell : split(command_->arguments, '|')) offer(shell, "");
      }
      offer_values(command_->completes);
    } else if (command_->name == "help" && position == 1) {
      command_ = nullptr;
      offer_command_words(first_word);
    }
  }

  size_t arguments_in(std::span<const std::string_view> words) const {
    size_t count = 0;
    for (size_t i = 0; i < words.size(); ++i) {
      if (!words[i].starts_with("-") || words[i] == "-") {
        ++count;
        continue;
      }
      const Flag* flag = find_flag(command_, words[i]);
      if (flag != nullptr && !flag->is_switch()) ++i;
    }
    return count;
  }

  std::span<const std::string_view> before_;
  std::string_view current_;
  const NameSources& sources_;
  const Command* command_ = nullptr;
  Completion completion_;
};

/// bash splits words at "=": "--output" "=" "js" is completed as if a blank stood there.
std::vector<std::string_view> without_lone_equals(std::span<const std::string_view> words) {
  std::vector<std::string_view> joined;
  for (size_t i = 0; i < words.size(); ++i) {
    const bool last = i + 1 == words.size();
    const bool after_flag = i > 0 && words[i - 1].starts_with("--");
    if (words[i] == "=" && after_flag && !last) continue;
    joined.push_back(words[i] == "=" && after_flag ? std::string_view() : words[i]);
  }
  return joined;
}

constexpr std::string_view kBash = R"(# thaw completion for bash: source <(thaw completion bash)
_thaw() {
  local IFS=$'\n' line text
  COMPREPLY=()
  while IFS= read -r line; do
    if [[ $line == ':files' ]]; then
      compopt -o default
      local current=${COMP_WORDS[COMP_CWORD]}
      if [[ $current == @* ]]; then
        local file
        for file in $(compgen -f -- "${current#@}"); do COMPREPLY+=("@$file"); done
      else
        mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$current")
      fi
      continue
    fi
    text=${line%%$'\t'*}
    COMPREPLY+=("$text")
  done < <("${COMP_WORDS[0]}" __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _thaw thaw
)";

constexpr std::string_view kZsh = R"(#compdef thaw
# thaw completion for zsh: thaw completion zsh > "${fpath[1]}/_thaw"
_thaw() {
  local -a candidates lines
  local line files=0
  lines=("${(@f)$("${words[1]}" __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  for line in "${lines[@]}"; do
    if [[ -z $line ]]; then continue; fi
    if [[ $line == ':files' ]]; then files=1; continue; fi
    local text=${line%%$'\t'*} description=''
    if [[ $line == *$'\t'* ]]; then description=${line#*$'\t'}; fi
    candidates+=("${text//:/\\:}${description:+:$description}")
  done
  (( ${#candidates} )) && _describe 'thaw' candidates
  if (( files )); then
    if [[ $PREFIX == @* ]]; then compset -P '@'; fi
    _files
  fi
}
if [[ $funcstack[1] == _thaw ]]; then _thaw "$@"; else compdef _thaw thaw; fi
)";

constexpr std::string_view kFish =
    R"(# thaw completion for fish: thaw completion fish > ~/.config/fish/completions/thaw.fish
function __thaw_complete
  set -l words (commandline -opc)
  set -l current (commandline -ct)
  for line in ($words[1] __complete $words[2..-1] "$current" 2>/dev/null)
    if test "$line" = ':files'
      if string match -q '@*' -- "$current"
        for file in (__fish_complete_path (string sub -s 2 -- "$current"))
          echo "@$file"
        end
      else
        __fish_complete_path "$current"
      end
    else
      echo $line
    end
  end
end
complete -c thaw -f -a '(__thaw_complete)'
)";

}  // namespace

Completion complete(std::span<const std::string_view> words, const NameSources& sources) {
  if (words.empty()) return {};
  return Completer(without_lone_equals(words), sources).run();
}

std::string_view completion_script(std::string_view shell) {
  if (shell == "bash") return kBash;
  if (shell == "zsh") return kZsh;
  if (shell == "fish") return kFish;
  return "";
}

}  // namespace thaw::cli
