// Names of Pub/Sub's resources: projects/P/topics/T, projects/P/subscriptions/S, .../snapshots/N.
//
// **Thread**: any. **Owner**: values. **Limits**: the last part has 3 to 255 characters.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace thaw::messaging {

/// "projects/P/KIND/ID" with an id that a resource may have: it begins with a letter, holds
/// letters, digits and -_.~+%, and does not begin with "goog". `field` is named in the error.
Status check_name(std::string_view field, std::string_view name, std::string_view kind);

/// "P" of "projects/P/...", "" where there is none.
std::string_view project_of(std::string_view name);
/// What stands behind the last slash.
std::string_view id_of(std::string_view name);

/// What a subscription's topic is called after its topic was deleted.
constexpr std::string_view kDeletedTopic = "_deleted-topic_";

}  // namespace thaw::messaging
