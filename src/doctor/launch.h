// How a folder is started: the command that its files name, by stated rules. Pure.
//
// The first of these that is there: Dockerfile (its last stage's ENTRYPOINT, CMD, ENV, WORKDIR and
// EXPOSE), Procfile (the line web:), package.json (scripts.start, else main), main.py, app.py.
// Thread: any. Owner: values. Limits: files of 1 MiB; no build steps are run.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace thaw::doctor {

struct Launch {
  std::vector<std::string> argv;
  std::vector<std::pair<std::string, std::string>> env;
  std::string working_dir;  // as the file says; empty: the folder
  std::string found_by;     // "Procfile: web"
};

/// `read` gives the text of a file of the folder, or nothing when it is not there.
/// kNotFound names what was looked for; kInvalidArgument what a file lacks.
using ReadFile = std::function<std::optional<std::string>(std::string_view name)>;
Result<Launch> launch_of(const ReadFile& read);

Result<Launch> parse_dockerfile(std::string_view text);
Result<Launch> parse_procfile(std::string_view text);
Result<Launch> parse_package_json(std::string_view text);

}  // namespace thaw::doctor
