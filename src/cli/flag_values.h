// Values of flags that hold several parts, written as gcloud writes them.
//
// "A=1,B=2" or, with another separator, "^;^A=1;B=2,3". Thread: any. Owner: values.
// Limits: those of the system's argument list.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "cli/outcome.h"
#include "spec/service.h"

namespace thaw::cli {

using KeyValues = std::vector<std::pair<std::string, std::string>>;

/// "" is no part at all. kUsage: a separator that is opened and not closed.
Outcome<std::vector<std::string>> parse_list(std::string_view flag, std::string_view text);

/// kUsage names the part without "=", with an empty key, or with a key that came before.
Outcome<KeyValues> parse_key_values(std::string_view flag, std::string_view text);

/// A file of variables: a JSON object of strings, numbers and booleans, or lines KEY=VALUE where
/// blank lines and those that begin with # are passed over and a value may stand in quotes.
/// kUsage names the file and the line.
Outcome<KeyValues> parse_variables_file(std::string_view file, std::string_view text);

/// --startup-probe and --liveness-probe: keys as gcloud has them. "" is no probe.
Outcome<std::optional<spec::Probe>> parse_probe(std::string_view flag, std::string_view text);

}  // namespace thaw::cli
