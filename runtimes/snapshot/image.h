// The file of a snapshot: docs/formats/snapshot.md. Written by runtimes/python/snapshot.py, read by
// restore.cc; `Point` is filled by point.cc inside the process that is saved.
//
// Thread: any. Owner: values. Limits: kMaxTables for all tables together.
#pragma once

#include <cstdint>

namespace thaw::snapshot {

inline constexpr uint64_t kMagic = 0x0a70616e53776854;  // "ThwSnap\n"
inline constexpr uint32_t kVersion = 1;
inline constexpr uint64_t kPage = 4096;
inline constexpr uint64_t kMaxTables = 32ULL << 20;
inline constexpr int kSignals = 64;
inline constexpr int kCpuWords = 12;

/// As the kernel takes it in rt_sigaction(2).
struct Action {
  uint64_t handler, flags, restorer, mask;
};

/// What a process has beside its memory.
struct Point {
  uint64_t rbx, rbp, r12, r13, r14, r15, rsp, rip;  // 0: in the order that point.cc stores them
  uint64_t fs_base;
  uint32_t mxcsr;
  uint32_t x87_control;
  uint64_t blocked;      // signal mask
  uint64_t tid_address;  // where the kernel clears the thread's id, and the C library keeps it
  uint64_t robust_list, robust_length;
  uint64_t rseq, rseq_length, rseq_signature;  // rseq 0: not registered
  uint64_t alternate_stack, alternate_flags, alternate_size;
  uint32_t cpu[kCpuWords];
  Action actions[kSignals];
};

/// Where the kernel believes things to be: prctl(2), PR_SET_MM_MAP.
struct Places {
  uint64_t start_code, end_code, start_data, end_data, start_brk, brk, start_stack;
};

struct Header {
  uint64_t magic;
  uint32_t version;
  uint32_t checksum;  // CRC-32 of the header, with 0 here, and of all tables
  uint64_t file_size;
  uint64_t tables;  // offset of: Region[], File[], Span[], then the text
  uint32_t regions, files, spans;
  uint32_t text_length;  // strings of File, each ended by a zero byte
  char kernel[65];       // uname's release
  char comm[16];
  char unused[15];
  uint32_t vdso_checksum;
  uint32_t vdso_length;
  uint64_t vdso;  // where the code is
  uint64_t vvar;  // where the pages of data before it begin
  Places places;
  Point point;
};

/// One row of the process's map of memory.
struct Region {
  uint64_t start, length;
  uint32_t protection, flags;  // mmap(2)'s
  int32_t file;                // -1: none
  uint32_t advice;             // bits of kAdvice
  uint64_t offset;             // in the file
};
inline constexpr uint32_t kDontFork = 1, kWipeOnFork = 2, kDontDump = 4;

/// A file that is mapped, or was only read: then no region names it.
struct File {
  uint64_t device, inode, size, modified_s, modified_ns;
  uint32_t path;  // where in the text
  uint32_t is_mapped;
};

/// Pages of a region whose contents are in the snapshot, at `offset`.
struct Span {
  uint64_t start, length, offset;
  uint32_t region;
  uint32_t unused;
};

static_assert(sizeof(Header) == 2480 && sizeof(Region) == 40 && sizeof(File) == 48 &&
              sizeof(Span) == 32);

}  // namespace thaw::snapshot
