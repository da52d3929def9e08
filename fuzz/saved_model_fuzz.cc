// A saved model is refused or accepted whatever its bytes; what is accepted can be forecast and
// written.
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "predict/future.h"
#include "predict/saved_model.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace thaw::predict;
  const auto saved = parse_saved_model({reinterpret_cast<const char*>(data), size});
  if (!saved) {
    CHECK(!saved.error().message().empty(), "a refusal says why");
    return 0;
  }
  HorizonOptions horizon;
  horizon.periods = 3;
  const auto rows = future_rows(saved->model, saved->history, nullptr, horizon);
  if (rows) (void)predict(saved->model, rows->rows, {.samples = 3});
  (void)save_model(saved->model, saved->history, saved->intervals);
  return 0;
}
