#include "messaging/names.h"

#include <fmt/format.h>

#include <algorithm>

namespace thaw::messaging {
namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool may_stand_in_id(char c) {
  return is_letter(c) || (c >= '0' && c <= '9') ||
         std::string_view("-_.~+%").find(c) != std::string_view::npos;
}

}  // namespace

std::string_view project_of(std::string_view name) {
  constexpr std::string_view kStart = "projects/";
  if (!name.starts_with(kStart)) return {};
  name.remove_prefix(kStart.size());
  return name.substr(0, name.find('/'));
}

std::string_view id_of(std::string_view name) { return name.substr(name.rfind('/') + 1); }

Status check_name(std::string_view field, std::string_view name, std::string_view kind) {
  const std::string_view project = project_of(name);
  const std::string_view id = id_of(name);
  if (project.empty() || name != fmt::format("projects/{}/{}/{}", project, kind, id)) {
    return Error(Code::kInvalidArgument,
                 fmt::format("{}: '{}' must be projects/PROJECT/{}/ID", field, name, kind));
  }
  const bool is_well_formed = id.size() >= 3 && id.size() <= 255 && is_letter(id[0]) &&
                              std::all_of(id.begin(), id.end(), may_stand_in_id) &&
                              !id.starts_with("goog");
  if (is_well_formed) return {};
  return Error(Code::kInvalidArgument,
               fmt::format("{}: '{}': the ID must have 3 to 255 characters, letters, digits and "
                           "-_.~+%, begin with a letter and not with goog",
                           field, name));
}

}  // namespace thaw::messaging
