// Import times: what `python -X importtime` and `python -v` print, read and added up. Pure.
//
// Thread: any. Owner: values. Limits: 20 000 modules; lines of other shapes are not theirs.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "doctor/facts.h"

namespace thaw::doctor {

/// "import time:       123 |        456 |   json.decoder": microseconds, own and with what it
/// imported; two blanks more for each level. nullopt: another line.
std::optional<ImportedModule> parse_import_line(std::string_view line);

/// "# code object from /app/x.py" in the output of -v: a module that had to be compiled.
std::optional<std::string> parse_compiled_line(std::string_view line);

/// Sum of the outermost modules, each name once.
Duration total_of(const std::vector<ImportedModule>& modules);

struct ImportNode {
  std::string name;
  Duration self{0};
  Duration total{0};
  std::vector<ImportNode> children;
};
/// The lines come children first; what is deeper and came before is below.
ImportNode import_tree(const std::vector<ImportedModule>& modules);

/// A page of its own, without anything from elsewhere: a flame graph that can be searched and gone
/// into, and a table of the dearest modules.
std::string flame_page(const std::vector<ImportedModule>& modules, std::string_view title);

}  // namespace thaw::doctor
