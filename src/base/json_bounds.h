// parse_json(): Json::parse() for texts from anyone, whose values take many times their own bytes.
// Thread: any. Owner: values. Limits: as asked; else those of Json::parse().
#pragma once

#include <cstddef>
#include <string_view>

#include "base/json.h"

namespace thaw {

/// kInvalidArgument, as soon as the text has more than `most_values`: those inside others too.
Result<Json> parse_json(std::string_view text, size_t most_values);

}  // namespace thaw
