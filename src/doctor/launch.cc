#include "doctor/launch.h"

#include <algorithm>
#include <cctype>

#include "base/json.h"

namespace thaw::doctor {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())) != 0) {
    text.remove_prefix(1);
  }
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0) {
    text.remove_suffix(1);
  }
  return text;
}

/// Lines of a Dockerfile with those that end in a backslash joined, comments left out.
std::vector<std::string> instructions(std::string_view text) {
  std::vector<std::string> all;
  std::string line;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view piece = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (piece.starts_with('#')) continue;
    const bool goes_on = piece.ends_with('\\');
    if (goes_on) piece.remove_suffix(1);
    line += piece;
    if (goes_on) {
      line += ' ';
      continue;
    }
    if (!line.empty()) all.push_back(std::move(line));
    line.clear();
  }
  if (!line.empty()) all.push_back(std::move(line));
  return all;
}

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return out;
}

/// A command of a Dockerfile: a JSON list as it is, anything else through a shell.
std::vector<std::string> command_of(std::string_view text) {
  if (text.starts_with('[')) {
    const auto json = Json::parse(text);
    if (json && json->is_array()) {
      std::vector<std::string> words;
      for (const Json& word : json->as_array()) {
        if (word.is_string()) words.push_back(word.as_string());
      }
      if (words.size() == json->as_array().size()) return words;
    }
  }
  return {"/bin/sh", "-c", std::string(text)};
}

std::string unquoted(std::string_view text) {
  if (text.size() >= 2 && (text.front() == '"' || text.front() == '\'') &&
      text.back() == text.front()) {
    text = text.substr(1, text.size() - 2);
  }
  return std::string(text);
}

/// ENV A=1 B="x y", or ENV A the rest.
void read_env(std::string_view text, std::vector<std::pair<std::string, std::string>>& env) {
  const size_t blank = std::min(text.find(' '), text.size());
  if (text.substr(0, blank).find('=') == std::string_view::npos) {
    env.emplace_back(text.substr(0, blank), unquoted(trimmed(text.substr(blank))));
    return;
  }
  while (!text.empty()) {
    const size_t equals = text.find('=');
    if (equals == std::string_view::npos) return;
    const std::string name(trimmed(text.substr(0, equals)));
    text.remove_prefix(equals + 1);
    size_t end = 0;
    if (!text.empty() && (text[0] == '"' || text[0] == '\'')) {
      const size_t close = text.find(text[0], 1);
      end = close == std::string_view::npos ? text.size() : close + 1;
    } else {
      end = std::min(text.find(' '), text.size());
    }
    env.emplace_back(name, unquoted(text.substr(0, end)));
    text = trimmed(text.substr(end));
  }
}

}  // namespace

Result<Launch> parse_dockerfile(std::string_view text) {
  Launch launch;
  std::vector<std::string> entry;
  std::vector<std::string> command;
  bool shell_entry = false;
  for (const std::string& line : instructions(text)) {
    const size_t blank = std::min(line.find_first_of(" \t"), line.size());
    const std::string word = upper(std::string_view(line).substr(0, blank));
    const std::string_view rest = trimmed(std::string_view(line).substr(blank));
    if (word == "FROM") {
      launch = {};
      entry.clear();
      command.clear();
    } else if (word == "ENV") {
      read_env(rest, launch.env);
    } else if (word == "WORKDIR") {
      launch.working_dir = unquoted(rest);
    } else if (word == "ENTRYPOINT") {
      entry = command_of(rest);
      shell_entry = !rest.starts_with('[');
    } else if (word == "CMD") {
      command = command_of(rest);
    }
  }
  launch.argv = entry;
  if (!shell_entry) launch.argv.insert(launch.argv.end(), command.begin(), command.end());
  if (launch.argv.empty()) {
    return Error(Code::kInvalidArgument,
                 "Dockerfile: has neither CMD nor ENTRYPOINT of its own; add one, or give the "
                 "command: thaw doctor -- COMMAND");
  }
  launch.found_by = entry.empty() ? "Dockerfile: CMD" : "Dockerfile: ENTRYPOINT";
  return launch;
}

Result<Launch> parse_procfile(std::string_view text) {
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!line.starts_with("web:")) continue;
    const std::string command(trimmed(line.substr(4)));
    if (command.empty()) break;
    // As buildpacks start it: the shell expands $PORT and becomes the program where it is one.
    const bool simple = command.find_first_of(";&|\n") == std::string::npos &&
                        !command.starts_with("exec ") && command.find('=') > command.find(' ');
    return Launch{.argv = {"/bin/sh", "-c", simple ? "exec " + command : command},
                  .found_by = "Procfile: web"};
  }
  return Error(Code::kInvalidArgument, "Procfile: has no line \"web: COMMAND\"");
}

Result<Launch> parse_package_json(std::string_view text) {
  auto json = Json::parse(text);
  if (!json) return std::move(json).error().with_context("package.json");
  if (const std::string start = (*json)["scripts"].string_or("start"); !start.empty()) {
    return Launch{.argv = {"/bin/sh", "-c", "exec " + start}, .found_by = "package.json: start"};
  }
  if (const std::string main = json->string_or("main"); !main.empty()) {
    return Launch{.argv = {"node", main}, .found_by = "package.json: main"};
  }
  return Error(Code::kInvalidArgument, "package.json: has neither scripts.start nor main");
}

Result<Launch> launch_of(const ReadFile& read) {
  if (const auto text = read("Dockerfile")) return parse_dockerfile(*text);
  if (const auto text = read("Procfile")) return parse_procfile(*text);
  if (const auto text = read("package.json")) return parse_package_json(*text);
  for (const char* name : {"main.py", "app.py"}) {
    if (read(name)) {
      return Launch{.argv = {"python3", name}, .found_by = name};
    }
  }
  return Error(Code::kNotFound,
               "there is no Dockerfile, Procfile, package.json, main.py or app.py in it; give the "
               "command: thaw doctor -- COMMAND");
}

}  // namespace thaw::doctor
