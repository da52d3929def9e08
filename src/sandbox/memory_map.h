// What a process has mapped, and how that is cut into pieces small enough to page out one by one.
//
// Parsing and arithmetic only; the system calls are page_out.h's.
// **Thread**: any. **Owner**: values. **Limits**: kMaxRanges mapped ranges of a process, what is
// more stays as it is; a piece holds at most kPieceRanges ranges (the kernel's IOV_MAX is twice
// that).
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace thaw::sandbox {

constexpr uint64_t kPage = 4096;
constexpr size_t kMaxRanges = 65'536;
constexpr size_t kPieceRanges = 512;

/// Addresses [begin, end) of one process, whole pages.
struct PageRange {
  uint64_t begin = 0;
  uint64_t end = 0;

  uint64_t size() const { return end - begin; }
  bool operator==(const PageRange&) const = default;
};

struct MappedRange {
  PageRange pages;
  enum class Kind {
    kAnonymous,  // or a private file's: what was written there goes to swap
    kFile,       // clean, shared or of a shared memory file
  } kind = Kind::kAnonymous;
  ByteCount resident;
  ByteCount swapped;
};

/// The ranges of /proc/PID/smaps (proc(5)) that hold anything, in memory or in swap. Without the
/// kernel's own ([vdso] and its like), devices, and what is locked. Malformed lines are skipped.
std::vector<MappedRange> parse_smaps(std::string_view text);

enum class PageOut { kEverything, kFilesOnly };  // kFilesOnly: where there is no swap

/// What is paged out in one go each: about `piece` of resident memory, cut on 2 MiB borders so
/// that no large page is split.
std::vector<std::vector<PageRange>> cut_in_pieces(const std::vector<MappedRange>& mapped,
                                                  PageOut what, ByteCount piece);

/// Of `wanted`, sorted by address, what is worth keeping in memory within `room`: the shortest
/// ranges first, as each costs a read of its own however short it is, and none of over kLongRun
/// pages, which come back at the speed of the disk. Sorted by address.
std::vector<PageRange> worth_keeping(std::vector<PageRange> wanted, ByteCount room);
constexpr uint64_t kLongRun = 64;

/// The parts of `ranges` outside `kept`, which is sorted by address.
std::vector<PageRange> outside(const std::vector<PageRange>& ranges,
                               const std::vector<PageRange>& kept);

/// The runs of pages that are present, of the 64-bit words of /proc/PID/pagemap for the pages from
/// `begin` on; added to `to`, joined with its last range where they touch.
void add_present(uint64_t begin, const uint64_t* words, size_t count, std::vector<PageRange>& to);

}  // namespace thaw::sandbox
