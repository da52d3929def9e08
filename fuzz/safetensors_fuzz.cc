// The safetensors parser refuses or accepts any bytes; what it accepts lies inside the file, once.
#include <cstdint>
#include <span>
#include <vector>

#include "base/check.h"
#include "tensor/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace thaw::tensor;
  const std::span<const std::byte> file = std::as_bytes(std::span(data, size));
  const auto tensors = parse_safetensors(file);
  if (!tensors) {
    CHECK(!tensors.error().message().empty(), "a refusal says why");
    return 0;
  }
  size_t used = 0;
  for (const TensorView& tensor : *tensors) {
    int64_t elements = 1;
    for (const int64_t dimension : tensor.shape) elements *= dimension;
    CHECK(elements == tensor.elements(), "the shape says how much data there is");
    CHECK(tensor.data.empty() ||
              (tensor.data.data() >= file.data() && &tensor.data.back() <= &file.back()),
          "data lies in the file");
    used += tensor.data.size();
    if (!is_float(tensor.dtype)) continue;
    std::vector<float> floats(static_cast<size_t>(elements));
    read_floats(tensor, 0, floats);
  }
  CHECK(used <= size, "no byte belongs to two tensors");
  return 0;
}
