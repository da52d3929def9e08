// Vectors as JSON, without a Json between: a large answer has a million numbers.
// Thread: any. Owner: values. Limits: none.
#pragma once

#include <span>
#include <string>
#include <vector>

namespace thaw::inference {

/// Each number in the fewest digits that give the same float back; null for what is none.
void append_vector(std::string& json, std::span<const float> vector);
/// A list of them.
std::string vectors_json(const std::vector<std::vector<float>>& vectors);

}  // namespace thaw::inference
