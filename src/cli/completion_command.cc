// `thaw completion SHELL` and the hidden `thaw __complete`.
#include <fmt/format.h>

#include "cli/api.h"
#include "cli/completion.h"
#include "cli/handlers.h"

namespace thaw::cli {
namespace {

/// Names of v1 objects; nothing when the platform does not answer: completion stays silent.
std::vector<std::string> names_at(Context& context, const std::string& path) {
  std::vector<std::string> names;
  auto api = Api::open(context);
  if (!api) return names;
  api->set_timeout(seconds(1));
  const auto json = api->get(path);
  if (!json || !(*json)["items"].is_array()) return names;
  for (const Json& item : (*json)["items"].as_array()) {
    names.push_back(escape_controls(item["metadata"].string_or("name"), Keep::kNothing));
  }
  return names;
}

}  // namespace

Outcome<ExitCode> completion_command(Context& context, const Words& words) {
  const std::string_view shell = words.arguments()[0];
  const std::string_view script = completion_script(shell);
  if (script.empty()) {
    return usage_failure(
        fmt::format("there is no completion for '{}': bash, zsh and fish have one", shell));
  }
  return context.print(script);
}

Outcome<ExitCode> complete_command(Context& context, const Words& words) {
  const NameSources sources{
      .services = [&] { return names_at(context, services_path()); },
      .revisions = [&] { return names_at(context, revisions_path()); },
      .up_flags =
          [&] {
            return context.programs.up_flags ? context.programs.up_flags()
                                             : std::vector<std::string>();
          },
  };
  const Completion completion = complete(words.arguments(), sources);
  std::string text;
  for (const Candidate& each : completion.candidates) {
    text += each.text + (each.description.empty() ? "" : "\t" + each.description) + "\n";
  }
  if (completion.files == Completion::Files::kYes) text += ":files\n";
  return context.print(text);
}

}  // namespace thaw::cli
