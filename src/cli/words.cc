#include "cli/words.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

#include "base/check.h"
#include "base/nearest.h"

namespace thaw::cli {
namespace {

const Flag* find_in(std::span<const Flag> flags, std::string_view name) {
  for (const Flag& flag : flags) {
    if (flag.name == name) return &flag;
  }
  return nullptr;
}

const Flag* find_letter(std::span<const Flag> flags, char letter) {
  for (const Flag& flag : flags) {
    if (flag.letter == letter) return &flag;
  }
  return nullptr;
}

bool looks_like_flag(std::string_view word) {
  if (word.size() < 2 || word[0] != '-') return false;
  return !(word[1] >= '0' && word[1] <= '9') && word[1] != '.';  // -5 and -.5 are numbers
}

}  // namespace

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  if (text.empty()) return parts;
  while (true) {
    const size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::optional<int64_t> parse_integer(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<double> parse_real(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (!std::isfinite(value)) return std::nullopt;
  return value;
}

Failure unknown_flag(const Command* command, std::string_view word) {
  const std::string_view name = word.substr(0, word.find('='));
  std::vector<std::string> known;
  const auto add = [&](std::span<const Flag> flags) {
    for (const Flag& flag : flags) {
      if (flag.support != Flag::Support::kFull) continue;
      known.push_back(fmt::format("--{}", flag.name));
      if (flag.negation == Flag::Negation::kAllowed) {
        known.push_back(fmt::format("--no-{}", flag.name));
      }
    }
  };
  if (command != nullptr) add(command->flags);
  add(global_flags());
  const std::vector<std::string_view> views(known.begin(), known.end());
  std::string message = fmt::format("unknown flag {}", name);
  if (const auto near = name.starts_with("--") ? nearest(name, views) : std::nullopt) {
    message += fmt::format("; did you mean {}?", *near);
  } else {
    message += fmt::format("; see 'thaw {}--help'",
                           command == nullptr ? "" : std::string(command->name) + " ");
  }
  return usage_failure(std::move(message));
}

const Flag* Words::find(std::string_view name) const {
  if (const Flag* own = find_in(command_->flags, name)) return own;
  return find_in(global_flags(), name);
}

Outcome<size_t> Words::take(Given given, size_t next) {
  const Flag& flag = *given.flag;
  if (flag.support == Flag::Support::kRefused) {
    return usage_failure(
        fmt::format("--{}{} is not supported: {}", given.on ? "" : "no-", flag.name, flag.help));
  }
  if (!flag.choices.empty()) {
    const std::vector<std::string_view> choices = split(flag.choices, '|');
    bool known = false;
    for (const std::string_view choice : choices) known = known || choice == given.value;
    if (!known) {
      std::string message =
          fmt::format("--{}: '{}' is none of {}", flag.name, given.value, fmt::join(choices, ", "));
      if (const auto near = nearest(given.value, choices)) {
        message += fmt::format("; did you mean {}?", *near);
      }
      return usage_failure(std::move(message));
    }
  }
  given_.push_back(given);
  return next;
}

Outcome<std::string_view> Words::value_after(std::span<const std::string_view> words, size_t at,
                                             const Flag& flag) const {
  if (at + 1 >= words.size()) {
    return usage_failure(
        fmt::format("--{} needs a value: --{} {}", flag.name, flag.name, flag.value));
  }
  const std::string_view next = words[at + 1];
  if (looks_like_flag(next)) {
    return usage_failure(
        fmt::format("--{} needs a value, but {} follows; a value that begins with a dash is "
                    "written --{}={}",
                    flag.name, next, flag.name, next));
  }
  return next;
}

Outcome<size_t> Words::take_long(std::span<const std::string_view> words, size_t at) {
  const std::string_view word = words[at];
  const size_t equals = word.find('=');
  const std::string_view name =
      word.substr(2, equals == std::string_view::npos ? equals : equals - 2);
  const Flag* flag = find(name);
  bool on = true;
  if (flag == nullptr && name.starts_with("no-")) {
    flag = find(name.substr(3));
    on = false;
    if (flag != nullptr && flag->negation == Flag::Negation::kNone) flag = nullptr;
  }
  if (flag == nullptr) return unknown_flag(command_, word);
  if (flag->support == Flag::Support::kRefused) return take({flag, "", on}, at + 1);
  if (flag->is_switch()) {
    if (equals != std::string_view::npos) {
      return usage_failure(fmt::format("--{} is a switch: it takes no value", name));
    }
    return take({flag, "", on}, at + 1);
  }
  if (equals != std::string_view::npos) return take({flag, word.substr(equals + 1)}, at + 1);
  ASSIGN_OR_RETURN(const std::string_view value, value_after(words, at, *flag));
  return take({flag, value}, at + 2);
}

Outcome<size_t> Words::take_letters(std::span<const std::string_view> words, size_t at) {
  std::string_view letters = words[at].substr(1);
  while (!letters.empty()) {
    const Flag* flag = find_letter(command_->flags, letters[0]);
    if (flag == nullptr) flag = find_letter(global_flags(), letters[0]);
    if (flag == nullptr) return unknown_flag(command_, words[at]);
    letters.remove_prefix(1);
    if (flag->is_switch()) {
      ASSIGN_OR_RETURN(at, take({flag, ""}, at));
      continue;
    }
    if (!letters.empty()) return take({flag, letters}, at + 1);
    ASSIGN_OR_RETURN(const std::string_view value, value_after(words, at, *flag));
    return take({flag, value}, at + 2);
  }
  return at + 1;
}

Outcome<Words> Words::parse(const Command& command, std::span<const std::string_view> words) {
  Words parsed(command);
  size_t at = 0;
  while (at < words.size()) {
    const std::string_view word = words[at];
    if (word == "--") {
      parsed.are_foreign_ = parsed.arguments_.empty();
      parsed.arguments_.insert(parsed.arguments_.end(), words.begin() + at + 1, words.end());
      break;
    }
    if (!looks_like_flag(word)) {
      parsed.arguments_.push_back(word);
      ++at;
    } else if (word.starts_with("--")) {
      ASSIGN_OR_RETURN(at, parsed.take_long(words, at));
    } else {
      ASSIGN_OR_RETURN(at, parsed.take_letters(words, at));
    }
  }
  if (!parsed.is_on("help")) {
    if (auto counted = parsed.check_count(); !counted) return std::move(counted).error();
  }
  return parsed;
}

Words Words::unparsed(const Command& command, std::span<const std::string_view> words) {
  Words all(command);
  all.arguments_.assign(words.begin(), words.end());
  return all;
}

Outcome<size_t> Words::check_count() const {
  const size_t count = arguments_.size();
  if (count < command_->min_arguments) {
    return usage_failure(fmt::format("{} is missing: thaw {} {}",
                                     split(command_->arguments, ' ')[count], command_->name,
                                     command_->arguments));
  }
  if (count > command_->max_arguments) {
    return usage_failure(fmt::format("'{}' is one argument too many: thaw {}{}{}",
                                     arguments_[command_->max_arguments], command_->name,
                                     command_->arguments.empty() ? "" : " ", command_->arguments));
  }
  return count;
}

const Words::Given* Words::last(std::string_view flag) const {
  CHECK(find(flag) != nullptr, flag);
  for (auto it = given_.rbegin(); it != given_.rend(); ++it) {
    if (it->flag->name == flag) return &*it;
  }
  return nullptr;
}

std::optional<std::string_view> Words::value(std::string_view flag) const {
  const Given* given = last(flag);
  if (given == nullptr) return std::nullopt;
  return given->value;
}

std::vector<std::string_view> Words::values(std::string_view flag) const {
  CHECK(find(flag) != nullptr, flag);
  std::vector<std::string_view> all;
  for (const Given& given : given_) {
    if (given.flag->name == flag) all.push_back(given.value);
  }
  return all;
}

std::optional<bool> Words::setting(std::string_view flag) const {
  const Given* given = last(flag);
  if (given == nullptr) return std::nullopt;
  return given->on;
}

bool Words::given(std::string_view flag) const { return last(flag) != nullptr; }

std::vector<std::string> Words::given_own_flags() const {
  std::vector<std::string> names;
  for (const Given& given : given_) {
    if (find_in(command_->flags, given.flag->name) == nullptr) continue;
    names.push_back(fmt::format("--{}{}", given.on ? "" : "no-", given.flag->name));
  }
  return names;
}

Outcome<std::optional<int64_t>> Words::integer(std::string_view flag, IntRange range) const {
  const auto text = value(flag);
  if (!text) return std::optional<int64_t>();
  const auto number = parse_integer(*text);
  if (!number || *number < range.lowest || *number > range.highest) {
    return usage_failure(fmt::format("--{}: '{}' is no whole number from {} to {}", flag, *text,
                                     range.lowest, range.highest));
  }
  return number;
}

Outcome<std::optional<double>> Words::real(std::string_view flag) const {
  const auto text = value(flag);
  if (!text) return std::optional<double>();
  const auto number = parse_real(*text);
  if (!number) return usage_failure(fmt::format("--{}: '{}' is no number", flag, *text));
  return number;
}

Outcome<std::optional<Duration>> Words::duration(std::string_view flag) const {
  const auto text = value(flag);
  if (!text) return std::optional<Duration>();
  const auto length = parse_duration(*text);
  if (!length) {
    return usage_failure(fmt::format(
        "--{}: '{}' is no duration; write 90s, 5m, 1h30m, or a number of seconds", flag, *text));
  }
  return length;
}

Globals globals_of(const Words& words) {
  Globals globals;
  if (words.is_on("json")) globals.format = Globals::Format::kJson;
  if (words.is_on("quiet")) globals.chatter = Globals::Chatter::kQuiet;
  globals.api_address = words.value("api-address").value_or("");
  globals.colour = words.value("color").value_or("auto");
  return globals;
}

Outcome<size_t> skip_global_flags(std::span<const std::string_view> words) {
  size_t at = 0;
  while (at < words.size() && looks_like_flag(words[at])) {
    const std::string_view word = words[at];
    const size_t equals = word.find('=');
    const Flag* flag = word.starts_with("--") ? find_in(global_flags(), word.substr(2, equals - 2))
                       : word.size() == 2     ? find_letter(global_flags(), word[1])
                                              : nullptr;
    if (flag == nullptr) return unknown_flag(nullptr, word);
    at += flag->is_switch() || equals != std::string_view::npos ? 1 : 2;
  }
  if (at > words.size()) {
    return usage_failure(fmt::format("{} needs a value", words.back()));
  }
  return at;
}

}  // namespace thaw::cli
