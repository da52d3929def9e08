#include "sandbox/memory_map.h"

#include <gtest/gtest.h>

#include <string>

namespace thaw::sandbox {
namespace {

using Kind = MappedRange::Kind;

std::string mapped(const std::string& head, int rss_kib, int swap_kib = 0,
                   const std::string& flags = "rd wr mr mw me ac sd") {
  return head + "\nSize:   99 kB\nRss:    " + std::to_string(rss_kib) +
         " kB\nPss:     1 kB\nSwap:   " + std::to_string(swap_kib) +
         " kB\nSwapPss: 0 kB\nVmFlags: " + flags + "\n";
}

TEST(MemoryMap, TellsFilesFromWhatWasWritten) {
  const auto all = parse_smaps(
      mapped("1000-3000 r-xp 00000000 08:01 1234    /usr/lib/a b.so", 8) +
      mapped("3000-5000 rw-p 00002000 08:01 1234    /usr/lib/a b.so", 4, 8) +
      mapped("7f0000000000-7f0000010000 rw-p 00000000 00:00 0 ", 12) +
      mapped("7f0000010000-7f0000020000 rw-s 00000000 00:01 77    /dev/shm/x (deleted)", 16));
  ASSERT_EQ(all.size(), 4U);
  EXPECT_EQ(all[0].kind, Kind::kFile);
  EXPECT_EQ(all[0].pages, (PageRange{0x1000, 0x3000}));
  EXPECT_EQ(all[0].resident, kib(8));
  EXPECT_EQ(all[1].kind, Kind::kAnonymous);
  EXPECT_EQ(all[1].swapped, kib(8));
  EXPECT_EQ(all[2].kind, Kind::kAnonymous);
  EXPECT_EQ(all[3].kind, Kind::kFile);
}

TEST(MemoryMap, LeavesOutWhatHoldsNothingOrCannotGo) {
  EXPECT_TRUE(parse_smaps(mapped("1000-3000 rw-p 00000000 00:00 0", 0)).empty());
  EXPECT_TRUE(parse_smaps(mapped("1000-3000 r--p 00000000 00:00 0    [vvar]", 4)).empty());
  EXPECT_TRUE(parse_smaps(mapped("1000-3000 r-xp 00000000 00:00 0    [vdso]", 4)).empty());
  EXPECT_TRUE(parse_smaps(mapped("1000-3000 rw-s 00000000 00:05 9 /dev/x", 4, 0, "io pf")).empty());
  EXPECT_TRUE(parse_smaps(mapped("1000-3000 rw-p 00000000 00:00 0", 4, 0, "rd lo")).empty());
  EXPECT_EQ(parse_smaps(mapped("1000-3000 rw-p 00000000 00:00 0    [heap]", 4)).size(), 1U);
  EXPECT_EQ(parse_smaps(mapped("1000-3000 rw-p 00000000 00:00 0", 0, 4)).size(), 1U);
}

TEST(MemoryMap, MalformedLinesAreSkipped) {
  for (const char* head : {"", "x", "1000", "1000-", "1000-3000", "3000-1000 rw-p 0 00:00 0",
                           "1001-3000 rw-p 00000000 00:00 0", "1000-3000 rw 00000000 00:00 0",
                           "fffffffffffffffff-1 rw-p 00000000 00:00 0"}) {
    EXPECT_TRUE(parse_smaps(mapped(head, 4)).empty()) << head;
  }
  EXPECT_TRUE(parse_smaps("Rss: 4 kB\nVmFlags:\nSwap:\n").empty());
}

TEST(MemoryMap, PiecesCoverEverythingOnceAndAreSmall) {
  constexpr uint64_t kMib = 1 << 20;
  std::vector<MappedRange> mapped;
  mapped.push_back({{kMib, 65 * kMib}, Kind::kAnonymous, mib(64), {}});
  mapped.push_back({{100 * kMib, 100'000 * kMib}, Kind::kAnonymous, mib(1), {}});  // sparse
  mapped.push_back({{200'000 * kMib, 200'001 * kMib}, Kind::kFile, mib(1), {}});
  mapped.push_back({{300'000 * kMib, 300'001 * kMib}, Kind::kFile, {}, mib(1)});  // gone
  const auto pieces = cut_in_pieces(mapped, PageOut::kEverything, mib(4));
  uint64_t at = kMib;
  uint64_t bytes = 0;
  for (const auto& piece : pieces) {
    for (const PageRange& range : piece) {
      if (range.begin < 65 * kMib) {
        EXPECT_EQ(range.begin, at);
        at = range.end;
        EXPECT_LE(range.size(), 6 * kMib);
      }
      bytes += range.size();
    }
  }
  EXPECT_EQ(at, 65 * kMib);
  EXPECT_EQ(bytes, (64 + 99'900 + 1) * kMib);
  EXPECT_LE(pieces.size(), 18U);
  EXPECT_GE(pieces.size(), 15U);
}

TEST(MemoryMap, WithoutSwapOnlyFilesGo) {
  const std::vector<MappedRange> mapped = {{{0x1000, 0x3000}, Kind::kAnonymous, kib(8), {}},
                                           {{0x5000, 0x6000}, Kind::kFile, kib(4), {}}};
  const auto pieces = cut_in_pieces(mapped, PageOut::kFilesOnly, mib(4));
  ASSERT_EQ(pieces.size(), 1U);
  EXPECT_EQ(pieces[0], (std::vector<PageRange>{{0x5000, 0x6000}}));
}

TEST(MemoryMap, APieceHasABoundedNumberOfRanges) {
  std::vector<MappedRange> mapped;
  for (uint64_t i = 1; i <= 2000; ++i) {
    mapped.push_back({{i * 2 * kPage, (i * 2 + 1) * kPage}, Kind::kAnonymous, kib(4), {}});
  }
  for (const auto& piece : cut_in_pieces(mapped, PageOut::kEverything, mib(64))) {
    EXPECT_LE(piece.size(), kPieceRanges);
  }
}

TEST(MemoryMap, TheShortestRangesAreWorthKeepingAndLongRunsAreNot) {
  const std::vector<PageRange> wanted = {{0, 4 * kPage},
                                         {10 * kPage, 11 * kPage},
                                         {100 * kPage, (101 + kLongRun) * kPage},
                                         {300 * kPage, 302 * kPage}};
  EXPECT_EQ(worth_keeping(wanted, mib(64)),
            (std::vector<PageRange>{wanted[0], wanted[1], wanted[3]}));
  EXPECT_EQ(worth_keeping(wanted, kib(16)), (std::vector<PageRange>{wanted[1], wanted[3]}));
  EXPECT_TRUE(worth_keeping(wanted, kib(3)).empty());
  EXPECT_TRUE(worth_keeping(wanted, {-1}).empty());
}

TEST(MemoryMap, WhatIsKeptIsCutOut) {
  const std::vector<PageRange> kept = {{2 * kPage, 3 * kPage}, {5 * kPage, 9 * kPage}};
  using Ranges = std::vector<PageRange>;
  EXPECT_EQ(outside({{0, 10 * kPage}}, kept),
            (Ranges{{0, 2 * kPage}, {3 * kPage, 5 * kPage}, {9 * kPage, 10 * kPage}}));
  EXPECT_EQ(outside({{2 * kPage, 6 * kPage}, {8 * kPage, 12 * kPage}}, kept),
            (Ranges{{3 * kPage, 5 * kPage}, {9 * kPage, 12 * kPage}}));
  EXPECT_TRUE(outside({{6 * kPage, 7 * kPage}}, kept).empty());
  EXPECT_EQ(outside({{3 * kPage, 4 * kPage}}, kept), (Ranges{{3 * kPage, 4 * kPage}}));
  EXPECT_EQ(outside({{0, kPage}}, {}), (Ranges{{0, kPage}}));
}

TEST(MemoryMap, PresentPagesJoinToRanges) {
  constexpr uint64_t kHere = uint64_t{1} << 63;
  constexpr uint64_t kSwapped = uint64_t{1} << 62;
  const uint64_t words[] = {kHere | 5, kHere, 0, kSwapped, kHere};
  std::vector<PageRange> ranges = {{0, kPage}};
  add_present(kPage, words, 5, ranges);
  EXPECT_EQ(ranges, (std::vector<PageRange>{{0, 3 * kPage}, {5 * kPage, 6 * kPage}}));
}

}  // namespace
}  // namespace thaw::sandbox
