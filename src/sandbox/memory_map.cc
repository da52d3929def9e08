#include "sandbox/memory_map.h"

#include <algorithm>
#include <charconv>

#include "sandbox/text.h"

namespace thaw::sandbox {
namespace {

constexpr uint64_t kLargePage = 2 << 20;
constexpr uint64_t kPresent = uint64_t{1} << 63;  // of a pagemap word

/// "55d0c8a3e000-55d0c8a40000 r--p 00000000 08:01 1234    /usr/bin/x"
bool parse_head(std::string_view line, MappedRange& range, bool& is_special) {
  const char* const end = line.data() + line.size();
  const auto first = std::from_chars(line.data(), end, range.pages.begin, 16);
  if (first.ec != std::errc() || first.ptr == end || *first.ptr != '-') return false;
  const auto second = std::from_chars(first.ptr + 1, end, range.pages.end, 16);
  if (second.ec != std::errc() || second.ptr == end || *second.ptr != ' ') return false;
  const std::vector<std::string_view> words = split(line, ' ');
  if (words.size() < 5 || words[1].size() != 4 || range.pages.begin >= range.pages.end)
    return false;
  const bool has_file = words[4] != "0";
  const bool is_private = words[1][3] == 'p';
  range.kind = has_file && !(is_private && words[1][1] == 'w') ? MappedRange::Kind::kFile
                                                               : MappedRange::Kind::kAnonymous;
  const std::string_view name = trim(words.back());
  is_special = name.starts_with("[v");  // [vdso], [vvar], [vvar_vclock], [vsyscall]
  return range.pages.begin % kPage == 0 && range.pages.end % kPage == 0;
}

/// The two-letter words of VmFlags (proc(5)): io and pf: memory of a device; lo: locked; ht: huge
/// pages of their own file system.
bool is_left_alone(std::string_view flags) {
  for (std::string_view flag : split(flags, ' ')) {
    if (flag == "io" || flag == "pf" || flag == "lo" || flag == "ht") return true;
  }
  return false;
}

}  // namespace

std::vector<MappedRange> parse_smaps(std::string_view text) {
  std::vector<MappedRange> all;
  MappedRange current;
  bool is_special = true;  // nothing to keep yet
  const auto keep = [&] {
    const bool holds = current.resident.value > 0 || current.swapped.value > 0;
    if (!is_special && holds && all.size() < kMaxRanges) all.push_back(current);
    is_special = true;
  };
  for (std::string_view line : split(text, '\n')) {
    MappedRange next;
    bool next_is_special = false;
    if (parse_head(line, next, next_is_special)) {
      keep();
      current = next;
      is_special = next_is_special;
    } else if (line.starts_with("Rss:")) {
      current.resident = kib(number(field(line, "Rss")));
    } else if (line.starts_with("Swap:")) {
      current.swapped = kib(number(field(line, "Swap")));
    } else if (line.starts_with("VmFlags:")) {
      is_special = is_special || is_left_alone(field(line, "VmFlags"));
    }
  }
  keep();
  return all;
}

std::vector<std::vector<PageRange>> cut_in_pieces(const std::vector<MappedRange>& mapped,
                                                  PageOut what, ByteCount piece) {
  std::vector<std::vector<PageRange>> pieces;
  int64_t room = 0;  // in the last piece
  const auto put = [&](PageRange range, int64_t resident) {
    if (pieces.empty() || room <= 0 || pieces.back().size() >= kPieceRanges) {
      pieces.emplace_back();
      room = piece.value;
    }
    pieces.back().push_back(range);
    room -= resident;
  };
  for (const MappedRange& range : mapped) {
    if (range.resident.value <= 0) continue;
    if (what == PageOut::kFilesOnly && range.kind != MappedRange::Kind::kFile) continue;
    // As many cuts as pieces of resident memory, spread evenly over the addresses.
    const auto cuts = static_cast<uint64_t>((range.resident.value - 1) / piece.value + 1);
    uint64_t step = (range.pages.size() / cuts + kLargePage - 1) / kLargePage * kLargePage;
    step = std::max(step, kLargePage);
    for (uint64_t at = range.pages.begin; at < range.pages.end;) {
      const uint64_t border = (at / kLargePage) * kLargePage + step;
      const uint64_t end = cuts == 1 ? range.pages.end : std::min(range.pages.end, border);
      put({at, end}, range.resident.value / static_cast<int64_t>(cuts));
      at = end;
    }
  }
  return pieces;
}

std::vector<PageRange> worth_keeping(std::vector<PageRange> wanted, ByteCount room) {
  std::erase_if(wanted, [](const PageRange& range) { return range.size() > kLongRun * kPage; });
  std::ranges::stable_sort(wanted, {}, &PageRange::size);
  auto left = static_cast<uint64_t>(std::max<int64_t>(room.value, 0));
  size_t count = 0;
  while (count < wanted.size() && wanted[count].size() <= left) left -= wanted[count++].size();
  wanted.resize(count);
  std::ranges::sort(wanted, {}, &PageRange::begin);
  return wanted;
}

std::vector<PageRange> outside(const std::vector<PageRange>& ranges,
                               const std::vector<PageRange>& kept) {
  std::vector<PageRange> rest;
  for (const PageRange& range : ranges) {
    uint64_t at = range.begin;
    auto next = std::ranges::upper_bound(kept, range.begin, {}, &PageRange::end);
    for (; next != kept.end() && next->begin < range.end; ++next) {
      if (at < next->begin) rest.push_back({at, next->begin});
      at = next->end;
    }
    if (at < range.end) rest.push_back({at, range.end});
  }
  return rest;
}

void add_present(uint64_t begin, const uint64_t* words, size_t count, std::vector<PageRange>& to) {
  for (size_t i = 0; i < count; ++i) {
    if ((words[i] & kPresent) == 0) continue;
    const uint64_t at = begin + i * kPage;
    if (!to.empty() && to.back().end == at) {
      to.back().end += kPage;
    } else if (to.size() < kMaxRanges) {
      to.push_back({at, at + kPage});
    }
  }
}

}  // namespace thaw::sandbox
