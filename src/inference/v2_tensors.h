// Tensors of the Open Inference Protocol as bytes: raw ones of its gRPC form, binary ones of its
// REST form. Numbers as they lie, the lowest byte first; a text after its length, four bytes.
// Thread: any. Owner: views are of the bytes given. Limits: as asked.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace thaw::inference {

/// The texts of a BYTES tensor. kInvalidArgument: it is none, has more than `most`, or what is no
/// UTF-8.
Result<std::vector<std::string_view>> raw_texts(std::string_view raw, size_t most);

/// The values of a tensor of the REST form: its "data" by its "datatype"; null is NaN.
std::string raw_of(const Json& tensor);
std::string raw_of(std::span<const float> numbers);

}  // namespace thaw::inference
