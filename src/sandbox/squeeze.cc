#include "sandbox/squeeze.h"

#include <algorithm>
#include <utility>

#include "sandbox/kernel_file.h"
#include "sandbox/text.h"

namespace thaw::sandbox {
namespace {

constexpr ByteCount kLeast = kib(512);
constexpr int kMostWaits = 200;
constexpr int kOnlyAnonymous = 200;  // of memory.swappiness
constexpr int kOnlyFiles = 0;

std::string read_word(const std::string& path) {
  return std::string(trim(read_kernel_file(path, kib(1))));
}

/// Of memory.stat, in bytes; v1 and v2 name some rows otherwise.
struct Held {
  explicit Held(const std::string& stat) {
    const auto row = [&](std::string_view v1, std::string_view v2) {
      const std::string_view value = field(stat, v1);
      return number(value.empty() ? field(stat, v2) : value);
    };
    swap_cache = row("swapcached", "swapcached");
    unmapped = std::max<int64_t>(
        row("cache", "file") - row("mapped_file", "file_mapped") - row("shmem", "shmem"), 0);
    in_writing = row("writeback", "file_writeback");
  }

  int64_t swap_cache;
  int64_t unmapped;
  int64_t in_writing;
};

}  // namespace

Squeeze::Squeeze(SqueezeFiles files, ByteCount piece, double kept_share)
    : files_(std::move(files)), piece_(piece), waits_left_(kMostWaits) {
  const int64_t swapped = number(field(read_kernel_file(files_.stat, mib(1)), "swap"));
  const int64_t held = number(read_word(files_.usage)) + swapped;
  may_stay_ = static_cast<int64_t>(kept_share * static_cast<double>(held));
}

Result<Squeeze::Step> Squeeze::step(ByteCount mapped) {
  const Held held(read_kernel_file(files_.stat, mib(1)));
  const int64_t copies = std::max<int64_t>(held.swap_cache - mapped.value, 0);
  const int64_t surplus = std::max<int64_t>(held.unmapped - may_stay_, 0);
  if (left_ < 0) left_ = 3 * (copies + surplus) / piece_.value / 2 + 4;
  if (left_-- == 0) return Step::kDone;
  if (copies >= kLeast.value) return drop(copies, kOnlyAnonymous);
  if (surplus >= kLeast.value) return drop(surplus, kOnlyFiles);
  return Step::kDone;
}

/// The limit is low for the length of one write.
Result<Squeeze::Step> Squeeze::drop(int64_t bytes, int swappiness) {
  const std::string limit = read_word(files_.limit);
  const std::string usual = read_word(files_.swappiness);
  const int64_t usage = number(read_word(files_.usage));
  if (limit.empty() || usage <= 0) return Step::kDone;
  const std::string lower = std::to_string(usage - std::min(bytes, piece_.value));
  if (!usual.empty()) (void)write_kernel_file(files_.swappiness, std::to_string(swappiness));
  const Status squeezed = write_kernel_file(files_.limit, lower);
  const Status restored = write_kernel_file(files_.limit, limit);
  if (!usual.empty()) (void)write_kernel_file(files_.swappiness, usual);
  if (!restored) return restored.error();
  return squeezed ? Step::kMore : after_refusal();
}

/// What is left is in use, or still on its way to a busy disk.
Squeeze::Step Squeeze::after_refusal() {
  const Held held(read_kernel_file(files_.stat, mib(1)));
  if (held.in_writing <= 0 || waits_left_-- == 0) return Step::kDone;
  ++left_;
  return Step::kMore;
}

}  // namespace thaw::sandbox
