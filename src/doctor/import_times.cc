#include "doctor/import_times.h"

#include <algorithm>
#include <charconv>
#include <map>

namespace thaw::doctor {
namespace {

constexpr std::string_view kPrefix = "import time:";
constexpr int64_t kMostMicros = int64_t{24} * 3600 * 1'000'000;

std::string_view without_blanks(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\r')) text.remove_suffix(1);
  return text;
}

std::optional<Duration> micros(std::string_view text) {
  text = without_blanks(text);
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (value < 0 || value > kMostMicros) return std::nullopt;
  return std::chrono::microseconds(value);
}

}  // namespace

std::optional<ImportedModule> parse_import_line(std::string_view line) {
  if (!line.starts_with(kPrefix)) return std::nullopt;
  line.remove_prefix(kPrefix.size());
  const size_t first = line.find('|');
  const size_t second = first == std::string_view::npos ? first : line.find('|', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  const auto self = micros(line.substr(0, first));
  const auto total = micros(line.substr(first + 1, second - first - 1));
  std::string_view name = line.substr(second + 1);
  const size_t blanks = std::min(name.find_first_not_of(' '), name.size());
  name = without_blanks(name);
  if (!self || !total || name.empty()) return std::nullopt;
  const int depth = blanks == 0 ? 0 : static_cast<int>(std::min<size_t>(blanks - 1, 400) / 2);
  return ImportedModule{std::string(name), depth, *self, *total};
}

std::optional<std::string> parse_compiled_line(std::string_view line) {
  constexpr std::string_view kCode = "# code object from ";
  if (!line.starts_with(kCode)) return std::nullopt;
  line = without_blanks(line.substr(kCode.size()));
  if (line.size() > 2 && line.front() == '\'') line = line.substr(1, line.size() - 2);
  if (!line.ends_with(".py")) return std::nullopt;  // .pyc: it was there
  return std::string(line);
}

Duration total_of(const std::vector<ImportedModule>& modules) {
  // Workers side by side import the same: the longest of each name counts.
  std::map<std::string_view, Duration> longest;
  for (const ImportedModule& module : modules) {
    if (module.depth > 0) continue;
    Duration& known = longest[module.name];
    known = std::max(known, module.total);
  }
  Duration total{0};
  for (const auto& [name, time] : longest) total += time;
  return total;
}

ImportNode import_tree(const std::vector<ImportedModule>& modules) {
  // Finished modules that still wait for who imported them, the deepest last.
  std::vector<std::pair<int, ImportNode>> waiting;
  for (const ImportedModule& module : modules) {
    ImportNode node{module.name, module.self, module.total, {}};
    size_t from = waiting.size();
    while (from > 0 && waiting[from - 1].first > module.depth) --from;
    for (size_t i = from; i < waiting.size(); ++i) {
      node.children.push_back(std::move(waiting[i].second));
    }
    waiting.resize(from);
    waiting.emplace_back(module.depth, std::move(node));
  }
  ImportNode root{.name = "all imports", .total = total_of(modules)};
  std::map<std::string, size_t> places;
  for (auto& [depth, node] : waiting) {
    const auto [place, is_new] = places.emplace(node.name, root.children.size());
    if (is_new) {
      root.children.push_back(std::move(node));
    } else if (root.children[place->second].total < node.total) {
      root.children[place->second] = std::move(node);
    }
  }
  return root;
}

}  // namespace thaw::doctor
