// A file of packed panels is refused or accepted, whatever its bytes; accepted pieces lie in it.
// The first byte says how many pieces are wanted, so that there are keys that fit the corpus.
#include <cstdint>
#include <span>

#include "base/check.h"
#include "tensor/panel_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace thaw::tensor;
  if (size == 0) return 0;
  PanelKey key = {"f32x16", 42, {}};
  for (int i = 0; i < data[0] % 8; ++i) key.sizes.push_back(static_cast<size_t>(i) * 100);
  const std::span<const std::byte> file = std::as_bytes(std::span(data + 1, size - 1));
  const auto pieces = parse_panels(file, key);
  if (!pieces) {
    CHECK(!pieces.error().message().empty(), "a refusal says why");
    return 0;
  }
  CHECK(pieces->size() == key.sizes.size());
  for (const PanelPiece& piece : *pieces) {
    CHECK(piece.at + piece.size <= file.size(), "a piece lies in the file");
    panel_checksum(file.subspan(piece.at, piece.size));
  }
  return 0;
}
