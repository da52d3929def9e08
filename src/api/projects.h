// Projects: what gcloud asks about a project before it talks of services: its number, where it may
// deploy, whether Cloud Run is switched on. Thaw has one set of services; each project name shows
// it.
//
// **Thread**: the loop's. **Owner**: values. **Limits**: none.
#pragma once

#include <string_view>
#include <vector>

#include "api/router.h"

namespace thaw::api {

/// What `thaw env` and instances are told; any other name means the same services.
inline constexpr std::string_view kProject = "thaw";
/// Also the label cloud.googleapis.com/location of every service.
inline constexpr std::string_view kLocation = "local";

/// Twelve digits, as Google's numbers have, always the same for a name.
std::string project_number(std::string_view project);

std::vector<Route> project_routes();

}  // namespace thaw::api
