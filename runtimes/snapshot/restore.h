// The parts of thaw-restore: see restore.cc.
//
// Thread: the only one. Owner: `state` lives as long as the process. Limits: a map of memory of 64
// KiB of its own, paths of 4 KiB.
#pragma once

#include <sys/mman.h>
#include <sys/stat.h>

#include "calls.h"
#include "image.h"

namespace thaw::snapshot {

inline constexpr uint64_t kHome = 0x600000000000;  // the linker's too; 1 GiB from here is ours
inline constexpr uint64_t kHomeEnd = kHome + (1ULL << 30);
inline constexpr uint64_t kTablesAt = kHome + (256ULL << 20);
inline constexpr uint64_t kVdsoAt = kHome + (512ULL << 20);
inline constexpr uint64_t kTop = 0x7ffffffff000;
inline constexpr uint64_t kSetMask = 2;  // SIG_SETMASK

struct Range {
  uint64_t start = 0, end = 0;
  bool overlaps(uint64_t from, uint64_t to) const { return start < to && from < end; }
};

struct State {
  char** words;  // the command line
  char** environment;
  Header header;
  const Region* regions;
  const File* files;
  const Span* spans;
  const char* text;
  Range stack, vdso;
  Range vvar;  // all of them, which lie together before the vdso
  long image;
};
extern State state;
extern char maps[64 << 10];  // /proc/self/maps as it was at the beginning

// ---- cold.cc ----

void say(const char* a, const char* b = "", const char* c = "");
/// Executes the program's own command instead.
[[noreturn]] void cold(const char* why, const char* about = "");
/// This process's memory lies where the image's is to go: other addresses are drawn at an exec.
[[noreturn]] void again();

// ---- checks.cc: each goes cold() when the image does not fit ----

uint64_t hex(const char*& at);
void look_at_own_memory();
void read_header();
void check_machine();
void check_tables();
void check_files();
void compare(const File& file, const struct stat& facts);

inline const char* path_of(const File& file) { return state.text + file.path; }

}  // namespace thaw::snapshot
